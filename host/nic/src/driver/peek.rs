//! A look at a NIC that somebody else drives: reads alone.

use weir_spec::Micros;
use weir_spec::regs::{self, RegId};

use crate::registers::Registers;
use crate::{AccessError, Bar};

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
        fenced: registers.status()?.fenced,
        until: registers.lease_until()?,
        now: registers.time()?,
        epoch: registers.read(RegId::EpochActive)?,
        flows: regs::reg(RegId::FlowCount).field("entries").get(registers.read(RegId::FlowCount)?),
    })
}
