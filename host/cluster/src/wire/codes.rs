//! Rule codes and weight slots.
//!
//! **Rule code.** No source states it. It was derived from the eight codes of the one public capture (tcpdump's
//! `tests/msnlb.pcap`), all of which this reproduces: `start | end << 12 | protocol << 24 | mode << 28 | affinity << 30`,
//! ORed in 32 bits, so that fields overlap for end ports above 4095. Start and end rest on eight values; the upper octet on
//! one (0x61), which would also read as affinity at 28 and mode at 30. Hence the shifts are named here and used nowhere
//! else. The code is lossy: good for an equality check, not to be parsed. (Equality of what it loses is checked by the
//! configuration digest.) Unused slots and the default rule carry 0.
//!
//! **Weight slot.** What Windows puts there was never published, so this is ours: the value in bits 7:0 as a dissector's
//! reader expects it, what it means in bits 9:8, bit 12 set while the host drains the rule and takes no share of it, bit 13 while
//! its service is unfit, bit 14 beside that if it serves not even as a [last resort](crate::fitness), the rest zero.
//!
//! | bits 9:8 | bits 7:0 |
//! |---|---|
//! | 0 | load weight 0..=100 |
//! | 1 | equal load; 50 |
//! | 2 | handling priority 1..=32 of a single-host rule |
//! | 3 | rule disabled; 0 |
//!
//! The default rule, in the slot after the last rule, is a single-host rule whose handling priority is the host's priority.

use weir_spec::rules::Protocol;

use crate::config::{Filtering, Load, PortRule};
use crate::fitness::Fitness;

/// Position of the last port in a rule code.
pub const END_SHIFT: u32 = 12;
/// Position of the protocol: 1 TCP, 2 UDP, 3 both.
pub const PROTOCOL_SHIFT: u32 = 24;
/// Position of the mode: 1 single host, 2 multiple, 3 disabled.
pub const MODE_SHIFT: u32 = 28;
/// Position of the affinity: 0 none, 1 single, 2 network.
pub const AFFINITY_SHIFT: u32 = 30;

/// The code of a rule. Loads and handling priorities are outside it: they may differ from host to host.
pub fn rule_code(rule: &PortRule) -> u32 {
    let protocol: u32 = match rule.protocol {
        Protocol::Tcp => 1,
        Protocol::Udp => 2,
        Protocol::Both => 3,
    };
    let mode: u32 = match rule.filtering {
        Filtering::Single(_) => 1,
        Filtering::Multiple(_) => 2,
        Filtering::Disabled => 3,
    };
    u32::from(rule.first_port)
        | u32::from(rule.last_port) << END_SHIFT
        | protocol << PROTOCOL_SHIFT
        | mode << MODE_SHIFT
        | (rule.affinity as u32) << AFFINITY_SHIFT
}

/// A weight slot for a filtering mode.
pub fn encode_weight(filtering: Filtering) -> u32 {
    match filtering {
        Filtering::Multiple(Load::Weight(weight)) => u32::from(weight),
        Filtering::Multiple(Load::Equal) => 1 << 8 | u32::from(Load::Equal.weight()),
        Filtering::Single(priority) => 2 << 8 | u32::from(priority),
        Filtering::Disabled => 3 << 8,
    }
}

/// Set in a weight slot while its host takes no new connections of the rule.
pub const DRAINS: u32 = 1 << 12;
/// Set while the service is unfit.
pub const UNFIT: u32 = 1 << 13;
/// Set beside [`UNFIT`] if the host is no last resort either.
pub const BARRED: u32 = 1 << 14;
/// All that keeps a host from its share, and is no part of its load.
pub const STATES: u32 = DRAINS | UNFIT | BARRED;

/// Whether the service is fit, by a weight slot.
pub fn fitness(slot: u32) -> Fitness {
    match (slot & UNFIT != 0, slot & BARRED != 0) {
        (false, _) => Fitness::Fit,
        (true, false) => Fitness::LastResort,
        (true, true) => Fitness::Unfit,
    }
}

/// The bits of a weight slot that tell it.
pub fn encode_fitness(fitness: Fitness) -> u32 {
    match fitness {
        Fitness::Fit => 0,
        Fitness::LastResort => UNFIT,
        Fitness::Unfit => UNFIT | BARRED,
    }
}

/// The filtering mode a weight slot tells, drained or not, fit or not; `None` if the slot means nothing.
pub fn decode_weight(slot: u32) -> Option<Filtering> {
    if slot & STATES & !DRAINS != encode_fitness(fitness(slot)) {
        return None;
    }
    let slot = slot & !STATES;
    let value = (slot & 0xff) as u8;
    match (slot >> 8, value) {
        (0, 0..=100) => Some(Filtering::Multiple(Load::Weight(value))),
        (1, 50) => Some(Filtering::Multiple(Load::Equal)),
        (2, 1..=32) => Some(Filtering::Single(value)),
        (3, 0) => Some(Filtering::Disabled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_spec::rules::{Affinity, VipSelect};

    #[test]
    fn the_eight_captured_codes_are_reproduced() {
        let code = |first_port, last_port| {
            rule_code(&PortRule {
                vip: VipSelect::All,
                first_port,
                last_port,
                protocol: Protocol::Tcp,
                affinity: Affinity::Single,
                filtering: Filtering::Multiple(Load::Equal),
            })
        };
        for (port, expected) in [
            (25, 0x6101_9019),
            (80, 0x6105_0050),
            (135, 0x6108_7087),
            (143, 0x6108_f08f),
            (443, 0x611b_b1bb),
            (587, 0x6124_b24b),
            (993, 0x613e_13e1),
        ] {
            assert_eq!(code(port, port), expected);
        }
        assert_eq!(code(1024, 65535), 0x6fff_f400);
    }

    #[test]
    fn every_slot_that_means_something_is_encoded_back_to_itself() {
        let read = (0..=0x1_0000u32)
            .filter(|&slot| decode_weight(slot).is_some_and(|f| encode_weight(f) == slot & !STATES))
            .count();
        let meant = (0..=0x1_0000u32).filter(|&slot| decode_weight(slot).is_some()).count();
        let (values, states) = (101 + 1 + 32 + 1, 2 * 3);
        assert_eq!((read, meant), (values * states, values * states), "each drained and not, by each fitness");
        for fitness in [Fitness::Fit, Fitness::LastResort, Fitness::Unfit] {
            assert_eq!(super::fitness(encode_fitness(fitness) | DRAINS | 50), fitness);
        }
        assert_eq!(decode_weight(BARRED), None, "without being unfit");
        assert_eq!(decode_weight(u32::MAX), None);
    }
}
