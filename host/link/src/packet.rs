//! A packet socket bound to one interface (`man 7 packet`).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::libc;
use weir_spec::mac::Mac;

/// Which frames a socket receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ethertype {
    /// Every frame, whoever it is for: the interface is put into promiscuous mode while the socket is open.
    All,
    /// Frames of one EtherType that the interface takes anyway.
    Only(u16),
}

/// Why an interface could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no interface of this name in this network namespace.
    #[error("interface {name} does not exist in this network namespace; `ip link` lists those that do")]
    Missing {
        /// The name asked for.
        name: String,
    },
    /// Packet sockets need the right to open them.
    #[error("failed to open a packet socket on {name}: not permitted; run as root or with CAP_NET_RAW")]
    NotPermitted {
        /// The interface.
        name: String,
    },
    /// The kernel refused one of the steps.
    #[error("failed to {step} on {name}")]
    Refused {
        /// What was tried.
        step: &'static str,
        /// The interface.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Whole Ethernet frames of one interface, without FCS. Never blocks.
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
    index: libc::c_int,
}

impl PacketSocket {
    /// Opens `name`. What this host itself sends is not received.
    pub fn open(name: &str, ethertype: Ethertype) -> Result<PacketSocket, LinkError> {
        let refused = |step| {
            let name = name.to_string();
            move |source: io::Error| LinkError::Refused { step, name, source }
        };
        let index = index_of(name).ok_or_else(|| LinkError::Missing { name: name.to_string() })?;
        let protocol = match ethertype {
            Ethertype::All => libc::ETH_P_ALL as u16,
            Ethertype::Only(ethertype) => ethertype,
        };
        // Protocol zero: nothing is received before the socket is bound to its interface.
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
        if fd < 0 {
            let source = io::Error::last_os_error();
            return Err(match source.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => LinkError::NotPermitted { name: name.to_string() },
                _ => refused("open a packet socket")(source),
            });
        }
        // SAFETY: the descriptor was just returned by the kernel and belongs to nobody else.
        let socket = PacketSocket { fd: unsafe { OwnedFd::from_raw_fd(fd) }, index };
        socket.set(libc::PACKET_IGNORE_OUTGOING, &1).map_err(refused("ignore own frames"))?;
        socket.bind(protocol).map_err(refused("bind a packet socket"))?;
        if ethertype == Ethertype::All {
            let membership = libc::packet_mreq {
                mr_ifindex: index,
                mr_type: libc::PACKET_MR_PROMISC as u16,
                mr_alen: 0,
                mr_address: [0; 8],
            };
            socket.set(libc::PACKET_ADD_MEMBERSHIP, &membership).map_err(refused("enter promiscuous mode"))?;
        }
        Ok(socket)
    }

    /// The MAC of the interface as it is now.
    pub fn mac(&self) -> io::Result<Mac> {
        let mut address = self.address(0);
        let mut length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: `address` is a sockaddr_ll of `length` bytes, which the kernel fills.
        let done = unsafe { libc::getsockname(self.fd.as_raw_fd(), (&raw mut address).cast(), &mut length) };
        check(done as isize)?;
        let [a, b, c, d, e, f, ..] = address.sll_addr;
        Ok(Mac([a, b, c, d, e, f]))
    }

    /// Receives one frame into `buffer` and returns its length; `WouldBlock` when none waits. A longer frame is cut.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the pointer and the length are those of a live, exclusive slice.
        check(unsafe { libc::recv(self.fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) })
    }

    /// Sends one frame as it is, from its destination MAC on.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer and the length are those of a live slice.
        check(unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) }).map(drop)
    }

    fn bind(&self, protocol: u16) -> io::Result<()> {
        let address = self.address(protocol);
        let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: `address` is a whole sockaddr_ll and `length` its size.
        check(unsafe { libc::bind(self.fd.as_raw_fd(), (&raw const address).cast(), length) } as isize).map(drop)
    }

    fn address(&self, protocol: u16) -> libc::sockaddr_ll {
        libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: protocol.to_be(),
            sll_ifindex: self.index,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        }
    }

    fn set<T>(&self, option: libc::c_int, value: &T) -> io::Result<()> {
        let (pointer, length) = ((&raw const *value).cast(), size_of::<T>() as libc::socklen_t);
        // SAFETY: pointer and length describe one live value of the type the option takes.
        let done = unsafe { libc::setsockopt(self.fd.as_raw_fd(), libc::SOL_PACKET, option, pointer, length) };
        check(done as isize).map(drop)
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for PacketSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn check(done: isize) -> io::Result<usize> {
    usize::try_from(done).map_err(|_| io::Error::last_os_error())
}

fn index_of(name: &str) -> Option<libc::c_int> {
    let name = CString::new(name).ok()?;
    // SAFETY: the string is NUL-terminated and lives through the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        index => libc::c_int::try_from(index).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_interface_is_named() {
        let error = PacketSocket::open("weir-nowhere", Ethertype::All).expect_err("there is none");
        assert!(matches!(&error, LinkError::Missing { name } if name == "weir-nowhere"), "{error}");
    }

    #[test]
    fn a_name_with_a_nul_is_no_interface() {
        assert!(matches!(PacketSocket::open("e\0th0", Ethertype::All), Err(LinkError::Missing { .. })));
    }
}
