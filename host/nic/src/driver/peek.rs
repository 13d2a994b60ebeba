//! A look at a NIC that somebody else drives: reads alone, but for the snapshot of its counters.

use weir_spec::Micros;
use weir_spec::interrupt::Conditions;
use weir_spec::regs::{self, RegId};

use super::attach::{decode, read_shadow};
use super::counters::snapshot;
use super::{Counters, CountersError};
use crate::registers::Registers;
use crate::{AccessError, Bar, Program};

/// What a NIC is doing, as anybody may read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glimpse {
    /// NIC_TIME, microseconds.
    pub now: Micros,
    /// Deadline in force, microseconds of NIC_TIME.
    pub until: Micros,
    /// Rules accept nothing.
    pub fenced: bool,
    /// Low word of the epoch in force.
    pub epoch: u32,
    /// Entries of the flow table in use.
    pub flows: u32,
}

/// Reads the state of a NIC and leaves no trace in it.
///
/// The words of a pair are read one after the other, and another reader may come between: a time or a deadline can be wrong
/// by 2^32 us once in as many.
pub fn peek<B: Bar + ?Sized>(bar: &mut B) -> Result<Glimpse, AccessError> {
    let mut registers = Registers { bar };
    Ok(Glimpse {
        fenced: registers.status()?.fenced(),
        until: registers.lease_until()?,
        now: registers.time()?,
        epoch: registers.read(RegId::EpochActive)?,
        flows: regs::reg(RegId::FlowCount).field("entries").get(registers.read(RegId::FlowCount)?),
    })
}

/// Reads the program that the shadow registers hold and the maps it refers to. It is what is in force, unless whoever drives
/// the NIC is between a load and its COMMIT.
pub fn read_back<B: Bar + ?Sized>(bar: &mut B) -> Result<Program, AccessError> {
    let mut registers = Registers { bar };
    let config = decode(&read_shadow(&mut registers)?);
    Program::read(&config, |slot| registers.slot(slot))
}

/// Freezes all counters at one clock and reads them. Another who takes a snapshot at the same moment may make this one
/// newer, never older or torn in one counter's halves by more than their time apart.
pub fn read_counters<B: Bar + ?Sized>(bar: &mut B) -> Result<Counters, CountersError> {
    snapshot(&mut Registers { bar })
}

/// What the NIC tells by interrupts, read from STATUS.
pub fn conditions<B: Bar + ?Sized>(bar: &mut B) -> Result<Conditions, AccessError> {
    Ok(Registers { bar }.status()?.conditions)
}
