//! Block protection: which part of a flash its status register keeps from being written.
//!
//! Bits BP0 to BP2 (2 to 4) and BP3 (6) say how many blocks of 64 KiB, as a power of two; TB (5) says whether they are at
//! the bottom. So are they on the N25Q128A.

use std::ops::Range;

/// The bits of the status register that this is about.
pub const MASK: u8 = 0b0111_1100;
/// The protected blocks are those at the bottom.
pub const BOTTOM: u8 = 1 << 5;
/// One block.
pub const ONE_BLOCK: u8 = 1 << 2;
/// All of it, from the top: BP3 to BP0 all set.
pub const ALL: u8 = 0b0101_1100;

const BLOCK: usize = 64 << 10;

/// The octets that are protected in a flash of `length`.
pub fn protected(bits: u8, length: usize) -> Option<Range<usize>> {
    let count = bits >> 2 & 7 | (bits & 0x40) >> 3;
    if count == 0 {
        return None;
    }
    let octets = (BLOCK << (count - 1)).min(length);
    Some(if bits & BOTTOM != 0 { 0..octets } else { length - octets..length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_grows_from_the_end_that_is_named() {
        let length = 16 << 20;
        assert_eq!(protected(0, length), None);
        assert_eq!(protected(BOTTOM, length), None);
        assert_eq!(protected(ONE_BLOCK, length), Some(length - BLOCK..length));
        assert_eq!(protected(ONE_BLOCK | BOTTOM, length), Some(0..BLOCK));
        assert_eq!(protected(0b0100_0000, length), Some(8 << 20..length), "eight: 2^7 blocks");
        assert_eq!(protected(ALL, length), Some(0..length));
    }
}
