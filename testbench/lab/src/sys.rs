//! Two questions to the kernel that no safe crate asks: ethtool's offloads and a packet socket's losses.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;

// linux/ethtool.h
const SETTINGS: [(&str, u32); 5] = [
    ("receive checksums", 0x15),       // ETHTOOL_SRXCSUM
    ("transmit checksums", 0x17),      // ETHTOOL_STXCSUM
    ("TCP segmentation", 0x1f),        // ETHTOOL_STSO
    ("generic segmentation", 0x24),    // ETHTOOL_SGSO
    ("generic receive offload", 0x2c), // ETHTOOL_SGRO
];

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// `struct ifreq` as SIOCETHTOOL reads it: a name, then a pointer in a union of 24 octets.
#[repr(C)]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    value: *mut Value,
    rest: [u8; 16],
}

/// Turns off checksum, segmentation and receive offloads of `link`; what cannot be changed anyway is passed over.
pub(crate) fn disable_offloads(link: &str) -> Result<(), (&'static str, io::Error)> {
    // SAFETY: no pointers are passed.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(("offloads", io::Error::last_os_error()));
    }
    // SAFETY: the descriptor was just returned by the kernel and belongs to nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    for (offload, command) in SETTINGS {
        let mut value = Value { command, data: 0 };
        let mut request = Request { name: [0; libc::IFNAMSIZ], value: &mut value, rest: [0; 16] };
        let length = link.len().min(libc::IFNAMSIZ - 1);
        request.name[..length].copy_from_slice(&link.as_bytes()[..length]);
        // SAFETY: `request` has the layout of an ifreq, and its pointer leads to a live ethtool_value.
        if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) } < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::EOPNOTSUPP) {
                return Err((offload, error));
            }
        }
    }
    Ok(())
}

/// How many frames a packet socket has lost since this was asked last.
pub(crate) fn frames_lost(socket: BorrowedFd<'_>) -> io::Result<u64> {
    let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
    // SAFETY: `statistics` is a tpacket_stats of `length` bytes, which the kernel fills.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            (&raw mut statistics).cast(),
            &mut length,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(u64::from(statistics.tp_drops)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_as_large_as_the_kernels() {
        assert_eq!(size_of::<Request>(), size_of::<libc::ifreq>());
        assert_eq!(std::mem::offset_of!(Request, value), std::mem::offset_of!(libc::ifreq, ifr_ifru));
    }

    #[test]
    fn a_missing_interface_is_an_error() {
        let (_, error) = disable_offloads("weir-nowhere").expect_err("there is none");
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
