//! A serial NOR flash: 16 MiB by default, as N25Q128 and its kin, with the rules that make flashing hard.
//!
//! Opcodes and status bits: the data sheet of the N25Q128A (Micron), which JESD216 parts of other makers follow for
//! all that is used here.

mod faults;
pub mod protection;

pub use faults::{BadCell, Faults};

/// Octets of a page, within which programming wraps.
pub(crate) const PAGE: usize = 256;
/// Octets of the smallest erase.
const SECTOR: usize = 4 << 10;
/// JEDEC id of an N25Q128A at 3 V: Micron, 128 Mbit.
const JEDEC: [u8; 3] = [0x20, 0xba, 0x18];

/// Status register: an operation is under way.
const BUSY: u8 = 1 << 0;
/// Status register: the next write is taken.
const ENABLED: u8 = 1 << 1;

/// How often a poll of the status says "busy" behind an operation: enough that a tool which does not poll is caught.
const BUSY_POLLS: u32 = 2;

/// What was done to it since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Erases of any size.
    pub erases: u64,
    /// Pages programmed.
    pub programs: u64,
    /// Commands that were not taken: not enabled, or busy.
    pub rejected: u64,
    /// Writes into protected blocks, which do nothing.
    pub protected: u64,
}

/// The flash.
#[derive(Clone, Debug)]
pub struct Nor {
    cells: Vec<u8>,
    /// Block protection bits of the status register; they outlive power.
    protection: u8,
    enabled: bool,
    busy: u32,
    powered: bool,
    asleep: bool,
    wear: Vec<u32>,
    operations: u64,
    faults: Faults,
    /// Octets of the command under way, and how many of the answer are out.
    command: Vec<u8>,
    statistics: Statistics,
}

impl Nor {
    /// A flash of these contents, whose length is a power of two of at least a sector.
    ///
    /// # Panics
    ///
    /// On another length.
    pub fn new(cells: Vec<u8>) -> Nor {
        assert!(cells.len().is_power_of_two() && cells.len() >= SECTOR, "a flash has a power of two of octets");
        let sectors = cells.len() / SECTOR;
        Nor {
            cells,
            protection: 0,
            enabled: false,
            busy: 0,
            powered: true,
            asleep: false,
            wear: vec![0; sectors],
            operations: 0,
            faults: Faults::default(),
            command: Vec::new(),
            statistics: Statistics::default(),
        }
    }

    /// An erased one of 16 MiB.
    pub fn erased() -> Nor {
        Nor::new(vec![0xff; 16 << 20])
    }

    /// What is to go wrong from now on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Sets protection bits, as somebody did before us; see [`protection`].
    pub fn protect(&mut self, bits: u8) {
        self.protection = bits & protection::MASK;
    }

    /// The contents.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// Erases and programs so far; the number a power loss is planned by.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// How often the sector of most erases was erased.
    pub fn most_worn(&self) -> u32 {
        self.wear.iter().copied().max().unwrap_or(0)
    }

    /// What was done to it.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Whether it has power; a planned loss takes it away.
    pub fn powered(&self) -> bool {
        self.powered
    }

    /// Power comes back: volatile state is gone, the planned loss too.
    pub fn power_on(&mut self) {
        self.powered = true;
        self.enabled = false;
        self.asleep = false;
        self.busy = 0;
        self.command.clear();
        self.faults.power_loss = None;
    }

    /// Chip select falls.
    pub fn select(&mut self) {
        self.command.clear();
    }

    /// Eight clocks: takes an octet.
    pub fn put(&mut self, octet: u8) {
        self.command.push(octet);
    }

    /// What the next eight clocks bring, after what was put so far.
    pub fn answer(&mut self) -> u8 {
        let Some((opcode, rest)) = self.command.split_first() else {
            return 0xff;
        };
        if !self.powered || (self.asleep && *opcode != 0xab) {
            return 0xff;
        }
        let count = rest.len();
        match opcode {
            0x9f => JEDEC.get(count).copied().unwrap_or(0),
            0x05 => self.status(),
            // Flag status register: bit 7 is set while nothing is under way.
            0x70 => u8::from(!self.poll()) << 7,
            0x03 if count >= 3 && self.busy == 0 => self.read(rest, count - 3),
            0x0b if count >= 4 && self.busy == 0 => self.read(rest, count - 4),
            _ => 0xff,
        }
    }

    /// What a plain read under way brings next, as so many octets at once; `None` for all else.
    pub(crate) fn read_at_once(&self, count: usize) -> Option<Vec<u8>> {
        let [0x03, rest @ ..] = self.command.as_slice() else {
            return None;
        };
        if rest.len() != 3 || self.busy > 0 || self.asleep || !self.powered {
            return None;
        }
        Some((0..count).map(|at| self.read(rest, at)).collect())
    }

    /// Chip select rises: the command is carried out.
    pub fn deselect(&mut self) {
        let command = std::mem::take(&mut self.command);
        let Some((opcode, rest)) = command.split_first() else {
            return;
        };
        if !self.powered {
            return;
        }
        if self.asleep {
            self.asleep = *opcode != 0xab;
            return;
        }
        let reads = matches!(opcode, 0x03 | 0x05 | 0x0b | 0x70 | 0x9f);
        if self.busy > 0 && !reads {
            self.statistics.rejected += 1;
            return;
        }
        match opcode {
            0x06 => self.enabled = true,
            0x04 => self.enabled = false,
            0xb9 => self.asleep = true,
            0x01 if rest.len() == 1 && self.take_enable() => {
                self.protection = rest[0] & protection::MASK;
                self.busy = BUSY_POLLS;
            }
            0x02 if rest.len() > 3 => self.program(address(rest), &rest[3..]),
            0x20 if rest.len() == 3 => self.erase(address(rest), SECTOR),
            0x52 if rest.len() == 3 => self.erase(address(rest), 32 << 10),
            0xd8 if rest.len() == 3 => self.erase(address(rest), 64 << 10),
            0x60 | 0xc7 if rest.is_empty() => self.erase(0, self.cells.len()),
            _ => {}
        }
    }

    fn read(&self, rest: &[u8], at: usize) -> u8 {
        self.cells[(address(rest) + at) & (self.cells.len() - 1)]
    }

    fn status(&mut self) -> u8 {
        let busy = self.poll();
        self.protection | if self.enabled { ENABLED } else { 0 } | if busy { BUSY } else { 0 }
    }

    /// Whether it is busy; each question brings the end nearer.
    fn poll(&mut self) -> bool {
        let busy = self.busy > 0;
        self.busy = self.busy.saturating_sub(1);
        busy
    }

    fn take_enable(&mut self) -> bool {
        if !self.enabled {
            self.statistics.rejected += 1;
        }
        std::mem::take(&mut self.enabled)
    }

    fn refused(&mut self, from: usize, length: usize) -> bool {
        if !self.take_enable() {
            return true;
        }
        let refused = protection::protected(self.protection, self.cells.len())
            .is_some_and(|protected| from < protected.end && protected.start < from + length);
        self.statistics.protected += u64::from(refused);
        refused
    }

    fn program(&mut self, at: usize, octets: &[u8]) {
        let at = at % self.cells.len();
        let page = at - at % PAGE;
        if self.refused(page, PAGE) {
            return;
        }
        self.operations += 1;
        self.statistics.programs += 1;
        self.busy = BUSY_POLLS;
        // More octets than a page has: the last ones stay.
        let from = octets.len().saturating_sub(PAGE);
        let lost = self.faults.loses_power(self.operations);
        for (offset, octet) in octets.iter().enumerate().skip(from) {
            let cell = page + (at + offset) % PAGE;
            // A loss of power leaves some of the bits uncleared.
            let kept = if lost { self.faults.any_octet() } else { 0 };
            self.cells[cell] &= octet | kept;
        }
        self.settle(page..page + PAGE, lost);
    }

    fn erase(&mut self, at: usize, length: usize) {
        let at = at % self.cells.len();
        let from = at - at % length;
        if self.refused(from, length) {
            return;
        }
        self.operations += 1;
        self.statistics.erases += 1;
        self.busy = BUSY_POLLS;
        for sector in from / SECTOR..(from + length) / SECTOR {
            self.wear[sector] += 1;
        }
        let lost = self.faults.loses_power(self.operations);
        for cell in from..from + length {
            // A loss of power leaves some of the bits as they were.
            let set = if lost { self.faults.any_octet() } else { 0xff };
            self.cells[cell] |= set;
        }
        self.settle(from..from + length, lost);
    }

    /// What is broken stays as it is, and power goes if it was to.
    fn settle(&mut self, range: std::ops::Range<usize>, lost: bool) {
        for BadCell { at, stuck } in self.faults.bad_cells.iter().filter(|cell| range.contains(&cell.at)) {
            self.cells[*at] = *stuck;
        }
        self.powered = !lost;
    }
}

fn address(rest: &[u8]) -> usize {
    rest[..3].iter().fold(0, |address, octet| address << 8 | usize::from(*octet))
}

#[cfg(test)]
mod tests;
