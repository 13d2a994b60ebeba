//! The pool of maps and its checks.

use super::RegId;
use super::block::{Block, ro, rw};
use crate::map::{SLOTS, WORDS};

/// Running CRCs of the map slots.
pub const MAP_CRC: Block = Block::array(
    "MAP_CRC",
    0x02800,
    0x400,
    SLOTS as u32,
    4,
    &[ro(
        RegId::MapCrc,
        "CRC",
        0,
        0xffff_ffff,
        &[],
        "Running CRC-32 (0xedb88320, start all ones, no inversion) over word index (16 bit) and word (32 bit) of every write to the slot since reset, in order, little-endian.",
    )],
);

/// The pool of maps.
pub const MAP: Block = Block::array(
    "MAP",
    0x20000,
    0x20000,
    (SLOTS * WORDS) as u32,
    4,
    &[rw(RegId::MapWord, "WORD", 0, 0, &[], "Sixteen buckets, two bits each, the lowest bucket in bits 1:0: 0 NONE, 1 OWN, 2 ADOPT, 3 RELEASE. 256 words a slot. Kept through reset; zero after power-on in a simulator, anything on a card.")],
)
.shadowed();
