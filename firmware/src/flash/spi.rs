//! A serial flash above anything that carries SPI transactions: opcodes of JESD216 parts with three address octets.

use super::{Access, AccessError, Progress, Proof};

const PAGE: usize = 256;
const BLOCK: usize = 64 << 10;
/// Octets read by one transaction.
const CHUNK: usize = 4 << 10;
/// A block takes up to 3 s to erase (N25Q128A), a transaction over any bus at least some microseconds.
const MOST_POLLS: u32 = 1_000_000;

const BUSY: u8 = 1 << 0;
const ENABLED: u8 = 1 << 1;
const PROTECTION: u8 = 0b0111_1100;

mod opcode {
    pub(super) const PROGRAM: u8 = 0x02;
    pub(super) const READ: u8 = 0x03;
    pub(super) const STATUS: u8 = 0x05;
    pub(super) const ENABLE: u8 = 0x06;
    pub(super) const ID: u8 = 0x9f;
    pub(super) const ERASE_BLOCK: u8 = 0xd8;
}

/// Carries transactions: chip select falls, octets go out, octets come in, chip select rises.
pub trait Spi {
    /// Sends `out` and then reads `answer` octets.
    ///
    /// # Errors
    ///
    /// In words, if the way is broken.
    fn transfer(&mut self, out: &[u8], answer: usize) -> Result<Vec<u8>, String>;
}

/// A flash behind a bus.
#[derive(Debug)]
pub struct SpiFlash<Bus> {
    bus: Bus,
}

impl<Bus: Spi> SpiFlash<Bus> {
    /// A flash behind this bus.
    pub fn new(bus: Bus) -> SpiFlash<Bus> {
        SpiFlash { bus }
    }

    /// The bus.
    pub fn bus_mut(&mut self) -> &mut Bus {
        &mut self.bus
    }

    /// The JEDEC id (9Fh): maker, type, and size as a power of two.
    ///
    /// # Errors
    ///
    /// [`AccessError::Bus`].
    pub fn id(&mut self) -> Result<[u8; 3], AccessError> {
        self.settle()?;
        let told = self.transfer(&[opcode::ID], 3)?;
        told.try_into().map_err(|_| AccessError::Bus("an id of three octets was not answered".into()))
    }

    fn transfer(&mut self, out: &[u8], answer: usize) -> Result<Vec<u8>, AccessError> {
        let told = self.bus.transfer(out, answer).map_err(AccessError::Bus)?;
        if told.len() == answer {
            return Ok(told);
        }
        Err(AccessError::Bus(format!("{} octets were answered, should be {answer}", told.len())))
    }

    fn status(&mut self) -> Result<u8, AccessError> {
        Ok(self.transfer(&[opcode::STATUS], 1)?[0])
    }

    /// Waits for what a program before this one began, and may have been killed in: a flash that is busy answers nothing else.
    fn settle(&mut self) -> Result<(), AccessError> {
        for _ in 0..MOST_POLLS {
            // All ones is nobody, which what comes next will tell.
            let status = self.status()?;
            if status == 0xff || status & BUSY == 0 {
                return Ok(());
            }
        }
        Err(AccessError::Busy { what: "what was begun before", at: 0, polls: MOST_POLLS })
    }

    /// Carries out a command that changes the flash, and waits for its end.
    fn change(&mut self, command: &[u8], what: &'static str, at: u32) -> Result<(), AccessError> {
        self.transfer(&[opcode::ENABLE], 0)?;
        let status = self.status()?;
        // All ones: nobody drives the line.
        if status == 0xff || status & ENABLED == 0 {
            let words = format!("it does not take an enable for {what} at {at:#08x} (status register {status:#04x})");
            return Err(AccessError::Bus(words));
        }
        if status & PROTECTION != 0 {
            return Err(AccessError::Protected { from: at, status: Some(status) });
        }
        self.transfer(command, 0)?;
        for _ in 0..MOST_POLLS {
            let status = self.status()?;
            if status == 0xff {
                return Err(AccessError::Bus(format!("nothing answers any more during {what} at {at:#08x}")));
            }
            if status & BUSY == 0 {
                return Ok(());
            }
        }
        Err(AccessError::Busy { what, at, polls: MOST_POLLS })
    }

    fn erase(&mut self, at: u32) -> Result<(), AccessError> {
        self.change(&addressed(opcode::ERASE_BLOCK, at), "an erase", at)
    }

    /// Writes one block, page by page; pages that are to be erased are left so.
    fn program(&mut self, from: u32, octets: &[u8]) -> Result<(), AccessError> {
        for (page, octets) in octets.chunks(PAGE).enumerate() {
            if octets.iter().any(|octet| *octet != 0xff) {
                let at = from + (page * PAGE) as u32;
                let command = [&addressed(opcode::PROGRAM, at)[..], octets].concat();
                self.change(&command, "a write", at)?;
            }
        }
        Ok(())
    }

    fn verify(&mut self, from: u32, octets: &[u8], done: &mut dyn FnMut(u64)) -> Result<(), AccessError> {
        for (chunk, wanted) in octets.chunks(CHUNK).enumerate() {
            let at = from + (chunk * CHUNK) as u32;
            let found = self.transfer(&addressed(opcode::READ, at), wanted.len())?;
            let differs = found.iter().zip(wanted).position(|(found, wanted)| found != wanted);
            if let Some(offset) = differs {
                let at = at + offset as u32;
                return Err(AccessError::Verify { at, found: found[offset], wanted: wanted[offset] });
            }
            done((chunk * CHUNK + wanted.len()) as u64);
        }
        Ok(())
    }
}

impl<Bus: Spi> Access for SpiFlash<Bus> {
    fn identify(&mut self) -> Result<Vec<u32>, AccessError> {
        match self.id()? {
            [0x00, ..] | [0xff, ..] => Err(AccessError::Bus("no flash answers its id (9Fh)".into())),
            _ => Ok(Vec::new()),
        }
    }

    fn read(&mut self, from: u32, length: u32, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, AccessError> {
        self.settle()?;
        let of = u64::from(length);
        let mut octets = Vec::with_capacity(length as usize);
        while octets.len() < length as usize {
            let count = CHUNK.min(length as usize - octets.len());
            octets.extend(self.transfer(&addressed(opcode::READ, from + octets.len() as u32), count)?);
            progress(Progress { stage: "read", done: octets.len() as u64, of });
        }
        Ok(octets)
    }

    fn write(&mut self, from: u32, octets: &[u8], progress: &mut dyn FnMut(Progress)) -> Result<(), AccessError> {
        self.settle()?;
        let of = octets.len() as u64;
        let blocks: Vec<(u32, &[u8])> =
            octets.chunks(BLOCK).enumerate().map(|(block, octets)| (from + (block * BLOCK) as u32, octets)).collect();
        for (done, (at, _)) in blocks.iter().enumerate() {
            self.erase(*at)?;
            progress(Progress {
                stage: "erase",
                done: ((done + 1) * BLOCK) as u64,
                of: of.next_multiple_of(BLOCK as u64),
            });
        }
        let mut written = 0;
        // The first block last: until then nothing here can boot.
        for (at, octets) in blocks[1..].iter().chain(&blocks[..1]) {
            self.program(*at, octets)?;
            self.verify(*at, octets, &mut |_| {})?;
            written += octets.len() as u64;
            progress(Progress { stage: "write", done: written, of });
        }
        self.verify(from, octets, &mut |done| progress(Progress { stage: "verify", done, of }))
    }

    fn prove(&mut self, _usercode: u32) -> Result<Proof, AccessError> {
        Ok(Proof::Unknown)
    }
}

fn addressed(opcode: u8, at: u32) -> [u8; 4] {
    let [_, high, middle, low] = at.to_be_bytes();
    [opcode, high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flash in the middle of an erase: until its status was asked for so often it answers all else by ones.
    struct Erasing {
        polls: u32,
    }

    impl Spi for Erasing {
        fn transfer(&mut self, out: &[u8], answer: usize) -> Result<Vec<u8>, String> {
            let busy = self.polls > 0;
            Ok(match out[0] {
                opcode::STATUS => {
                    self.polls = self.polls.saturating_sub(1);
                    vec![u8::from(busy); answer]
                }
                _ if busy => vec![0xff; answer],
                _ => vec![0x20; answer],
            })
        }
    }

    #[test]
    fn what_a_killed_program_began_is_waited_for() {
        assert_eq!(SpiFlash::new(Erasing { polls: 1000 }).id().expect("it answers"), [0x20; 3]);
        assert!(SpiFlash::new(Erasing { polls: 1000 }).identify().is_ok());
        let read = SpiFlash::new(Erasing { polls: 1000 }).read(0, 8, &mut |_| {}).expect("it answers");
        assert_eq!(read, [0x20; 8]);
        let never = SpiFlash::new(Erasing { polls: u32::MAX }).id();
        assert!(matches!(never, Err(AccessError::Busy { .. })), "{never:?}");
    }
}
