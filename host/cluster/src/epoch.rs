//! Names of epochs.

use std::fmt;

/// The name of one agreed distribution of all buckets.
///
/// The counter is one more than the highest its proposer had seen anywhere; the lineage is random, so that the two sides
/// of a partition that count alike still name different epochs. Equality needs all 64 bits, and where tables matter the
/// digest of the table as well. The order is by counter, then lineage: it ranks ballots and says nothing about time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EpochId {
    /// Rises with every proposal.
    pub counter: u32,
    /// Random.
    pub lineage: u32,
}

impl EpochId {
    /// "No epoch": the counter of a real one starts at 1.
    pub const NONE: EpochId = EpochId { counter: 0, lineage: 0 };

    /// Whether this is [`EpochId::NONE`].
    pub fn is_none(self) -> bool {
        self.counter == 0
    }

    /// Eight octets, counter first, both little-endian.
    pub fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.counter) | u64::from(self.lineage) << 32).to_le_bytes()
    }

    /// The inverse of [`to_bytes`](EpochId::to_bytes).
    pub fn from_bytes(bytes: [u8; 8]) -> EpochId {
        let word = u64::from_le_bytes(bytes);
        EpochId { counter: word as u32, lineage: (word >> 32) as u32 }
    }
}

impl fmt::Display for EpochId {
    /// `12.9f3a0c55`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:08x}", self.counter, self.lineage)
    }
}

impl fmt::Debug for EpochId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
