//! The register map as data: the one definition that circuits, driver, device model and docs are made from.
//!
//! 256 KiB a port, 32-bit little-endian registers, aligned word accesses only. A [`Block`] is an array of equal
//! entries; a [`Reg`] is one word of an entry. Names, offsets, access and meaning are here and nowhere else.

mod block;
mod board;
pub mod codec;
mod counters;
mod flow;
mod id;
mod map;
mod shadow;

pub use block::{Access, Block, Field, Reg};
pub use board::{
    BOARD, BOARD_BLOCKS, BOARD_LAYOUT, BOARD_MAGIC, BOARD_PAGE, EVENT, EVENT_NAMES, EVENTS, FLASH_BUFFER, find_on_board,
};
pub use counters::{COUNTER, HEAT, SNAP};
pub use flow::FLOW;
pub use id::ID;
pub use map::{MAP, MAP_CRC};
pub use shadow::{FLOW_KEY, HASH_KEY, POLICY, RULE, VIP};

/// Bytes a port occupies in the BAR.
pub const PORT_SIZE: u32 = 0x40000;
/// `WEIR` in ASCII, W in the top byte.
pub const MAGIC: u32 = 0x5745_4952;
/// Version of this layout, major in the upper half: a host refuses a major it does not know.
pub const LAYOUT: u32 = 0x0001_0003;

/// Names every register once; an array register is named by this and an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)] // the table below documents each
pub enum RegId {
    Magic,
    Layout,
    Caps,
    Features,
    ClockKhz,
    GitHash,
    Board,
    Scratch,
    Commit,
    EpochActive,
    Status,
    RefusedCount,
    RefusedAddress,
    NicTimeLo,
    NicTimeHi,
    LeaseNextLo,
    LeaseNextHi,
    Renew,
    LeaseUntilLo,
    LeaseUntilHi,
    LeaseMax,
    ClusterMacLo,
    ClusterMacHi,
    MaskedMacLo,
    MaskedMacHi,
    WarnLease,
    WarnFlows,
    RulePorts,
    RuleMatch,
    RuleMap,
    VipControl,
    VipAddress0,
    VipAddress1,
    VipAddress2,
    VipAddress3,
    HashKey,
    FlowKey,
    Policy,
    MapCrc,
    Snapshot,
    SnapSeq,
    CounterLo,
    CounterHi,
    FlowCommand,
    FlowStatus,
    FlowSignatureLo,
    FlowSignatureHi,
    FlowIndex,
    FlowCount,
    Heat,
    MapWord,
    BoardMagic,
    BoardLayout,
    BoardNumber,
    BoardLinks,
    SwitchPhy,
    HostPhy,
    BoardState,
    FlashAddress,
    FlashCommand,
    FlashState,
    Event,
    FlashWord,
}

/// All blocks of the pipeline, rising. 0x8000 to 0xffff is the page of a board: [`BOARD_BLOCKS`].
pub const BLOCKS: &[Block] = &[ID, RULE, VIP, HASH_KEY, FLOW_KEY, POLICY, MAP_CRC, SNAP, COUNTER, FLOW, HEAT, MAP];

/// What lies at a byte offset: the register, and the entry of its block.
pub fn find(offset: u32) -> Option<(&'static Block, &'static Reg, u32)> {
    BLOCKS.iter().find_map(|block| block.find(offset).map(|(reg, index)| (block, reg, index)))
}

/// The byte offset of entry `index` of a register. Panics when the block has no such entry.
pub fn address(id: RegId, index: u32) -> u32 {
    BLOCKS
        .iter()
        .find_map(|block| block.regs.iter().find(|reg| reg.id == id).map(|reg| block.address(reg, index)))
        .expect("every register is in a block")
}

/// The table entry of a register.
pub fn reg(id: RegId) -> &'static Reg {
    BLOCKS.iter().flat_map(|block| block.regs).find(|reg| reg.id == id).expect("every register is in a block")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_rise_and_do_not_overlap() {
        let mut end = 0;
        for block in BLOCKS {
            assert!(block.base >= end, "{} overlaps what is before it", block.name);
            assert!(block.count * block.stride <= block.size, "{} is larger than its place", block.name);
            end = block.base + block.size;
        }
        assert_eq!(end, PORT_SIZE);
    }

    #[test]
    fn registers_are_aligned_rise_and_keep_inside_their_entry() {
        for block in BLOCKS {
            let mut next = 0;
            for reg in block.regs {
                assert!(reg.offset % 4 == 0 && reg.offset >= next, "{}.{}", block.name, reg.name);
                next = reg.offset + 4;
                let mut free = 0;
                for field in reg.fields {
                    assert!(field.low >= free && field.low + field.width <= 32, "{}.{}", reg.name, field.name);
                    free = field.low + field.width;
                }
            }
            assert!(next <= block.stride, "{}", block.name);
        }
    }

    #[test]
    fn every_register_is_found_at_its_address_and_nowhere_else() {
        let mut found = 0;
        for offset in (0..PORT_SIZE).step_by(4) {
            if let Some((block, reg, index)) = find(offset) {
                assert_eq!(block.address(reg, index), offset);
                assert_eq!(address(reg.id, index), offset);
                found += 1;
            }
            assert!(find(offset + 1).is_none(), "an unaligned address is no register");
        }
        assert_eq!(found, BLOCKS.iter().map(|b| b.count * b.regs.len() as u32).sum::<u32>());
    }

    #[test]
    fn every_name_is_used_once() {
        let mut ids: Vec<RegId> = BLOCKS.iter().flat_map(|b| b.regs).map(|r| r.id).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
