//! The phases of convergence, as one function from (phase, facts) to what comes next.
//!
//! ```text
//! Stopped -> Listening -> Agreeing -> Loaded -> Released -> Stable
//!    ^                        ^__________|__________|__________|   a loss: back to the view
//!    |__ Leaving <- any                  ^______________________   a proposal that outranks: loaded from any of the last four
//! ```
//!
//! - **Listening**: a whole tolerance since start, resume without an epoch, or link-up. A host that may have promised
//!   something before it was restarted keeps the promise by doing nothing in this time.
//! - **Agreeing**: needs an epoch. The default host of the view it believes in proposes one.
//! - **Loaded**: has the proposal's table and shows its digest. When all of its view have, losers release.
//! - **Released**: has given up what the proposal takes away and holds no promise to anyone outside it. When *all* of
//!   its view are here (or further), gainers own.
//! - **Stable**: the NIC runs the epoch.
//!
//! A member that vanishes in any phase drops the proposal; what was released stays released until a later epoch is
//! committed. The hand-over of live connections will put its own phases between Loaded and Stable; their codes on the wire
//! (5: releasing with pins, 7: adopting) are kept free for it.

use std::fmt;

/// Where a host is, as heartbeats tell it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum PhaseKind {
    /// Takes no part and owns nothing.
    #[default]
    Stopped = 0,
    /// Was told to stop; the NIC has not confirmed yet.
    Leaving = 1,
    /// Hears, owns nothing new.
    Listening = 2,
    /// Needs an epoch.
    Agreeing = 3,
    /// Has a proposal.
    Loaded = 4,
    /// Has given up what the proposal takes away.
    Released = 6,
    /// Runs an epoch and wants no other.
    Stable = 8,
}

impl PhaseKind {
    /// All, in the order of their codes.
    pub const ALL: [PhaseKind; 7] = [
        PhaseKind::Stopped,
        PhaseKind::Leaving,
        PhaseKind::Listening,
        PhaseKind::Agreeing,
        PhaseKind::Loaded,
        PhaseKind::Released,
        PhaseKind::Stable,
    ];

    /// From the octet of a heartbeat.
    pub fn from_code(code: u8) -> Option<PhaseKind> {
        PhaseKind::ALL.into_iter().find(|&phase| phase as u8 == code)
    }
}

impl fmt::Display for PhaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PhaseKind::Stopped => "stopped",
            PhaseKind::Leaving => "leaving",
            PhaseKind::Listening => "listening",
            PhaseKind::Agreeing => "converging",
            PhaseKind::Loaded => "loaded",
            PhaseKind::Released => "released",
            PhaseKind::Stable => "converged",
        })
    }
}
