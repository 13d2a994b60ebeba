//! The table of flows: four ways, each with an index of its own.
//!
//! A way is a memory, and its index is ten bits of the signature that no other way uses; so a flow has four places, and
//! moving one entry to another of its places (cuckoo hashing, done by the host) fills the table to nine tenths and more.

use super::{Entry, FlowKind};

/// Ways of the table.
pub const WAYS: usize = 4;
/// Entries of a way.
pub const ENTRIES: usize = 1 << INDEX_BITS;
/// Bits of an index.
pub const INDEX_BITS: u32 = 10;
/// Entries of the table, as a power of two.
pub const FLOWS_LOG2: u32 = WAYS.trailing_zeros() + INDEX_BITS;

/// Where `signature` may lie in way `way`, 0..4: signature bits `10 way + 9` to `10 way`.
pub fn index(way: usize, signature: u64) -> usize {
    assert!(way < WAYS, "a table has {WAYS} ways, not {}", way + 1);
    (signature >> (way as u32 * INDEX_BITS)) as usize & (ENTRIES - 1)
}

/// All entries.
#[derive(Clone, PartialEq, Eq)]
pub struct FlowTable {
    signatures: Box<[[u64; ENTRIES]; WAYS]>,
    /// Virtual IP and kind as in bits 71:64 of an entry; zero: empty.
    tags: Box<[[u8; ENTRIES]; WAYS]>,
    count: usize,
}

fn tag(vip: u8, kind: FlowKind) -> u8 {
    vip & 15 | (kind as u8) << 4
}

impl FlowTable {
    /// A table without entries.
    pub fn new() -> FlowTable {
        FlowTable { signatures: Box::new([[0; ENTRIES]; WAYS]), tags: Box::new([[0; ENTRIES]; WAYS]), count: 0 }
    }

    /// Whether any way holds `signature` with this virtual IP and kind.
    #[inline]
    pub fn contains(&self, signature: u64, vip: u8, kind: FlowKind) -> bool {
        (0..WAYS).any(|way| {
            let index = index(way, signature);
            self.signatures[way][index] == signature && self.tags[way][index] == tag(vip, kind)
        })
    }

    /// The entry at a place. Panics beyond the table.
    pub fn get(&self, way: usize, index: usize) -> Option<Entry> {
        let bits = u128::from(self.tags[way][index]) << 64 | u128::from(self.signatures[way][index]);
        Entry::decode(bits)
    }

    /// Puts an entry, or none, at a place, which need not be one of its own: then nothing finds it. Gives what was there.
    /// Panics beyond the table.
    pub fn set(&mut self, way: usize, index: usize, entry: Option<Entry>) -> Option<Entry> {
        let old = self.get(way, index);
        self.signatures[way][index] = entry.map_or(0, |entry| entry.signature);
        self.tags[way][index] = entry.map_or(0, |entry| tag(entry.vip, entry.kind));
        self.count = self.count + usize::from(entry.is_some()) - usize::from(old.is_some());
        old
    }

    /// Entries in use, 0..=4096.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The entries in use with their places (way, index), rising.
    pub fn iter(&self) -> impl Iterator<Item = ((usize, usize), Entry)> {
        let places = (0..WAYS).flat_map(|way| (0..ENTRIES).map(move |index| (way, index)));
        places.filter_map(|(way, index)| Some(((way, index), self.get(way, index)?)))
    }
}

impl Default for FlowTable {
    fn default() -> FlowTable {
        FlowTable::new()
    }
}

impl std::fmt::Debug for FlowTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FlowTable {{ count: {} }}", self.count)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    fn any_entry() -> impl Strategy<Value = Entry> {
        // Few signatures, virtual IPs and both kinds: so that look-ups nearly hit.
        (0u64..6, 0u8..3, any::<bool>()).prop_map(|(signature, vip, foreign)| Entry {
            signature: signature.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            vip,
            kind: if foreign { FlowKind::Foreign } else { FlowKind::Pin },
        })
    }

    proptest! {
        #[test]
        fn the_table_holds_what_was_set_and_finds_it_at_its_own_places_alone(
            sets in proptest::collection::vec((0..WAYS, proptest::option::of(any_entry()), 0u8..4, any_entry()), 0..60),
        ) {
            let mut table = FlowTable::new();
            let mut oracle: BTreeMap<(usize, usize), Entry> = BTreeMap::new();
            for (way, entry, elsewhere, by) in sets {
                let place = (way, (index(way, by.signature) + usize::from(elsewhere / 3)) % ENTRIES);
                let old = match entry {
                    Some(entry) => oracle.insert(place, entry),
                    None => oracle.remove(&place),
                };
                prop_assert_eq!(table.set(place.0, place.1, entry), old);
                prop_assert_eq!(table.count(), oracle.len());
                let found = oracle.iter().any(|(place, entry)| *entry == by && index(place.0, by.signature) == place.1);
                prop_assert_eq!(table.contains(by.signature, by.vip, by.kind), found);
            }
            prop_assert_eq!(table.iter().collect::<Vec<_>>(), oracle.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_way_has_ten_bits_of_the_signature_for_itself() {
        for bit in 0..64 {
            let owners: Vec<usize> = (0..WAYS).filter(|&way| index(way, 1 << bit) != 0).collect();
            assert_eq!(owners, if bit < 40 { vec![bit / 10] } else { vec![] }, "bit {bit}");
        }
        assert_eq!(index(2, 0x2a5 << 20), 0x2a5);
        assert_eq!(FLOWS_LOG2, 12);
    }
}
