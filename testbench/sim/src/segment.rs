//! TCP segments as frames, and back. The frames are built and read by `etherparse`, which shares no code with the NIC.

use std::fmt;
use std::net::Ipv4Addr;

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use weir_spec::mac::Mac;

/// FIN of the TCP flags.
pub const FIN: u8 = 1;
/// SYN.
pub const SYN: u8 = 2;
/// RST.
pub const RST: u8 = 4;
/// ACK.
pub const ACK: u8 = 16;

/// The shortest frame on the wire, without FCS.
const SHORTEST: usize = 60;
/// The router in front of the cluster, by which all clients come.
const ROUTER: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 1]);

/// Names a connection of the cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// The client's address.
    pub client: u32,
    /// The client's port.
    pub client_port: u16,
    /// Index of the virtual IP.
    pub vip: u8,
    /// The port of the virtual IP.
    pub port: u16,
}

impl fmt::Debug for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}>{}:{}", Ipv4Addr::from(self.client), self.client_port, self.vip, self.port)
    }
}

/// A segment of a connection, in one direction or the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Segment {
    /// Of which connection.
    pub tuple: Tuple,
    /// Flags.
    pub flags: u8,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledged number; zero without ACK.
    pub ack: u32,
    /// Octets of data.
    pub len: u16,
}

impl Segment {
    /// Whether all of `flags` are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// Numbers it takes: data, SYN and FIN.
    pub fn takes(&self) -> u32 {
        u32::from(self.len) + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }
}

/// The addresses a cluster is reached by.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// Virtual IPs, the primary first.
    pub vips: Vec<Ipv4Addr>,
}

impl Addresses {
    /// The MAC that clients' frames go to.
    pub fn mac(&self) -> Mac {
        Mac::cluster(self.vips[0])
    }

    /// From a client to the cluster.
    pub fn to_cluster(&self, segment: &Segment) -> Vec<u8> {
        let Tuple { client, client_port, vip, port } = segment.tuple;
        let (source, destination) = (client.to_be_bytes(), self.vips[usize::from(vip)].octets());
        frame(ROUTER, self.mac(), (source, client_port), (destination, port), segment)
    }

    /// From a host to a client, as the host's kernel builds it: the source is the cluster's MAC.
    pub fn to_client(&self, segment: &Segment) -> Vec<u8> {
        let Tuple { client, client_port, vip, port } = segment.tuple;
        let (source, destination) = (self.vips[usize::from(vip)].octets(), client.to_be_bytes());
        frame(self.mac(), ROUTER, (source, port), (destination, client_port), segment)
    }

    /// Reads a frame for a virtual IP; `None` if it is none.
    pub fn at_cluster(&self, frame: &[u8]) -> Option<Segment> {
        let (source, destination, segment) = read(frame)?;
        let vip = self.vips.iter().position(|vip| *vip == destination.0)? as u8;
        let tuple = Tuple { client: source.0.into(), client_port: source.1, vip, port: destination.1 };
        Some(Segment { tuple, ..segment })
    }

    /// Reads a frame from a virtual IP; `None` if it is none.
    pub fn at_client(&self, frame: &[u8]) -> Option<Segment> {
        let (source, destination, segment) = read(frame)?;
        let vip = self.vips.iter().position(|vip| *vip == source.0)? as u8;
        let tuple = Tuple { client: destination.0.into(), client_port: destination.1, vip, port: source.1 };
        Some(Segment { tuple, ..segment })
    }
}

fn frame(from: Mac, to: Mac, source: ([u8; 4], u16), destination: ([u8; 4], u16), segment: &Segment) -> Vec<u8> {
    let ip = PacketBuilder::ethernet2(from.0, to.0).ipv4(source.0, destination.0, 64);
    let mut tcp = ip.tcp(source.1, destination.1, segment.seq, 64_000);
    for (flag, set) in [
        (FIN, (|tcp| etherparse::PacketBuilderStep::fin(tcp)) as fn(_) -> _),
        (SYN, |tcp| etherparse::PacketBuilderStep::syn(tcp)),
        (RST, |tcp| etherparse::PacketBuilderStep::rst(tcp)),
    ] {
        if segment.has(flag) {
            tcp = set(tcp);
        }
    }
    if segment.has(ACK) {
        tcp = tcp.ack(segment.ack);
    }
    let payload = vec![segment.seq as u8; usize::from(segment.len)];
    let mut frame = Vec::with_capacity(tcp.size(payload.len()).max(SHORTEST));
    tcp.write(&mut frame, &payload).expect("a small packet into a Vec");
    frame.resize(frame.len().max(SHORTEST), 0);
    frame
}

type Side = (Ipv4Addr, u16);

fn read(frame: &[u8]) -> Option<(Side, Side, Segment)> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let (NetSlice::Ipv4(ip), TransportSlice::Tcp(tcp)) = (packet.net?, packet.transport?) else { return None };
    let header = ip.header();
    let flags = [(tcp.fin(), FIN), (tcp.syn(), SYN), (tcp.rst(), RST), (tcp.ack(), ACK)];
    let segment = Segment {
        tuple: Tuple { client: 0, client_port: 0, vip: 0, port: 0 },
        flags: flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum(),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        len: tcp.payload().len() as u16,
    };
    Some(((header.source_addr(), tcp.source_port()), (header.destination_addr(), tcp.destination_port()), segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_comes_back_from_its_frame_in_both_directions() {
        let addresses = Addresses { vips: vec![[10, 0, 0, 100].into(), [10, 0, 0, 101].into()] };
        let tuple = Tuple { client: 0x0a01_0203, client_port: 40_000, vip: 1, port: 443 };
        for (flags, len) in [(SYN, 0), (SYN | ACK, 0), (ACK, 300), (FIN | ACK, 0), (RST, 0), (RST | ACK, 0)] {
            let ack = if flags & ACK == 0 { 0 } else { 77 };
            let segment = Segment { tuple, flags, seq: 0x8000_0001, ack, len };
            let frame = addresses.to_cluster(&segment);
            assert!(frame.len() >= SHORTEST);
            assert_eq!(addresses.at_cluster(&frame), Some(segment));
            assert_eq!(addresses.at_client(&frame), None);
            assert_eq!(addresses.at_client(&addresses.to_client(&segment)), Some(segment));
        }
    }
}
