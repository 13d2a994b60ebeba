//! A BAR mapped into this process: an access is one load or store of the processor, and nothing in between.
//!
//! A card that is pulled out reads all ones, or ends the process by SIGBUS: that is up to the kernel.

use std::ptr;

use memmap2::MmapRaw;

use crate::bar::check;
use crate::{Bar, BarError};

/// A mapping of device memory.
pub(crate) struct Mapped {
    map: MmapRaw,
    size: u32,
}

impl Mapped {
    /// Registers in all of `map`.
    pub(crate) fn new(map: MmapRaw) -> Mapped {
        // Registers end far below 4 GiB; what is beyond is not theirs.
        let size = u32::try_from(map.len()).unwrap_or(!3);
        Mapped { map, size }
    }

    /// The word at `offset`, checked.
    fn word(&self, offset: u32) -> Result<*mut u32, BarError> {
        check(self.size, offset, 1)?;
        // SAFETY: a word at `offset` lies in the mapping, as was just checked; a mapping begins at a page, so that a word
        // at a multiple of 4 is aligned.
        Ok(unsafe { self.map.as_mut_ptr().add(offset as usize) }.cast())
    }
}

impl Bar for Mapped {
    fn size(&self) -> u32 {
        self.size
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        let word = self.word(offset)?;
        // SAFETY: valid and aligned, by `word`. Nothing in this process has a reference to the mapping, and the device may
        // change it at any time, for which volatile accesses are made. Registers are little endian.
        Ok(u32::from_le(unsafe { ptr::read_volatile(word) }))
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        let word = self.word(offset)?;
        // SAFETY: as in `load`.
        unsafe { ptr::write_volatile(word, value.to_le()) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use memmap2::MmapOptions;

    use super::*;

    #[test]
    fn words_are_where_the_file_has_them_and_nothing_beyond_is_touched() {
        let file = tempfile::tempfile().expect("a file");
        file.set_len(8192).expect("room");
        let map = MmapOptions::new().offset(4096).len(4096).map_raw(&file).expect("a mapping");
        let mut bar = Mapped::new(map);
        assert_eq!(bar.size(), 4096);
        bar.write32(4092, 0x1234_5678).expect("the last word");
        let mut bytes = [0; 4];
        file.read_exact_at(&mut bytes, 8188).expect("a word");
        assert_eq!(bytes, [0x78, 0x56, 0x34, 0x12]);
        file.write_all_at(&[1, 0, 0, 0x80], 4096).expect("a word");
        assert_eq!(bar.read32(0).expect("the first word"), 0x8000_0001);
        assert!(matches!(bar.load(4096), Err(BarError::OutOfRange { .. })));
        assert!(matches!(bar.store(2, 0), Err(BarError::Misaligned { .. })));
    }
}
