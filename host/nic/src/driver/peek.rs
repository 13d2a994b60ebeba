//! A look at a NIC that somebody else drives: reads alone, but for the snapshot of its counters.

use weir_spec::Micros;
use weir_spec::interrupt::Conditions;
use weir_spec::regs::{self, RegId};

use super::attach::{decode, read_shadow};
use super::counters::snapshot;
use super::{Counters, CountersError, checksum};
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

/// What the shadow registers of a NIC hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shadow {
    /// The program, with the maps it refers to.
    pub program: Program,
    /// Whether it is in force.
    pub standing: Standing,
}

/// Whether what the shadow registers hold is in force. The registers of what *is* in force cannot be read: the journal in
/// SCRATCH tells whether they are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The journal vouches for it: this is what was committed last.
    InForce,
    /// Nothing was committed since the NIC was reset.
    NeverCommitted,
    /// The journal does not fit: a load without its COMMIT, or a driver that keeps no journal.
    Staged,
}

/// Reads the program that the shadow registers hold and the maps it refers to, and whether it is what is in force. Whoever
/// drives the NIC may be at it meanwhile; the journal is read on both sides of the registers, and has to be the same.
pub fn read_back<B: Bar + ?Sized>(bar: &mut B) -> Result<Shadow, AccessError> {
    let mut registers = Registers { bar };
    let before = registers.read(RegId::Scratch)?;
    let words = read_shadow(&mut registers)?;
    let program = Program::read(&decode(&words), |slot| registers.slot(slot))?;
    let journal = registers.read(RegId::Scratch)?;
    let standing = if !registers.status()?.configured {
        Standing::NeverCommitted
    } else if journal == before && journal == checksum(words.into_iter()) {
        Standing::InForce
    } else {
        Standing::Staged
    };
    Ok(Shadow { program, standing })
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
