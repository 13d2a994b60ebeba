//! Any bytes as a frame, received and sent: no panic, and what must hold for every frame holds.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;
use weir_spec::classify::Classifier;
use weir_spec::config::{DefaultRule, Echo, Policy, RSS_KEY};
use weir_spec::egress::{self, Masking};
use weir_spec::flow::{Connection, Entry, FlowKind, FlowTable, table};
use weir_spec::frame::{Parsed, Payload};
use weir_spec::mac::Mac;
use weir_spec::map::{BucketState, Map, MapRef};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};
use weir_spec::verdict::{Decision, Reason};
use weir_spec::{Config, frame};

/// Virtual IPs of both families and rules of every affinity, so that no class is out of reach.
static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| {
    let mut config = Config {
        hash_key: RSS_KEY,
        flow_key: RSS_KEY,
        default_rule: DefaultRule { affinity: Affinity::Single, map: MapRef::from_bits(1) },
        policy: Policy { echo: Echo::Hash(MapRef::from_bits(0)), drop_portless_fragments: true, quiesce: true },
        ..Config::default()
    };
    config.vips[0] = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 100)));
    config.vips[5] = Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
    let rule = |vip, protocol, first_port, last_port, affinity, map| {
        Some(Rule { vip, first_port, last_port, protocol, affinity, map: MapRef::from_bits(map) })
    };
    config.rules[0] = rule(VipSelect::One(0), Protocol::Tcp, 80, 80, Affinity::None, 0);
    config.rules[3] = rule(VipSelect::One(5), Protocol::Both, 0, 1023, Affinity::Network, 1);
    config.rules[9] = rule(VipSelect::All, Protocol::Udp, 0, 65535, Affinity::Single, 65);
    Classifier::new(config)
});

/// One map with every state in it, one that owns all.
static MAPS: LazyLock<[Map; 2]> = LazyLock::new(|| {
    let mut mixed = Map::filled(BucketState::None);
    for bucket in 0..weir_spec::map::BUCKETS {
        mixed.set(bucket, BucketState::from_bits(bucket as u32 & 3));
    }
    [mixed, Map::filled(BucketState::Own)]
});

/// The connection of a frame, if it is TCP to a virtual IP, listed as PIN in one way and as FOREIGN in another.
fn listed(parsed: &Parsed) -> FlowTable {
    let mut flows = FlowTable::new();
    if let Parsed::Ip(packet) = parsed
        && let Payload::Tcp { source_port, destination_port, .. } = packet.payload
        && let Some(vip) = CLASSIFIER.vip(packet.ipv6, &packet.destination)
    {
        let signature = CLASSIFIER.signature(&Connection { source: packet.source, source_port, destination_port });
        for (way, kind) in [(0, FlowKind::Pin), (3, FlowKind::Foreign)] {
            flows.set(way, table::index(way, signature), Some(Entry { signature, vip, kind }));
        }
    }
    flows
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let parsed = frame::parse(data);
    assert!(data.len() >= frame::MIN_FRAME || parsed == frame::Parsed::Malformed, "a runt was taken for {parsed:?}");

    let maps: &[Map] = &*MAPS;
    let flows = listed(&parsed);
    let open = CLASSIFIER.decide(data, maps, &flows, false);
    let fenced = CLASSIFIER.decide(data, maps, &flows, true);
    assert!(open.accept || !fenced.accept, "a fence opened the way: {open:?} {fenced:?}");
    assert_eq!(open.class, fenced.class, "a fence changed what the frame is");
    let unlisted = CLASSIFIER.decide(data, maps, &FlowTable::new(), false);
    if flows.count() == 0 {
        assert_eq!(open, unlisted, "an empty table mattered");
    } else if let Some((_, state)) = unlisted.bucket {
        // This NIC quiesces: its own buckets ask the table too, for a PIN of a SYN and a FOREIGN of all else.
        let overruled = state != BucketState::None;
        assert_eq!(open.accept != unlisted.accept, overruled, "{open:?} {unlisted:?}");
        assert_eq!(matches!(open.reason, Reason::Pin | Reason::Foreign), overruled, "{open:?}");
    }
    assert_eq!(Decision::decode(open.encode()), Some(open));
    assert_eq!(Decision::decode(fenced.encode()), Some(fenced));

    let masking = Masking { enabled: true, cluster: Mac([2, 0xbf, 10, 0, 0, 100]), masked: Mac([2, 1, 10, 0, 0, 100]) };
    let out = egress::decide(&CLASSIFIER, &masking, data, true);
    if out.masked {
        let mut sent = data.to_vec();
        egress::mask(&masking, &mut sent);
        assert!(sent[..6] == data[..6] && sent[6..12] == masking.masked.0 && sent[12..] == data[12..]);
    }
    if out.pass {
        assert!(egress::decide(&CLASSIFIER, &masking, data, false).pass, "a fence let out what an open NIC holds back");
    }
});
