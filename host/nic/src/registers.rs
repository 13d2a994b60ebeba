//! Registers by name.

use std::time::{Duration, Instant};

use weir_spec::Micros;
use weir_spec::interrupt::{Conditions, Interrupt};
use weir_spec::map::{Map, WORDS};
use weir_spec::regs::{self, RegId};

use crate::{Bar, BarError};

/// Why a register could not be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The back-end failed.
    #[error(transparent)]
    Bar(#[from] BarError),
    /// A register that can never read so reads all ones: removed, in reset, or its memory decoding is off.
    #[error("the NIC is gone: {register} reads 0xffffffff")]
    Gone {
        /// Which register.
        register: &'static str,
    },
}

/// How long the NIC may take for what takes microseconds. Long enough for an RTL engine on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_millis(500);

/// A BAR whose words have names.
pub(crate) struct Registers<B> {
    pub(crate) bar: B,
}

/// The STATUS register.
pub(crate) struct StatusWord {
    pub(crate) busy: bool,
    /// A COMMIT was taken since the reset.
    pub(crate) configured: bool,
    pub(crate) conditions: Conditions,
}

impl StatusWord {
    pub(crate) fn fenced(&self) -> bool {
        self.conditions.has(Interrupt::Fenced)
    }
}

impl<B: Bar> Registers<B> {
    pub(crate) fn read(&mut self, id: RegId) -> Result<u32, AccessError> {
        self.read_at(id, 0)
    }

    pub(crate) fn read_at(&mut self, id: RegId, index: u32) -> Result<u32, AccessError> {
        Ok(self.bar.read32(regs::address(id, index))?)
    }

    pub(crate) fn write(&mut self, id: RegId, value: u32) -> Result<(), AccessError> {
        Ok(self.bar.write32(regs::address(id, 0), value)?)
    }

    /// Two registers as one number; `low` is read first, which latches `high` where the NIC keeps them together.
    pub(crate) fn read_pair(&mut self, low: RegId, high: RegId, index: u32) -> Result<u64, AccessError> {
        let low = self.read_at(low, index)?;
        Ok(u64::from(self.read_at(high, index)?) << 32 | u64::from(low))
    }

    /// The words of a map slot.
    pub(crate) fn slot(&mut self, slot: usize) -> Result<Map, AccessError> {
        let mut map = Map::default();
        for (index, word) in map.words_mut().iter_mut().enumerate() {
            *word = self.read_at(RegId::MapWord, (slot * WORDS + index) as u32)?;
        }
        Ok(map)
    }

    pub(crate) fn time(&mut self) -> Result<Micros, AccessError> {
        match self.read_pair(RegId::NicTimeLo, RegId::NicTimeHi, 0)? {
            u64::MAX => Err(AccessError::Gone { register: "NIC_TIME" }),
            now => Ok(now),
        }
    }

    pub(crate) fn lease_until(&mut self) -> Result<Micros, AccessError> {
        self.read_pair(RegId::LeaseUntilLo, RegId::LeaseUntilHi, 0)
    }

    pub(crate) fn status(&mut self) -> Result<StatusWord, AccessError> {
        let word = self.read(RegId::Status)?;
        if word == u32::MAX {
            return Err(AccessError::Gone { register: "STATUS" });
        }
        let bit = |name| regs::reg(RegId::Status).field(name).get(word) == 1;
        let conditions = Conditions::default()
            .with(Interrupt::LeaseEnding, bit("lease_ending"))
            .with(Interrupt::Fenced, bit("fenced"))
            .with(Interrupt::FlowsHigh, bit("flows_high"))
            .with(Interrupt::LinkDown, bit("link_down"));
        Ok(StatusWord { busy: bit("busy"), configured: bit("configured"), conditions })
    }

    pub(crate) fn stage_deadline(&mut self, until: Micros) -> Result<(), AccessError> {
        self.write(RegId::LeaseNextLo, until as u32)?;
        self.write(RegId::LeaseNextHi, (until >> 32) as u32)
    }

    /// Asks until `done` has an answer; `None` when the NIC took too long.
    pub(crate) fn wait<T, E>(
        &mut self,
        mut done: impl FnMut(&mut Registers<B>) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let end = Instant::now() + PATIENCE;
        loop {
            // The clock is looked at before the NIC: a process stopped in between asks once more.
            let late = Instant::now() >= end;
            match done(self)? {
                Some(answer) => return Ok(Some(answer)),
                None if late => return Ok(None),
                None => std::thread::yield_now(),
            }
        }
    }
}
