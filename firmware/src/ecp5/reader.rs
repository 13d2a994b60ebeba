//! Reads a stream command by command, as the configuration engine does, and holds every CRC against what it covers.

use super::crc::Crc;
use super::frames::{self, Broken, Dictionary};
use super::{Part, StreamError};
use sha2::{Digest, Sha256};
use std::fmt;

/// What every stream begins with, behind its comment.
pub(super) const PREAMBLE: [u8; 4] = [0xff, 0xff, 0xbd, 0xb3];

/// An octet between commands; no part of any CRC.
pub(super) const DUMMY: u8 = 0xff;

/// How far into a file or a flash the preamble may be: behind the longest comment any tool writes, and a page of padding.
const SEARCHED: usize = 64 << 10;

/// Octets of a row of block RAM: eight words of 9 bits.
const ROW_OCTETS: usize = 9;

/// Commands of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    /// LSC_WRITE_COMP_DIC: the dictionary of compressed frames.
    Dictionary = 0x02,
    /// ISC_PROGRAM_DONE: wake up.
    Done = 0x5e,
    /// LSC_RESET_CRC.
    ResetCrc = 0x3b,
    /// LSC_INIT_ADDRESS: frames begin at the first.
    InitAddress = 0x46,
    /// SPI_MODE: how the flash is read on.
    SpiMode = 0x79,
    /// JUMP: go on at another address of the flash.
    Jump = 0x7e,
    /// LSC_PROG_INCR_RTI: frames.
    Frames = 0x82,
    /// LSC_PROG_SED_CRC: what the background check of the configuration compares with.
    SedCrc = 0xa2,
    /// LSC_EBR_WRITE: rows of block RAM.
    RamRows = 0xb2,
    /// LSC_PROG_INCR_CMP: compressed frames.
    CompressedFrames = 0xb8,
    /// ISC_PROGRAM_USERCODE.
    Usercode = 0xc2,
    /// ISC_PROGRAM_SECURITY: no reading back.
    Security = 0xce,
    /// VERIFY_ID: the part this is for.
    VerifyId = 0xe2,
    /// LSC_PROG_CNTRL0: control register 0.
    ProgramControl0 = 0x22,
    /// LSC_EBR_ADDRESS: which block RAM rows are for.
    RamAddress = 0xf6,
}

impl Opcode {
    const ALL: &[(Opcode, &'static str)] = &[
        (Opcode::Dictionary, "a dictionary"),
        (Opcode::Done, "the end of the image"),
        (Opcode::ResetCrc, "a reset of the CRC"),
        (Opcode::InitAddress, "the start of the frames"),
        (Opcode::SpiMode, "a mode of the flash"),
        (Opcode::Jump, "a jump"),
        (Opcode::Frames, "a frame"),
        (Opcode::SedCrc, "a check word"),
        (Opcode::RamRows, "a block RAM"),
        (Opcode::CompressedFrames, "a compressed frame"),
        (Opcode::Usercode, "the USERCODE"),
        (Opcode::Security, "a security fuse"),
        (Opcode::VerifyId, "an IDCODE"),
        (Opcode::ProgramControl0, "control register 0"),
        (Opcode::RamAddress, "an address of block RAM"),
    ];

    fn of(octet: u8) -> Option<(Opcode, &'static str)> {
        Opcode::ALL.iter().copied().find(|(opcode, _)| *opcode as u8 == octet)
    }
}

/// An image, checked from its preamble to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitstream {
    /// What the tool wrote in front of it, `Part: LFE5UM5G-45F-8CABGA381` among others.
    pub comments: Vec<String>,
    /// The part it is for.
    pub part: Part,
    /// Control register 0: flags, and the clock of the flash in its low bits.
    pub control0: u32,
    /// What JTAG reads while this image runs; 0 if the image sets none.
    pub usercode: u32,
    /// Whether its frames are compressed.
    pub compressed: bool,
    /// Block RAMs it fills.
    pub block_rams: u32,
    /// CRCs that were there, and held.
    pub crcs: u32,
    /// Octet the preamble is at.
    pub start: usize,
    /// Octet behind the command that ends it.
    pub end: usize,
    /// SHA-256 of all frames and block RAM as the part holds them: the same for a compressed and a plain stream of one design.
    pub contents: [u8; 32],
}

impl fmt::Display for Bitstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.compressed { "compressed" } else { "plain" };
        let Bitstream { part, crcs, block_rams, usercode, .. } = self;
        write!(f, "image for {}, {} {form} frames, {block_rams} block RAMs, ", part.name, part.frames)?;
        write!(f, "{crcs} CRCs hold, USERCODE {usercode:#010x}")
    }
}

/// What a stream leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// A configured part.
    Image(Box<Bitstream>),
    /// Another address of the flash.
    Jump {
        /// The address.
        target: u32,
        /// Octet the command is at.
        at: usize,
    },
}

impl Bitstream {
    /// Reads an image for `idcode`, or for whatever part it says.
    ///
    /// What follows the end of the image is not looked at: a flash goes on behind it.
    ///
    /// # Errors
    ///
    /// The first thing that would make the configuration engine give up, with its place.
    pub fn read(octets: &[u8], idcode: Option<u32>) -> Result<Bitstream, StreamError> {
        match Stream::read(octets, idcode)? {
            Stream::Image(image) => Ok(*image),
            Stream::Jump { target, at } => Err(StreamError::Jump { at, target }),
        }
    }
}

impl Stream {
    /// Reads an image or a jump; see [`Bitstream::read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read(octets: &[u8], idcode: Option<u32>) -> Result<Stream, StreamError> {
        let window = &octets[..octets.len().min(SEARCHED)];
        let found = window.windows(PREAMBLE.len()).position(|window| window == PREAMBLE);
        let start = found.ok_or(StreamError::NoPreamble { searched: window.len() })?;
        let mut reader = Reader::new(octets, start, idcode);
        reader.run(comments(&octets[..start]))
    }
}

/// The comment of a `.bit` file: `ff 00`, texts that end in zeros, and whatever pads it.
fn comments(front: &[u8]) -> Vec<String> {
    let Some(texts) = front.strip_prefix(&[0xff, 0x00]) else {
        return Vec::new();
    };
    let end = texts.iter().position(|octet| *octet == DUMMY).unwrap_or(texts.len());
    let texts = texts[..end].split(|octet| *octet == 0);
    texts.filter(|text| !text.is_empty()).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    start: usize,
    crc: Crc,
    wanted: Option<u32>,
    part: Option<Part>,
    control0: u32,
    usercode: u32,
    dictionary: Option<Dictionary>,
    frames: u32,
    compressed: bool,
    block_rams: u32,
    crcs: u32,
    contents: Sha256,
}

impl<'a> Reader<'a> {
    fn new(octets: &'a [u8], start: usize, wanted: Option<u32>) -> Reader<'a> {
        Reader {
            octets,
            at: start + PREAMBLE.len(),
            start,
            crc: Crc::default(),
            wanted,
            part: None,
            control0: 0,
            usercode: 0,
            dictionary: None,
            frames: 0,
            compressed: false,
            block_rams: 0,
            crcs: 0,
            contents: Sha256::new(),
        }
    }

    fn run(&mut self, comments: Vec<String>) -> Result<Stream, StreamError> {
        loop {
            let at = self.at;
            let first = self.peek("a command")?;
            if first == DUMMY {
                self.at += 1;
                continue;
            }
            let (opcode, name) = Opcode::of(first).ok_or(StreamError::UnknownCommand { at, opcode: first })?;
            let head = self.covered(4, name)?;
            let (flags, count) = (head[1], u16::from_be_bytes([head[2], head[3]]));
            let checked = flags & 0x80 != 0;
            match opcode {
                Opcode::ResetCrc => self.crc = Crc::default(),
                Opcode::InitAddress | Opcode::SpiMode | Opcode::Security => {}
                Opcode::VerifyId => self.identify(at)?,
                Opcode::ProgramControl0 => self.control0 = self.word(name)?,
                Opcode::SedCrc => drop(self.word(name)?),
                Opcode::Jump => {
                    let target = self.word(name)? & 0x00ff_ffff;
                    return Ok(Stream::Jump { target, at });
                }
                Opcode::Usercode => {
                    self.usercode = self.word(name)?;
                    self.check(checked, name)?;
                    self.crc = Crc::default();
                }
                Opcode::Dictionary => {
                    let mut dictionary: Dictionary = self.covered(8, name)?.try_into().expect("8 octets were taken");
                    // The stream has the last entry first.
                    dictionary.reverse();
                    self.dictionary = Some(dictionary);
                    self.check(checked, name)?;
                }
                Opcode::Frames | Opcode::CompressedFrames => self.frames(at, opcode, name, flags, count)?,
                Opcode::RamAddress => {
                    let address = self.word(name)?;
                    self.contents.update(address.to_be_bytes());
                    self.block_rams += 1;
                }
                Opcode::RamRows => {
                    let rows = self.covered(usize::from(count) * ROW_OCTETS, name)?;
                    self.contents.update(rows);
                    self.check(checked, name)?;
                }
                Opcode::Done => {
                    self.check(checked, name)?;
                    return self.done(at, comments).map(|image| Stream::Image(Box::new(image)));
                }
            }
        }
    }

    fn identify(&mut self, at: usize) -> Result<(), StreamError> {
        let found = self.word("an IDCODE")?;
        if let Some(wanted) = self.wanted.filter(|wanted| *wanted != found) {
            return Err(StreamError::OtherPart { at, found, wanted });
        }
        self.part = Some(Part::by_idcode(found).ok_or(StreamError::UnknownPart { at, idcode: found })?);
        Ok(())
    }

    /// Frames: bit 7 of the flags asks for CRCs, bit 6 for one behind the last frame alone; the low four say how many dummy
    /// octets follow each frame.
    fn frames(
        &mut self,
        at: usize,
        opcode: Opcode,
        name: &'static str,
        flags: u8,
        count: u16,
    ) -> Result<(), StreamError> {
        let part = self.part.ok_or(StreamError::BeforePart { at, command: name })?;
        if count != part.frames || self.frames != 0 {
            return Err(StreamError::FrameCount { at, count, part });
        }
        self.compressed = opcode == Opcode::CompressedFrames;
        let dictionary = match (self.compressed, self.dictionary) {
            (true, None) => return Err(StreamError::NoDictionary { at }),
            (_, dictionary) => dictionary.unwrap_or_default(),
        };
        let (checked, each) = (flags & 0x80 != 0, flags & 0x40 == 0);
        let dummies = usize::from(flags & 0x0f);
        let mut frame = vec![0; part.frame_octets];
        for number in 1..=count {
            if self.compressed {
                let here = self.at;
                let rest = &self.octets[here..];
                let taken = frames::expand(rest, &dictionary, part.compressed_octets(), &mut frame);
                let taken = taken.map_err(|broken| match broken {
                    Broken::Short => StreamError::Truncated { at: self.octets.len(), inside: name, missing: 1 },
                    Broken::Padding => StreamError::Padding { at: here },
                })?;
                self.covered(taken, name)?;
            } else {
                frame.copy_from_slice(self.covered(part.frame_octets, name)?);
            }
            self.contents.update(&frame);
            self.frames += 1;
            self.check(checked && (each || number == count), name)?;
            self.covered(dummies, name)?;
        }
        Ok(())
    }

    fn done(&mut self, at: usize, comments: Vec<String>) -> Result<Bitstream, StreamError> {
        let frames = self.frames;
        let part = match self.part {
            Some(part) if frames == u32::from(part.frames) => part,
            part => return Err(StreamError::Unconfigured { at, frames, part }),
        };
        Ok(Bitstream {
            comments,
            part,
            control0: self.control0,
            usercode: self.usercode,
            compressed: self.compressed,
            block_rams: self.block_rams,
            crcs: self.crcs,
            start: self.start,
            end: self.at,
            contents: std::mem::take(&mut self.contents).finalize().into(),
        })
    }

    fn peek(&self, inside: &'static str) -> Result<u8, StreamError> {
        let end = StreamError::Truncated { at: self.octets.len(), inside, missing: 1 };
        self.octets.get(self.at).copied().ok_or(end)
    }

    fn take(&mut self, count: usize, inside: &'static str) -> Result<&'a [u8], StreamError> {
        let rest = &self.octets[self.at..];
        let Some(taken) = rest.get(..count) else {
            return Err(StreamError::Truncated { at: self.octets.len(), inside, missing: count - rest.len() });
        };
        self.at += count;
        Ok(taken)
    }

    /// Takes octets that the CRC covers.
    fn covered(&mut self, count: usize, inside: &'static str) -> Result<&'a [u8], StreamError> {
        let taken = self.take(count, inside)?;
        self.crc.update(taken);
        Ok(taken)
    }

    fn word(&mut self, inside: &'static str) -> Result<u32, StreamError> {
        let octets = self.covered(4, inside)?;
        Ok(u32::from_be_bytes(octets.try_into().expect("4 octets were taken")))
    }

    /// Reads a CRC, if there is one, and begins the next.
    fn check(&mut self, there: bool, behind: &'static str) -> Result<(), StreamError> {
        if !there {
            return Ok(());
        }
        let at = self.at;
        let octets = self.take(2, "a CRC")?;
        let (found, computed) = (u16::from_be_bytes([octets[0], octets[1]]), self.crc.value());
        if found != computed {
            return Err(StreamError::Crc { at, behind, found, computed });
        }
        self.crc = Crc::default();
        self.crcs += 1;
        Ok(())
    }
}
