//! The part: instructions of its TAP, configuration engine, boot.
//!
//! Instruction codes and status bits: Lattice FPGA-TN-02039 and `lattice.cpp` of openFPGALoader. What is ours: that a boot which
//! fails looks for a jump in the last page of the flash, as `ecpmulti` of Project Trellis lays it, and tells of it by status bit 21.

use crate::nor::{Nor, PAGE};
use crate::tap::State;
use std::collections::VecDeque;
use weir_firmware::ecp5::{Bitstream, BootError, Stream, StreamError};

/// Bits of the status register.
pub mod status {
    /// An image runs.
    pub const DONE: u32 = 1 << 8;
    /// Configuration by JTAG is enabled.
    pub const ISC_ENABLED: u32 = 1 << 9;
    /// The last configuration failed.
    pub const FAIL: u32 = 1 << 13;
    /// The primary image did not boot, whatever runs now.
    pub const PRIMARY_FAILED: u32 = 1 << 21;
    /// Where the three bits of the error code begin.
    pub const ERROR_SHIFT: u32 = 23;
    /// Those bits.
    pub const ERROR: u32 = 7 << ERROR_SHIFT;
}

/// LSC_PROG_SPI takes effect with this operand: from then on data scans are transactions with the flash.
const SPI_KEY: [u8; 2] = [0xfe, 0x68];

mod instruction {
    pub(super) const ISC_ERASE: u8 = 0x0e;
    pub(super) const PRELOAD: u8 = 0x1c;
    pub(super) const ISC_DISABLE: u8 = 0x26;
    pub(super) const PROG_SPI: u8 = 0x3a;
    pub(super) const READ_STATUS: u8 = 0x3c;
    pub(super) const REFRESH: u8 = 0x79;
    pub(super) const BITSTREAM_BURST: u8 = 0x7a;
    pub(super) const USERCODE: u8 = 0xc0;
    pub(super) const ISC_ENABLE: u8 = 0xc6;
    pub(super) const IDCODE: u8 = 0xe0;
    pub(super) const BYPASS: u8 = 0xff;
}

/// What the part does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Running {
    /// Nothing, and why, if a boot or a load was tried.
    Nothing(Option<StreamError>),
    /// The image at 0 of the flash.
    Primary(Box<Bitstream>),
    /// The image that the jump block leads to.
    Golden(Box<Bitstream>),
    /// An image that JTAG loaded.
    Loaded(Box<Bitstream>),
}

impl Running {
    /// The image, wherever it came from.
    pub fn image(&self) -> Option<&Bitstream> {
        match self {
            Running::Nothing(_) => None,
            Running::Primary(image) | Running::Golden(image) | Running::Loaded(image) => Some(image),
        }
    }
}

/// An ECP5 with its flash.
#[derive(Debug)]
pub struct Fpga {
    idcode: u32,
    nor: Nor,
    running: Running,
    status: u32,
    state: State,
    instruction: u8,
    instruction_shift: u8,
    data: VecDeque<bool>,
    /// Whether data scans under PROG_SPI reach the flash.
    spi: bool,
    octet: Octet,
    burst: Vec<u8>,
}

/// Eight bits on their way, most significant first, both ways at once.
#[derive(Debug, Default)]
struct Octet {
    inward: u8,
    outward: u8,
    count: u8,
}

impl Octet {
    fn starting(outward: u8) -> Octet {
        Octet { inward: 0, outward, count: 0 }
    }

    fn out(&self) -> bool {
        self.outward >> (7 - self.count) & 1 == 1
    }

    /// Takes a bit; the octet when it is whole.
    fn put(&mut self, bit: bool) -> Option<u8> {
        self.inward = self.inward << 1 | u8::from(bit);
        self.count += 1;
        (self.count == 8).then_some(self.inward)
    }
}

impl Fpga {
    /// A part of this IDCODE with this flash, before its power comes on.
    pub fn new(idcode: u32, nor: Nor) -> Fpga {
        Fpga {
            idcode,
            nor,
            running: Running::Nothing(None),
            status: 0,
            state: State::Reset,
            instruction: instruction::IDCODE,
            instruction_shift: 0,
            data: VecDeque::new(),
            spi: false,
            octet: Octet::default(),
            burst: Vec::new(),
        }
    }

    /// Power comes on: the flash wakes, and the part boots from it.
    pub fn power_on(&mut self) -> &Running {
        self.nor.power_on();
        self.state = State::Reset;
        self.instruction = instruction::IDCODE;
        self.boot();
        &self.running
    }

    /// What runs.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The status register.
    pub fn status(&self) -> u32 {
        self.status
    }

    /// The flash.
    pub fn nor(&self) -> &Nor {
        &self.nor
    }

    /// The flash, to break it.
    pub fn nor_mut(&mut self) -> &mut Nor {
        &mut self.nor
    }

    /// What the flash holds is configured from its start; if that fails, from where its last page leads.
    fn boot(&mut self) {
        self.spi = false;
        let cells = self.nor.cells();
        let (running, status) = match Bitstream::read(cells, Some(self.idcode)) {
            Ok(image) => (Running::Primary(Box::new(image)), status::DONE),
            Err(first) => {
                let failed = status::PRIMARY_FAILED | code(first.boot_error());
                match golden(cells, self.idcode) {
                    Some(image) => (Running::Golden(Box::new(image)), status::DONE | status::PRIMARY_FAILED),
                    None => (Running::Nothing(Some(first)), status::FAIL | failed),
                }
            }
        };
        (self.running, self.status) = (running, status);
    }

    /// What JTAG brought is configured.
    fn load(&mut self, octets: &[u8]) {
        let kept = self.status & status::ISC_ENABLED;
        (self.running, self.status) = match Bitstream::read(octets, Some(self.idcode)) {
            Ok(image) => (Running::Loaded(Box::new(image)), kept | status::DONE),
            Err(error) => {
                let failed = status::FAIL | code(error.boot_error());
                (Running::Nothing(Some(error)), kept | failed)
            }
        };
    }

    /// A rising edge of TCK; returns TDO as it was before.
    pub fn clock(&mut self, tms: bool, tdi: bool) -> bool {
        let tdo = match self.state {
            State::ShiftDr => self.shift(tdi),
            State::ShiftIr => {
                let out = self.instruction_shift & 1 == 1;
                self.instruction_shift = self.instruction_shift >> 1 | u8::from(tdi) << 7;
                out
            }
            _ => false,
        };
        let from = self.state;
        self.state = from.next(tms);
        match self.state {
            State::CaptureDr => self.capture(),
            // The standard wants the two low bits to be 01.
            State::CaptureIr => self.instruction_shift = 0b01,
            State::Exit1Dr if from == State::ShiftDr && self.reaches_flash() => self.nor.deselect(),
            State::UpdateDr => self.update(),
            State::UpdateIr => self.instruct(self.instruction_shift),
            State::Idle if self.instruction == instruction::BITSTREAM_BURST && !self.burst.is_empty() => {
                let octets = std::mem::take(&mut self.burst);
                self.load(&octets);
            }
            State::Reset => self.instruction = instruction::IDCODE,
            _ => {}
        }
        tdo
    }

    fn reaches_flash(&self) -> bool {
        self.spi && self.instruction == instruction::PROG_SPI
    }

    fn capture(&mut self) {
        if self.reaches_flash() {
            self.nor.select();
            self.octet = Octet::starting(0xff);
            return;
        }
        self.octet = Octet::default();
        let (value, length) = match self.instruction {
            instruction::IDCODE => (self.idcode, 32),
            instruction::USERCODE => (self.running.image().map_or(0, |image| image.usercode), 32),
            instruction::READ_STATUS => (self.status, 32),
            instruction::PROG_SPI => (0, 16),
            instruction::PRELOAD => (0, 208),
            instruction::BYPASS => (0, 1),
            _ => (0, 8),
        };
        self.data = (0..length).map(|bit| bit < 32 && value >> bit & 1 == 1).collect();
    }

    fn shift(&mut self, tdi: bool) -> bool {
        if self.reaches_flash() {
            let out = self.octet.out();
            if let Some(octet) = self.octet.put(tdi) {
                self.nor.put(octet);
                self.octet = Octet::starting(self.nor.answer());
            }
            return out;
        }
        if self.instruction == instruction::BITSTREAM_BURST {
            if let Some(octet) = self.octet.put(tdi) {
                self.burst.push(octet);
                self.octet = Octet::default();
            }
            return false;
        }
        self.data.push_back(tdi);
        self.data.pop_front().unwrap_or(tdi)
    }

    fn update(&mut self) {
        if self.instruction == instruction::PROG_SPI && !self.spi {
            let octets = [0, 8].map(|from| (0..8).fold(0, |octet, bit| octet | u8::from(self.data[from + bit]) << bit));
            self.spi = octets == SPI_KEY;
        }
    }

    fn instruct(&mut self, code: u8) {
        self.instruction = code;
        match code {
            instruction::ISC_ENABLE => self.status |= status::ISC_ENABLED,
            instruction::ISC_DISABLE => self.status &= !status::ISC_ENABLED,
            instruction::ISC_ERASE => {
                self.running = Running::Nothing(None);
                self.status &= status::ISC_ENABLED;
            }
            instruction::REFRESH => self.boot(),
            instruction::BITSTREAM_BURST => self.burst.clear(),
            _ => {}
        }
    }
}

fn code(error: BootError) -> u32 {
    (error as u32) << status::ERROR_SHIFT
}

fn golden(cells: &[u8], idcode: u32) -> Option<Bitstream> {
    let last = cells.len().checked_sub(PAGE)?;
    match Stream::read(&cells[last..], Some(idcode)) {
        Ok(Stream::Jump { target, .. }) => Bitstream::read(cells.get(target as usize..)?, Some(idcode)).ok(),
        _ => None,
    }
}
