//! Frames on their way into the NIC: how they are driven, and what their pace makes of them.

use std::rc::Rc;

use fastrand::Rng;
use weir_rtl::{Side, Width};
use weir_spec::frame::{MIN_FRAME, Parsed, WINDOW, parse};

use crate::rig::Rig;
use crate::seed::chance;

/// What went into a frame, for coverage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Made {
    /// VLAN tags.
    pub(crate) vlans: u8,
    /// 4, 6, or 0 for anything else.
    pub(crate) family: u8,
    /// 32-bit words of the IPv4 header.
    pub(crate) ihl: u8,
    /// IPv6 extension headers.
    pub(crate) extensions: u8,
    /// Protocol number behind them.
    pub(crate) protocol: u8,
    /// Cut somewhere in its headers.
    pub(crate) cut: bool,
}

/// A frame and how it is driven.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    /// Its bytes, which may be sent many times.
    pub(crate) bytes: Rc<Vec<u8>>,
    /// Clocks without a beat before each beat.
    pub(crate) waits: Vec<u8>,
    /// Its MAC found it bad: `tuser` is set on its last beat.
    pub(crate) bad: bool,
    /// What it is.
    pub(crate) made: Made,
}

impl Shot {
    /// Bytes alone, driven without a gap.
    pub(crate) fn plain(bytes: Vec<u8>) -> Shot {
        Shot { bytes: Rc::new(bytes), waits: Vec::new(), bad: false, made: Made::default() }
    }

    /// Beats of the frame.
    pub(crate) fn beats(&self, width: Width) -> usize {
        width.beats(self.bytes.len())
    }

    /// Beats of its header window.
    pub(crate) fn header_beats(&self, width: Width) -> usize {
        self.beats(width).min(WINDOW / width.bytes())
    }

    /// Beats after which nothing that follows changes what the frame is: the first ones that parse, else the window.
    fn decided_beats(&self, width: Width) -> usize {
        let header = self.header_beats(width);
        let parses =
            |beats: usize| parse(&self.bytes[..self.bytes.len().min(width.bytes() * beats)]) != Parsed::Malformed;
        (width.beats(MIN_FRAME)..header).find(|&beats| parses(beats)).unwrap_or(header)
    }

    /// Clocks from its first beat to the last of the first `beats`.
    fn clocks_to(&self, beats: usize) -> usize {
        beats - 1 + self.waits.iter().take(beats).skip(1).map(|wait| usize::from(*wait)).sum::<usize>()
    }

    /// Whether its header is complete later than the pipeline waits for: then it does not pass, whatever it holds.
    pub(crate) fn late(&self, width: Width) -> bool {
        let late = |beats| self.clocks_to(beats) > width.header_clocks();
        late(self.header_beats(width)) && late(self.decided_beats(width))
    }

    /// Whether it is malformed, and may or may not be known to be before it is late: a circuit need not say when.
    pub(crate) fn late_or_malformed(&self, width: Width) -> bool {
        self.late(width) && parse(&self.bytes) == Parsed::Malformed
    }

    /// Puts gaps in: before the frame, inside its header as far as the bound allows (or beyond it), behind the header.
    pub(crate) fn with_gaps(mut self, width: Width, rng: &mut Rng) -> Shot {
        let header = self.header_beats(width);
        self.waits = vec![0; self.beats(width)];
        if chance(rng, 50) {
            self.waits[0] = rng.u8(..24);
        }
        let slack = width.header_clocks() + 1 - header;
        let total = match rng.u32(..8) {
            0..3 => 0,
            3..5 => rng.usize(..=slack.min(20)),
            5 => slack,
            6 => slack + 1,
            _ => slack + rng.usize(..30),
        };
        if header > 1 {
            for _ in 0..total {
                self.waits[rng.usize(1..header)] += 1;
            }
        }
        if chance(rng, 30) {
            for wait in self.waits.iter_mut().skip(header) {
                *wait = if chance(rng, 30) { rng.u8(..6) } else { 0 };
            }
        }
        self
    }
}

/// Frames that are sent again and again: what is costly is to build them and to judge them, not to send them.
pub(crate) struct Bank {
    side: Side,
    shots: Vec<Shot>,
}

/// How frames follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pace {
    /// A beat in each clock.
    Full,
    /// Gaps between frames and inside them.
    Gaps,
    /// One or the other, some marked as bad.
    Mixed,
}

impl Bank {
    /// Keeps `shots` for one side.
    pub(crate) fn new(side: Side, shots: Vec<Shot>) -> Bank {
        Bank { side, shots }
    }

    /// Its frames.
    pub(crate) fn shots(&self) -> &[Shot] {
        &self.shots
    }

    /// Queues random ones of them until they take `clocks` clocks.
    pub(crate) fn send(&self, rig: &mut Rig, rng: &mut Rng, pace: Pace, clocks: usize) {
        let width = rig.width();
        let mut taken = 0;
        while taken < clocks {
            let mut shot = self.shots[rng.usize(..self.shots.len())].clone();
            if pace == Pace::Gaps || pace == Pace::Mixed && chance(rng, 20) {
                shot = shot.with_gaps(width, rng);
                if self.side == Side::Tx && shot.late_or_malformed(width) {
                    shot.waits.clear();
                }
            }
            shot.bad = pace == Pace::Mixed && chance(rng, 5);
            taken += shot.beats(width) + shot.waits.iter().map(|wait| usize::from(*wait)).sum::<usize>();
            rig.push(self.side, shot);
        }
    }
}
