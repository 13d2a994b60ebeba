//! One operation on the flow table after another.

use weir_spec::flow::table::WAYS;
use weir_spec::flow::{Entry, FlowKind};
use weir_spec::regs::{self, RegId};

use super::FlowError;
use crate::cuckoo::Place;
use crate::registers::Registers;
use crate::{AccessError, Bar};

/// What the COMMAND doorbell does.
#[derive(Clone, Copy)]
enum Operation {
    Write(u8, FlowKind),
    Remove,
    Read,
    Clear,
}

impl Operation {
    fn word(self, way: usize) -> u32 {
        let place = |name, value| regs::reg(RegId::FlowCommand).field(name).place(value);
        let operation = match self {
            Operation::Write(vip, kind) => {
                place("operation", 1) | place("vip", vip.into()) | place("kind", kind as u32)
            }
            Operation::Remove => place("operation", 2),
            Operation::Read => place("operation", 3),
            Operation::Clear => place("operation", 4),
        };
        operation | place("way", way as u32)
    }
}

/// Virtual IP and kind of the entry that an operation met.
type Met = Option<(u8, FlowKind)>;

/// The mailbox of a NIC.
pub(super) struct Mailbox<'a, B> {
    registers: &'a mut Registers<B>,
}

impl<'a, B: Bar> Mailbox<'a, B> {
    pub(super) fn new(registers: &'a mut Registers<B>) -> Mailbox<'a, B> {
        Mailbox { registers }
    }

    /// Entries in use.
    pub(super) fn count(&mut self) -> Result<usize, FlowError> {
        self.idle()?;
        Ok(self.registers.read(RegId::FlowCount)? as usize)
    }

    /// Puts `entry` at `place`, where `old` was, and reads it back.
    pub(super) fn write(&mut self, place: Place, old: Option<Entry>, entry: Entry) -> Result<(), FlowError> {
        self.idle()?;
        self.registers.write(RegId::FlowSignatureLo, entry.signature as u32)?;
        self.registers.write(RegId::FlowSignatureHi, (entry.signature >> 32) as u32)?;
        self.registers.write(RegId::FlowIndex, place.index as u32)?;
        let met = self.operate(Operation::Write(entry.vip, entry.kind), place.way)?;
        expect_met(place, old, met)?;
        let found = self.read_here(place.way)?;
        if found == Some(entry) {
            Ok(())
        } else {
            Err(FlowError::Differs { way: place.way, index: place.index, expected: Some(entry), found })
        }
    }

    /// Frees `place`, where `old` was.
    pub(super) fn remove(&mut self, place: Place, old: Option<Entry>) -> Result<(), FlowError> {
        self.idle()?;
        self.registers.write(RegId::FlowIndex, place.index as u32)?;
        let met = self.operate(Operation::Remove, place.way)?;
        expect_met(place, old, met)
    }

    /// The entries at `index`, way by way.
    pub(super) fn read(&mut self, index: usize) -> Result<[Option<Entry>; WAYS], FlowError> {
        self.idle()?;
        self.registers.write(RegId::FlowIndex, index as u32)?;
        let mut entries = [None; WAYS];
        for (way, entry) in entries.iter_mut().enumerate() {
            *entry = self.read_here(way)?;
        }
        Ok(entries)
    }

    /// Removes every entry.
    pub(super) fn clear(&mut self) -> Result<(), FlowError> {
        self.idle()?;
        self.operate(Operation::Clear, 0).map(drop)
    }

    fn read_here(&mut self, way: usize) -> Result<Option<Entry>, FlowError> {
        let Some((vip, kind)) = self.operate(Operation::Read, way)? else { return Ok(None) };
        let signature = self.registers.read_pair(RegId::FlowSignatureLo, RegId::FlowSignatureHi, 0)?;
        Ok(Some(Entry { signature, vip, kind }))
    }

    fn operate(&mut self, operation: Operation, way: usize) -> Result<Met, FlowError> {
        self.registers.write(RegId::FlowCommand, operation.word(way))?;
        self.idle()
    }

    /// Waits until nothing is under way: a reset clears the table, and takes its time.
    fn idle(&mut self) -> Result<Met, FlowError> {
        let met = self.registers.wait(|registers| {
            let word = registers.read(RegId::FlowStatus)?;
            if word == u32::MAX {
                return Err(AccessError::Gone { register: "FLOW.STATUS" });
            }
            let field = |name| regs::reg(RegId::FlowStatus).field(name).get(word);
            let kind = FlowKind::from_bits(field("kind")).filter(|_| field("occupied") == 1);
            Ok((field("busy") == 0).then_some(kind.map(|kind| (field("vip") as u8, kind))))
        })?;
        met.ok_or(FlowError::Stuck)
    }
}

/// An operation tells whose entry it met.
fn expect_met(place: Place, old: Option<Entry>, met: Met) -> Result<(), FlowError> {
    if met == old.map(|entry| (entry.vip, entry.kind)) {
        Ok(())
    } else {
        Err(FlowError::NotOurs { way: place.way, index: place.index })
    }
}
