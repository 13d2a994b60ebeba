//! The page of a board: what is around the pipeline, where the pipeline itself has no register.

use super::RegId;
use super::block::{Block, Reg, bit, field, ro, rw, wo};

/// `WBRD` in ASCII, W in the top byte.
pub const BOARD_MAGIC: u32 = 0x5742_5244;
/// Version of the page, major in the upper half.
pub const BOARD_LAYOUT: u32 = 0x0001_0000;
/// Events that are counted.
pub const EVENTS: u32 = 24;

/// What a board is, and its flash.
pub const BOARD: Block = Block::single(
    "BOARD",
    0x08000,
    0x80,
    &[
        ro(RegId::BoardMagic, "MAGIC", 0x00, BOARD_MAGIC, &[], "`WBRD` in ASCII, W on top."),
        ro(
            RegId::BoardLayout,
            "LAYOUT",
            0x04,
            BOARD_LAYOUT,
            &[
                field("minor", 0, 16, "additions that an older host may ignore"),
                field("major", 16, 16, "a host refuses one it does not know"),
            ],
            "Version of this page.",
        ),
        ro(RegId::BoardNumber, "NUMBER", 0x08, 0, &[], "Board number, as in the id block."),
        ro(
            RegId::BoardLinks,
            "LINKS",
            0x0c,
            0,
            &[
                bit("switch_link", 0, "the port of the switch has a link"),
                bit("host_link", 1, "the port of the host has a link"),
                bit("switch_phy", 2, "the PHY of the port of the switch answers"),
                bit("host_phy", 3, "the PHY of the port of the host answers"),
                field("switch_address", 8, 5, "address of the PHY of the switch"),
                field("host_address", 16, 5, "address of the PHY of the host"),
            ],
            "Ports and their PHYs.",
        ),
        ro(
            RegId::SwitchPhy,
            "SWITCH_PHY",
            0x10,
            0,
            &[],
            "Identifier of the PHY of the switch: register 2 on top, register 3 below.",
        ),
        ro(RegId::HostPhy, "HOST_PHY", 0x14, 0, &[], "The same of the host."),
        ro(
            RegId::BoardState,
            "STATE",
            0x18,
            0,
            &[
                bit("keyed", 0, "the board has a key"),
                bit("numbered", 1, "this start has a number; without one the board greets no host"),
                field("start", 8, 20, "number of this start"),
            ],
            "What the flash remembers for the control port.",
        ),
        rw(
            RegId::FlashAddress,
            "FLASH_ADDRESS",
            0x40,
            0,
            &[field("address", 0, 24, "in octets")],
            "Where the next command of the flash acts. A write is refused while one is under way.",
        ),
        wo(
            RegId::FlashCommand,
            "FLASH_COMMAND",
            0x44,
            &[
                field("opcode", 0, 8, "03 read, 02 program, d8 erase 64 KiB, 06 write enable, 05 status, 9f id"),
                field(
                    "count",
                    16,
                    9,
                    "octets of a read or a program, 1 to 256 inside one page; 1 of a status, 3 of an id, else 0",
                ),
            ],
            "Doorbell: one command to the flash. Refused while another is under way, where it is not allowed, and for all other opcodes.",
        ),
        ro(
            RegId::FlashState,
            "FLASH_STATE",
            0x48,
            0,
            &[
                bit("busy", 0, "a command is under way: not the flash, but the wires to it"),
                bit("refused", 1, "the last command was refused"),
            ],
            "The wires to the flash.",
        ),
    ],
);

/// What has happened since the board was configured.
pub const EVENT: Block = Block::array(
    "EVENT",
    0x08080,
    0x80,
    EVENTS,
    4,
    &[ro(
        RegId::Event,
        "COUNT",
        0,
        0,
        &[],
        "How often; wraps, and is kept through reset. Two of one kind within 64 clocks count once: frames are farther apart.",
    )],
);

/// Octets that a command of the flash reads or programs.
pub const FLASH_BUFFER: Block = Block::array(
    "FLASH_BUFFER",
    0x08100,
    0x100,
    64,
    4,
    &[rw(
        RegId::FlashWord,
        "WORD",
        0,
        0,
        &[],
        "Four octets, the first in bits 7:0. Refused while a command is under way.",
    )],
);

/// All blocks of the page, rising. They are no part of the pipeline: a board puts them in front of it.
pub const BOARD_BLOCKS: &[Block] = &[BOARD, EVENT, FLASH_BUFFER];

/// First offset of the page, and the first behind it.
pub const BOARD_PAGE: std::ops::Range<u32> = 0x08000..0x10000;

/// Names of the events, by index.
pub const EVENT_NAMES: [Option<&str>; EVENTS as usize] = [
    Some("switch kept"),
    Some("switch refused"),
    Some("switch bad check sequence"),
    Some("switch bad length"),
    Some("switch bad signal"),
    Some("switch cut"),
    Some("switch spilled"),
    None,
    Some("host kept"),
    Some("host refused"),
    Some("host bad check sequence"),
    Some("host bad length"),
    Some("host bad signal"),
    Some("host cut"),
    Some("host spilled"),
    None,
    Some("control malformed"),
    Some("control bad tag"),
    Some("control unknown session"),
    Some("control out of sequence"),
    Some("control missed"),
    None,
    None,
    None,
];

/// What lies at a byte offset of the page.
pub fn find_on_board(offset: u32) -> Option<(&'static Block, &'static Reg, u32)> {
    BOARD_BLOCKS.iter().find_map(|block| block.find(offset).map(|(reg, index)| (block, reg, index)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::{BLOCKS, PORT_SIZE};

    #[test]
    fn the_page_lies_where_the_pipeline_has_nothing() {
        let mut end = BOARD_PAGE.start;
        for block in BOARD_BLOCKS {
            assert!(block.base >= end && block.count * block.stride <= block.size, "{}", block.name);
            end = block.base + block.size;
        }
        assert!(end <= BOARD_PAGE.end && BOARD_PAGE.end <= PORT_SIZE);
        for block in BLOCKS {
            assert!(block.base + block.size <= BOARD_PAGE.start || block.base >= BOARD_PAGE.end, "{}", block.name);
        }
    }

    #[test]
    fn every_register_is_found_at_its_address_and_nowhere_else() {
        let found = BOARD_PAGE.filter_map(find_on_board);
        assert_eq!(
            found.count() as u32,
            BOARD_BLOCKS.iter().map(|block| block.count * block.regs.len() as u32).sum::<u32>()
        );
        for (block, reg) in BOARD_BLOCKS.iter().flat_map(|block| block.regs.iter().map(move |reg| (block, reg))) {
            assert_eq!(find_on_board(block.address(reg, block.count - 1)), Some((block, reg, block.count - 1)));
        }
    }
}
