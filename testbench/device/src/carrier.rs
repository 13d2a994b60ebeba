//! Whether the wire has a link, as the kernel has it of the interface.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::libc;

use crate::tap;

/// How often to ask, at most.
const PAUSE: Duration = Duration::from_millis(10);

/// The link of one interface, looked at now and then.
pub(crate) struct Carrier<'a, S: AsFd> {
    /// Any socket of the interface's network namespace.
    socket: &'a S,
    name: &'a str,
    looked: Option<Instant>,
}

impl<'a, S: AsFd> Carrier<'a, S> {
    pub(crate) fn new(socket: &'a S, name: &'a str) -> Carrier<'a, S> {
        Carrier { socket, name, looked: None }
    }

    /// Whether there is a link; `None` if that was asked a moment ago. An interface that is gone has none.
    pub(crate) fn look(&mut self) -> Option<bool> {
        if self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
            return None;
        }
        self.looked = Some(Instant::now());
        Some(self.running())
    }

    fn running(&self) -> bool {
        let Some(mut request) = tap::named(self.name) else { return false };
        let socket = self.socket.as_fd().as_raw_fd();
        // SAFETY: SIOCGIFFLAGS reads the name of one ifreq and writes its flags; `request` is one and stays until the
        // call returns.
        let done = unsafe { libc::ioctl(socket, libc::SIOCGIFFLAGS as _, &raw mut request) };
        // SAFETY: the call succeeded, so that the flags are what it wrote into the union.
        let flags = || libc::c_int::from(unsafe { request.ifr_ifru.ifru_flags });
        let wanted = libc::IFF_UP | libc::IFF_RUNNING;
        done == 0 && flags() & wanted == wanted
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn what_is_no_interface_has_no_link_and_is_not_asked_about_all_the_time() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let mut carrier = Carrier::new(&socket, "weir-nowhere");
        assert_eq!(carrier.look(), Some(false));
        assert_eq!(carrier.look(), None);
        assert_eq!(Carrier::new(&socket, "not a name").look(), Some(false));
        assert_eq!(Carrier::new(&socket, "lo").look(), Some(true));
    }
}
