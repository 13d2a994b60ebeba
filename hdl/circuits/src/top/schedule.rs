//! When what is where: clocks from a header's addresses (`a_valid`) to each step behind them.

use super::parts::*;
use crate::stage::engine::{flows, scope};
use crate::stage::gate::Gate;
use crate::stage::lookup::{self, Lookup};
use crate::stage::verdict::Verdict;

const fn latest(a: usize, b: usize) -> usize {
    if a > b {
        a
    } else {
        b
    }
}

/// The rules that the ports allow.
const HITS_AT: usize = PORTS_AT + HITS_AFTER;
/// Buckets and signature.
const HASH_AT: usize = PORTS_AT + HASH_AFTER;
/// Virtual IP and rules meet.
pub const SCOPE_AT: usize = latest(VIP_AT, HITS_AT);
const RULE_AT: usize = SCOPE_AT + scope::LATENCY;
/// Virtual IP and signature meet.
pub const FLOWS_AT: usize = latest(VIP_AT, HASH_AT);
const FLOW_AT: usize = FLOWS_AT + flows::LATENCY;
const LOOKUP: usize = lookup::latency(MID, MID);
/// All that chooses the map.
pub const LOOKUP_AT: usize = latest(latest(RULE_AT, HASH_AT), latest(KIND_AT, FLOW_AT.saturating_sub(LOOKUP)));
/// The fence is asked.
pub const FENCE_AT: usize = LOOKUP_AT + LOOKUP + MID;
const VERDICT_AT: usize = FENCE_AT + 1;

/// Clocks the virtual IP waits for the rules.
pub const VIP_TO_SCOPE: usize = SCOPE_AT - VIP_AT;
/// Clocks the rules wait for the virtual IP.
pub const HITS_TO_SCOPE: usize = SCOPE_AT - HITS_AT;
/// Clocks the kind waits for both.
pub const KIND_TO_SCOPE: usize = SCOPE_AT.saturating_sub(KIND_AT);
/// Clocks the rule waits for the look-up.
pub const RULE_TO_LOOKUP: usize = LOOKUP_AT - RULE_AT;
/// Clocks the buckets wait for it.
pub const BUCKET_TO_LOOKUP: usize = LOOKUP_AT - HASH_AT;
/// Clocks the virtual IP waits on: the look-up takes it a clock before the rule.
pub const VIP_TO_LOOKUP: usize = LOOKUP_AT - 1 - SCOPE_AT;
/// Clocks the kind waits on, likewise.
pub const KIND_TO_LOOKUP: usize = LOOKUP_AT - 1 - KIND_AT - KIND_TO_SCOPE;
/// Clocks the virtual IP waits for the signature.
pub const VIP_TO_FLOWS: usize = FLOWS_AT - VIP_AT;
/// Clocks the signature waits for the virtual IP.
pub const SIGNATURE_TO_FLOWS: usize = FLOWS_AT - HASH_AT;
/// Clocks a listed flow waits for the state.
pub const FLOW_TO_VERDICT: usize = LOOKUP_AT + LOOKUP - FLOW_AT;
/// Clocks the virtual IP of a leaving frame waits for the fence.
pub const TX_VIP_TO_FENCE: usize = FENCE_AT - TX_VIP_AT;
/// Of `Egress`, which asks the fence `TX_WAY + 2` clocks after the kind.
pub const TX_WAY: usize = FENCE_AT - KIND_AT - 2;

/// Clocks from the first beat of a frame to its verdict, at the most.
const VERDICT: usize = HEADER + FRONT + VERDICT_AT;
/// The verdict has to be in the queue when the beat leaves the line; without the extra register it may come in the same
/// clock.
const DELAY: usize = VERDICT + MID;
/// Clocks from a beat of `s_axis_rx` to the same beat of `m_axis_rx`; the same from `s_axis_tx` to `m_axis_tx`.
pub const LATENCY: usize = DELAY + MID + 1;

/// The look-up.
pub type TheLookup = Lookup<MID, MID>;
/// The verdict.
pub type TheVerdict = Verdict<MID>;
/// The gate of each way.
pub type TheGate = Gate<W, K, BYTE, { W + BYTE + 3 }, LINE, DELAY, MID>;
