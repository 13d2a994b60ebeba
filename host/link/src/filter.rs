//! Classic BPF programs for packet sockets: the kernel looks first, so that the traffic of a host does not wake who waits for
//! a few frames of it.

use nix::libc::sock_filter;

/// What a packet socket shall deliver of the frames of its EtherType.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// ARP requests.
    ArpRequests,
    /// ICMPv6 neighbour solicitations directly behind the IPv6 header.
    NeighbourSolicitations,
}

// linux/bpf_common.h: load half word, load octet, both at a fixed place of the frame; jump if equal; return.
const LDH: u16 = 0x28;
const LDB: u16 = 0x30;
const JEQ: u16 = 0x15;
const RET: u16 = 0x06;

const fn step(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// The operation is 1.
const ARP_REQUESTS: [sock_filter; 4] =
    [step(LDH, 0, 0, 20), step(JEQ, 0, 1, 1), step(RET, 0, 0, WHOLE), step(RET, 0, 0, 0)];

/// The next header is 58 and the type 135.
const SOLICITATIONS: [sock_filter; 6] = [
    step(LDB, 0, 0, 20),
    step(JEQ, 0, 3, 58),
    step(LDB, 0, 0, 54),
    step(JEQ, 0, 1, 135),
    step(RET, 0, 0, WHOLE),
    step(RET, 0, 0, 0),
];

/// More than any frame has.
const WHOLE: u32 = 0x4_0000;

impl Filter {
    /// Its program. A load beyond the end of a frame drops the frame.
    pub(crate) fn program(self) -> &'static [sock_filter] {
        match self {
            Filter::ArpRequests => &ARP_REQUESTS,
            Filter::NeighbourSolicitations => &SOLICITATIONS,
        }
    }
}
