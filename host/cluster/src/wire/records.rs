//! Records of moving connections, as bulk frames carry them: 12 octets each, little-endian.
//!
//! | octet | field |
//! |---|---|
//! | 0 | operation in bits 7:4 (1 add, 2 remove, 3 hold, 4 deny), index of the virtual IP in bits 3:0 |
//! | 1 | rule slot |
//! | 2 | bucket |
//! | 4 | signature by the flow key of the epoch; zero in a hold |

use weir_spec::map::BUCKETS;

use super::bulk::CHUNK;
use super::heartbeat::SLOTS;
use crate::flow::Record;

/// Octets of a record.
pub const SIZE: usize = 12;
/// Most records of a frame.
pub const MOST: usize = CHUNK / SIZE;

/// What a record asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// List this connection as foreign.
    Add(Record),
    /// It has ended: list it no longer.
    Remove(Record),
    /// The sender keeps this bucket though the epoch gives it to the addressee.
    Hold {
        /// Rule slot.
        slot: u8,
        /// Bucket.
        bucket: u16,
    },
    /// The addressee has told this connection of its, and another host has one of that tuple which is younger.
    Deny(Record),
}

impl Operation {
    fn encode(self) -> [u8; SIZE] {
        let (code, record) = match self {
            Operation::Add(record) => (1, record),
            Operation::Remove(record) => (2, record),
            Operation::Hold { slot, bucket } => (3, Record { slot, bucket, vip: 0, signature: 0 }),
            Operation::Deny(record) => (4, record),
        };
        let mut octets = [0; SIZE];
        octets[0] = code << 4 | record.vip & 15;
        octets[1] = record.slot;
        octets[2..4].copy_from_slice(&record.bucket.to_le_bytes());
        octets[4..].copy_from_slice(&record.signature.to_le_bytes());
        octets
    }

    fn decode(octets: &[u8; SIZE]) -> Option<Operation> {
        let (slot, bucket) = (octets[1], u16::from_le_bytes([octets[2], octets[3]]));
        if usize::from(slot) >= SLOTS || usize::from(bucket) >= BUCKETS {
            return None;
        }
        let signature = u64::from_le_bytes(octets[4..].try_into().ok()?);
        let record = Record { slot, bucket, vip: octets[0] & 15, signature };
        match octets[0] >> 4 {
            1 => Some(Operation::Add(record)),
            2 => Some(Operation::Remove(record)),
            3 => Some(Operation::Hold { slot, bucket }),
            4 => Some(Operation::Deny(record)),
            _ => None,
        }
    }
}

/// The octets of at most [`MOST`] records.
pub fn encode(operations: &[Operation]) -> Vec<u8> {
    operations.iter().flat_map(|operation| operation.encode()).collect()
}

/// The records in `octets`; `None` if they are not whole or one of them means nothing.
pub fn decode(octets: &[u8]) -> Option<Vec<Operation>> {
    let (records, rest) = octets.as_chunks::<SIZE>();
    if !rest.is_empty() {
        return None;
    }
    records.iter().map(Operation::decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_operation() -> impl Strategy<Value = Operation> {
        (0u8..4, 0..SLOTS as u8, 0..BUCKETS as u16, 0u8..16, any::<u64>()).prop_map(
            |(kind, slot, bucket, vip, signature)| {
                let record = Record { slot, bucket, vip, signature };
                match kind {
                    0 => Operation::Add(record),
                    1 => Operation::Remove(record),
                    2 => Operation::Deny(record),
                    _ => Operation::Hold { slot, bucket },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn records_come_back_as_they_went(operations in proptest::collection::vec(any_operation(), 0..=MOST)) {
            let octets = encode(&operations);
            prop_assert!(octets.len() <= CHUNK);
            prop_assert_eq!(decode(&octets), Some(operations));
        }

        #[test]
        fn any_octets_are_records_or_nothing(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(operations) = decode(&octets) {
                prop_assert_eq!(octets.len(), operations.len() * SIZE);
            }
        }
    }
}
