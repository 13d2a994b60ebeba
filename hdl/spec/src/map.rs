//! Buckets, their states, and the maps that say what a NIC does with each.

/// Buckets of a map: the low 12 bits of the hash.
pub const BUCKETS: usize = 4096;
/// Map slots of a NIC. Copy on write needs twice the distinct maps.
pub const SLOTS: usize = 64;
/// 32-bit words of a map: 16 buckets a word, two bits each, bucket 0 in bits 1:0 of word 0.
pub const WORDS: usize = BUCKETS / 16;

/// What this NIC does with one bucket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum BucketState {
    /// Another host's, or nobody's: everything drops.
    #[default]
    None = 0,
    /// This host's: everything passes, no flow is looked up.
    Own = 1,
    /// Becoming this host's: all passes but the flows another host still holds (FOREIGN entries).
    Adopt = 2,
    /// Leaving this host: only the flows pinned here pass (PIN entries).
    Release = 3,
}

impl BucketState {
    /// From the two bits of a map word.
    pub fn from_bits(bits: u32) -> BucketState {
        match bits & 3 {
            0 => BucketState::None,
            1 => BucketState::Own,
            2 => BucketState::Adopt,
            _ => BucketState::Release,
        }
    }
}

/// The states of all buckets for one group of rules, in the words the NIC holds.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Map {
    words: Box<[u32; WORDS]>,
}

impl Map {
    /// A map with every bucket in `state`.
    pub fn filled(state: BucketState) -> Map {
        Map { words: Box::new([0x5555_5555 * state as u32; WORDS]) }
    }

    /// The state of `bucket`, 0..4096. Panics beyond.
    pub fn get(&self, bucket: usize) -> BucketState {
        BucketState::from_bits(self.words[bucket / 16] >> (bucket % 16 * 2))
    }

    /// Sets the state of `bucket`, 0..4096. Panics beyond.
    pub fn set(&mut self, bucket: usize, state: BucketState) {
        let shift = bucket % 16 * 2;
        let word = &mut self.words[bucket / 16];
        *word = *word & !(3 << shift) | (state as u32) << shift;
    }

    /// The words as they lie in a slot of the NIC.
    pub fn words(&self) -> &[u32; WORDS] {
        &self.words
    }

    /// The words, to be written in place.
    pub fn words_mut(&mut self) -> &mut [u32; WORDS] {
        &mut self.words
    }

    /// How many buckets are in `state`.
    pub fn count(&self, state: BucketState) -> usize {
        (0..BUCKETS).filter(|&b| self.get(b) == state).count()
    }
}

impl Default for Map {
    fn default() -> Map {
        Map::filled(BucketState::None)
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [none, own, adopt, release] =
            [BucketState::None, BucketState::Own, BucketState::Adopt, BucketState::Release].map(|s| self.count(s));
        write!(f, "Map {{ none: {none}, own: {own}, adopt: {adopt}, release: {release} }}")
    }
}

/// Which map a rule uses: a slot of the pool, or one of four constants that need no memory.
///
/// Single-host owner and default host use a constant OWN, everybody else and disabled rules a constant NONE.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MapRef {
    /// A slot, 0..64.
    Slot(u8),
    /// Every bucket in one state.
    Constant(BucketState),
}

impl MapRef {
    /// The seven register bits: 0..=63 a slot, 64..=67 a constant NONE, OWN, ADOPT, RELEASE.
    pub fn to_bits(self) -> u32 {
        match self {
            MapRef::Slot(slot) => u32::from(slot) & 63,
            MapRef::Constant(state) => 64 | state as u32,
        }
    }

    /// From the seven register bits. Bits 5:2 of a constant are ignored, as the circuit ignores them.
    pub fn from_bits(bits: u32) -> MapRef {
        if bits & 64 == 0 { MapRef::Slot((bits & 63) as u8) } else { MapRef::Constant(BucketState::from_bits(bits)) }
    }
}

impl Default for MapRef {
    fn default() -> MapRef {
        MapRef::Constant(BucketState::None)
    }
}

/// The running CRC of a slot: every write since reset, in order, so that one read checks a whole load.
///
/// CRC-32 (reflected polynomial 0xedb88320, start 0xffffffff, no final inversion) over word index (16 bits) and word
/// (32 bits), both little-endian. A host keeps its own copy beside every write and compares.
pub fn crc_step(crc: u32, word_index: u16, word: u32) -> u32 {
    let bytes = word_index.to_le_bytes().into_iter().chain(word.to_le_bytes());
    bytes.fold(crc, |crc, byte| (crc >> 8) ^ CRC_OF_BYTE[usize::from(crc as u8 ^ byte)])
}

/// What eight steps of one bit make of each byte.
const CRC_OF_BYTE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The running CRC of a slot that was never written.
pub const CRC_START: u32 = 0xffff_ffff;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn crc_is_the_common_one() {
        // "123456789"[0..6] over our layout: index 0x3231, word 0x36353433.
        let crc = crc_step(CRC_START, 0x3231, 0x3635_3433) ^ 0xffff_ffff;
        assert_eq!(crc, 0x0972_d361); // CRC-32 of "123456"
    }

    #[test]
    fn a_map_starts_with_nothing_owned() {
        assert_eq!(Map::default().count(BucketState::None), BUCKETS);
        assert_eq!(MapRef::default().to_bits(), 64);
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_and_nothing_else_moves(sets in proptest::collection::vec((0..BUCKETS, 0u32..4), 0..200)) {
            let mut map = Map::default();
            let mut oracle = vec![BucketState::None; BUCKETS];
            for (bucket, bits) in sets {
                map.set(bucket, BucketState::from_bits(bits));
                oracle[bucket] = BucketState::from_bits(bits);
            }
            for (bucket, state) in oracle.iter().enumerate() {
                prop_assert_eq!(map.get(bucket), *state);
            }
        }

        #[test]
        fn map_references_round_trip(bits in 0u32..68) {
            prop_assert_eq!(MapRef::from_bits(bits).to_bits(), bits);
        }
    }
}
