//! What control frames travel on.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use weir_link::{Ethertype, LinkError, PacketSocket};
use weir_spec::control::ETHERTYPE;
use weir_spec::mac::Mac;

/// Longer than any control frame.
const LONGEST: usize = 2048;

/// Carries frames to a board and back.
pub trait Wire: Send {
    /// Sends one.
    ///
    /// # Errors
    ///
    /// The kernel's.
    fn send(&mut self, frame: &[u8]) -> io::Result<()>;

    /// Waits for one, at most so long; `None` if there was none.
    ///
    /// # Errors
    ///
    /// The kernel's.
    fn receive(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>>;
}

/// An interface of this host.
#[derive(Debug)]
pub struct Interface(PacketSocket);

impl Interface {
    pub(super) fn open(name: &str) -> Result<Interface, LinkError> {
        PacketSocket::open(name, Ethertype::Only(ETHERTYPE)).map(Interface)
    }

    pub(super) fn mac(&self) -> io::Result<Mac> {
        self.0.mac()
    }
}

impl Wire for Interface {
    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.0.send(frame)
    }

    fn receive(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>> {
        let until = Instant::now() + within;
        let mut frame = vec![0; LONGEST];
        loop {
            match self.0.receive(&mut frame) {
                Ok(length) => {
                    frame.truncate(length);
                    return Ok(Some(frame));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // Rounded up: a wait of zero would spin.
            let milliseconds = u16::try_from(left.as_millis() + 1).unwrap_or(u16::MAX);
            let mut waiting = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::from(milliseconds)) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
