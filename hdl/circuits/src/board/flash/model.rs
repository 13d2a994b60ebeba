//! A serial flash at its pins, for the benches: enable, program ones to zeros, erase, read, status, id, and a loss of power.

use std::collections::BTreeMap;

pub(super) const ID: [u8; 3] = [0x20, 0xba, 0x18];

#[derive(Clone, Debug, Default)]
pub(super) struct Nor {
    pub(super) octets: BTreeMap<u32, u8>,
    /// Programs and erases that were begun, by opcode and address.
    pub(super) done: Vec<(u8, u32)>,
    /// Cells (address, bits) that cannot be programmed.
    pub(super) stuck: BTreeMap<u32, u8>,
    /// Power is lost in the middle of the program after so many octets: those behind it, and the upper half of that one, stay.
    pub(super) torn_after: Option<usize>,
    /// In so many reads to come the first octet is misread.
    pub(super) misreads: u32,
    /// Clocks of the bench that a change takes.
    pub(super) slow: u64,
    /// Clocks that came while it was not selected.
    pub(super) unheard: u64,
    enabled: bool,
    busy: u64,
    selected: bool,
    clock: bool,
    heard: Vec<u8>,
    bits: u32,
    shift: u8,
    out: u8,
}

impl Nor {
    /// One that takes so many clocks for a change.
    pub(super) fn slow(slow: u64) -> Nor {
        Nor { slow, ..Nor::default() }
    }

    /// The same after a loss of power, as good as new.
    pub(super) fn restarted(self) -> Nor {
        Nor { octets: self.octets, slow: self.slow, ..Nor::default() }
    }

    pub(super) fn octet(&self, at: u32) -> u8 {
        self.octets.get(&at).copied().unwrap_or(0xff)
    }

    pub(super) fn put(&mut self, at: u32, octets: &[u8]) {
        self.octets.extend((at..).zip(octets.iter().copied()));
    }

    /// One clock of the bench: what its pin says.
    pub(super) fn pin(&mut self, cs_n: bool, clock: bool, mosi: bool) -> bool {
        self.busy = self.busy.saturating_sub(1);
        let (rises, falls) = (clock && !self.clock, !clock && self.clock);
        self.clock = clock;
        if cs_n {
            self.unheard += u64::from(rises);
            if std::mem::take(&mut self.selected) {
                self.carry_out();
            }
            return true;
        }
        if !std::mem::replace(&mut self.selected, true) {
            assert!(!clock, "mode 0: its clock is low when it is selected");
            (self.bits, self.out) = (0, 0xff);
            self.heard.clear();
        }
        if rises {
            self.shift = self.shift << 1 | u8::from(mosi);
            self.bits += 1;
        }
        if falls {
            self.out = self.out << 1 | 1;
            if self.bits.is_multiple_of(8) {
                self.heard.push(self.shift);
                self.out = self.answer();
            }
        }
        self.out & 0x80 != 0
    }

    fn address(&self) -> u32 {
        u32::from_be_bytes([0, self.heard[1], self.heard[2], self.heard[3]])
    }

    /// The octet that follows what was heard.
    fn answer(&self) -> u8 {
        let count = self.heard.len();
        match self.heard[0] {
            0x05 => u8::from(self.busy > 0) | u8::from(self.enabled) << 1,
            _ if self.busy > 0 => 0xff,
            0x9f => ID.get(count - 1).copied().unwrap_or(0xff),
            0x03 if count == 4 && self.misreads > 0 => self.octet(self.address()) ^ 0x10,
            0x03 if count >= 4 => self.octet(self.address() + count as u32 - 4),
            _ => 0xff,
        }
    }

    /// Chip select rises.
    fn carry_out(&mut self) {
        let Some(opcode) = self.heard.first().copied().filter(|_| self.busy == 0) else { return };
        assert!(self.bits.is_multiple_of(8), "whole octets");
        match (opcode, self.heard.len()) {
            (0x06, 1) => self.enabled = true,
            (0x03, _) => self.misreads = self.misreads.saturating_sub(1),
            (0x02, 5..) if std::mem::take(&mut self.enabled) => {
                let (at, octets) = (self.address(), self.heard[4..].to_vec());
                self.done.push((opcode, at));
                for (number, octet) in octets.into_iter().enumerate() {
                    let at = at & !0xff | (at + number as u32) & 0xff;
                    let torn = match self.torn_after {
                        Some(after) if number > after => 0xff,
                        Some(after) if number == after => 0xf0,
                        _ => 0,
                    };
                    let octet = octet | torn | self.stuck.get(&at).copied().unwrap_or(0);
                    self.octets.insert(at, self.octet(at) & octet);
                }
                self.busy = self.slow;
            }
            (0xd8, 4) if std::mem::take(&mut self.enabled) => {
                let block = self.address() & !0xffff;
                self.done.push((opcode, block));
                self.octets.retain(|at, _| at & !0xffff != block);
                self.busy = self.slow;
            }
            (0x05 | 0x9f, _) => {}
            (opcode, count) => panic!("{opcode:#04x} of {count} octets, enabled or not, is nothing to say"),
        }
    }
}
