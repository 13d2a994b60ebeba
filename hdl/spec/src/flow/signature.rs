//! The signature of a connection: a Toeplitz hash of 64 bits with a secret key of its own.
//!
//! Input are 160 bits, ordered so that a circuit can take them in eight groups of 20: group `j` is octets `2j` and
//! `2j + 1` of the source address (16 octets; IPv4 in the first four, the rest zero), then bits `31 - 4j` to `28 - 4j` of
//! the ports (source port above destination port). Input bit `i`, first bit first, XORs key bits `i..i + 64` into the
//! signature, whose bit 63 is the first of them. Protocol and destination address are not hashed: only TCP is looked up,
//! and an entry names its virtual IP. Of the 320 key bits the first 223 are used.

use std::net::IpAddr;

/// Input bits of a group.
pub const GROUP: usize = 20;
/// Groups of the input.
pub const GROUPS: usize = 8;

/// A TCP connection of a virtual IP as the signature sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Connection {
    /// The client's address in network byte order; IPv4 in the first four octets, the rest zero.
    pub source: [u8; 16],
    /// The client's port.
    pub source_port: u16,
    /// The port of the virtual IP.
    pub destination_port: u16,
}

impl Connection {
    /// The connection from `source`. An IPv6 address that maps an IPv4 one stays IPv6: unmap what sockets report.
    pub fn new(source: IpAddr, source_port: u16, destination_port: u16) -> Connection {
        let mut octets = [0; 16];
        match source {
            IpAddr::V4(address) => octets[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => octets = address.octets(),
        }
        Connection { source: octets, source_port, destination_port }
    }

    fn ports(&self) -> u32 {
        u32::from(self.source_port) << 16 | u32::from(self.destination_port)
    }
}

/// Key bits `at..at + 64`, the first on top. `at` is at most 160.
fn window(key: &[u8; 40], at: usize) -> u64 {
    let octets: &[u8; 16] = key[at / 8..].first_chunk().expect("the input ends far before the key");
    (u128::from_be_bytes(*octets) >> (64 - at % 8)) as u64
}

/// The signature of a connection, straight from the definition. [`SignatureHash`] gives the same, faster.
pub fn signature(key: &[u8; 40], connection: &Connection) -> u64 {
    let mut signature = 0;
    for group in 0..GROUPS {
        let [high, low] = [connection.source[2 * group], connection.source[2 * group + 1]].map(u32::from);
        let nibble = connection.ports() >> (28 - 4 * group) & 15;
        let input = high << 12 | low << 4 | nibble;
        for bit in 0..GROUP {
            if input >> (GROUP - 1 - bit) & 1 == 1 {
                signature ^= window(key, group * GROUP + bit);
            }
        }
    }
    signature
}

/// A key prepared as one table of 256 partial signatures an octet of address and ports.
#[derive(Clone)]
pub struct SignatureHash {
    address: Box<[[u64; 256]; 16]>,
    ports: Box<[[u64; 256]; 4]>,
}

impl SignatureHash {
    /// Prepares `key`.
    pub fn new(key: &[u8; 40]) -> SignatureHash {
        // Where the bits of an octet lie in the input, its top bit first: in one piece, or four and four.
        let table = |high: usize, low: usize| {
            let mut table = [0u64; 256];
            for octet in 1..256usize {
                let lowest = octet.trailing_zeros() as usize;
                let at = if lowest < 4 { low + 3 - lowest } else { high + 7 - lowest };
                table[octet] = table[octet & (octet - 1)] ^ window(key, at);
            }
            table
        };
        let address = |octet: usize| {
            let at = octet / 2 * GROUP + octet % 2 * 8;
            table(at, at + 4)
        };
        let port = |octet: usize| table(2 * octet * GROUP + 16, (2 * octet + 1) * GROUP + 16);
        SignatureHash { address: Box::new(std::array::from_fn(address)), ports: Box::new(std::array::from_fn(port)) }
    }

    /// The signature of a connection.
    pub fn signature(&self, connection: &Connection) -> u64 {
        let mut signature = 0;
        for (table, octet) in self.address.iter().zip(connection.source) {
            signature ^= table[usize::from(octet)];
        }
        for (table, octet) in self.ports.iter().zip(connection.ports().to_be_bytes()) {
            signature ^= table[usize::from(octet)];
        }
        signature
    }
}

impl std::fmt::Debug for SignatureHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignatureHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RSS_KEY;
    use proptest::prelude::*;

    /// The definition once more, a bit at a time and with nothing in common: lists of single bits.
    fn bit_by_bit(key: &[u8; 40], connection: &Connection) -> u64 {
        let bits = |octets: &[u8]| -> Vec<bool> {
            octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet & (1 << bit) != 0)).collect()
        };
        let key = bits(key);
        let address = bits(&connection.source);
        let ports = bits(&[connection.source_port.to_be_bytes(), connection.destination_port.to_be_bytes()].concat());
        let input: Vec<bool> =
            (0..8).flat_map(|j| [&address[16 * j..16 * j + 16], &ports[4 * j..4 * j + 4]].concat()).collect();
        assert_eq!(input.len(), 160);
        let mut result = [false; 64];
        for (i, _) in input.iter().enumerate().filter(|(_, set)| **set) {
            for (place, bit) in result.iter_mut().enumerate() {
                *bit ^= key[i + place];
            }
        }
        result.iter().fold(0, |signature, bit| signature << 1 | u64::from(*bit))
    }

    fn any_connection() -> impl Strategy<Value = Connection> {
        (any::<[u8; 16]>(), any::<bool>(), any::<u16>(), any::<u16>()).prop_map(
            |(mut source, ipv4, source_port, destination_port)| {
                if ipv4 {
                    source[4..].fill(0);
                }
                Connection { source, source_port, destination_port }
            },
        )
    }

    fn any_key() -> impl Strategy<Value = [u8; 40]> {
        proptest::collection::vec(any::<u8>(), 40).prop_map(|key| key.try_into().expect("40 octets"))
    }

    proptest! {
        #[test]
        fn tables_and_definition_give_what_single_bits_give(key in any_key(), connection in any_connection()) {
            let wanted = bit_by_bit(&key, &connection);
            prop_assert_eq!(signature(&key, &connection), wanted);
            prop_assert_eq!(SignatureHash::new(&key).signature(&connection), wanted);
        }

        #[test]
        fn a_signature_is_linear(key in any_key(), a in any_connection(), b in any_connection()) {
            let both = Connection {
                source: std::array::from_fn(|i| a.source[i] ^ b.source[i]),
                source_port: a.source_port ^ b.source_port,
                destination_port: a.destination_port ^ b.destination_port,
            };
            let hash = SignatureHash::new(&key);
            prop_assert_eq!(hash.signature(&both), hash.signature(&a) ^ hash.signature(&b));
        }
    }

    /// Computed by a program of another language from the words at the top of this file.
    #[test]
    fn known_signatures_hold() {
        for (source, source_port, destination_port, wanted) in [
            ("66.9.149.187", 2794, 1766, 0xc1b5_945f_b42b_f7b7),
            ("3ffe:501:8::260:97ff:fe40:efab", 14230, 4739, 0xd103_1933_5f72_0886),
        ] {
            let source = source.parse().expect("an address");
            let connection = Connection::new(source, source_port, destination_port);
            assert_eq!(signature(&RSS_KEY, &connection), wanted, "{source}");
        }
    }

    #[test]
    fn the_160_input_bits_meet_the_first_160_key_bits_first() {
        let mut places: Vec<usize> = (0..160)
            .map(|bit| {
                let mut octets = [0u8; 20];
                octets[bit / 8] = 0x80 >> (bit % 8);
                let connection = Connection {
                    source: *octets.first_chunk().expect("16 of 20"),
                    source_port: u16::from_be_bytes([octets[16], octets[17]]),
                    destination_port: u16::from_be_bytes([octets[18], octets[19]]),
                };
                let lone = |place: usize| {
                    let mut key = [0; 40];
                    key[place / 8] = 0x80 >> (place % 8);
                    key
                };
                (0..320).find(|&place| signature(&lone(place), &connection) == 1 << 63).expect("a first key bit")
            })
            .collect();
        places.sort_unstable();
        assert_eq!(places, (0..160).collect::<Vec<_>>());
    }
}
