//! What a NIC counts. All are 64 bit and wrap; a snapshot freezes all at one clock.

use crate::egress::Egress;
use crate::rules::RULES;
use crate::verdict::{Class, Decision, Reason};

/// Counters of a NIC, with the reserved places between the groups.
pub const COUNTERS: usize = RULE_DROPPED + RULES + 1;

/// Received frames dropped because the NIC is fenced.
pub const FENCED: usize = 16;
/// Received frames passed for a pinned flow.
pub const PIN_HITS: usize = 17;
/// Received frames dropped for a flow that another host holds.
pub const FOREIGN_HITS: usize = 18;
/// Received frames passed to the host.
pub const RX_PASSED: usize = 19;
/// Received frames dropped.
pub const RX_DROPPED: usize = 20;
/// Frames sent to the wire.
pub const TX_PASSED: usize = 21;
/// Frames sent whose source MAC was replaced.
pub const TX_MASKED: usize = 22;
/// Frames held back: by the fence, or because masking is off.
pub const TX_FENCED: usize = 23;
/// First of the counters of frames accepted, one a rule, the default rule last.
pub const RULE_ACCEPTED: usize = 32;
/// First of the counters of frames dropped, one a rule, the default rule last.
pub const RULE_DROPPED: usize = RULE_ACCEPTED + RULES + 1;

/// The counter of a class: its own number.
pub const fn class(class: Class) -> usize {
    class as usize
}

/// The name of a counter as docs and metrics show it; `None` for a reserved place.
pub fn name(index: usize) -> Option<String> {
    let name = match index {
        0 => "malformed",
        1 => "not_ip",
        2 => "not_vip",
        3 => "other_protocol",
        4 => "icmp",
        5 => "echo",
        6 => "later_fragment",
        7 => "beyond_window",
        8 => "transport",
        FENCED => "fenced",
        PIN_HITS => "pin_hits",
        FOREIGN_HITS => "foreign_hits",
        RX_PASSED => "rx_passed",
        RX_DROPPED => "rx_dropped",
        TX_PASSED => "tx_passed",
        TX_MASKED => "tx_masked",
        TX_FENCED => "tx_fenced",
        RULE_ACCEPTED..RULE_DROPPED => return Some(format!("rule_{}_accepted", index - RULE_ACCEPTED)),
        RULE_DROPPED..COUNTERS => return Some(format!("rule_{}_dropped", index - RULE_DROPPED)),
        _ => return None,
    };
    Some(name.to_string())
}

/// The counters that a received frame moves, each by one.
pub fn of_decision(decision: &Decision) -> impl Iterator<Item = usize> {
    let by_rule = match (decision.reason, decision.rule) {
        (Reason::Bucket | Reason::Pin | Reason::Foreign, Some(rule)) => {
            Some(usize::from(rule) + if decision.accept { RULE_ACCEPTED } else { RULE_DROPPED })
        }
        _ => None,
    };
    let by_reason = match decision.reason {
        Reason::Fenced => Some(FENCED),
        Reason::Pin => Some(PIN_HITS),
        Reason::Foreign => Some(FOREIGN_HITS),
        Reason::Class | Reason::Policy | Reason::Bucket => None,
    };
    let passed = if decision.accept { RX_PASSED } else { RX_DROPPED };
    [Some(class(decision.class)), Some(passed), by_rule, by_reason].into_iter().flatten()
}

/// The counters that a leaving frame moves, each by one.
pub fn of_egress(egress: &Egress) -> impl Iterator<Item = usize> {
    let passed = if egress.pass { TX_PASSED } else { TX_FENCED };
    [Some(passed), egress.masked.then_some(TX_MASKED)].into_iter().flatten()
}
