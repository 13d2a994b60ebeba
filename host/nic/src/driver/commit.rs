//! The commit: one word that swaps programs.

use weir_spec::Micros;
use weir_spec::lease::LEASE_MAX;
use weir_spec::regs::RegId;

use super::Nic;
use crate::program::slots_of;
use crate::registers::PATIENCE;
use crate::{AccessError, Bar};

/// What a commit came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The deadline had passed by the time the NIC took it: the epoch is in force, but rules accept nothing.
    pub fenced: bool,
}

/// Why a program did not come into force.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The NIC cannot be accessed. Whether the epoch changed is not known: attach again.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Nothing was loaded, or the last load failed.
    #[error("nothing is loaded to commit")]
    NothingLoaded,
    /// Since the driver attached, the NIC was reset or another driver took it.
    #[error("the NIC was reset or taken by another driver; attach again")]
    NotOurs,
    /// The deadline lies too far ahead; nothing has changed.
    #[error("deadline {until} us is more than {LEASE_MAX} us ahead of NIC_TIME {now} us")]
    TooFar {
        /// The deadline asked for.
        until: Micros,
        /// The NIC's clock.
        now: Micros,
    },
    /// The NIC refused; nothing has changed.
    #[error("the NIC refused a write to {address:#x} while epoch {epoch:#x} was committed")]
    Refused {
        /// Low word of the epoch.
        epoch: u32,
        /// Byte offset of the write it refused.
        address: u32,
    },
    /// The NIC took the COMMIT and does not finish. Either program may be in force; maps of both are kept.
    #[error("epoch {epoch:#x} is not in force {} ms after its COMMIT (EPOCH_ACTIVE is {active:#x})", PATIENCE.as_millis())]
    Stuck {
        /// Low word of the epoch.
        epoch: u32,
        /// What EPOCH_ACTIVE reads.
        active: u32,
    },
}

impl<B: Bar> Nic<B> {
    /// Puts the loaded program in force as `epoch` (the low word of the epoch id) with a lease until `until`,
    /// microseconds of NIC_TIME. Returns when no frame is judged by the old program any more.
    ///
    /// A deadline that is past still changes the epoch and leaves the NIC fenced; so a commit decided before a pause
    /// does no harm after it. The same program may be committed again: that is how a fenced NIC goes back to work.
    pub fn commit(&mut self, epoch: u32, until: Micros) -> Result<Committed, CommitError> {
        let staged = self.staged.clone().ok_or(CommitError::NothingLoaded)?;
        if !self.ours()? {
            return Err(CommitError::NotOurs);
        }
        let now = self.registers.time()?;
        if until > now.saturating_add(LEASE_MAX) {
            return Err(CommitError::TooFar { until, now });
        }
        let refused = self.registers.read(RegId::RefusedCount)?;
        self.registers.stage_deadline(until)?;

        // From here on both may be in force, until the NIC says which.
        let (old, old_slots) = (self.active.take(), self.in_use);
        self.in_use |= slots_of(&staged);
        self.registers.write(RegId::Commit, epoch)?;
        if self.registers.read(RegId::RefusedCount)? != refused {
            (self.active, self.in_use) = (old, old_slots);
            let address = self.registers.read(RegId::RefusedAddress)?;
            return Err(CommitError::Refused { epoch, address });
        }
        let status = self.registers.wait(|registers| {
            let status = registers.status()?;
            let done = !status.busy && registers.read(RegId::EpochActive)? == epoch;
            Ok::<_, AccessError>(done.then_some(status))
        })?;
        let Some(status) = status else {
            let active = self.registers.read(RegId::EpochActive)?;
            return Err(CommitError::Stuck { epoch, active });
        };
        self.in_use = slots_of(&staged);
        self.close_journal(&staged)?;
        self.active = Some(staged);
        Ok(Committed { fenced: status.fenced() })
    }
}
