//! MSI-X vectors as files that become readable.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vmm_sys_util::eventfd::EventFd;

use super::{VfioBar, VfioError};

/// One vector: readable after an interrupt, until it is [taken](Interrupt::take).
pub struct Interrupt(EventFd);

impl Interrupt {
    /// Interrupts since the last call; 0 if there was none.
    pub fn take(&self) -> u64 {
        // Made without blocking: an error says that the count is zero.
        self.0.read().unwrap_or(0)
    }

    /// Waits until there is one, at most for `patience`; false if there was none.
    pub fn wait(&self, patience: Duration) -> bool {
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let mut files = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        // A signal ends the wait early; the count then tells.
        let _ready = poll(&mut files, patience);
        self.take() > 0
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open for as long as `self`, which the result borrows.
        unsafe { BorrowedFd::borrow_raw(self.0.as_raw_fd()) }
    }
}

impl VfioBar {
    /// Switches on the first `count` vectors. Those of an earlier call end.
    pub fn interrupts(&mut self, count: u16) -> Result<Vec<Interrupt>, VfioError> {
        let address = self.address;
        let there = self.endpoint.vectors;
        if count > there {
            return Err(VfioError::NoVector { address, wanted: count - 1, there });
        }
        let event = || {
            EventFd::new(nix::libc::EFD_NONBLOCK | nix::libc::EFD_CLOEXEC).map_err(|source| VfioError::Io {
                address,
                step: "make an event file for",
                source,
            })
        };
        let events = (0..count).map(|_| event()).collect::<Result<Vec<_>, _>>()?;
        let enabled = self.device.enable_msix(events.iter().collect());
        enabled.map_err(|source| VfioError::Refused { address, source })?;
        Ok(events.into_iter().map(Interrupt).collect())
    }
}
