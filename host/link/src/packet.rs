//! A packet socket bound to one interface (`man 7 packet`).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::libc;
use weir_spec::mac::Mac;

use crate::filter::Filter;

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
        let protocol = match ethertype {
            Ethertype::All => libc::ETH_P_ALL as u16,
            Ethertype::Only(ethertype) => ethertype,
        };
        let socket = PacketSocket::unbound(name)?;
        socket.set(libc::PACKET_IGNORE_OUTGOING, &1).map_err(refused("ignore own frames"))?;
        socket.set(libc::PACKET_AUXDATA, &1).map_err(refused("ask for VLAN tags"))?;
        socket.bind(protocol).map_err(refused("bind a packet socket"))?;
        if ethertype == Ethertype::All {
            socket.add(libc::PACKET_MR_PROMISC, &[]).map_err(refused("enter promiscuous mode"))?;
        }
        Ok(socket)
    }

    /// Receives nothing yet.
    fn unbound(name: &str) -> Result<PacketSocket, LinkError> {
        let index = index_of(name).ok_or_else(|| LinkError::Missing { name: name.to_string() })?;
        // Protocol zero: nothing is received before the socket is bound to its interface.
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
        if fd < 0 {
            let source = io::Error::last_os_error();
            let name = name.to_string();
            return Err(match source.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => LinkError::NotPermitted { name },
                _ => LinkError::Refused { step: "open a packet socket", name, source },
            });
        }
        // SAFETY: the descriptor was just returned by the kernel and belongs to nobody else.
        Ok(PacketSocket { fd: unsafe { OwnedFd::from_raw_fd(fd) }, index })
    }

    /// From now on delivers only what `filter` takes.
    pub fn attach(&self, filter: Filter) -> io::Result<()> {
        let program = filter.program();
        // The kernel copies the program and writes nothing to it.
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
        self.option(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    fn add(&self, kind: libc::c_int, address: &[u8]) -> io::Result<()> {
        let mut membership = libc::packet_mreq {
            mr_ifindex: self.index,
            mr_type: kind as u16,
            mr_alen: address.len() as u16,
            mr_address: [0; 8],
        };
        membership.mr_address[..address.len()].copy_from_slice(address);
        self.set(libc::PACKET_ADD_MEMBERSHIP, &membership)
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
    ///
    /// The kernel takes the outer VLAN tag out of what it hands over and tells it beside; it is put back here.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut control = Control([0; CONTROL]);
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // SAFETY: all zeros is a valid msghdr.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = CONTROL as _;
        // SAFETY: the message points at a live, exclusive buffer and a live, aligned control buffer, with their lengths.
        let length = check(unsafe { libc::recvmsg(self.fd.as_raw_fd(), &mut message, 0) })?;
        Ok(match tag_of(&message) {
            Some(tag) => insert(buffer, length, tag),
            None => length,
        })
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
        self.option(libc::SOL_PACKET, option, value)
    }

    fn option<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        let (pointer, length) = ((&raw const *value).cast(), size_of::<T>() as libc::socklen_t);
        // SAFETY: pointer and length describe one live value of the type the option takes.
        let done = unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, option, pointer, length) };
        check(done as isize).map(drop)
    }
}

/// Lets frames for group MACs through the filter of an interface, as long as it lives. It receives none of them itself.
#[derive(Debug)]
pub struct Membership(PacketSocket);

impl Membership {
    /// Joins `groups` on `name`.
    pub fn join(name: &str, groups: &[Mac]) -> Result<Membership, LinkError> {
        let socket = PacketSocket::unbound(name)?;
        for group in groups {
            let joined = socket.add(libc::PACKET_MR_MULTICAST, &group.0);
            joined.map_err(|source| LinkError::Refused { step: "join a group MAC", name: name.into(), source })?;
        }
        Ok(Membership(socket))
    }
}

impl From<Membership> for OwnedFd {
    fn from(membership: Membership) -> OwnedFd {
        membership.0.fd
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

/// Room for one control message with a `tpacket_auxdata`: 16 bytes of header and 20 of it, and some.
const CONTROL: usize = 64;

/// A control buffer, aligned as its headers want it.
#[repr(align(8))]
struct Control([u8; CONTROL]);

/// The VLAN tag, EtherType and TCI in network byte order, that the kernel took out of a frame.
fn tag_of(message: &libc::msghdr) -> Option<[u8; 4]> {
    // SAFETY: the kernel has filled the control buffer and its length, which the message still borrows.
    let header = unsafe { libc::CMSG_FIRSTHDR(message).as_ref() }?;
    if header.cmsg_level != libc::SOL_PACKET || header.cmsg_type != libc::PACKET_AUXDATA {
        return None;
    }
    // SAFETY: a PACKET_AUXDATA message holds one tpacket_auxdata, which may be less aligned than the type asks for.
    let aux = unsafe { libc::CMSG_DATA(header).cast::<libc::tpacket_auxdata>().read_unaligned() };
    if aux.tp_status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let known = aux.tp_status & libc::TP_STATUS_VLAN_TPID_VALID != 0;
    let [a, b] = if known { aux.tp_vlan_tpid } else { 0x8100 }.to_be_bytes();
    let [c, d] = aux.tp_vlan_tci.to_be_bytes();
    Some([a, b, c, d])
}

/// Puts a tag behind the MACs of the frame in the first `length` bytes; what no longer fits is cut.
fn insert(buffer: &mut [u8], length: usize, tag: [u8; 4]) -> usize {
    const MACS: usize = 12;
    let tagged = (length + tag.len()).min(buffer.len());
    if length < MACS || tagged < MACS + tag.len() {
        return length;
    }
    buffer.copy_within(MACS..tagged - tag.len(), MACS + tag.len());
    buffer[MACS..MACS + tag.len()].copy_from_slice(&tag);
    tagged
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
    fn a_tag_goes_behind_the_macs_and_nothing_is_written_beyond_the_buffer() {
        let mut buffer = [0xa5; 24];
        buffer[..20].copy_from_slice(&std::array::from_fn::<u8, 20, _>(|i| i as u8));
        assert_eq!(insert(&mut buffer, 20, [0x81, 0, 0, 5]), 24);
        assert_eq!(buffer[..18], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x81, 0, 0, 5, 12, 13]);
        assert_eq!(buffer[18..], [14, 15, 16, 17, 18, 19]);
        let mut short = [7; 22];
        assert_eq!(insert(&mut short, 22, [0x81, 0, 0, 5]), 22, "cut, not overrun");
        assert_eq!(insert(&mut [1; 40], 11, [0x81, 0, 0, 5]), 11, "no Ethernet header");
    }

    #[test]
    fn a_name_with_a_nul_is_no_interface() {
        assert!(matches!(PacketSocket::open("e\0th0", Ethertype::All), Err(LinkError::Missing { .. })));
    }
}
