//! Port rules as a person writes them.

use std::net::IpAddr;

use serde::Deserialize;
use toml::Spanned;
use weir_spec::rules::{Affinity, Protocol, RULES, VipSelect};

use super::check::{self, Check, RawCheck};
use super::error::{ConfigError, Source};
use super::number::{Number, number};

/// One `[[rule]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PortRule {
    /// Virtual IPs.
    pub vip: VipSelect,
    /// First destination port.
    pub first_port: u16,
    /// Last destination port, inclusive.
    pub last_port: u16,
    /// Transport protocols.
    pub protocol: Protocol,
    /// Filtering mode.
    pub mode: Mode,
    /// How this host sees whether its service is fit; `None`: it is taken to be.
    pub check: Option<Check>,
}

/// Filtering mode, with what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// All hosts share the traffic.
    Multiple {
        /// What is hashed.
        affinity: Affinity,
        /// Load weight 0..=100 of this host; `None`: equal load.
        weight: Option<u8>,
    },
    /// The active host with the lowest handling priority takes all.
    Single {
        /// Handling priority of this host, 1..=32, unique in the cluster.
        priority: u8,
    },
    /// Nobody takes any.
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    vip: Option<Spanned<String>>,
    ports: Spanned<RawPorts>,
    protocol: Option<Spanned<String>>,
    mode: Option<Spanned<String>>,
    affinity: Option<Spanned<String>>,
    weight: Option<Spanned<Number>>,
    priority: Option<Spanned<Number>>,
    check: Option<RawCheck>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a port, or a range as in \"1-1023\"")]
enum RawPorts {
    One(i64),
    Range(String),
}

/// Checks all rules, and that no two of the same virtual IP overlap.
pub(super) fn check(source: &Source<'_>, raw: Vec<RawRule>, vips: &[IpAddr]) -> Result<Vec<PortRule>, ConfigError> {
    let mut rules: Vec<PortRule> = Vec::new();
    for raw in raw {
        let span = raw.ports.span();
        let rule = one(source, raw, vips)?;
        if rules.len() == RULES {
            return Err(source.wrong(span, "rule", "the 33rd", "at most 32 rules"));
        }
        let overlap = |other: &&PortRule| {
            other.vip == rule.vip
                && (other.protocol.tcp() && rule.protocol.tcp() || other.protocol.udp() && rule.protocol.udp())
                && other.first_port <= rule.last_port
                && rule.first_port <= other.last_port
        };
        if let Some(other) = rules.iter().find(overlap) {
            let wanted = format!("apart from {}-{} of the same virtual IP", other.first_port, other.last_port);
            let value = format!("{}-{}", rule.first_port, rule.last_port);
            return Err(source.wrong(span, "rule.ports", &value, &wanted));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn one(source: &Source<'_>, mut raw: RawRule, vips: &[IpAddr]) -> Result<PortRule, ConfigError> {
    let check = raw.check.take();
    let vip = match &raw.vip {
        None => VipSelect::All,
        Some(text) if text.get_ref() == "all" => VipSelect::All,
        Some(text) => {
            let found = text.get_ref().parse().ok().and_then(|wanted: IpAddr| vips.iter().position(|v| *v == wanted));
            let index = found.ok_or_else(|| {
                source.wrong(text.span(), "rule.vip", text.get_ref(), "\"all\" or one of cluster.vips")
            })?;
            VipSelect::One(index as u8)
        }
    };
    let (first_port, last_port) = ports(raw.ports.get_ref()).ok_or_else(|| {
        let text = source.slice(raw.ports.span());
        source.wrong(raw.ports.span(), "rule.ports", text, "a port, or a range as in \"1-1023\", lower end first")
    })?;
    let choice = |text: &Option<Spanned<String>>, field, wanted: &str, legal: &[&str]| match text {
        None => Ok(0),
        Some(text) => legal
            .iter()
            .position(|l| l == text.get_ref())
            .ok_or_else(|| source.wrong(text.span(), field, text.get_ref(), wanted)),
    };
    let protocol = choice(&raw.protocol, "rule.protocol", "\"both\", \"tcp\" or \"udp\"", &["both", "tcp", "udp"])?;
    let mode = choice(
        &raw.mode,
        "rule.mode",
        "\"multiple\", \"single\" or \"disabled\"",
        &["multiple", "single", "disabled"],
    )?;
    // NLB's default for a rule of its own is single affinity (TechNet, port rule defaults).
    let affinity =
        choice(&raw.affinity, "rule.affinity", "\"single\", \"none\" or \"network\"", &["single", "none", "network"])?;
    let filtering = mode_of(source, &raw, mode, [Affinity::Single, Affinity::None, Affinity::Network][affinity])?;
    if let (Mode::Disabled, true, Some(mode)) = (&filtering, check.is_some(), &raw.mode) {
        let wanted = "\"multiple\" or \"single\" beside rule.check: nobody takes what is disabled";
        return Err(source.wrong(mode.span(), "rule.mode", mode.get_ref(), wanted));
    }
    Ok(PortRule {
        vip,
        first_port,
        last_port,
        protocol: [Protocol::Both, Protocol::Tcp, Protocol::Udp][protocol],
        mode: filtering,
        check: check.map(|raw| check::check(source, raw, Some(first_port), vips)).transpose()?,
    })
}

fn mode_of(source: &Source<'_>, raw: &RawRule, mode: usize, affinity: Affinity) -> Result<Mode, ConfigError> {
    if let (true, Some(affinity)) = (mode != 0, &raw.affinity) {
        let wanted = "absent unless mode is \"multiple\"";
        return Err(source.wrong(affinity.span(), "rule.affinity", affinity.get_ref(), wanted));
    }
    if let (true, Some(weight)) = (mode != 0, &raw.weight) {
        let wanted = "absent unless mode is \"multiple\"";
        return Err(source.wrong(weight.span(), "rule.weight", source.slice(weight.span()), wanted));
    }
    if let (true, Some(priority)) = (mode != 1, &raw.priority) {
        let wanted = "absent unless mode is \"single\"";
        return Err(source.wrong(priority.span(), "rule.priority", source.slice(priority.span()), wanted));
    }
    match mode {
        0 => {
            let weight =
                raw.weight.as_ref().map(|weight| number(source, weight, "rule.weight", 0..=100)).transpose()?;
            Ok(Mode::Multiple { affinity, weight })
        }
        1 => match &raw.priority {
            Some(priority) => Ok(Mode::Single { priority: number(source, priority, "rule.priority", 1..=32)? }),
            None => {
                let wanted = "beside rule.priority, this host's handling priority 1 to 32";
                Err(source.wrong(raw.ports.span(), "rule.mode", "single", wanted))
            }
        },
        _ => Ok(Mode::Disabled),
    }
}

fn ports(raw: &RawPorts) -> Option<(u16, u16)> {
    match raw {
        RawPorts::One(port) => u16::try_from(*port).ok().map(|port| (port, port)),
        RawPorts::Range(text) => {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some((first, last))
        }
    }
}
