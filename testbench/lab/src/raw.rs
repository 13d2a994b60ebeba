//! A client made of single segments: for handshakes that stop half way, forged SYNs, and clients that have forgotten.
//!
//! It has an address of its own that no kernel has, so that no kernel answers for it; it answers ARP for that address itself.

use std::io;
use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use weir_link::{Ethertype, LinkError, PacketSocket};
use weir_spec::mac::Mac;

use crate::namespace::{Namespace, NamespaceError};
use crate::topology;

/// TCP flags.
pub const FIN: u8 = 1;
/// Synchronise.
pub const SYN: u8 = 2;
/// Reset.
pub const RST: u8 = 4;
/// Push.
pub const PSH: u8 = 8;
/// Acknowledge.
pub const ACK: u8 = 16;

/// Why there is no such client.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The clients' namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// Its interface.
    #[error("failed to listen on the clients' interface")]
    Link(#[from] LinkError),
}

/// A segment that came from the virtual IP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The host it came from, by its masked MAC.
    pub host: Option<u8>,
    /// Port it is for.
    pub port: u16,
    /// TCP flags.
    pub flags: u8,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledged sequence number.
    pub acknowledged: u32,
    /// What it carries.
    pub data: Vec<u8>,
}

/// A client of single segments.
#[derive(Debug)]
pub struct RawClient {
    socket: PacketSocket,
    address: Ipv4Addr,
}

impl RawClient {
    /// A client with the address 10.99.3.`number`.
    pub fn new(clients: &Namespace, number: u8) -> Result<RawClient, RawError> {
        let socket = clients.enter(|| PacketSocket::open("eth0", Ethertype::All))??;
        Ok(RawClient { socket, address: Ipv4Addr::new(10, 99, 3, number) })
    }

    /// A client with an address that a kernel has, to say what that kernel never said.
    pub fn forge(clients: &Namespace, address: Ipv4Addr) -> Result<RawClient, RawError> {
        let socket = clients.enter(|| PacketSocket::open("eth0", Ethertype::All))??;
        Ok(RawClient { socket, address })
    }

    /// Sends one segment to the service.
    pub fn send(&self, port: u16, flags: u8, sequence: u32, acknowledged: u32, data: &[u8]) -> io::Result<()> {
        let mut tcp = Vec::with_capacity(20 + data.len());
        tcp.extend(port.to_be_bytes());
        tcp.extend(topology::SERVICE.port().to_be_bytes());
        tcp.extend(sequence.to_be_bytes());
        tcp.extend(acknowledged.to_be_bytes());
        tcp.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(data);
        let mut pseudo = self.address.octets().to_vec();
        pseudo.extend(topology::VIP.octets());
        pseudo.extend([0, 6]);
        pseudo.extend((tcp.len() as u16).to_be_bytes());
        pseudo.extend(&tcp);
        let sum = checksum(&pseudo);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());

        let mut ip = vec![0x45, 0];
        ip.extend((20 + tcp.len() as u16).to_be_bytes());
        ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        ip.extend(self.address.octets());
        ip.extend(topology::VIP.octets());
        let sum = checksum(&ip);
        ip[10..12].copy_from_slice(&sum.to_be_bytes());

        let mut frame = Vec::new();
        frame.extend(topology::cluster_mac().0);
        frame.extend(topology::CLIENT_MAC);
        frame.extend([0x08, 0x00]);
        frame.extend(ip);
        frame.extend(tcp);
        frame.resize(frame.len().max(60), 0);
        self.socket.send(&frame)
    }

    /// The next segment for this client that `wanted` takes, within `patience`. ARP is answered meanwhile.
    pub fn receive(&self, patience: Duration, wanted: impl Fn(&Segment) -> bool) -> Option<Segment> {
        let since = Instant::now();
        let mut buffer = [0; 2048];
        while since.elapsed() < patience {
            match self.socket.receive(&mut buffer) {
                Ok(length) => {
                    let frame = &buffer[..length.min(buffer.len())];
                    self.answer_arp(frame);
                    if let Some(segment) = self.segment(frame).filter(&wanted) {
                        return Some(segment);
                    }
                }
                Err(_) => sleep(Duration::from_millis(1)),
            }
        }
        None
    }

    fn answer_arp(&self, frame: &[u8]) {
        const REQUEST: [u8; 10] = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1];
        if frame.len() < 42 || frame[12..22] != REQUEST || frame[38..42] != self.address.octets() {
            return;
        }
        // To the MAC that the question names: the one it came from is masked, and no interface has it.
        let mut answer = frame[22..28].to_vec();
        answer.extend(topology::CLIENT_MAC);
        answer.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2]);
        answer.extend(topology::CLIENT_MAC);
        answer.extend(self.address.octets());
        answer.extend(&frame[22..32]);
        answer.resize(60, 0);
        // One that is lost is asked for again.
        let _ = self.socket.send(&answer);
    }

    fn segment(&self, frame: &[u8]) -> Option<Segment> {
        let source = Mac(frame.get(6..12)?.try_into().ok()?);
        let ip = frame.get(14..)?;
        let ours = ip.get(12..16)? == topology::VIP.octets() && ip.get(16..20)? == self.address.octets();
        if frame[12..14] != [0x08, 0x00] || ip[0] != 0x45 || ip[9] != 6 || !ours {
            return None;
        }
        let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
        let tcp = ip.get(20..total)?;
        let word = |at: usize| Some(u32::from_be_bytes(tcp.get(at..at + 4)?.try_into().ok()?));
        Some(Segment {
            host: topology::host_of(source),
            port: (word(0)? & 0xffff) as u16,
            sequence: word(4)?,
            acknowledged: word(8)?,
            flags: *tcp.get(13)?,
            data: tcp.get(usize::from(tcp[12] >> 4) * 4..)?.to_vec(),
        })
    }
}

/// The checksum of IP and TCP (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // The example of RFC 1071, section 3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(&[0xff]), !0xff00);
    }
}
