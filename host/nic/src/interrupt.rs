//! MSI-X vectors as files that become readable.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vmm_sys_util::eventfd::EventFd;

/// One vector: readable after an interrupt, until it is [taken](Interrupt::take).
pub struct Interrupt(EventFd);

impl Interrupt {
    /// A file that nothing is connected to yet.
    pub(crate) fn new() -> io::Result<Interrupt> {
        EventFd::new(nix::libc::EFD_NONBLOCK | nix::libc::EFD_CLOEXEC).map(Interrupt)
    }

    /// The file, for whoever connects it.
    pub(crate) fn event(&self) -> &EventFd {
        &self.0
    }

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
