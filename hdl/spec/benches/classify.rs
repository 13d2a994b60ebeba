//! How long the specification takes to decide on a frame in memory, with every rule and virtual IP in use.
//!
//! Prints one JSON object a line, for `cargo xtask bench spec`: nanoseconds a frame, median and spread of the rounds. The
//! frames are spread over many flows and lie in memory as a ring would hold them, so that branches and tables are as cold
//! as they are in use; the same frame over and over would measure the branch predictor.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;
use weir_spec::classify::Classifier;
use weir_spec::config::{DefaultRule, RSS_KEY};
use weir_spec::flow::{Entry, FlowKind, FlowTable, table};
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};
use weir_spec::{Config, frame};

/// Makes the frame of a flow.
type Make = fn(u32) -> Vec<u8>;

const FRAMES: usize = 4096;
const ROUNDS: usize = 21;

fn main() {
    let classifier = Classifier::new(full_configuration());
    let maps: Vec<Map> = (0..64).map(|slot| a_quarter(slot as usize)).collect();
    let flows = half_full();
    let kinds: [(&str, Make); 4] = [
        ("tcp over ipv4", |flow| ipv4(flow, 6)),
        ("udp over ipv4", |flow| ipv4(flow, 17)),
        ("tcp over ipv6", ipv6),
        ("tcp over ipv4, not for us", |flow| {
            let mut frame = ipv4(flow, 6);
            frame[33] = 1;
            frame
        }),
    ];
    for (name, make) in kinds {
        let frames: Vec<_> = (0..FRAMES as u32).map(make).collect();
        let decide = |frame: &[u8]| classifier.decide(frame, maps.as_slice(), &flows, false).accept;
        report(&format!("decide, {name}"), &frames, decide);
    }
    let frames: Vec<_> = (0..FRAMES as u32).map(|flow| ipv4(flow, 6)).collect();
    let released: Vec<Map> = (0..64).map(|_| Map::filled(BucketState::Release)).collect();
    report("decide, tcp over ipv4, every bucket being released", &frames, |frame| {
        classifier.decide(frame, released.as_slice(), &flows, false).accept
    });
    report("parse alone, tcp over ipv4", &frames, |bytes| matches!(frame::parse(bytes), frame::Parsed::Ip(_)));
}

fn report(name: &str, frames: &[Vec<u8>], decide: impl Fn(&[u8]) -> bool) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let accepted = frames.iter().filter(|frame| decide(black_box(frame))).count();
            black_box(accepted);
            began.elapsed().as_nanos() as f64 / frames.len() as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!(
        "{{\"name\":\"{name}\",\"median\":{:.2},\"min\":{:.2},\"max\":{:.2},\"unit\":\"ns/frame\"}}",
        rounds[ROUNDS / 2],
        rounds[0],
        rounds[ROUNDS - 1]
    );
}

/// 16 virtual IPs, 32 rules over all affinities; what is sent below is met by the last rule and by the default rule.
fn full_configuration() -> Config {
    let mut config = Config {
        hash_key: RSS_KEY,
        flow_key: *b"forty octets that only this cluster owns",
        default_rule: DefaultRule { affinity: Affinity::Single, map: MapRef::from_bits(63) },
        ..Config::default()
    };
    for (index, vip) in config.vips.iter_mut().enumerate() {
        let last = 100 + index as u8;
        *vip = Some(if index % 2 == 0 {
            IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
        } else {
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)))
        });
    }
    let affinities = [Affinity::None, Affinity::Single, Affinity::Network];
    for (index, rule) in config.rules.iter_mut().enumerate() {
        let last = index == 31;
        *rule = Some(Rule {
            vip: if last { VipSelect::All } else { VipSelect::One(index as u8 % 16) },
            first_port: if last { 80 } else { 1000 + 100 * index as u16 },
            last_port: if last { 443 } else { 1050 + 100 * index as u16 },
            protocol: Protocol::Both,
            affinity: affinities[index % 3],
            map: MapRef::from_bits(index as u32),
        });
    }
    config.rules[31].as_mut().expect("all rules were set above").affinity = Affinity::None;
    config
}

/// A map of which one host of four owns its share.
fn a_quarter(slot: usize) -> Map {
    let mut map = Map::filled(BucketState::None);
    for bucket in (0..BUCKETS).filter(|bucket| (bucket + slot).is_multiple_of(4)) {
        map.set(bucket, BucketState::Own);
    }
    map
}

/// A flow table with every second place in use, by flows that are not among the frames.
fn half_full() -> FlowTable {
    let mut flows = FlowTable::new();
    for number in 0..1u64 << 11 {
        let signature = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let way = number as usize % table::WAYS;
        let entry = Entry { signature, vip: 0, kind: FlowKind::Pin };
        flows.set(way, table::index(way, signature), Some(entry));
    }
    flows
}

/// Mixes a flow's number so that neighbours differ in every byte.
fn scattered(flow: u32) -> u32 {
    flow.wrapping_mul(0x9e37_79b1).rotate_left(13) ^ 0x5bd1_e995
}

fn ipv4(flow: u32, protocol: u8) -> Vec<u8> {
    let mut frame = vec![0; 60];
    let mixed = scattered(flow).to_be_bytes();
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    frame[14] = 0x45;
    frame[16..18].copy_from_slice(&46u16.to_be_bytes());
    frame[22] = 64;
    frame[23] = protocol;
    frame[26..30].copy_from_slice(&mixed);
    frame[30..34].copy_from_slice(&[10, 0, 0, 100]);
    frame[34..36].copy_from_slice(&mixed[1..3]);
    frame[36..38].copy_from_slice(&[80u16, 443, 8080][flow as usize % 3].to_be_bytes());
    if protocol == 6 {
        frame[46] = 0x50;
        frame[47] = 0x10;
    } else {
        frame[38..40].copy_from_slice(&26u16.to_be_bytes());
    }
    frame
}

fn ipv6(flow: u32) -> Vec<u8> {
    let mut frame = vec![0; 74];
    let mixed = scattered(flow).to_be_bytes();
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    frame[14] = 0x60;
    frame[18..20].copy_from_slice(&20u16.to_be_bytes());
    frame[20] = 6;
    frame[21] = 64;
    frame[22..26].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    frame[34..38].copy_from_slice(&mixed);
    frame[38..42].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    frame[53] = 101;
    frame[54..56].copy_from_slice(&mixed[1..3]);
    frame[56..58].copy_from_slice(&443u16.to_be_bytes());
    frame[66] = 0x50;
    frame[67] = 0x10;
    frame
}
