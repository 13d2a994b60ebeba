//! The window to a NIC's registers.
//!
//! A register access is exactly one aligned 32-bit transaction: wider, narrower or unaligned ones are split by buses and
//! libraries in ways that a doorbell does not survive. So alignment and range are checked here, once, and back-ends are
//! handed nothing that would not fit.

use crate::socket::SocketError;

/// Why an access did not happen, or why nobody can tell whether it did.
#[derive(Debug, thiserror::Error)]
pub enum BarError {
    /// Only whole words are accessed.
    #[error("offset {offset:#x} is not a multiple of 4")]
    Misaligned {
        /// Byte offset asked for.
        offset: u32,
    },
    /// The access ends beyond the BAR.
    #[error("{words} words at offset {offset:#x} end beyond the BAR of {size:#x} bytes")]
    OutOfRange {
        /// Byte offset asked for.
        offset: u32,
        /// Words asked for.
        words: usize,
        /// Bytes of the BAR.
        size: u32,
    },
    /// The kernel refused an access.
    #[error("failed to access the register at {offset:#x}")]
    Call {
        /// Byte offset.
        offset: u32,
        /// What it said.
        source: std::io::Error,
    },
    /// A board by control frames does not do this.
    #[error("the board refuses the register at {offset:#x}: {why}")]
    Refused {
        /// Byte offset.
        offset: u32,
        /// Why.
        why: &'static str,
    },
    /// The device model's socket failed.
    #[error(transparent)]
    Socket(#[from] SocketError),
}

/// A BAR, or a port's part of one.
///
/// A back-end implements [`size`](Bar::size), [`load`](Bar::load) and [`store`](Bar::store), and blocks where it has a shorter way;
/// a driver calls the others.
/// Writes are posted: that one returned says nothing about its effect. Read something back.
pub trait Bar: Send {
    /// Bytes that can be accessed.
    fn size(&self) -> u32;

    /// One 32-bit read; `offset` has been checked.
    fn load(&mut self, offset: u32) -> Result<u32, BarError>;

    /// One 32-bit write; `offset` has been checked.
    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError>;

    /// One 32-bit write a word, rising; the range has been checked.
    fn store_block(&mut self, offset: u32, words: &[u32]) -> Result<(), BarError> {
        (offset..).step_by(4).zip(words).try_for_each(|(offset, word)| self.store(offset, *word))
    }

    /// One 32-bit read a word, rising; the range has been checked.
    fn load_block(&mut self, offset: u32, words: &mut [u32]) -> Result<(), BarError> {
        for (offset, word) in (offset..).step_by(4).zip(words) {
            *word = self.load(offset)?;
        }
        Ok(())
    }

    /// Reads the word at byte `offset`.
    fn read32(&mut self, offset: u32) -> Result<u32, BarError> {
        check(self.size(), offset, 1)?;
        self.load(offset)
    }

    /// Writes the word at byte `offset`.
    fn write32(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        check(self.size(), offset, 1)?;
        self.store(offset, value)
    }

    /// Writes `words` from byte `offset` on, one transaction a word, rising.
    fn write_block(&mut self, offset: u32, words: &[u32]) -> Result<(), BarError> {
        check(self.size(), offset, words.len())?;
        self.store_block(offset, words)
    }

    /// Reads `words` from byte `offset` on, one transaction a word, rising.
    fn read_block(&mut self, offset: u32, words: &mut [u32]) -> Result<(), BarError> {
        check(self.size(), offset, words.len())?;
        self.load_block(offset, words)
    }

    /// Returns when all writes so far have reached the device: a read cannot overtake them. The word at offset 0 is a
    /// constant, so that reading it has no effect.
    fn flush(&mut self) -> Result<(), BarError> {
        self.read32(0).map(drop)
    }
}

/// A pointer to a BAR is a BAR.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<B: Bar + ?Sized> Bar for $pointer {
            fn size(&self) -> u32 {
                (**self).size()
            }

            fn load(&mut self, offset: u32) -> Result<u32, BarError> {
                (**self).load(offset)
            }

            fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
                (**self).store(offset, value)
            }

            fn store_block(&mut self, offset: u32, words: &[u32]) -> Result<(), BarError> {
                (**self).store_block(offset, words)
            }

            fn load_block(&mut self, offset: u32, words: &mut [u32]) -> Result<(), BarError> {
                (**self).load_block(offset, words)
            }
        }
    )*};
}
forward!(&mut B, Box<B>);

/// Whether `words` words at `offset` are whole and inside.
pub(crate) fn check(size: u32, offset: u32, words: usize) -> Result<(), BarError> {
    if !offset.is_multiple_of(4) {
        return Err(BarError::Misaligned { offset });
    }
    let end = u64::from(offset) + 4 * words as u64;
    if end > u64::from(size) { Err(BarError::OutOfRange { offset, words, size }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight words of memory that panic when touched in a way the trait forbids.
    struct Words([u32; 8]);

    impl Bar for Words {
        fn size(&self) -> u32 {
            32
        }

        fn load(&mut self, offset: u32) -> Result<u32, BarError> {
            assert!(offset.is_multiple_of(4));
            Ok(self.0[offset as usize / 4])
        }

        fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
            assert!(offset.is_multiple_of(4));
            self.0[offset as usize / 4] = value;
            Ok(())
        }
    }

    #[test]
    fn nothing_unaligned_or_outside_reaches_a_back_end() {
        let mut bar = Words([0; 8]);
        for offset in [1, 2, 3, 31] {
            assert!(matches!(bar.read32(offset), Err(BarError::Misaligned { .. })), "{offset}");
            assert!(matches!(bar.write32(offset, 0), Err(BarError::Misaligned { .. })), "{offset}");
        }
        for offset in [32, 0xffff_fffc] {
            assert!(matches!(bar.read32(offset), Err(BarError::OutOfRange { .. })), "{offset:#x}");
            assert!(matches!(bar.write32(offset, 0), Err(BarError::OutOfRange { .. })), "{offset:#x}");
        }
        assert!(matches!(bar.write_block(24, &[1, 2, 3]), Err(BarError::OutOfRange { words: 3, .. })));
        assert_eq!(bar.0, [0; 8], "a block that does not fit is not begun");
    }

    #[test]
    fn a_block_lands_word_by_word_and_ends_at_the_edge() {
        let mut bar = Words([0; 8]);
        bar.write_block(20, &[7, 8, 9]).expect("it fits");
        assert_eq!(bar.0, [0, 0, 0, 0, 0, 7, 8, 9]);
        assert_eq!(bar.read32(28).expect("the last word"), 9);
    }
}
