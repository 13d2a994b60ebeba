//! The parser: any bytes to what a NIC can know of a frame from its first 128 bytes.
//!
//! It is total and cut-through: it looks at nothing beyond the header window, so a circuit can decide before the frame
//! has ended. A length that promises more than the frame holds is therefore the host stack's business; a header that is
//! not there is malformed here. Order of the checks is the order of the bytes.
//!
//! Layer 3 starts at byte 14 + 4 a VLAN tag, so behind byte 14 a frame is a sequence of aligned 32-bit words: that is
//! how the circuit reads it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a frame the parser may look at.
pub const WINDOW: usize = 128;
/// Shortest frame, without FCS (IEEE 802.3 gives 64 with it).
pub const MIN_FRAME: usize = 60;
/// VLAN tags the parser steps over.
pub const MAX_VLANS: usize = 2;
/// IPv6 extension headers the parser steps over.
pub const MAX_EXTENSIONS: usize = 5;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: [u16; 2] = [0x8100, 0x88a8];

const HOP_BY_HOP: u8 = 0;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const ICMPV6: u8 = 58;
const DESTINATION: u8 = 60;

/// Bytes of a TCP, UDP or ICMP header that must be there.
const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const ICMP_HEADER: usize = 8;

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parsed {
    /// Shorter than it may be, or a header that is cut or contradicts itself.
    Malformed,
    /// Neither IPv4 nor IPv6 behind at most two VLAN tags.
    NotIp,
    /// A packet.
    Ip(Packet),
}

/// What an IP packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// IPv6, else IPv4.
    pub ipv6: bool,
    /// Source address in network byte order; IPv4 in the first four bytes, the rest zero.
    pub source: [u8; 16],
    /// Destination address, likewise.
    pub destination: [u8; 16],
    /// What it carries.
    pub payload: Payload,
}

/// What a packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload {
    /// TCP, whole or the first fragment.
    Tcp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// CWR ECE URG ACK PSH RST SYN FIN, from bit 7 down.
        flags: u8,
    },
    /// UDP, whole or the first fragment.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
    },
    /// ICMP in IPv4, ICMPv6 in IPv6, whole or the first fragment.
    Icmp {
        /// An echo request.
        echo_request: bool,
    },
    /// Not the first fragment of a TCP, UDP or ICMP message.
    LaterFragment(Transport),
    /// IPv6 extension headers beyond what the parser follows, in number or in bytes.
    BeyondWindow,
    /// Any other protocol.
    Other,
}

impl Payload {
    /// TCP or UDP, whole or in fragments, or what may be that beyond the window: what a fence holds back.
    pub fn is_transport(&self) -> bool {
        match self {
            Payload::Tcp { .. } | Payload::Udp { .. } | Payload::BeyondWindow => true,
            Payload::LaterFragment(transport) => *transport != Transport::Icmp,
            Payload::Icmp { .. } | Payload::Other => false,
        }
    }
}

/// A protocol that rules or policies know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP of the packet's own family.
    Icmp,
}

impl Packet {
    /// The source as a standard address.
    pub fn source_ip(&self) -> IpAddr {
        address(self.ipv6, self.source)
    }

    /// The destination as a standard address.
    pub fn destination_ip(&self) -> IpAddr {
        address(self.ipv6, self.destination)
    }
}

fn address(ipv6: bool, bytes: [u8; 16]) -> IpAddr {
    let [a, b, c, d, ..] = bytes;
    if ipv6 { Ipv6Addr::from(bytes).into() } else { Ipv4Addr::new(a, b, c, d).into() }
}

/// A header that is not there, and why.
enum Cut {
    /// The frame ends before it.
    Malformed,
    /// The window ends before it.
    BeyondWindow,
}

/// The part of the frame the parser may see.
struct Window<'a> {
    bytes: &'a [u8],
}

impl<'a> Window<'a> {
    fn at<const N: usize>(&self, offset: usize) -> Result<&'a [u8; N], Cut> {
        self.bytes.get(offset..).and_then(|rest| rest.first_chunk()).ok_or(if self.bytes.len() == WINDOW {
            Cut::BeyondWindow
        } else {
            Cut::Malformed
        })
    }

    fn u16(&self, offset: usize) -> Result<u16, Cut> {
        self.at(offset).copied().map(u16::from_be_bytes)
    }
}

/// Parses a frame, without FCS. Total: any bytes give an answer.
pub fn parse(frame: &[u8]) -> Parsed {
    if frame.len() < MIN_FRAME {
        return Parsed::Malformed;
    }
    let window = Window { bytes: &frame[..frame.len().min(WINDOW)] };
    ethernet(&window).unwrap_or(Parsed::Malformed)
}

fn ethernet(window: &Window<'_>) -> Result<Parsed, Cut> {
    let mut offset = 12;
    let mut ethertype = window.u16(offset)?;
    for _ in 0..MAX_VLANS {
        if ETHERTYPE_VLAN.contains(&ethertype) {
            offset += 4;
            ethertype = window.u16(offset)?;
        }
    }
    match ethertype {
        ETHERTYPE_IPV4 => ipv4(window, offset + 2),
        ETHERTYPE_IPV6 => ipv6(window, offset + 2),
        _ => Ok(Parsed::NotIp),
    }
}

fn ipv4(window: &Window<'_>, start: usize) -> Result<Parsed, Cut> {
    let header: &[u8; 20] = window.at(start)?;
    let header_length = usize::from(header[0] & 15) * 4;
    let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[0] >> 4 != 4 || header_length < 20 || total_length < header_length {
        return Ok(Parsed::Malformed);
    }
    window.at::<0>(start + header_length)?;
    let (mut source, mut destination) = ([0; 16], [0; 16]);
    source[..4].copy_from_slice(&header[12..16]);
    destination[..4].copy_from_slice(&header[16..20]);
    let fragment_offset = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    let transport = match header[9] {
        TCP => Some(Transport::Tcp),
        UDP => Some(Transport::Udp),
        ICMP => Some(Transport::Icmp),
        _ => None,
    };
    let payload = match transport {
        None => Payload::Other,
        Some(transport) if fragment_offset != 0 => Payload::LaterFragment(transport),
        Some(transport) => l4(window, transport, start + header_length, total_length - header_length, 8)?,
    };
    Ok(Parsed::Ip(Packet { ipv6: false, source, destination, payload }))
}

fn ipv6(window: &Window<'_>, start: usize) -> Result<Parsed, Cut> {
    let header: &[u8; 40] = window.at(start)?;
    if header[0] >> 4 != 6 {
        return Ok(Parsed::Malformed);
    }
    let payload_length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let (mut source, mut destination) = ([0; 16], [0; 16]);
    source.copy_from_slice(&header[8..24]);
    destination.copy_from_slice(&header[24..40]);
    let payload = match ipv6_payload(window, header[6], start + 40, payload_length) {
        Ok(payload) => payload,
        Err(Cut::BeyondWindow) => Payload::BeyondWindow,
        Err(Cut::Malformed) => return Ok(Parsed::Malformed),
    };
    Ok(Parsed::Ip(Packet { ipv6: true, source, destination, payload }))
}

fn ipv6_payload(window: &Window<'_>, first: u8, start: usize, length: usize) -> Result<Payload, Cut> {
    let (mut next, mut offset) = (first, start);
    for hop in 0..=MAX_EXTENSIONS {
        let transport = match next {
            TCP => Transport::Tcp,
            UDP => Transport::Udp,
            ICMPV6 => Transport::Icmp,
            HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION => {
                if hop == MAX_EXTENSIONS {
                    break;
                }
                let header: &[u8; 8] = window.at(offset)?;
                offset += if next == FRAGMENT { 8 } else { (usize::from(header[1]) + 1) * 8 };
                if next == FRAGMENT && u16::from_be_bytes([header[2], header[3]]) >> 3 != 0 {
                    return Ok(match header[0] {
                        TCP => Payload::LaterFragment(Transport::Tcp),
                        UDP => Payload::LaterFragment(Transport::Udp),
                        ICMPV6 => Payload::LaterFragment(Transport::Icmp),
                        _ => Payload::Other,
                    });
                }
                next = header[0];
                continue;
            }
            _ => return Ok(Payload::Other),
        };
        let left = (start + length).checked_sub(offset).ok_or(Cut::Malformed)?;
        return l4(window, transport, offset, left, 128);
    }
    Err(Cut::BeyondWindow)
}

/// The transport header at `offset`, with `length` bytes of packet left; `echo` is the type of an echo request.
fn l4(window: &Window<'_>, transport: Transport, offset: usize, length: usize, echo: u8) -> Result<Payload, Cut> {
    let port = |at| window.u16(offset + at);
    let needed = match transport {
        Transport::Tcp => TCP_HEADER,
        Transport::Udp => UDP_HEADER,
        Transport::Icmp => ICMP_HEADER,
    };
    if length < needed {
        return Err(Cut::Malformed);
    }
    Ok(match transport {
        Transport::Tcp => {
            let header: &[u8; TCP_HEADER] = window.at(offset)?;
            Payload::Tcp { source_port: port(0)?, destination_port: port(2)?, flags: header[13] }
        }
        Transport::Udp => {
            window.at::<UDP_HEADER>(offset)?;
            Payload::Udp { source_port: port(0)?, destination_port: port(2)? }
        }
        Transport::Icmp => Payload::Icmp { echo_request: window.at::<ICMP_HEADER>(offset)?[0] == echo },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    const CLIENT: [u8; 4] = [192, 0, 2, 1];
    const VIP: [u8; 4] = [198, 51, 100, 7];

    fn tcp4() -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(CLIENT, VIP, 64).tcp(1234, 80, 1, 1024).syn();
        builder.write(&mut frame, &[7; 20]).expect("a vector takes it");
        frame
    }

    fn packet(frame: &[u8]) -> Packet {
        match parse(frame) {
            Parsed::Ip(packet) => packet,
            other => panic!("{other:?}"),
        }
    }

    /// An IPv6 frame with these extension headers (kind, length byte) and a TCP header behind.
    fn chain(extensions: &[(u8, u8)], last: u8, padding: usize) -> Vec<u8> {
        let mut body = Vec::new();
        for (i, (kind, length)) in extensions.iter().enumerate() {
            let next = extensions.get(i + 1).map_or(last, |e| e.0);
            let bytes = if *kind == FRAGMENT { 8 } else { (usize::from(*length) + 1) * 8 };
            body.extend([next, if *kind == FRAGMENT { 0 } else { *length }]);
            body.resize(body.len() + bytes - 2, 0);
        }
        body.extend([0x04, 0xd2, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x02, 0, 0, 0, 0, 0, 0]);
        body.resize(body.len() + padding, 0);
        let mut frame = vec![2; 12];
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((body.len() as u16).to_be_bytes());
        frame.extend([extensions.first().map_or(last, |e| e.0), 64]);
        frame.extend([1; 16]);
        frame.extend([9; 16]);
        frame.extend(body);
        frame
    }

    #[test]
    fn tcp_over_ipv4_is_read() {
        let packet = packet(&tcp4());
        assert_eq!(packet.source_ip(), IpAddr::from(CLIENT));
        assert_eq!(packet.destination_ip(), IpAddr::from(VIP));
        assert_eq!(packet.payload, Payload::Tcp { source_port: 1234, destination_port: 80, flags: 0x02 });
    }

    #[test]
    fn two_tags_are_stepped_over_and_a_third_is_not_ip() {
        let mut frame = tcp4();
        for (tags, kind) in [(1, [0x81, 0x00]), (2, [0x88, 0xa8])] {
            frame.splice(12..12, [kind[0], kind[1], 0, 5]);
            assert_eq!(packet(&frame).destination_ip(), IpAddr::from(VIP), "{tags} tags");
        }
        frame.splice(12..12, [0x81, 0, 0, 5]);
        assert_eq!(parse(&frame), Parsed::NotIp);
    }

    #[test]
    fn five_extension_headers_are_followed_and_a_sixth_is_not() {
        let five = [(0, 0), (60, 0), (43, 0), (44, 0), (60, 0)];
        assert!(matches!(packet(&chain(&five, TCP, 0)).payload, Payload::Tcp { flags: 2, .. }));
        let six = [(0, 0), (60, 0), (43, 0), (44, 0), (60, 0), (60, 0)];
        assert_eq!(packet(&chain(&six, TCP, 0)).payload, Payload::BeyondWindow);
    }

    #[test]
    fn a_header_that_the_window_cuts_is_beyond_it_and_one_that_the_frame_cuts_is_malformed() {
        let frame = chain(&[(60, 6)], TCP, 100); // TCP from byte 110
        assert_eq!(packet(&frame).payload, Payload::BeyondWindow);
        assert_eq!(parse(&frame[..127]), Parsed::Malformed);
        let fits = chain(&[(60, 4)], TCP, 100); // TCP from byte 94
        assert!(matches!(packet(&fits).payload, Payload::Tcp { .. }));
        assert!(matches!(packet(&fits[..114]).payload, Payload::Tcp { .. }));
        assert_eq!(parse(&fits[..113]), Parsed::Malformed);
    }

    #[test]
    fn only_the_first_fragment_has_ports() {
        let mut frame = tcp4();
        frame[14 + 6] = 0x20; // more fragments, offset 0
        assert!(matches!(packet(&frame).payload, Payload::Tcp { .. }));
        frame[14 + 7] = 0x01;
        assert_eq!(packet(&frame).payload, Payload::LaterFragment(Transport::Tcp));
        let mut six = chain(&[(44, 0)], TCP, 40);
        six[14 + 40 + 3] = 0x08; // offset 1
        assert_eq!(packet(&six).payload, Payload::LaterFragment(Transport::Tcp));
    }

    #[test]
    fn contradictions_are_malformed() {
        for (byte, value, what) in [
            (14, 0x55, "version 5"),
            (14, 0x44, "a header of 16 bytes"),
            (14, 0x4f, "options up to the total length"),
            (17, 39, "a TCP header cut by the total length"),
            (17, 19, "a total length below the header's"),
        ] {
            let mut frame = tcp4();
            frame[byte] = value;
            assert_eq!(parse(&frame), Parsed::Malformed, "{what}");
        }
        assert_eq!(parse(&tcp4()[..59]), Parsed::Malformed, "a runt");
    }

    /// What etherparse, which shares no code with us, makes of a frame that we call TCP or UDP.
    fn agrees_with_etherparse(frame: &[u8], packet: &Packet) {
        let sliced = etherparse::LaxSlicedPacket::from_ethernet(frame).expect("an Ethernet header");
        let (source, destination) = match sliced.net.expect("a network header") {
            etherparse::LaxNetSlice::Ipv4(ip) => {
                (IpAddr::from(ip.header().source_addr()), IpAddr::from(ip.header().destination_addr()))
            }
            etherparse::LaxNetSlice::Ipv6(ip) => {
                (IpAddr::from(ip.header().source_addr()), IpAddr::from(ip.header().destination_addr()))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((source, destination), (packet.source_ip(), packet.destination_ip()));
        match (packet.payload, sliced.transport) {
            (Payload::Tcp { source_port, destination_port, flags }, Some(etherparse::TransportSlice::Tcp(tcp))) => {
                assert_eq!((source_port, destination_port), (tcp.source_port(), tcp.destination_port()));
                assert_eq!(flags & 0x17 == 0x02, tcp.syn() && !tcp.ack() && !tcp.rst() && !tcp.fin());
            }
            (Payload::Udp { source_port, destination_port }, Some(etherparse::TransportSlice::Udp(udp))) => {
                assert_eq!((source_port, destination_port), (udp.source_port(), udp.destination_port()));
            }
            // A data offset below five words, or a UDP length that does not fit: the host stack's business.
            (Payload::Tcp { .. } | Payload::Udp { .. }, None) => {}
            (Payload::Tcp { .. } | Payload::Udp { .. }, other) => panic!("{packet:?} but {other:?}"),
            _ => {}
        }
    }

    #[test]
    fn captured_frames_are_read_as_etherparse_reads_them() {
        let capture: &[u8] = include_bytes!("../../../testbench/rtl/captures/namespaces.pcap");
        let mut reader = pcap_file::pcap::PcapReader::new(capture).expect("a capture");
        let (mut transports, mut others) = (0, 0);
        while let Some(record) = reader.next_packet() {
            let mut frame = record.expect("a record").data.to_vec();
            frame.resize(frame.len().max(MIN_FRAME), 0);
            match parse(&frame) {
                Parsed::Ip(packet) if matches!(packet.payload, Payload::Tcp { .. } | Payload::Udp { .. }) => {
                    agrees_with_etherparse(&frame, &packet);
                    transports += 1;
                }
                Parsed::Malformed => panic!("a kernel sent {frame:02x?}"),
                _ => others += 1,
            }
        }
        assert!(transports > 20 && others > 2, "{transports} and {others}");
    }

    #[derive(Clone, Debug)]
    struct Built {
        vlans: usize,
        ipv6: bool,
        tcp: bool,
        ports: [u16; 2],
        flags: u8,
        addresses: [[u8; 16]; 2],
        payload: usize,
    }

    fn any_built() -> impl Strategy<Value = Built> {
        (0..3usize, any::<[bool; 2]>(), any::<[u16; 2]>(), any::<u8>(), any::<[[u8; 16]; 2]>(), 18..1400usize).prop_map(
            |(vlans, [ipv6, tcp], ports, flags, addresses, payload)| Built {
                vlans,
                ipv6,
                tcp,
                ports,
                flags,
                addresses,
                payload,
            },
        )
    }

    fn build(b: &Built) -> Vec<u8> {
        let four = |a: [u8; 16]| [a[0], a[1], a[2], a[3]];
        let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let [source, destination] = b.addresses;
        let mut frame = Vec::new();
        let ip = if b.ipv6 {
            ethernet.ipv6(source, destination, 64)
        } else {
            ethernet.ipv4(four(source), four(destination), 64)
        };
        let payload = vec![0xa5; b.payload];
        if b.tcp {
            let mut header = etherparse::TcpHeader::new(b.ports[0], b.ports[1], 1, 1000);
            header.syn = b.flags & 2 != 0;
            header.ack = b.flags & 16 != 0;
            header.rst = b.flags & 4 != 0;
            header.fin = b.flags & 1 != 0;
            ip.tcp_header(header).write(&mut frame, &payload).expect("a vector takes it");
        } else {
            ip.udp(b.ports[0], b.ports[1]).write(&mut frame, &payload).expect("a vector takes it");
        }
        for _ in 0..b.vlans {
            frame.splice(12..12, [0x81, 0, 0, 7]);
        }
        frame
    }

    proptest! {
        #[test]
        fn whole_frames_are_read_as_etherparse_reads_them(built in any_built()) {
            let frame = build(&built);
            let packet = packet(&frame);
            let transport = matches!(packet.payload, Payload::Tcp { .. } | Payload::Udp { .. });
            prop_assert!(transport, "{packet:?}");
            agrees_with_etherparse(&frame, &packet);
        }

        #[test]
        fn damaged_frames_are_read_as_etherparse_reads_them_or_refused(
            built in any_built(), damage in proptest::collection::vec((14usize..90, any::<u8>()), 0..4), cut in 60..200usize,
        ) {
            let mut frame = build(&built);
            for (at, value) in damage {
                if let Some(byte) = frame.get_mut(at) { *byte = value; }
            }
            frame.truncate(cut);
            if let Parsed::Ip(packet) = parse(&frame)
                && matches!(packet.payload, Payload::Tcp { .. } | Payload::Udp { .. })
            {
                agrees_with_etherparse(&frame, &packet);
            }
        }

        #[test]
        fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let parsed = parse(&bytes);
            prop_assert!(bytes.len() >= MIN_FRAME || parsed == Parsed::Malformed);
        }

        #[test]
        fn nothing_beyond_the_window_matters(built in any_built(), tail in any::<u8>()) {
            let frame = build(&built);
            let mut other = frame.clone();
            for byte in other.iter_mut().skip(WINDOW) { *byte = tail; }
            prop_assert_eq!(parse(&frame), parse(&other));
        }
    }
}
