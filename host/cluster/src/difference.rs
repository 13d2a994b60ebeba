//! In what another host does not fit this one.
//!
//! NLB's event log names the kind of fault (bad configuration, rule count, modified rules, modified parameters, two hosts
//! of one priority) and leaves the administrator to compare hosts by hand. A heartbeat says more: the number of rules, a
//! code and a weight slot for each, the partition mode. What it does not say is covered by one digest.

use std::fmt;

use weir_spec::mac::Mac;

use crate::action::Cause;
use crate::config::{Filtering, Mode, PortRule};
use crate::wire::codes;

/// The first thing found to differ; all hosts look in the same order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Difference {
    /// The other host's partition mode.
    Mode(Mode),
    /// Numbers of port rules.
    RuleCount {
        /// Here.
        ours: usize,
        /// There.
        theirs: usize,
    },
    /// A rule in the same slot.
    Rule {
        /// Slot: the index among the rules sorted by first port.
        slot: usize,
        /// The rule here.
        ours: PortRule,
        /// The rule's code there; see [`codes`].
        theirs: u32,
    },
    /// Two hosts take a single-host rule with one handling priority (event 20 of NLB).
    HandlingPriority {
        /// Slot of the rule.
        slot: usize,
        /// What both say.
        priority: u8,
    },
    /// The weight slots of a rule cannot be of one rule, or the other's cannot be read.
    Weight {
        /// Slot of the rule.
        slot: usize,
        /// What the other says.
        theirs: u32,
    },
    /// How frames reach all hosts, by the MAC that heartbeats go to; the digest differs too.
    Addressing {
        /// Where this host's go.
        ours: Mac,
        /// Where the other's go.
        theirs: Mac,
    },
    /// The digest of all the rest.
    Digest,
}

impl Difference {
    /// The cause that a heartbeat carries for it.
    pub fn cause(&self) -> Cause {
        match self {
            Difference::Mode(_) => Cause::Mode,
            Difference::RuleCount { .. } => Cause::RuleCount,
            Difference::Rule { .. } => Cause::Rules,
            Difference::HandlingPriority { .. } | Difference::Weight { .. } => Cause::BadConfig,
            Difference::Addressing { .. } | Difference::Digest => Cause::Parameters,
        }
    }

    /// Between the weight slots of two hosts with as many rules, the default rule's behind them. Loads may differ, and
    /// whether a host drains.
    pub(crate) fn of_weights(ours: &[u32], theirs: &[u32]) -> Option<Difference> {
        ours.iter().zip(theirs).enumerate().find_map(|(slot, (&our, &their))| {
            match (codes::decode_weight(our), codes::decode_weight(their)) {
                (Some(Filtering::Multiple(_)), Some(Filtering::Multiple(_)))
                | (Some(Filtering::Disabled), Some(Filtering::Disabled)) => None,
                (Some(Filtering::Single(ours)), Some(Filtering::Single(theirs))) => {
                    (ours == theirs).then_some(Difference::HandlingPriority { slot, priority: ours })
                }
                _ => Some(Difference::Weight { slot, theirs: their }),
            }
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Mode(Mode::Quorum) => f.write_str("its partition mode is quorum, here it is availability"),
            Difference::Mode(Mode::Availability) => f.write_str("its partition mode is availability, here it is quorum"),
            Difference::RuleCount { ours, theirs } => write!(f, "it has {theirs} port rules, here there are {ours}"),
            Difference::Rule { slot, ours, theirs } => {
                let code = codes::rule_code(ours);
                write!(
                    f,
                    "its rule {slot} has code {theirs:#010x}, here it is for ports {}-{} and has {code:#010x}: ports, \
                     protocol, mode or affinity differ",
                    ours.first_port, ours.last_port
                )
            }
            Difference::HandlingPriority { slot, priority } => {
                write!(f, "it takes rule {slot} with handling priority {priority}, as this host does; they must differ")
            }
            Difference::Weight { slot, theirs } => {
                write!(f, "its weight of rule {slot} is {theirs:#x}, which cannot be of the rule that is here")
            }
            Difference::Addressing { ours, theirs } => {
                write!(f, "its heartbeats go to {theirs}, here they go to {ours}: unicast, multicast or IGMP mode differs")
            }
            Difference::Digest => f.write_str(
                "the rules look alike and a digest differs: heartbeat period or tolerance, virtual IPs, which rule is for which of them, hash key, a policy, or in quorum mode the hosts",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Load;

    fn slots(filtering: &[Filtering]) -> Vec<u32> {
        filtering.iter().map(|&filtering| codes::encode_weight(filtering)).collect()
    }

    #[test]
    fn loads_and_drains_are_no_difference() {
        let ours = slots(&[Filtering::Multiple(Load::Equal), Filtering::Single(1), Filtering::Disabled]);
        let mut theirs = slots(&[Filtering::Multiple(Load::Weight(3)), Filtering::Single(2), Filtering::Disabled]);
        theirs[0] |= codes::DRAINS;
        assert_eq!(Difference::of_weights(&ours, &theirs), None);
    }

    #[test]
    fn one_handling_priority_twice_is_told_with_its_rule() {
        let ours = slots(&[Filtering::Multiple(Load::Equal), Filtering::Single(4)]);
        let found = Difference::of_weights(&ours, &ours).expect("both have 4");
        assert_eq!(found, Difference::HandlingPriority { slot: 1, priority: 4 });
        assert_eq!(found.cause(), Cause::BadConfig);
        assert!(found.to_string().contains("rule 1 with handling priority 4"), "{found}");
    }

    #[test]
    fn other_modes_and_what_cannot_be_read_are_told_as_they_are() {
        let ours = slots(&[Filtering::Multiple(Load::Equal)]);
        for theirs in [slots(&[Filtering::Disabled])[0], u32::MAX] {
            assert_eq!(Difference::of_weights(&ours, &[theirs]), Some(Difference::Weight { slot: 0, theirs }));
        }
    }
}
