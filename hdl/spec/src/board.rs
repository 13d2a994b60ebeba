//! A board around the pipeline: what its page of registers does, and which places of its flash are whose.
//!
//! [`Page`] is the oracle of the circuit; its registers are [`crate::regs::BOARD_BLOCKS`].

use crate::nic::Refused;
use crate::regs::{BOARD_LAYOUT, BOARD_MAGIC, EVENTS, RegId, find_on_board};

/// Octets of an erase block.
pub const ERASE_BLOCK: u32 = 1 << 16;
/// Octets of a page, which no command leaves.
pub const FLASH_PAGE: u32 = 256;
/// Where in the block of the key a board counts its starts.
pub const MARKS: u32 = 0x1000;

/// Where in the flash what is: from a `board.toml`. Places are numbers of erase blocks.
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
    /// Octets in it that count starts, a bit each; from [`MARKS`] on.
    pub marks: u32,
}

impl FlashMap {
    /// The places of a `board.toml`: the primary image goes from its start to the first of the others, and starts are counted
    /// in the rest of the key's block.
    ///
    /// # Panics
    ///
    /// Where the primary image, what is installed or the key is not on an erase block.
    pub fn new(primary: u32, installed: u32, key: u32, others: &[u32]) -> FlashMap {
        let block = |address: u32| {
            assert!(
                address.is_multiple_of(ERASE_BLOCK) && address >> 24 == 0,
                "{address:#x} is no erase block of 16 MiB"
            );
            (address / ERASE_BLOCK) as u8
        };
        let behind = others.iter().chain([&installed, &key]).filter(|other| **other > primary);
        let end = behind.min().copied().expect("a flash has a key");
        let primary = (block(primary), ((end - 1) / ERASE_BLOCK) as u8);
        let marks = ERASE_BLOCK - MARKS;
        FlashMap { primary, installed: block(installed), key: block(key), places: 8, marks }
    }

    /// Whether the host may erase and program this block.
    pub fn may_write(&self, block: u8) -> bool {
        (self.primary.0..=self.primary.1).contains(&block) || block == self.installed
    }

    /// Whether a command of the host is let through to the flash.
    pub fn may(&self, opcode: u8, address: u32, count: u32) -> bool {
        let block = (address >> 16) as u8;
        let in_page = count > 0 && address % FLASH_PAGE + count <= FLASH_PAGE;
        match opcode {
            0x02 => in_page && self.may_write(block),
            0x03 => in_page && block != self.key,
            0x05 => count == 1,
            0x06 => count == 0,
            0x9f => count == 3,
            0xd8 => count == 0 && self.may_write(block),
            _ => false,
        }
    }
}

/// A flash: what is sent to it, and how many octets are answered, between a fall and a rise of chip select.
pub trait Flash {
    /// One transaction.
    fn transfer(&mut self, out: &[u8], answer: usize) -> Vec<u8>;
}

/// The page of a board whose flash is never in the way: a command is done when it was written.
#[derive(Clone, Debug)]
pub struct Page {
    /// Which places are whose.
    pub map: FlashMap,
    /// Board number.
    pub number: u32,
    /// LINKS, SWITCH_PHY, HOST_PHY, STATE: as they read.
    pub ports: [u32; 4],
    /// How often each event happened.
    pub events: [u32; EVENTS as usize],
    address: u32,
    denied: bool,
    buffer: [u8; FLASH_PAGE as usize],
}

impl Page {
    /// Of a board that was just configured.
    pub fn new(map: FlashMap, number: u32) -> Page {
        Page { map, number, ports: [0; 4], events: [0; _], address: 0, denied: false, buffer: [0; _] }
    }

    /// Reads a word.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is no register.
    pub fn read(&self, offset: u32) -> Result<u32, Refused> {
        let (_, reg, index) = find_on_board(offset).ok_or(Refused)?;
        let at = 4 * index as usize;
        Ok(match reg.id {
            RegId::BoardMagic => BOARD_MAGIC,
            RegId::BoardLayout => BOARD_LAYOUT,
            RegId::BoardNumber => self.number,
            RegId::BoardLinks => self.ports[0],
            RegId::SwitchPhy => self.ports[1],
            RegId::HostPhy => self.ports[2],
            RegId::BoardState => self.ports[3],
            RegId::FlashAddress => self.address,
            RegId::FlashState => u32::from(self.denied) << 1,
            RegId::Event => self.events[index as usize],
            RegId::FlashWord => u32::from_le_bytes(self.buffer[at..at + 4].try_into().expect("four octets")),
            _ => 0,
        })
    }

    /// Writes a word.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is no register, it takes no writes, or the command is not allowed.
    pub fn write(&mut self, offset: u32, value: u32, flash: &mut dyn Flash) -> Result<(), Refused> {
        let (_, reg, index) = find_on_board(offset).ok_or(Refused)?;
        match reg.id {
            RegId::FlashAddress => self.address = value & reg.writable(),
            RegId::FlashWord => {
                let at = 4 * index as usize;
                self.buffer[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            RegId::FlashCommand => {
                let (opcode, count) = (reg.field("opcode").get(value) as u8, reg.field("count").get(value));
                self.denied = !self.map.may(opcode, self.address, count);
                if self.denied {
                    return Err(Refused);
                }
                self.carry_out(opcode, count as usize, flash);
            }
            _ => return Err(Refused),
        }
        Ok(())
    }

    fn carry_out(&mut self, opcode: u8, count: usize, flash: &mut dyn Flash) {
        let [_, high, middle, low] = self.address.to_be_bytes();
        let addressed = [opcode, high, middle, low];
        match opcode {
            0x02 => drop(flash.transfer(&[&addressed, &self.buffer[..count]].concat(), 0)),
            0xd8 => drop(flash.transfer(&addressed, 0)),
            _ => {
                let out: &[u8] = if opcode == 0x03 { &addressed } else { &addressed[..1] };
                let told = flash.transfer(out, count);
                // What is there beyond it is of no meaning: the circuit writes whole words.
                self.buffer[..told.len()].copy_from_slice(&told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_image_ends_before_whatever_follows() {
        let map = FlashMap::new(0, 0x7f0000, 0x7e0000, &[0x800000, 0xffff00]);
        let wanted = FlashMap { primary: (0, 0x7d), installed: 0x7f, key: 0x7e, places: 8, marks: 0xf000 };
        assert_eq!(map, wanted);
        let may: Vec<u8> = (0..=255).filter(|block| !map.may_write(*block)).collect();
        assert_eq!(may, [0x7e].into_iter().chain(0x80..=0xff).collect::<Vec<u8>>());
    }

    /// Remembers what it was told.
    struct Heard(Vec<Vec<u8>>);

    impl Flash for Heard {
        fn transfer(&mut self, out: &[u8], answer: usize) -> Vec<u8> {
            self.0.push(out.to_vec());
            (1..=answer as u8).collect()
        }
    }

    #[test]
    fn commands_reach_the_flash_as_they_are_allowed() {
        let mut page = Page::new(FlashMap::new(0, 0x7f0000, 0x7e0000, &[0x800000]), 1);
        let mut flash = Heard(Vec::new());
        let mut command = |page: &mut Page, address, opcode: u32, count: u32| {
            page.write(0x8040, address, &mut flash).expect("an address is taken");
            let done = page.write(0x8044, count << 16 | opcode, &mut flash).is_ok();
            assert_eq!(page.read(0x8048), Ok(u32::from(!done) << 1));
            done
        };
        page.write(0x8100, 0x0403_0201, &mut Heard(Vec::new())).expect("the buffer is taken");
        assert!(command(&mut page, 0x0001_2380, 0x02, 3) && command(&mut page, 0x0001_2380, 0xd8, 0));
        assert!(!command(&mut page, 0x0080_0000, 0x02, 3) && !command(&mut page, 0x007e_0000, 0xd8, 0));
        assert!(!command(&mut page, 0x007e_0000, 0x03, 4) && !command(&mut page, 0, 0x01, 1));
        assert!(command(&mut page, 0x0080_0000, 0x03, 4) && command(&mut page, 0, 0x9f, 3));
        assert_eq!(page.read(0x8100), Ok(0x0403_0201));
        let wanted: [&[u8]; 4] =
            [&[0x02, 0x01, 0x23, 0x80, 1, 2, 3], &[0xd8, 0x01, 0x23, 0x80], &[0x03, 0x80, 0, 0], &[0x9f]];
        assert_eq!(flash.0, wanted);
        let mut nobody = Heard(Vec::new());
        assert!(page.write(0x8000, 0, &mut nobody).is_err() && page.write(0x8080, 0, &mut nobody).is_err());
        assert!(page.read(0x804c).is_err() && page.read(0x8200).is_err());
        assert_eq!((page.read(0x8000), page.read(0x8008)), (Ok(BOARD_MAGIC), Ok(1)));
    }
}
