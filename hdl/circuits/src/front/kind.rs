//! What a header is, as every front says it in `k_kind`.

use weir_spec::frame::{Parsed, Payload, Transport};

/// What a header is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum HeaderKind {
    /// Cut, contradictory or late.
    Malformed = 0,
    /// Neither IPv4 nor IPv6.
    NotIp = 1,
    /// Another protocol.
    Other = 2,
    /// ICMP, no echo request.
    Icmp = 3,
    /// ICMP echo request, or a later fragment of ICMP.
    Echo = 4,
    /// Later fragment of TCP or UDP; `p_tcp` tells which.
    LaterFragment = 5,
    /// Extension headers beyond the window.
    BeyondWindow = 6,
    /// UDP.
    Udp = 7,
    /// TCP, not opening.
    Tcp = 8,
    /// TCP, opening: SYN without ACK, RST and FIN.
    Syn = 9,
}

/// CWR ECE URG ACK PSH RST SYN FIN: those that an opening segment is known by, and how they stand in it.
const OPENING: (u8, u8) = (0x17, 0x02);

impl HeaderKind {
    /// The kind of a frame that the specification has parsed.
    pub fn of(parsed: &Parsed) -> Self {
        let packet = match parsed {
            Parsed::Malformed => return HeaderKind::Malformed,
            Parsed::NotIp => return HeaderKind::NotIp,
            Parsed::Ip(packet) => packet,
        };
        match packet.payload {
            Payload::Tcp { flags, .. } if flags & OPENING.0 == OPENING.1 => HeaderKind::Syn,
            Payload::Tcp { .. } => HeaderKind::Tcp,
            Payload::Udp { .. } => HeaderKind::Udp,
            Payload::Icmp { echo_request: true } | Payload::LaterFragment(Transport::Icmp) => HeaderKind::Echo,
            Payload::Icmp { echo_request: false } => HeaderKind::Icmp,
            Payload::LaterFragment(_) => HeaderKind::LaterFragment,
            Payload::BeyondWindow => HeaderKind::BeyondWindow,
            Payload::Other => HeaderKind::Other,
        }
    }
}
