//! The phases of convergence, as one function from (phase, facts) to what comes next.
//!
//! ```text
//! Stopped -> Listening -> Agreeing -> Loaded -> Listed -> Released -> Stable
//!    ^                        ^__________|_________|__________|__________|   a loss: back to the view
//!    |__ Leaving <- any                  ^________________________________   a proposal that outranks: from any of the last five
//! ```
//!
//! - **Listening**: a whole tolerance since start, resume without an epoch, or link-up. A host that may have promised
//!   something before it was restarted keeps the promise by doing nothing in this time.
//! - **Agreeing**: needs an epoch. The default host of the view it believes in proposes one.
//! - **Loaded**: has the proposal's table and shows its digest, and lists its live connections for those who will have
//!   their buckets. What answers SYN cookies is waited for here.
//! - **Listed**: all of them have listed what it told. When all of its view are here, losers release.
//! - **Released**: has given up what the proposal takes away, has had the rest of its connections listed, and holds no
//!   promise to anyone outside it. When *all* of its view are here (or further), gainers own.
//! - **Stable**: the NIC runs the epoch. Connections may go on draining: that concerns single buckets and outlives epochs.
//!
//! A member that vanishes in any phase drops the proposal; what was released stays released until a later epoch is
//! committed.

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
    /// Has had its connections listed where their buckets will be.
    Listed = 5,
    /// Has given up what the proposal takes away.
    Released = 6,
    /// Runs an epoch and wants no other.
    Stable = 8,
}

impl PhaseKind {
    /// All, in the order of their codes.
    pub const ALL: [PhaseKind; 8] = [
        PhaseKind::Stopped,
        PhaseKind::Leaving,
        PhaseKind::Listening,
        PhaseKind::Agreeing,
        PhaseKind::Loaded,
        PhaseKind::Listed,
        PhaseKind::Released,
        PhaseKind::Stable,
    ];

    /// Whether a NIC may run an epoch in this phase.
    pub fn may_serve(self) -> bool {
        matches!(self, PhaseKind::Loaded | PhaseKind::Listed | PhaseKind::Released | PhaseKind::Stable)
    }

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
            PhaseKind::Listed => "listed",
            PhaseKind::Released => "released",
            PhaseKind::Stable => "converged",
        })
    }
}

/// What decides about the next phase.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Facts {
    /// The listening window is over and the NIC has confirmed to own nothing.
    pub listened: bool,
    /// A member of the loaded proposal is gone.
    pub lost: bool,
    /// The NIC runs a whole epoch, and its members are those this host would be with.
    pub settled: bool,
    /// A proposal of another host is here that ranks above all before it and fits this host's view.
    pub outranked: bool,
    /// This host is the one to propose, and there is reason to.
    pub propose: bool,
    /// Everybody has answered for the connections that leave with the loaded proposal.
    pub listed: bool,
    /// Every host of the loaded proposal has listed, and this one has not begun to release.
    pub all_listed: bool,
    /// No promise to a host outside the loaded proposal is left.
    pub promises_over: bool,
    /// The NIC holds no more than the loaded proposal leaves, and everybody has answered for what it found then.
    pub released: bool,
    /// Every host of the loaded proposal has released, and echoes this host.
    pub all_released: bool,
    /// The NIC is fenced under a whole epoch, which every member shows, echoing a beat sent after the fence.
    pub recommit: bool,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Move {
    /// Ask for an epoch.
    Agree,
    /// Make a proposal and load it.
    Propose,
    /// Load what another host proposes.
    Load,
    /// Forget the loaded proposal: back to the view, or to the epoch if nothing was released and nobody is missing.
    Drop,
    /// Say that what leaves is listed.
    List,
    /// Program the NIC to hold no more than the loaded proposal leaves.
    Release,
    /// Say that it is so.
    Report,
    /// Program the NIC to hold what the loaded proposal gives.
    Own,
    /// Program the NIC with the committed epoch once more.
    Recommit,
}

/// What comes next; `None` if there is nothing to do but wait.
pub fn next(phase: PhaseKind, facts: &Facts) -> Option<Move> {
    use PhaseKind::*;
    let ballot = match () {
        () if facts.outranked => Some(Move::Load),
        () if facts.propose => Some(Move::Propose),
        () => None,
    };
    match phase {
        Stopped | Leaving => None,
        Listening => facts.listened.then_some(Move::Agree),
        Loaded | Listed | Released if facts.lost => Some(Move::Drop),
        Loaded if ballot.is_none() && facts.listed => Some(Move::List),
        Listed if ballot.is_none() && facts.released => Some(Move::Report),
        Listed if ballot.is_none() && facts.all_listed && facts.promises_over => Some(Move::Release),
        Released if ballot.is_none() && facts.all_released && facts.promises_over => Some(Move::Own),
        Stable if ballot.is_none() && !facts.settled => Some(Move::Agree),
        Stable if ballot.is_none() && facts.recommit => Some(Move::Recommit),
        Agreeing | Loaded | Listed | Released | Stable => ballot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 11] = [
        "listened",
        "lost",
        "settled",
        "outranked",
        "propose",
        "listed",
        "all listed",
        "promises over",
        "released",
        "all released",
        "recommit",
    ];

    fn facts(bits: u32) -> Facts {
        let bit = |index: u32| bits >> index & 1 == 1;
        Facts {
            listened: bit(0),
            lost: bit(1),
            settled: bit(2),
            outranked: bit(3),
            propose: bit(4),
            listed: bit(5),
            all_listed: bit(6),
            promises_over: bit(7),
            released: bit(8),
            all_released: bit(9),
            recommit: bit(10),
        }
    }

    /// For each phase and move the facts that must hold and those that must not, from all 2048 combinations.
    fn walk() -> String {
        let mut lines = String::new();
        for phase in PhaseKind::ALL {
            use Move::*;
            for step in [Agree, Propose, Load, Drop, List, Release, Report, Own, Recommit] {
                let cases: Vec<u32> = (0..2048).filter(|&bits| next(phase, &facts(bits)) == Some(step)).collect();
                if cases.is_empty() {
                    continue;
                }
                let always = cases.iter().fold(u32::MAX, |all, bits| all & bits);
                let ever = cases.iter().fold(0, |any, bits| any | bits);
                lines += &format!("{phase:?} -> {step:?}:");
                for (index, name) in NAMES.iter().enumerate() {
                    match (always >> index & 1, ever >> index & 1) {
                        (1, _) => lines += &format!(" +{name}"),
                        (_, 0) => lines += &format!(" -{name}"),
                        _ => {}
                    }
                }
                lines += &format!(" ({} of 2048)\n", cases.len());
            }
        }
        lines
    }

    #[test]
    fn every_pair_of_phase_and_facts_moves_as_drawn() {
        assert_eq!(walk(), include_str!("phase.golden"));
    }
}
