//! The counters, all of one moment.

use weir_spec::counters::{self, COUNTERS};
use weir_spec::regs::RegId;

use super::Nic;
use crate::registers::{PATIENCE, Registers};
use crate::{AccessError, Bar};

/// All counters as a snapshot froze them; indexes are those of [`weir_spec::counters`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counters(pub [u64; COUNTERS]);

impl Counters {
    /// Names and values, reserved places left out.
    pub fn named(&self) -> impl Iterator<Item = (String, u64)> {
        self.0.iter().enumerate().filter_map(|(index, value)| Some((counters::name(index)?, *value)))
    }
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CountersError {
    /// The NIC cannot be accessed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// SNAP_SEQ does not rise.
    #[error("the NIC has not finished a snapshot of its counters in {} ms", PATIENCE.as_millis())]
    Stuck,
}

impl<B: Bar> Nic<B> {
    /// Freezes all counters at one clock and reads them.
    pub fn counters(&mut self) -> Result<Counters, CountersError> {
        snapshot(&mut self.registers)
    }
}

/// Takes a snapshot and reads it.
pub(super) fn snapshot<B: Bar>(registers: &mut Registers<B>) -> Result<Counters, CountersError> {
    let before = registers.read(RegId::SnapSeq)?;
    registers.write(RegId::Snapshot, 1)?;
    let taken = registers.wait(|registers| {
        registers.status()?;
        Ok::<_, AccessError>((registers.read(RegId::SnapSeq)? != before).then_some(()))
    })?;
    taken.ok_or(CountersError::Stuck)?;
    let mut values = [0; COUNTERS];
    for (index, value) in values.iter_mut().enumerate() {
        if counters::name(index).is_some() {
            *value = registers.read_pair(RegId::CounterLo, RegId::CounterHi, index as u32)?;
        }
    }
    Ok(Counters(values))
}
