//! Registers by the names of the reference: `STATUS`, `RULE[3]`, `RULE[3].MAP`, `COUNTER`, `0x48`.

use std::str::FromStr;

use weir_spec::regs::{self, Access, BLOCKS, Block, PORT_SIZE, Reg};

/// Some registers of one block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    block: &'static Block,
    /// One entry; else all.
    entry: Option<u32>,
    /// One register of an entry; else all that can be read.
    reg: Option<&'static Reg>,
}

/// A register of an entry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct One {
    pub(super) block: &'static Block,
    pub(super) reg: &'static Reg,
    pub(super) entry: u32,
}

impl One {
    pub(super) fn offset(&self) -> u32 {
        self.block.address(self.reg, self.entry)
    }

    pub(super) fn name(&self) -> String {
        match self.block.count {
            1 => format!("{}.{}", self.block.name, self.reg.name),
            _ => format!("{}[{}].{}", self.block.name, self.entry, self.reg.name),
        }
    }
}

impl Place {
    /// All of a block.
    pub(super) fn block(block: &'static Block) -> Place {
        Place { block, entry: None, reg: None }
    }

    /// The registers, rising.
    pub(super) fn registers(self) -> impl Iterator<Item = One> {
        let entries = self.entry.map_or(0..self.block.count, |entry| entry..entry + 1);
        let wanted = move |reg: &&'static Reg| match self.reg {
            Some(one) => one.id == reg.id,
            None => reg.access != Access::WriteOnly,
        };
        entries.flat_map(move |entry| {
            let block = self.block;
            block.regs.iter().filter(wanted).map(move |reg| One { block, reg, entry })
        })
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        if let Some(digits) = text.strip_prefix("0x") {
            let offset = u32::from_str_radix(digits, 16).ok().filter(|offset| *offset < PORT_SIZE);
            let offset = offset.ok_or_else(|| format!("{text} is no offset; they end at {:#x}", PORT_SIZE - 4))?;
            let (block, reg, entry) = regs::find(offset).ok_or_else(|| format!("there is no register at {text}"))?;
            return Ok(Place { block, entry: Some(entry), reg: Some(reg) });
        }
        let (head, reg) = text.split_once('.').map_or((text, None), |(head, reg)| (head, Some(reg)));
        let (name, entry) = match head.strip_suffix(']').and_then(|head| head.split_once('[')) {
            None => (head, None),
            Some((name, index)) => (name, Some(index)),
        };
        let Some(block) = BLOCKS.iter().find(|block| block.name == name) else {
            // The registers of the id block are known by their own names.
            let own = regs::ID.regs.iter().find(|reg| reg.name == text);
            let reg = own.ok_or_else(|| {
                let known: Vec<&str> = BLOCKS.iter().map(|block| block.name).collect();
                format!("`{text}` is no register: the blocks are {}", known.join(", "))
            })?;
            return readable(text, Place { block: &regs::ID, entry: Some(0), reg: Some(reg) });
        };
        let entry = match entry {
            None => None,
            Some(index) => match index.parse() {
                Ok(index) if index < block.count => Some(index),
                _ => return Err(format!("{name} has entries 0 to {}, not {index}", block.count - 1)),
            },
        };
        let reg = match reg {
            None => None,
            Some(reg) => Some(block.regs.iter().find(|known| known.name == reg).ok_or_else(|| {
                let known: Vec<&str> = block.regs.iter().map(|reg| reg.name).collect();
                format!("{name} has no register {reg}; it has {}", known.join(", "))
            })?),
        };
        readable(text, Place { block, entry, reg })
    }
}

/// A doorbell reads zero, which says nothing.
fn readable(text: &str, place: Place) -> Result<Place, String> {
    match place.reg {
        Some(reg) if reg.access == Access::WriteOnly => Err(format!("{text} is a doorbell: it can only be written")),
        _ => Ok(place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.parse::<Place>().expect(text).registers().map(|one| one.name()).collect()
    }

    #[test]
    fn a_name_is_one_register_or_all_of_an_entry_or_of_a_block() {
        assert_eq!(names("STATUS"), ["ID.STATUS"]);
        assert_eq!(names("ID.STATUS"), ["ID.STATUS"]);
        assert_eq!(names("0x48"), ["ID.STATUS"]);
        assert_eq!(names("RULE[3]"), ["RULE[3].PORTS", "RULE[3].MATCH", "RULE[3].MAP"]);
        assert_eq!(names("RULE[3].MAP"), ["RULE[3].MAP"]);
        assert_eq!(names("MAP_CRC").len(), 64);
        assert!(!names("ID").contains(&"ID.COMMIT".to_owned()), "a doorbell is not read");
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let wrong = |text: &str| text.parse::<Place>().expect_err(text);
        assert!(wrong("STATE").contains("the blocks are ID, RULE, VIP"));
        assert_eq!(wrong("RULE[33]"), "RULE has entries 0 to 32, not 33");
        assert_eq!(wrong("RULE[x]"), "RULE has entries 0 to 32, not x");
        assert_eq!(wrong("RULE[1].PORT"), "RULE has no register PORT; it has PORTS, MATCH, MAP");
        assert_eq!(wrong("COMMIT"), "COMMIT is a doorbell: it can only be written");
        assert_eq!(wrong("0x49"), "there is no register at 0x49");
        assert_eq!(wrong("0x40000"), "0x40000 is no offset; they end at 0x3fffc");
    }
}
