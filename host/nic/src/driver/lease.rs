//! The lease: renewing it, and giving it up.

use weir_spec::Micros;
use weir_spec::regs::RegId;

use super::Nic;
use crate::{AccessError, Bar};

/// What a renewal came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Renewal {
    /// The deadline is in force.
    Taken,
    /// The NIC is fenced, from before or by this deadline, which was past: only a commit lifts that.
    Fenced,
}

/// Why nobody knows that the deadline moved.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The NIC cannot be accessed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The NIC is open, but by another deadline: the one asked for was too far ahead.
    #[error("deadline {until} us was not taken, {in_force} us is in force (NIC_TIME {now} us)")]
    NotTaken {
        /// The deadline asked for.
        until: Micros,
        /// The deadline in force.
        in_force: Micros,
        /// The NIC's clock.
        now: Micros,
    },
}

/// Why a NIC may still be accepting.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The NIC cannot be accessed. It fences itself at its deadline.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The NIC did not take a deadline that is past.
    #[error("the NIC is not fenced by a deadline of zero; {until} us is in force")]
    StillOpen {
        /// The deadline in force.
        until: Micros,
    },
}

impl<B: Bar> Nic<B> {
    /// Moves the deadline to `until`, microseconds of NIC_TIME; also to an earlier one.
    pub fn renew(&mut self, until: Micros) -> Result<Renewal, RenewError> {
        self.registers.stage_deadline(until)?;
        self.registers.write(RegId::Renew, 1)?;
        let in_force = self.registers.lease_until()?;
        // The status is read last: fenced in between is fenced.
        if self.registers.status()?.fenced() {
            return Ok(Renewal::Fenced);
        }
        if in_force == until {
            return Ok(Renewal::Taken);
        }
        Err(RenewError::NotTaken { until, in_force, now: self.registers.time()? })
    }

    /// Fences the NIC at once; returns when rules accept nothing any more.
    pub fn fence(&mut self) -> Result<(), FenceError> {
        self.registers.stage_deadline(0)?;
        self.registers.write(RegId::Renew, 1)?;
        if self.registers.status()?.fenced() {
            return Ok(());
        }
        Err(FenceError::StillOpen { until: self.registers.lease_until()? })
    }
}
