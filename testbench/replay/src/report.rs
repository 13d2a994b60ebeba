//! What was counted.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use weir_spec::verdict::{Class, Decision, Reason};

/// Frames listed of each kind of fault; all are counted.
pub(crate) const LISTED: usize = 10;

/// A whole replay.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Report {
    /// Frames of the capture.
    pub frames: u64,
    /// Of these, shorter than 60 bytes: filled with zeros up to that, as a NIC's MAC and the device model do.
    pub padded: u64,
    /// Of which only the head was captured: they ran as captured.
    pub truncated: u64,
    /// Longer than the device model carries (9,238 bytes): they ran nevertheless.
    pub oversize: u64,
    /// The capture ends inside a frame, which did not run.
    pub cut_off: bool,
    /// Bits of the circuit; none if the specification ran alone.
    pub width: Option<usize>,
    /// Clocks of all circuits.
    pub clocks: u64,
    /// One for each host, host 1 first.
    pub hosts: Vec<HostReport>,
    /// Frames that a rule decided, of which the number of acceptances was checked.
    pub to_rules: u64,
    /// Frames on which some circuit and the specification differ.
    pub mismatched: u64,
    /// The first of them.
    pub mismatches: Vec<Mismatch>,
    /// Frames that a rule decided and that the wrong number of hosts accepted.
    pub miscounted: u64,
    /// The first of them.
    pub wrong_counts: Vec<WrongCount>,
}

/// What one host did.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub struct HostReport {
    /// Its number.
    pub host: u8,
    /// Frames it accepted.
    pub accepted: u64,
    /// Frames it dropped.
    pub dropped: u64,
    /// By class and by what decided.
    pub verdicts: Vec<Verdicts>,
    /// The accepted frames.
    pub out: PathBuf,
}

/// Frames of one class that the same thing decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Verdicts {
    /// What they are.
    pub class: &'static str,
    /// What decided.
    pub reason: &'static str,
    /// How many were accepted.
    pub accepted: u64,
    /// How many were dropped.
    pub dropped: u64,
}

/// A frame on which circuit and specification differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mismatch {
    /// Its number in the capture, from 1, as other programs count.
    pub frame: u64,
    /// The host whose circuit it was.
    pub host: u8,
    /// What each said.
    pub what: String,
}

/// A frame to a rule that not exactly one host accepted (none, for a disabled rule).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WrongCount {
    /// Its number in the capture, from 1.
    pub frame: u64,
    /// The rule, in the order of the hardware; 32 is the default rule.
    pub rule: u8,
    /// The hosts that accepted it.
    pub accepted_by: Vec<u8>,
    /// How many should have.
    pub wanted: usize,
}

impl Report {
    /// Whether circuit and specification agreed on every frame, and each frame to a rule had its one taker.
    pub fn held(&self) -> bool {
        self.mismatched == 0 && self.miscounted == 0
    }
}

/// Counts of one host while it runs.
#[derive(Default)]
pub(crate) struct Counts(BTreeMap<(Class, Reason), [u64; 2]>);

impl Counts {
    pub(crate) fn add(&mut self, decision: &Decision) {
        self.0.entry((decision.class, decision.reason)).or_default()[usize::from(decision.accept)] += 1;
    }

    pub(crate) fn report(&self, host: u8, out: PathBuf) -> HostReport {
        let verdicts: Vec<Verdicts> = self.0.iter().map(verdicts).collect();
        HostReport {
            host,
            accepted: verdicts.iter().map(|verdicts| verdicts.accepted).sum(),
            dropped: verdicts.iter().map(|verdicts| verdicts.dropped).sum(),
            verdicts,
            out,
        }
    }
}

fn verdicts((&(class, reason), &[dropped, accepted]): (&(Class, Reason), &[u64; 2])) -> Verdicts {
    Verdicts { class: class_name(class), reason: reason_name(reason), accepted, dropped }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Malformed => "malformed",
        Class::NotIp => "not IP",
        Class::NotVip => "no virtual IP",
        Class::OtherProtocol => "other IP protocol",
        Class::Icmp => "ICMP",
        Class::Echo => "echo request",
        Class::LaterFragment => "later fragment",
        Class::BeyondWindow => "beyond the window",
        Class::Transport => "TCP or UDP",
    }
}

fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Class => "class",
        Reason::Policy => "policy",
        Reason::Bucket => "bucket",
        Reason::Fenced => "fenced",
        Reason::Pin => "pinned flow",
        Reason::Foreign => "flow of another host",
    }
}

fn frames(count: u64) -> String {
    if count == 1 { "1 frame".into() } else { format!("{count} frames") }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.width {
            Some(width) => writeln!(f, "{} through {width} bits in {} clocks", frames(self.frames), self.clocks)?,
            None => writeln!(f, "{} through the specification", frames(self.frames))?,
        }
        for (count, what) in [
            (self.padded, "shorter than 60 bytes, filled with zeros as a MAC does"),
            (self.truncated, "captured in part, run as captured"),
            (self.oversize, "longer than the device model carries, run nevertheless"),
        ] {
            if count > 0 {
                writeln!(f, "  {} {what}", frames(count))?;
            }
        }
        if self.cut_off {
            writeln!(f, "  the capture ends inside frame {}, which did not run", self.frames + 1)?;
        }
        for host in &self.hosts {
            if self.hosts.len() > 1 {
                writeln!(f, "host {}", host.host)?;
            }
            writeln!(f, "  {:<18} {:<20} {:>9} {:>9}", "class", "decided by", "accepted", "dropped")?;
            for Verdicts { class, reason, accepted, dropped } in &host.verdicts {
                writeln!(f, "  {class:<18} {reason:<20} {accepted:>9} {dropped:>9}")?;
            }
            let HostReport { accepted, dropped, out, .. } = host;
            writeln!(f, "  {:<18} {:<20} {accepted:>9} {dropped:>9}", "all", "")?;
            writeln!(f, "  accepted: {}", out.display())?;
        }
        if self.width.is_some() && self.mismatched == 0 {
            writeln!(f, "circuit and specification agree on every frame")?;
        }
        for Mismatch { frame, host, what } in &self.mismatches {
            writeln!(f, "frame {frame} differs on host {host}: {what}")?;
        }
        more(f, self.mismatched, self.mismatches.len(), "differ")?;
        if self.hosts.len() > 1 && self.miscounted == 0 {
            writeln!(f, "{} to a rule, each accepted as often as it should be", frames(self.to_rules))?;
        }
        for WrongCount { frame, rule, accepted_by, wanted } in &self.wrong_counts {
            writeln!(f, "frame {frame} to rule {rule} was accepted by hosts {accepted_by:?}, should be by {wanted}")?;
        }
        more(f, self.miscounted, self.wrong_counts.len(), "were accepted by the wrong number of hosts")
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: u64, listed: usize, what: &str) -> fmt::Result {
    match all - listed as u64 {
        0 => Ok(()),
        rest => writeln!(f, "{rest} more {what}"),
    }
}
