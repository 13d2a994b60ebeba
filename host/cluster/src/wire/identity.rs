//! The extended heartbeat that carries a host's name and addresses: read, never sent.
//!
//! After the common header of 20 octets a list of entries: type (1 name, 2 address), length, six reserved octets, value.
//! The unit of the length octet was never published and the dissector does not use it; we step by 8-octet units where that
//! leads forward, and stop where it does not. Windows marks this heartbeat deprecated since 2008.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{IDENTITY, heartbeat::COMMON};

/// One entry.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// Fully qualified host name; what is no UTF-16 is replaced.
    Name(String),
    /// An address of the host.
    Address(IpAddr),
    /// A type or family we do not know.
    Unknown(u8),
}

/// An extended heartbeat.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Identity {
    /// Host priority as it says.
    pub host: u32,
    /// Primary virtual IP.
    pub cluster_ip: Ipv4Addr,
    /// What could be read, in order.
    pub entries: Vec<Entry>,
}

impl Identity {
    /// Reads a payload; `None` if it is no extended heartbeat or ends inside the header.
    pub fn read(payload: &[u8]) -> Option<Identity> {
        let (header, mut rest) = payload.split_first_chunk::<COMMON>()?;
        if super::signature(header) != Some(IDENTITY) {
            return None;
        }
        let mut entries = Vec::new();
        while let Some((&[kind, units, ..], after)) = rest.split_first_chunk::<8>() {
            if kind == 0 {
                break;
            }
            let value = &after[..after.len().min((usize::from(units) * 8).saturating_sub(8))];
            // A length that leads nowhere: the value is all that is left.
            let value = if value.is_empty() { after } else { value };
            entries.push(entry(kind, value));
            rest = &after[value.len()..];
        }
        let word = |at: usize| -> [u8; 4] { header[at..at + 4].try_into().expect("header has 20 octets") };
        Some(Identity { host: u32::from_le_bytes(word(8)), cluster_ip: word(12).into(), entries })
    }
}

fn entry(kind: u8, value: &[u8]) -> Entry {
    match kind {
        1 => {
            let units = value.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            let name = char::decode_utf16(units.take_while(|&unit| unit != 0));
            Entry::Name(name.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        2 => match value {
            [2, 0, a, b, c, d, ..] => Entry::Address(Ipv4Addr::new(*a, *b, *c, *d).into()),
            [0x17, 0, address @ ..] if address.len() >= 16 => {
                let octets: [u8; 16] = address[..16].try_into().expect("length was checked");
                Entry::Address(Ipv6Addr::from(octets).into())
            }
            _ => Entry::Unknown(kind),
        },
        _ => Entry::Unknown(kind),
    }
}
