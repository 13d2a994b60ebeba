//! The flash of a board that runs, by its page of registers: over control frames, or any other way to a NIC's BAR.
//!
//! The board lets through what cannot harm it (`weir_spec::board::FlashMap`), and cannot be made to boot from here: what was
//! written runs after a cycle of power. The image that runs meanwhile is in the part, not in the flash.

use super::access::with_causes;
use super::spi::{Spi, SpiFlash};
use super::{Access, AccessError, Progress, Proof};
use crate::Board;
use crate::image::Refusal;
use weir_nic::{Bar, BarError};
use weir_spec::board::FLASH_PAGE;
use weir_spec::regs::{self, BOARD_LAYOUT, BOARD_MAGIC, Block, MAGIC, RegId};

/// A command is over in a quarter of a millisecond, a read of a register takes a microsecond at the least.
const MOST_READS: u32 = 100_000;

/// A board by its page.
#[derive(Debug)]
pub struct BoardPage<B> {
    flash: SpiFlash<PageBus<B>>,
    number: u32,
    bytes: u32,
}

impl<B: Bar> BoardPage<B> {
    /// The board behind this BAR, which should be this one.
    pub fn new(bar: B, board: &Board) -> BoardPage<B> {
        let facts = &board.facts;
        BoardPage { flash: SpiFlash::new(PageBus { bar }), number: facts.number, bytes: facts.flash.bytes }
    }
}

impl<B: Bar> Access for BoardPage<B> {
    /// No IDCODE can be read from here: the number of the board has to be right, and its flash as large as was thought.
    fn identify(&mut self) -> Result<Vec<u32>, AccessError> {
        let another = |field, found: String, wanted: String, remedy: &str| {
            Err(AccessError::Another(Refusal { field, found, wanted, remedy: remedy.into() }))
        };
        let bus = self.flash.bus_mut();
        let mut read = |id| bus.read(id).map_err(|error| AccessError::Bus(with_causes(&error)));
        let magic = read(RegId::BoardMagic)?;
        if magic != BOARD_MAGIC {
            let (found, wanted) = (format!("{magic:#010x}"), format!("{BOARD_MAGIC:#010x}"));
            return another("MAGIC of the board's page", found, wanted, "name the --device that a board is at");
        }
        let layout = read(RegId::BoardLayout)?;
        if layout >> 16 != BOARD_LAYOUT >> 16 {
            let major = |layout| format!("major {}", layout >> 16);
            let remedy = "take a weir that knows it, or JTAG";
            return another("layout of the board's page", major(layout), major(BOARD_LAYOUT), remedy);
        }
        let number = read(RegId::BoardNumber)?;
        if number != self.number {
            let remedy = "name the --device of that board, or the --board and the package that are for this one";
            return another("number of the board", number.to_string(), self.number.to_string(), remedy);
        }
        self.flash.identify()?;
        // On a smaller flash addresses wrap: what is meant for the primary image would be another's.
        let (id, size) = (self.flash.id()?, self.bytes.ilog2());
        if u32::from(id[2]) < size {
            let told = format!("{:02x}{:02x}{:02x}", id[0], id[1], id[2]);
            let remedy = "take a board.toml whose flash is as large as the board's, and packages built for that";
            return another("JEDEC id of the flash", told, format!("one that ends in {size:02x} or more"), remedy);
        }
        Ok(Vec::new())
    }

    fn read(&mut self, from: u32, length: u32, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, AccessError> {
        self.flash.read(from, length, progress)
    }

    fn write(&mut self, from: u32, octets: &[u8], progress: &mut dyn FnMut(Progress)) -> Result<(), AccessError> {
        self.flash.write(from, octets, progress)
    }

    /// The id block tells the commit of what runs, and no USERCODE.
    fn prove(&mut self, _usercode: u32) -> Result<Proof, AccessError> {
        let told = |error: BarError| AccessError::Bus(with_causes(&error));
        let bar = &mut self.flash.bus_mut().bar;
        let magic = bar.read32(regs::address(RegId::Magic, 0)).map_err(told)?;
        if magic != MAGIC {
            return Ok(Proof::Unknown);
        }
        let git_hash = bar.read32(regs::address(RegId::GitHash, 0)).map_err(told)?;
        Ok(Proof::Circuit { git_hash })
    }
}

/// SPI transactions, each a command of the page.
#[derive(Debug)]
struct PageBus<B> {
    bar: B,
}

fn at(block: &Block, id: RegId) -> u32 {
    let reg = block.regs.iter().find(|reg| reg.id == id).expect("the page has it");
    block.address(reg, 0)
}

impl<B: Bar> PageBus<B> {
    fn read(&mut self, id: RegId) -> Result<u32, BarError> {
        self.bar.read32(at(&regs::BOARD, id))
    }

    fn command(&mut self, opcode: u8, address: u32, count: usize) -> Result<(), String> {
        let told = |error: BarError| with_causes(&error);
        // ADDRESS, and COMMAND behind it.
        let words = [address, (count as u32) << 16 | u32::from(opcode)];
        self.bar.write_block(at(&regs::BOARD, RegId::FlashAddress), &words).map_err(told)?;
        for _ in 0..MOST_READS {
            let state = self.read(RegId::FlashState).map_err(told)?;
            if state == u32::MAX {
                return Err("the board is gone: its page reads all ones".into());
            }
            if state >> 1 & 1 == 1 {
                return Err(format!(
                    "the board does not let {opcode:#04x} of {count} octets at {address:#08x} through; from here the primary image and the note of what is installed are written, the others by JTAG"
                ));
            }
            if state & 1 == 0 {
                return Ok(());
            }
        }
        Err("the board's wires to its flash stay busy".into())
    }

    fn fetch(&mut self, count: usize) -> Result<Vec<u8>, String> {
        let mut words = vec![0; count.div_ceil(4)];
        let buffer = at(&regs::FLASH_BUFFER, RegId::FlashWord);
        self.bar.read_block(buffer, &mut words).map_err(|error| with_causes(&error))?;
        let mut octets: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        octets.truncate(count);
        Ok(octets)
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), String> {
        let word = |octets: &[u8]| {
            let mut word = [0; 4];
            word[..octets.len()].copy_from_slice(octets);
            u32::from_le_bytes(word)
        };
        let words: Vec<u32> = octets.chunks(4).map(word).collect();
        let buffer = at(&regs::FLASH_BUFFER, RegId::FlashWord);
        self.bar.write_block(buffer, &words).map_err(|error| with_causes(&error))
    }
}

impl<B: Bar> Spi for PageBus<B> {
    fn transfer(&mut self, out: &[u8], answer: usize) -> Result<Vec<u8>, String> {
        let address = |[high, middle, low]: [u8; 3]| u32::from_be_bytes([0, high, middle, low]);
        match *out {
            [opcode @ (0x05 | 0x06 | 0x9f)] => {
                self.command(opcode, 0, answer)?;
                self.fetch(answer)
            }
            [0x03, high, middle, low] => {
                let from = address([high, middle, low]);
                let mut octets = Vec::with_capacity(answer);
                while octets.len() < answer {
                    let next = from + octets.len() as u32;
                    let room = (FLASH_PAGE - next % FLASH_PAGE) as usize;
                    let count = room.min(answer - octets.len());
                    self.command(0x03, next, count)?;
                    octets.extend(self.fetch(count)?);
                }
                Ok(octets)
            }
            [0xd8, high, middle, low] => self.command(0xd8, address([high, middle, low]), 0).map(|()| Vec::new()),
            [0x02, high, middle, low, ref octets @ ..] if octets.len() <= FLASH_PAGE as usize => {
                self.put(octets)?;
                self.command(0x02, address([high, middle, low]), octets.len()).map(|()| Vec::new())
            }
            _ => Err(format!("the board has no way to its flash for {:02x?}", &out[..out.len().min(8)])),
        }
    }
}
