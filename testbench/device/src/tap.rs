//! A TAP interface (`Documentation/networking/tuntap.rst` of Linux): what is written to it a host receives, what the
//! host sends is read from it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;

const DEVICE: &str = "/dev/net/tun";

/// Why there is no TAP.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// The kernel's door to TAPs does not open.
    #[error("failed to open {DEVICE}; it needs root (or CAP_NET_ADMIN) and a kernel with TUN")]
    Open(#[source] io::Error),
    /// A name that no interface can have.
    #[error("interface name `{name}` is not 1 to 15 bytes without `/`, white space and NUL")]
    Name {
        /// The name asked for.
        name: String,
    },
    /// The name is taken.
    #[error("interface {name} exists already; name another with --tap")]
    Exists {
        /// The name asked for.
        name: String,
    },
    /// Making interfaces is a privilege.
    #[error("failed to make interface {name}: not permitted; run as root or with CAP_NET_ADMIN")]
    NotPermitted {
        /// The name asked for.
        name: String,
    },
    /// The kernel refused otherwise.
    #[error("failed to make interface {name}")]
    Refused {
        /// The name asked for.
        name: String,
        /// What it said.
        source: io::Error,
    },
}

/// A TAP, there for as long as this value is. It may be moved to another network namespace meanwhile.
pub(crate) struct Tap(File);

impl Tap {
    /// Makes interface `name` in the current network namespace. It is down, as every new interface.
    pub(crate) fn create(name: &str) -> Result<Tap, TapError> {
        let request = request(name).ok_or_else(|| TapError::Name { name: name.to_string() })?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(DEVICE)
            .map_err(TapError::Open)?;
        let refused = |source: io::Error| match source.raw_os_error() {
            Some(libc::EBUSY) => TapError::Exists { name: name.to_string() },
            Some(libc::EPERM) => TapError::NotPermitted { name: name.to_string() },
            _ => TapError::Refused { name: name.to_string(), source },
        };
        // SAFETY: TUNSETIFF reads and writes one ifreq, which `request` is and stays until the call returns.
        let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw const request) };
        check(done).map_err(refused)?;
        // No offloads: whole frames of the interface's MTU with full checksums, as a wire carries them.
        // SAFETY: TUNSETOFFLOAD takes its flags by value.
        let done = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD as _, 0) };
        check(done).map_err(refused)?;
        Ok(Tap(file))
    }

    /// Takes one frame that the host sent; `WouldBlock` when none waits.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }

    /// Gives one frame to the host. Fails with EIO while the interface is down.
    pub(crate) fn send(&self, frame: &[u8]) -> io::Result<()> {
        (&self.0).write(frame).map(drop)
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The request for a new TAP without a packet-information header.
fn request(name: &str) -> Option<libc::ifreq> {
    let ok = |byte: &u8| !matches!(byte, b'/' | 0) && !byte.is_ascii_whitespace();
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || !name.as_bytes().iter().all(ok) {
        return None;
    }
    // SAFETY: an ifreq is integers and a pointer, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    let flags = libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_TUN_EXCL;
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    Some(request)
}

fn check(done: libc::c_int) -> io::Result<()> {
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_interface_can_have_are_refused_before_the_kernel_is_asked() {
        for name in ["", "sixteen-letters-", "a/b", "a b", "a\0b"] {
            assert!(matches!(Tap::create(name), Err(TapError::Name { .. })), "{name:?}");
        }
        assert!(request("fifteen-letters").is_some());
    }
}
