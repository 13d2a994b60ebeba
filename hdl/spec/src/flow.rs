//! Flows: live TCP connections of buckets that move, listed one by one.
//!
//! An entry says whose a connection is while its bucket changes hands: a PIN is this host's, and is looked up in buckets
//! being released; a FOREIGN is another host's, and is looked up in buckets being adopted. The host alone writes them, any
//! place at any time, in force at once. A frame never does: a forged or flooded SYN cannot reach the table.
//!
//! A connection is known by a 64-bit [`signature`](signature::signature) with a secret key of its own, and by the index of
//! its virtual IP, which is compared and not hashed. Two connections of one virtual IP with equal signatures cannot be
//! told apart; without the key nobody can look for such a pair, and by chance 4,096 flows meet a given newcomer once in
//! 2^52.

pub mod signature;
pub mod table;

pub use signature::{Connection, SignatureHash};
pub use table::FlowTable;

/// Whose a listed connection is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum FlowKind {
    /// This host's: passes while its bucket is RELEASE.
    Pin = 1,
    /// Another host's: dropped while its bucket is ADOPT.
    Foreign = 2,
}

impl FlowKind {
    /// From the two bits of an entry; `None` for 0, which marks an empty entry, and for 3, which nothing writes.
    pub fn from_bits(bits: u32) -> Option<FlowKind> {
        match bits & 3 {
            1 => Some(FlowKind::Pin),
            2 => Some(FlowKind::Foreign),
            _ => None,
        }
    }
}

/// One listed connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Entry {
    /// Its signature.
    pub signature: u64,
    /// Index of its virtual IP, 0..16.
    pub vip: u8,
    /// Whose it is.
    pub kind: FlowKind,
}

/// Bits of an entry in memory.
pub const ENTRY_BITS: u32 = 72;

impl Entry {
    /// The 72 bits in memory: signature 63:0 · virtual IP 67:64 · kind 69:68 · zero 71:70. An empty entry is all zero.
    pub fn encode(&self) -> u128 {
        u128::from(self.signature) | u128::from(self.vip & 15) << 64 | (self.kind as u128) << 68
    }

    /// The inverse of [`encode`](Entry::encode); `None` for an empty entry.
    pub fn decode(bits: u128) -> Option<Entry> {
        let kind = FlowKind::from_bits((bits >> 68) as u32)?;
        Some(Entry { signature: bits as u64, vip: (bits >> 64) as u8 & 15, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_round_trip_through_72_bits(signature: u64, vip in 0u8..16, foreign: bool) {
            let kind = if foreign { FlowKind::Foreign } else { FlowKind::Pin };
            let entry = Entry { signature, vip, kind };
            prop_assert_eq!(entry.encode() >> ENTRY_BITS, 0);
            prop_assert_eq!(Entry::decode(entry.encode()), Some(entry));
        }

        #[test]
        fn bits_without_a_kind_are_no_entry(signature: u64, vip in 0u8..16) {
            for kind in [0u128, 3] {
                prop_assert_eq!(Entry::decode(u128::from(signature) | u128::from(vip) << 64 | kind << 68), None);
            }
        }
    }
}
