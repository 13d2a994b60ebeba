//! Destination, source and type of the frames we send, and the payload of those we get.
//!
//! Unicast mode broadcasts from the masked source 02-priority-ip, so that a switch learns a port nobody sends to and never
//! the cluster MAC. The multicast modes send to the cluster's group address from the adapter's own.

use weir_spec::mac::Mac;

use crate::config::{Addressing, Config};

/// Octets of an Ethernet header without tags.
pub const HEADER: usize = 14;
/// EtherType of heartbeats.
pub const ETHER_TYPE: u16 = 0x886f;
/// EtherType of the earliest product; a cluster that mixes both falls back to it.
pub const LEGACY_ETHER_TYPE: u16 = 0xbf01;

/// The EtherType a configuration asks for.
pub fn ether_type(config: &Config) -> u16 {
    if config.legacy_ether_type { LEGACY_ETHER_TYPE } else { ETHER_TYPE }
}

/// The header of every frame this host sends.
pub fn header(config: &Config) -> [u8; HEADER] {
    let ip = config.cluster_ip;
    let (destination, source) = match config.addressing {
        Addressing::Unicast => (Mac::BROADCAST, Mac::masked(config.host.get(), ip)),
        Addressing::Multicast { own } => (Mac::multicast(ip), own),
        Addressing::Igmp { own } => (Mac::igmp(ip), own),
    };
    let mut header = [0; HEADER];
    header[..6].copy_from_slice(&destination.0);
    header[6..12].copy_from_slice(&source.0);
    header[12..].copy_from_slice(&ether_type(config).to_be_bytes());
    header
}

/// Where a frame goes; `None` for less than an address.
pub fn destination(frame: &[u8]) -> Option<Mac> {
    frame.first_chunk().copied().map(Mac)
}

/// The payload of a frame of this EtherType; `None` for another or for less than a header.
pub fn payload(frame: &[u8], ether_type: u16) -> Option<&[u8]> {
    let (header, payload) = frame.split_first_chunk::<HEADER>()?;
    (header[12..] == ether_type.to_be_bytes()).then_some(payload)
}
