//! What the 512-bit circuit is made of.

use crate::control::heat::FastHeat;
use crate::front::wide::{self, Wide};
use crate::stage::engine::flows::Flows;
use crate::stage::engine::ports::{self, Ports512};
use crate::stage::engine::{hash, hash::Hash512, vips, vips::Vips512};

/// Bits a beat.
pub const W: usize = 512;
/// Bytes a beat.
pub const K: usize = 64;
/// Clocks after its first beat in which a header must be complete.
pub const HEADER: usize = wide::window::SECOND_CLOCKS as usize;
/// Clocks from the end of a header to its addresses.
pub const FRONT: usize = wide::ADDRESSES;
/// Clocks from addresses to ports.
pub const PORTS_AT: usize = wide::PORTS;
/// Clocks from addresses to kind.
pub const KIND_AT: usize = wide::KIND;
/// Clocks from addresses to their virtual IP.
pub const VIP_AT: usize = vips::latency(1);
/// The same for leaving frames.
pub const TX_VIP_AT: usize = vips::latency(1);
/// Clocks from ports to the rules that they allow.
pub const HITS_AFTER: usize = ports::latency(1);
/// Clocks from ports to buckets and signature.
pub const HASH_AFTER: usize = hash::latency(1);
/// Registers where logic is slow.
pub const MID: usize = 0;
/// Places of the delay line, as a power of two.
pub const LINE: usize = 5;
/// Bits of the number of a byte in a beat.
pub const BYTE: usize = 6;

/// Bits of the live counters of a rule.
pub const RULE_TALLY: usize = 9;

/// The front.
pub type Front = Wide;
/// Virtual IPs of received frames.
pub type RxVips = Vips512;
/// Virtual IPs of leaving frames.
pub type TxVips = Vips512;
/// Rules by port.
pub type ThePorts = Ports512;
/// Buckets and signature.
pub type TheHash = Hash512;
/// Frames a bucket.
pub type TheHeat = FastHeat;

/// A look-up may be in every clock.
pub fn flow_table() -> Flows {
    Flows::prompt()
}
