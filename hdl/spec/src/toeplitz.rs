//! The Toeplitz hash of Microsoft RSS, and the 12 bits of it that name a bucket.
//!
//! Input is the RSS tuple: source address, destination address, source port, destination port, network byte order. Bit
//! `i` of it (most significant first) XORs key bits `i..i+32` into the hash. Weir hashes the client alone: destination
//! address and port are zero, and affinity masks the source. The hash is XOR-linear, so a table a byte position is
//! exact, and a circuit may sum the parts in any order.

use crate::rules::Affinity;

/// The 32-bit hash of `input` under `key`; input beyond 36 bytes is ignored, as the key ends there.
pub fn hash(key: &[u8; 40], input: &[u8]) -> u32 {
    let mut window = u64::from_be_bytes([key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7]]);
    let mut hash = 0;
    for (i, byte) in input.iter().take(36).enumerate() {
        for bit in 0..8 {
            if byte << bit & 0x80 != 0 {
                hash ^= (window >> (32 - bit)) as u32;
            }
        }
        let next = key.get(i + 8).copied().unwrap_or(0);
        window = window << 8 | u64::from(next);
    }
    hash
}

/// A source as the hash sees it: 16 address bytes (IPv4 in the first four, rest zero) and the port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source {
    /// IPv6, else IPv4.
    pub ipv6: bool,
    /// Address in network byte order.
    pub address: [u8; 16],
    /// Source port; ignored unless affinity is none.
    pub port: u16,
}

/// The bucket, 0..4096, of a source, straight from the definition. [`BucketHash`] gives the same, faster.
pub fn bucket(key: &[u8; 40], source: Source, affinity: Affinity) -> u16 {
    let mut input = [0u8; 36];
    let (length, kept) = match (source.ipv6, affinity) {
        (false, Affinity::Network) => (4, 3),
        (false, _) => (4, 4),
        (true, Affinity::Network) => (16, 8),
        (true, _) => (16, 16),
    };
    input[..kept].copy_from_slice(&source.address[..kept]);
    if affinity == Affinity::None {
        input[2 * length..2 * length + 2].copy_from_slice(&source.port.to_be_bytes());
    }
    (hash(key, &input[..2 * length + 4]) & 0xfff) as u16
}

/// A key prepared as one table of 256 partial buckets a byte position.
#[derive(Clone)]
pub struct BucketHash {
    address: Box<[[u16; 256]; 16]>,
    /// IPv4 source port, then IPv6 source port, high byte first.
    port: Box<[[[u16; 256]; 2]; 2]>,
}

impl BucketHash {
    /// Prepares `key`.
    pub fn new(key: &[u8; 40]) -> BucketHash {
        // The hash is linear: a byte's entry is that of its lowest bit and that of the rest of it.
        let table = |position: usize| {
            let mut table = [0u16; 256];
            for byte in 1..256usize {
                let rest = byte & (byte - 1);
                table[byte] = if rest == 0 {
                    let mut input = [0u8; 36];
                    input[position] = byte as u8;
                    (hash(key, &input) & 0xfff) as u16
                } else {
                    table[rest] ^ table[byte ^ rest]
                };
            }
            table
        };
        BucketHash {
            address: Box::new(std::array::from_fn(table)),
            port: Box::new([[table(8), table(9)], [table(32), table(33)]]),
        }
    }

    /// The bucket, 0..4096, of a source.
    pub fn bucket(&self, source: Source, affinity: Affinity) -> u16 {
        let kept = match (source.ipv6, affinity) {
            (false, Affinity::Network) => 3,
            (false, _) => 4,
            (true, Affinity::Network) => 8,
            (true, _) => 16,
        };
        let mut bucket = 0;
        for (table, byte) in self.address.iter().zip(source.address).take(kept) {
            bucket ^= table[usize::from(byte)];
        }
        if affinity == Affinity::None {
            let [high, low] = &self.port[usize::from(source.ipv6)];
            bucket ^= high[usize::from(source.port >> 8)] ^ low[usize::from(source.port & 0xff)];
        }
        bucket
    }
}

impl std::fmt::Debug for BucketHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BucketHash")
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::config::RSS_KEY;
    use proptest::prelude::*;

    /// Microsoft's published RSS verification suite: destination, source, hash with ports, hash of addresses alone.
    #[test]
    fn published_ipv4_vectors_hold() {
        for (destination, destination_port, source, source_port, with_ports, addresses) in [
            ("161.142.100.80", 1766, "66.9.149.187", 2794, 0x51cc_c178, 0x323e_8fc2),
            ("65.69.140.83", 4739, "199.92.111.2", 14230, 0xc626_b0ea, 0xd718_262a),
            ("12.22.207.184", 38024, "24.19.198.95", 12898, 0x5c2b_394a, 0xd2d0_a5de),
            ("209.142.163.6", 2217, "38.27.205.30", 48228, 0xafc7_327f, 0x8298_9176),
            ("202.188.127.2", 1303, "153.39.163.191", 44251, 0x10e8_28a2, 0x5d18_09c5),
        ] {
            let [source, destination]: [Ipv4Addr; 2] = [source, destination].map(|a| a.parse().expect("an address"));
            let mut input = [source.octets(), destination.octets()].concat();
            assert_eq!(hash(&RSS_KEY, &input), addresses, "{source}");
            input.extend((source_port as u16).to_be_bytes());
            input.extend((destination_port as u16).to_be_bytes());
            assert_eq!(hash(&RSS_KEY, &input), with_ports, "{source}");
        }
    }

    #[test]
    fn published_ipv6_vectors_hold() {
        for (destination, destination_port, source, source_port, with_ports, addresses) in [
            ("3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x4020_7d3d, 0x2cc1_8cd5),
            ("ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0xdde5_1bbf, 0x0f0c_461c),
            ("fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, 0x02d1_feef, 0x4b61_e985),
        ] {
            let [source, destination]: [Ipv6Addr; 2] = [source, destination].map(|a| a.parse().expect("an address"));
            let mut input = [source.octets(), destination.octets()].concat();
            assert_eq!(hash(&RSS_KEY, &input), addresses, "{source}");
            input.extend((source_port as u16).to_be_bytes());
            input.extend((destination_port as u16).to_be_bytes());
            assert_eq!(hash(&RSS_KEY, &input), with_ports, "{source}");
        }
    }

    proptest! {
        #[test]
        fn the_tables_give_the_definition(
            key in proptest::collection::vec(any::<u8>(), 40), ipv6 in any::<bool>(), mut address in any::<[u8; 16]>(),
            port in any::<u16>(), affinity in 0u32..3,
        ) {
            let key: [u8; 40] = key.try_into().expect("40 bytes");
            if !ipv6 { address[4..].fill(0); }
            let (source, affinity) = (Source { ipv6, address, port }, Affinity::from_bits(affinity));
            prop_assert_eq!(BucketHash::new(&key).bucket(source, affinity), bucket(&key, source, affinity));
        }

        #[test]
        fn affinity_masks_the_source(address in any::<[u8; 16]>(), ports in any::<[u16; 2]>(), last in any::<u8>()) {
            let at = |address, port, affinity| bucket(&RSS_KEY, Source { ipv6: true, address, port }, affinity);
            prop_assert_eq!(at(address, ports[0], Affinity::Single), at(address, ports[1], Affinity::Single));
            let mut neighbour = address;
            neighbour[8] = last;
            neighbour[15] = last;
            prop_assert_eq!(at(address, ports[0], Affinity::Network), at(neighbour, ports[1], Affinity::Network));
        }
    }

    #[test]
    fn uniform_clients_spread_evenly() {
        let mut seen = [0u32; 4096];
        for port in 0..=u16::MAX {
            for low in 0..4u8 {
                let mut address = [0; 16];
                address[..4].copy_from_slice(&[10, 0, 0, low]);
                seen[usize::from(bucket(&RSS_KEY, Source { ipv6: false, address, port }, Affinity::None))] += 1;
            }
        }
        assert!(seen.iter().all(|&n| n == 64), "a linear hash spreads a full port space evenly");
    }
}
