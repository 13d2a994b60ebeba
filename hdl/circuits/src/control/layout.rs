//! Where a register lies in the store, the one block RAM behind the register file.
//!
//! A place is made of bits of the byte offset, so that finding it takes no arithmetic: `base | entry << shift | register`.
//! Rules 4 words an entry from 0 · words of the id block by offset from 192 · virtual IPs 8 words an entry from 256 ·
//! keys from 384 and 400 · policy 416 · snapshot 420 · running CRCs of the map slots from 448.

use weir_spec::nic::Identity;
use weir_spec::regs::{self, Block, Reg, RegId};

/// Bits of a place.
pub const PLACE: usize = 9;
/// Words of the store.
pub const PLACES: usize = 1 << PLACE;

/// First place of the words of the id block; they follow by offset.
const ID: u32 = 192;
/// The deadline of the commit under way, low word.
pub const COMMIT_LO: u32 = ID + 56;
/// Its high word.
pub const COMMIT_HI: u32 = ID + 57;
/// The epoch of the commit under way.
pub const EPOCH_NEXT: u32 = ID + 58;
/// First place of the CRCs of the map slots.
pub const CRC: u32 = 448;

/// How the entries of a block lie: place of the first, and the distance of two as a power of two. `None`: its words are
/// not in the store.
pub fn block(block: &Block) -> Option<(u32, u32)> {
    let place = match block.base {
        base if base == regs::ID.base => (ID, 0),
        base if base == regs::RULE.base => (0, 2),
        base if base == regs::VIP.base => (256, 3),
        base if base == regs::HASH_KEY.base => (384, 0),
        base if base == regs::FLOW_KEY.base => (400, 0),
        base if base == regs::POLICY.base => (416, 0),
        base if base == regs::SNAP.base => (420, 0),
        base if base == regs::MAP_CRC.base => (CRC, 0),
        _ => return None,
    };
    Some(place)
}

/// The number of a register inside its entry.
pub fn register(block: &Block, reg: &Reg) -> u32 {
    if block.base == regs::ID.base {
        return reg.offset / 4;
    }
    block.regs.iter().position(|other| other.id == reg.id).expect("a register is in its block") as u32
}

/// The place of entry `index` of a register that is in the store. Panics for others.
pub fn place(id: RegId, index: u32) -> u32 {
    let (found, reg, _) = regs::find(regs::address(id, index)).expect("every register is found");
    let (base, shift) = block(found).expect("the register is in the store");
    base | index << shift | register(found, reg)
}

/// What the store holds after reset, word by word: the reset value of each register, and of the id block what the image
/// was built with. Words that are no register hold what makes the circuit small.
pub fn reset_words(identity: &Identity) -> Vec<u32> {
    let mut words = vec![0; PLACES];
    for entry in 0..ID / 4 {
        words[entry as usize * 4 + 2] = regs::reg(RegId::RuleMap).reset;
    }
    for block in regs::BLOCKS.iter().filter(|&found| self::block(found).is_some()) {
        for reg in block.regs {
            for index in 0..block.count {
                words[place(reg.id, index) as usize] = reset(reg, identity);
            }
        }
    }
    words
}

fn reset(reg: &Reg, identity: &Identity) -> u32 {
    match reg.id {
        RegId::Caps => identity.caps(),
        RegId::ClockKhz => identity.clock_khz,
        RegId::GitHash => identity.git_hash,
        RegId::Board => identity.board,
        _ => reg.reset,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_two_registers_share_a_place() {
        let mut taken = BTreeMap::new();
        for (name, place) in [("commit low", COMMIT_LO), ("commit high", COMMIT_HI), ("epoch", EPOCH_NEXT)] {
            taken.insert(place, name);
        }
        for found in regs::BLOCKS.iter().filter(|&found| block(found).is_some()) {
            for reg in found.regs {
                for index in 0..found.count {
                    let place = place(reg.id, index);
                    assert!((place as usize) < PLACES, "{}", reg.name);
                    assert_eq!(taken.insert(place, reg.name), None, "{} {index}", reg.name);
                }
            }
        }
    }

    #[test]
    fn after_reset_every_word_holds_its_reset_value() {
        let words = reset_words(&Identity { board: 7, ..Identity::default() });
        assert_eq!(words[place(RegId::Magic, 0) as usize], regs::MAGIC);
        assert_eq!(words[place(RegId::Board, 0) as usize], 7);
        for entry in 0..33 {
            let at = place(RegId::RulePorts, entry) as usize;
            assert_eq!(words[at..at + 3], [0, 0, 64]);
        }
        assert_eq!(words[place(RegId::MapCrc, 63) as usize], u32::MAX);
    }
}
