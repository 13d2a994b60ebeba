//! The flash that the board is configured from, as its own circuits reach it: its key, the number of its start, and a window
//! for the host.
//!
//! [`BoardFlash`] is the whole of it. Opcodes are those of JESD216 parts with three address octets. Chip select, MOSI and MISO
//! are pins; the clock leaves by [`usrmclk`].

pub mod board_flash;
pub mod guard;
pub mod key_store;
pub mod spi;
pub mod transfer;
pub mod usrmclk;
pub mod window;

pub use board_flash::BoardFlash;

/// Octets of an erase block.
pub const BLOCK: u32 = 1 << 16;

/// Where in the flash what is: from a `board.toml`. All but the key's marks are numbers of erase blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlashMap {
    /// First and last block of the primary image.
    pub primary: (u8, u8),
    /// Block that says what is installed.
    pub installed: u8,
    /// Block of the key.
    pub key: u8,
    /// Places for a key in it, one to eight.
    pub places: u8,
    /// Octets in it that count starts, a bit each; from [`key_store::MARKS`] on.
    pub marks: u32,
}

impl FlashMap {
    /// The places of a `board.toml`: the primary image goes from its start to the first of the others, and starts are counted
    /// in the rest of the key's block.
    ///
    /// # Panics
    ///
    /// Where a place is not on an erase block, or the primary image has none.
    pub fn new(primary: u32, installed: u32, key: u32, others: &[u32]) -> FlashMap {
        let block = |address: u32| {
            assert!(address.is_multiple_of(BLOCK) && address >> 24 == 0, "{address:#x} is no erase block of 16 MiB");
            (address / BLOCK) as u8
        };
        let behind = others.iter().chain([&installed, &key]).filter(|other| **other > primary);
        let end = behind.min().copied().expect("a flash has a key");
        let primary = (block(primary), ((end - 1) / BLOCK) as u8);
        let marks = BLOCK - key_store::MARKS;
        FlashMap { primary, installed: block(installed), key: block(key), places: 8, marks }
    }

    /// Whether the host may erase and program this block.
    pub fn may_write(&self, block: u8) -> bool {
        (self.primary.0..=self.primary.1).contains(&block) || block == self.installed
    }
}

/// A flash for the benches.
#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_image_ends_before_whatever_follows() {
        let map = FlashMap::new(0, 0x7f0000, 0x7e0000, &[0x800000, 0xffff00]);
        assert_eq!(map, FlashMap { primary: (0, 0x7d), installed: 0x7f, key: 0x7e, places: 8, marks: 0xf000 });
        let may: Vec<u8> = (0..=255).filter(|block| !map.may_write(*block)).collect();
        assert_eq!(may, [0x7e].into_iter().chain(0x80..=0xff).collect::<Vec<u8>>());
    }
}
