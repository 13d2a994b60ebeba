//! What the 64-bit circuit is made of.

use crate::control::heat::Heat;
use crate::front::narrow::{self, Narrow};
use crate::stage::engine::flows::Flows;
use crate::stage::engine::ports::{self, Ports};
use crate::stage::engine::vips::{SlowVips64, Vips64};
use crate::stage::engine::{hash, hash::Hash64, vips};

/// Bits a beat.
pub const W: usize = 64;
/// Bytes a beat.
pub const K: usize = 8;
/// Clocks after its first beat in which a header must be complete.
pub const HEADER: usize = narrow::HEADER_CLOCKS;
/// Clocks from the end of a header to its addresses.
pub const FRONT: usize = narrow::LATENCY;
/// Clocks from addresses to ports.
pub const PORTS_AT: usize = 0;
/// Clocks from addresses to kind.
pub const KIND_AT: usize = narrow::judge::CLOCKS;
/// Clocks from addresses to their virtual IP.
pub const VIP_AT: usize = vips::latency(4);
/// The same for leaving frames.
pub const TX_VIP_AT: usize = vips::latency(8);
/// Clocks from ports to the rules that they allow.
pub const HITS_AFTER: usize = ports::latency(4);
/// Clocks from ports to buckets and signature.
pub const HASH_AFTER: usize = hash::latency(8);
/// Registers where logic is slow.
pub const MID: usize = 1;
/// Places of the delay line, as a power of two.
pub const LINE: usize = 6;
/// Bits of the number of a byte in a beat.
pub const BYTE: usize = 3;

/// Bits of the live counters of a rule.
pub const RULE_TALLY: usize = 6;

/// The front.
pub type Front = Narrow;
/// Virtual IPs of received frames.
pub type RxVips = Vips64;
/// Virtual IPs of leaving frames.
pub type TxVips = SlowVips64;
/// Rules by port.
pub type ThePorts = Ports<8, 4, 3, 6>;
/// Buckets and signature.
pub type TheHash = Hash64;
/// Frames a bucket.
pub type TheHeat = Heat;

/// A look-up is in at most every eighth clock.
pub fn flow_table() -> Flows {
    Flows::yielding()
}
