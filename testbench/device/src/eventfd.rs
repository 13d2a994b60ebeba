//! An eventfd that a host passed: where an interrupt arrives.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What `/proc` calls such a file.
const KIND: &str = "anon_inode:[eventfd]";

/// One eventfd, the host's own or a copy of it.
pub(crate) struct EventFile(File);

impl EventFile {
    /// Takes `file` if it is an eventfd: a write to anything else could wait for ever, and the NIC with it.
    pub(crate) fn new(file: File) -> io::Result<EventFile> {
        let kind = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        if kind.as_os_str() == KIND {
            Ok(EventFile(file))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "a descriptor for an interrupt is no eventfd"))
        }
    }

    /// Adds one to its count. A count that is full stays so: its host has enough to read.
    pub(crate) fn signal(&self) {
        let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLOUT)];
        let room = poll(&mut ready, PollTimeout::ZERO).is_ok()
            && ready[0].revents().is_some_and(|events| events.contains(PollFlags::POLLOUT));
        if room {
            let _full_meanwhile = (&self.0).write(&1u64.to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use nix::sys::eventfd::{EfdFlags, EventFd};

    use super::*;

    fn copy(event: &EventFd) -> File {
        event.as_fd().try_clone_to_owned().expect("a descriptor").into()
    }

    #[test]
    fn a_signal_counts_and_a_full_count_keeps_nobody_waiting() {
        let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC).expect("an eventfd");
        let file = EventFile::new(copy(&event)).expect("it is one");
        file.signal();
        file.signal();
        assert_eq!(event.read().expect("a count"), 2);
        // The highest count there is, in a file that waits: a write to it would never return.
        event.write(u64::MAX - 1).expect("room");
        file.signal();
        assert_eq!(event.read().expect("a count"), u64::MAX - 1);
    }

    #[test]
    fn nothing_else_is_taken() {
        let (stream, _other) = UnixStream::pair().expect("a pair");
        for file in [File::open("/dev/null").expect("it is there"), OwnedFd::from(stream).into()] {
            assert_eq!(EventFile::new(file).err().expect("no eventfd").kind(), io::ErrorKind::InvalidInput);
        }
    }
}
