//! Frames on the wire: the public capture, exact round trips, and decoders that take anything.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use proptest::prelude::*;
use weir_cluster::Record;
use weir_cluster::wire::bulk::{Bulk, CHUNK, Fault, Message};
use weir_cluster::wire::extension::{self, Extension, Read};
use weir_cluster::wire::heartbeat::{Fields, Heartbeat, LEN, MapKind, SLOTS};
use weir_cluster::wire::identity::{Entry, Identity};
use weir_cluster::wire::records::{self, Operation};
use weir_cluster::wire::{BULK, codes, ethernet};
use weir_cluster::{EpochId, Filtering, HostId, HostSet, Keys, Load, PortRule, Secret};
use weir_spec::rules::{Affinity, Protocol, VipSelect};

/// The 82 payload octets of both frames of tcpdump's `tests/msnlb.pcap` (4 Dec 2012, cut to 96 octets).
const CAPTURED: [&str; 2] = [
    "bf01dec0 06020000 02000000 c0a86450 c0a86452 0100 0000 0100 0900 35e33b4f bbcec804 00000000 00000000 19900161
     50000561 87700861 8ff00861 bbb11b61 4bb22461 e1133e61 00f4ff6f 00000000 0000",
    "bf01dec0 06020000 01000000 c0a86450 c0a86451 0000 0000 0100 0900 dfe23b4f a7146502 00000000 00000000 19900161
     50000561 87700861 8ff00861 bbb11b61 4bb22461 e1133e61 00f4ff6f 00000000 0000",
];

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let text = |pair: &[u8]| String::from_utf8(pair.to_vec()).expect("hex digits");
    digits.chunks(2).map(|pair| u8::from_str_radix(&text(pair), 16).expect("hex digits")).collect()
}

fn keys() -> Keys {
    Keys { send: 3, accepted: BTreeMap::from([(3, Secret(vec![1; 32])), (4, Secret(vec![2; 20]))]) }
}

#[test]
fn the_captured_frames_are_read_as_the_dissectors_read_them_and_written_back_octet_for_octet() {
    // An Exchange array's usual rules, as their codes say; the default rule comes last.
    let rules: Vec<PortRule> = [25, 80, 135, 143, 443, 587, 993]
        .map(|port| (port, port))
        .into_iter()
        .chain([(1024, 65535)])
        .map(|(first_port, last_port)| PortRule {
            vip: VipSelect::All,
            first_port,
            last_port,
            protocol: Protocol::Tcp,
            affinity: Affinity::Single,
            filtering: Filtering::Multiple(Load::Equal),
        })
        .collect();
    for (hex, host, unique_code, packets) in
        [(CAPTURED[0], 2, 1_329_324_853, 80_268_987), (CAPTURED[1], 1, 1_329_324_767, 40_178_855)]
    {
        let captured = octets(hex);
        assert_eq!(captured.len(), 82);
        let view = Heartbeat::new(&captured).expect("a membership heartbeat");
        assert!(!view.is_whole());
        assert_eq!((view.version(), view.host()), (0x0206, host));
        assert_eq!(view.cluster_ip(), Ipv4Addr::new(192, 168, 100, 80));
        assert_eq!(view.host_ip(), Ipv4Addr::new(192, 168, 100, 80 + host as u8));
        assert_eq!((view.my_host(), view.default_host()), (Some(host as u16 - 1), Some(0)));
        assert_eq!((view.state(), view.rules()), (Some(1), Some(9)));
        assert_eq!((view.unique_code(), view.packets()), (Some(unique_code), Some(packets)));
        for (slot, rule) in rules.iter().enumerate() {
            assert_eq!(view.code(slot), Some(codes::rule_code(rule)));
        }
        assert_eq!((view.code(8), view.code(9), view.map(MapKind::Current, 0)), (Some(0), None, None));
        assert_eq!(view.extension(), None);

        let mut codes = [0; SLOTS];
        rules.iter().zip(&mut codes).for_each(|(rule, code)| *code = codes::rule_code(rule));
        let fields = Fields {
            version: view.version(),
            host,
            cluster_ip: view.cluster_ip(),
            host_ip: view.host_ip(),
            my_host: host as u16 - 1,
            default_host: 0,
            state: 1,
            rules: 9,
            unique_code,
            packets,
            teaming: 0,
            codes,
            maps: [[0; SLOTS]; 4],
            weights: [0; SLOTS],
        };
        let mut payload = [0xa5; LEN];
        fields.emit(&mut payload);
        assert_eq!(payload[..82], captured[..]);
    }
}

#[test]
fn a_heartbeat_of_windows_is_told_from_ours() {
    let mut payload = [0; LEN];
    payload[..82].copy_from_slice(&octets(CAPTURED[0]));
    assert_eq!(extension::read(&payload, &keys()), Read::Foreign);
}

fn any_fields() -> impl Strategy<Value = Fields> {
    let arrays = (any::<[[u64; 32]; 4]>(), any::<[u32; 32]>(), any::<[u32; 32]>(), any::<u64>());
    (any::<[u32; 5]>(), any::<[u16; 4]>(), arrays, any::<[u8; 8]>()).prop_map(|(words, halves, arrays, ips)| {
        let (maps, codes, weights, last) = arrays;
        let mut fields = Fields {
            version: words[0],
            host: words[1],
            cluster_ip: [ips[0], ips[1], ips[2], ips[3]].into(),
            host_ip: [ips[4], ips[5], ips[6], ips[7]].into(),
            my_host: halves[0],
            default_host: halves[1],
            state: halves[2],
            rules: halves[3],
            unique_code: words[2],
            packets: words[3],
            teaming: words[4],
            codes: [last as u32; SLOTS],
            maps: [[last; SLOTS]; 4],
            weights: [(last >> 32) as u32; SLOTS],
        };
        fields.codes[..32].copy_from_slice(&codes);
        fields.weights[..32].copy_from_slice(&weights);
        for (map, random) in fields.maps.iter_mut().zip(maps) {
            map[..32].copy_from_slice(&random);
        }
        fields
    })
}

fn any_extension() -> impl Strategy<Value = Extension> {
    (any::<u64>(), any::<[u32; 5]>(), any::<[u8; 4]>(), any::<[u64; 4]>(), any::<[u8; 32]>(), any::<u16>()).prop_map(
        |(incarnation, words, octets, longs, echo, absence)| Extension {
            staged: [octets[0], octets[1], octets[2], octets[3], 0, 9],
            incarnation,
            sequence: words[0],
            beat: octets[0],
            phase: octets[1],
            lease: octets[2],
            cause: octets[3],
            heard: HostSet(words[1]),
            committed: EpochId::from_bytes(longs[0].to_le_bytes()),
            proposed: EpochId::from_bytes(longs[1].to_le_bytes()),
            table_digest: longs[2].to_le_bytes(),
            config_digest: longs[3].to_le_bytes(),
            echo,
            absence,
            members: HostSet(words[2]),
        },
    )
}

fn any_operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation =
        (0u8..3, 0u8..33, 0u16..4096, 0u8..16, any::<u64>()).prop_map(|(kind, slot, bucket, vip, signature)| {
            let record = Record { slot, bucket, vip, signature };
            match kind {
                0 => Operation::Add(record),
                1 => Operation::Remove(record),
                2 => Operation::Deny(record),
                _ => Operation::Hold { slot, bucket },
            }
        });
    proptest::collection::vec(operation, 0..=records::MOST)
}

fn any_message() -> impl Strategy<Value = Message> {
    let epoch = any::<u64>().prop_map(|id| EpochId::from_bytes(id.to_le_bytes()));
    prop_oneof![
        any::<(u64, u64)>().prop_map(|(incarnation, nonce)| Message::Challenge { incarnation, nonce }),
        any::<u64>().prop_map(|nonce| Message::Answer { nonce }),
        any::<(u64, u32)>().prop_map(|(incarnation, sequence)| Message::Waits { incarnation, sequence }),
        (any::<[u8; 8]>(), proptest::collection::vec(any::<u32>(), 0..=SLOTS))
            .prop_map(|(digest, weights)| Message::Staged { digest, weights }),
        (epoch.clone(), any::<[u8; 8]>(), any::<u16>()).prop_map(|(epoch, digest, chunk)| Message::Request {
            epoch,
            digest,
            chunk
        }),
        (epoch.clone(), any::<(u32, u16, bool, bool)>(), any_operations()).prop_map(
            |(epoch, (generation, number, complete, doubtful), operations)| Message::Records {
                epoch,
                generation,
                number,
                complete,
                doubtful,
                operations
            }
        ),
        (any::<(u64, u32, u16)>(), any_operations()).prop_map(|((incarnation, generation, next), refused)| {
            Message::Listed { incarnation, generation, next, refused }
        }),
        (epoch, any::<[u8; 8]>(), any::<(u16, u16)>(), proptest::collection::vec(any::<u8>(), 0..=CHUNK))
            .prop_map(|(epoch, digest, (chunk, of), data)| Message::Chunk { epoch, digest, chunk, of, data }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_over_any_buffer_is_read_back(fields in any_fields(), extension in any_extension()) {
        let mut payload = [0xa5; LEN];
        fields.emit(&mut payload);
        extension.emit(&mut payload, &keys());
        let view = Heartbeat::new(&payload).expect("a heartbeat");
        prop_assert_eq!(Fields::of(&view), Some(fields.clone()));
        prop_assert_eq!(extension::read(&payload, &keys()), Read::Authentic(extension));
        // No octet is left as it was: a zeroed buffer gives the same.
        let mut again = [0; LEN];
        fields.emit(&mut again);
        extension.emit(&mut again, &keys());
        prop_assert_eq!(payload, again);
    }

    #[test]
    fn no_flipped_bit_of_a_heartbeat_goes_unnoticed(
        fields in any_fields(), extension in any_extension(), at in 0..LEN, bit in 0u8..8,
    ) {
        let mut payload = [0; LEN];
        fields.emit(&mut payload);
        extension.emit(&mut payload, &keys());
        payload[at] ^= 1 << bit;
        prop_assert!(!matches!(extension::read(&payload, &keys()), Read::Authentic(_)));
    }

    #[test]
    fn a_view_of_any_octets_gives_what_is_there_and_nothing_else(
        mut payload in proptest::collection::vec(any::<u8>(), 0..1600), ours in any::<bool>(),
    ) {
        if ours && payload.len() >= 4 {
            payload[..4].copy_from_slice(&[0xbf, 0x01, 0xde, 0xc0]);
        }
        if let Some(view) = Heartbeat::new(&payload) {
            prop_assert!(view.octets().len() >= 20);
            for slot in 0..SLOTS + 2 {
                prop_assert_eq!(view.code(slot).is_some(), slot < SLOTS && payload.len() >= 44 + 4 * slot + 4);
                prop_assert_eq!(view.weight(slot).is_some(), slot < SLOTS && payload.len() >= 1232 + 4 * slot + 4);
                prop_assert_eq!(view.map(MapKind::Ready, slot).is_some(), slot < SLOTS && payload.len() >= 976 + 8 * slot);
            }
            prop_assert_eq!(Fields::of(&view).is_some(), payload.len() >= 1364);
            prop_assert_eq!(view.extension().is_some(), payload.len() >= LEN);
        }
        let _ = Identity::read(&payload);
        let _ = ethernet::payload(&payload, ethernet::ETHER_TYPE);
    }

    #[test]
    fn bulk_frames_round_trip_padded_or_not(
        message in any_message(), incarnation in any::<u64>(), sequence in any::<u32>(), hosts in (1u8..=32, 1u8..=32),
        padding in 0usize..60,
    ) {
        let ip = Ipv4Addr::new(10, 1, 2, 3);
        let (from, to) = (HostId::new(hosts.0).expect("host"), HostId::new(hosts.1).expect("host"));
        let bulk = Bulk { from, cluster_ip: ip, incarnation, sequence, to, message };
        let mut payload = bulk.emit(&keys());
        prop_assert!(payload.len() <= LEN);
        payload.extend(vec![0; padding]);
        prop_assert_eq!(Bulk::read(&payload, &keys(), ip), Ok(bulk));
        prop_assert_eq!(Bulk::read(&payload, &keys(), Ipv4Addr::LOCALHOST), Err(Fault::OtherCluster));
    }

    #[test]
    fn a_broken_bulk_frame_is_a_fault(
        message in any_message(), at in any::<proptest::sample::Index>(), bit in 0u8..8, cut in any::<proptest::sample::Index>(),
    ) {
        let ip = Ipv4Addr::new(10, 1, 2, 3);
        let host = HostId::new(5).expect("host");
        let bulk = Bulk { from: host, cluster_ip: ip, incarnation: 1, sequence: 2, to: host, message };
        let good = bulk.emit(&keys());
        prop_assert_eq!(Bulk::read(&good[..cut.index(good.len())], &keys(), ip), Err(Fault::Truncated));
        let mut bad = good.clone();
        let at = 4 + at.index(good.len() - 4);
        bad[at] ^= 1 << bit;
        prop_assert!(Bulk::read(&bad, &keys(), ip).is_err());
    }

    #[test]
    fn any_octets_under_our_signature_are_a_fault(mut payload in proptest::collection::vec(any::<u8>(), 4..400)) {
        payload[..4].copy_from_slice(&BULK.to_le_bytes());
        prop_assert!(Bulk::read(&payload, &keys(), Ipv4Addr::new(1, 2, 3, 4)).is_err());
    }
}

#[test]
fn an_extended_heartbeat_gives_name_and_addresses() {
    let mut payload = octets("c001dec0 06020000 02000000 0a000064 0a000002");
    let name: Vec<u8> = "node2".encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    payload.extend([1, 3, 0, 0, 0, 0, 0, 0]);
    payload.extend(&name);
    payload.extend([0; 4]);
    payload.extend([2, 2, 0, 0, 0, 0, 0, 0, 2, 0, 10, 0, 0, 2, 0, 0]);
    let identity = Identity::read(&payload).expect("an extended heartbeat");
    let address = Entry::Address(Ipv4Addr::new(10, 0, 0, 2).into());
    assert_eq!((identity.host, identity.entries), (2, vec![Entry::Name("node2".into()), address]));
}
