//! Frames at full load and with every kind of gap, under random configurations: nothing may differ.

use fastrand::Rng;
use weir_rtl::Side;
use weir_spec::config::{Config, RSS_KEY};
use weir_spec::mac::Mac;
use weir_spec::map::MapRef;
use weir_spec::regs::{self, RegId};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

use crate::configs::{self, Setting};
use crate::frames::{self, Made, Shot, Toward};
use crate::rig::{LONG, Rig, at};
use crate::seed::{chance, rng, rounds};

/// Frames of each side in a batch.
const BATCH: usize = 250;

/// A leaving frame; half of them carry the source that must not leave, or one a bit beside it.
fn leaving(rng: &mut Rng, setting: &Setting, cluster: Mac) -> Shot {
    let mut shot = frames::random(rng, setting, Toward::Client);
    if chance(rng, 50) {
        for (byte, mac) in shot.bytes.iter_mut().skip(6).zip(cluster.0) {
            *byte = mac;
        }
        if chance(rng, 20) && shot.bytes.len() > 11 {
            shot.bytes[6 + rng.usize(..6)] ^= 1 << rng.u32(..8);
        }
    }
    shot
}

fn set_masking(rig: &mut Rig, rng: &mut Rng) -> Mac {
    let macs: [[u8; 6]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| rng.u8(..)));
    let [cluster, masked] = macs.map(Mac);
    let enable = regs::reg(RegId::ClusterMacHi).field("enable").place(u32::from(chance(rng, 85)));
    for (id, word) in [
        (RegId::MaskedMacLo, masked.low_word()),
        (RegId::MaskedMacHi, masked.high_word()),
        (RegId::ClusterMacLo, cluster.low_word()),
        (RegId::ClusterMacHi, cluster.high_word() | enable),
    ] {
        rig.write(at(id), word).expect("a plain register");
    }
    cluster
}

fn one_round(rig: &mut Rig, rng: &mut Rng, round: usize) {
    let setting = configs::random(rng);
    rig.load(&setting);
    let cluster = set_masking(rig, rng);
    // Every fifth configuration comes into force fenced.
    let until = if round % 5 == 4 { rig.now() } else { rig.now() + LONG };
    rig.commit(round as u32 ^ rng.u32(..), until).expect("a deadline in reach");
    for gaps in [false, true] {
        for _ in 0..BATCH {
            let mut received = frames::random(rng, &setting, Toward::Vip);
            let mut left = leaving(rng, &setting, cluster);
            if gaps {
                received = received.with_gaps(rng);
                left = left.with_gaps(rng);
                if left.late_or_malformed() {
                    left.waits.clear();
                }
            }
            rig.push(Side::Rx, received);
            rig.push(Side::Tx, left);
        }
        rig.settle();
    }
    rig.check_counters();
    rig.set_time(rig.now() + rng.u64(..100_000));
}

#[test]
fn every_frame_fares_as_the_spec_says() {
    let mut rig = Rig::new("random frames", 1 << 40);
    for round in 0..rounds(60) {
        rig.relabel(format!("random frames, round {round}"));
        one_round(&mut rig, &mut rng("random frames", round), round);
    }
    println!("{} clocks, latency {:?}", rig.clocks(), rig.latency);
    rig.coverage.demand_all();
}

#[test]
fn before_the_first_commit_frames_fare_as_the_spec_says() {
    let mut rig = Rig::new("no commit", 1 << 20);
    for round in 0..rounds(3) {
        let mut rng = rng("no commit", round);
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        let cluster = set_masking(&mut rig, &mut rng);
        for _ in 0..BATCH {
            rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
            rig.push(Side::Tx, leaving(&mut rng, &setting, cluster));
        }
        rig.settle();
    }
    rig.check_counters();
    assert!(rig.tally[weir_spec::counters::FENCED] > 0 && rig.tally[weir_spec::counters::TX_FENCED] > 0);
}

/// A packet of each kind with all its headers, as a start for cuts.
fn kinds(rng: &mut Rng, setting: &Setting) -> Vec<Shot> {
    let mut kinds: Vec<Shot> = Vec::new();
    while kinds.len() < 24 {
        let shot = frames::random(rng, setting, Toward::Vip);
        let Made { vlans, family, ihl, extensions, protocol, .. } = shot.made;
        let known = |other: &Shot| {
            let made = other.made;
            (made.vlans, made.family, made.ihl > 5, made.extensions.min(2), made.protocol)
                == (vlans, family, ihl > 5, extensions.min(2), protocol)
        };
        if family != 0 && !shot.made.cut && matches!(protocol, 1 | 6 | 17 | 58) && !kinds.iter().any(known) {
            kinds.push(shot);
        }
    }
    kinds
}

#[test]
fn a_frame_cut_anywhere_fares_as_the_spec_says() {
    let mut rig = Rig::new("cut frames", 5);
    for round in 0..rounds(1) {
        let mut rng = rng("cut frames", round);
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
        for kind in kinds(&mut rng, &setting) {
            for length in 1..=160 {
                let mut shot = Shot { waits: Vec::new(), ..kind.clone() };
                shot.bytes.resize(length, 0x5a);
                rig.push(Side::Rx, shot.clone());
                rig.push(Side::Tx, shot);
            }
            rig.settle();
        }
    }
    rig.check_counters();
}

/// Found by random frames: the ports of a record were overwritten while they were still in use, when a bad header length
/// came before it and a frame behind it without a gap.
#[test]
fn a_bad_header_length_leaves_the_ports_of_its_neighbours_alone() {
    let mut rig = Rig::new("bad header length", 5);
    let vip: std::net::Ipv6Addr = "2001:db8::7".parse().expect("an address");
    let mut config = Config { hash_key: RSS_KEY, ..Config::default() };
    config.vips[0] = Some(vip.into());
    config.rules[0] = Some(Rule {
        vip: VipSelect::All,
        first_port: 80,
        last_port: 80,
        protocol: Protocol::Tcp,
        affinity: Affinity::None,
        map: MapRef::default(),
    });
    let words = regs::codec::encode(&config);
    rig.load(&Setting { words, maps: Vec::new(), config });
    rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
    // Its transport header ends with its last beat: the record is judged when the next frame begins.
    let mut tcp = vec![0; 74];
    tcp[12..22].copy_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64]);
    tcp[38..54].copy_from_slice(&vip.octets());
    for length in 0..5 {
        for follower in [length, 5] {
            let ipv4 = |ihl: u8| {
                let mut frame = vec![0xee; 60];
                frame[12..15].copy_from_slice(&[0x08, 0x00, 0x40 | ihl]);
                Shot::plain(frame)
            };
            rig.push(Side::Rx, ipv4(length));
            tcp[54..58].copy_from_slice(&[length, follower, 0, 80]);
            rig.push(Side::Rx, Shot::plain(tcp.clone()));
            rig.push(Side::Rx, ipv4(follower));
        }
    }
    rig.settle();
    assert_eq!(rig.tally[weir_spec::counters::RULE_DROPPED], 10, "each met its rule");
}

#[test]
fn every_length_passes_unchanged() {
    let mut rig = Rig::new("lengths", 5);
    let mut rng = rng("lengths", 0);
    for length in (60..=1600).chain([4000, 9216, weir_spec::nic::MAX_FRAME]) {
        let mut bytes = vec![0; length];
        rng.fill(&mut bytes);
        bytes[12..14].copy_from_slice(&[0x08, 0x06]);
        rig.push(Side::Rx, Shot::plain(bytes.clone()));
        rig.push(Side::Tx, Shot::plain(bytes));
    }
    rig.settle();
    rig.check_counters();
}

#[test]
fn an_empty_pipeline_and_a_full_one_take_the_same_time() {
    let mut rig = Rig::new("latency", 5);
    let frame = |length: usize| {
        let mut bytes = vec![0; length];
        bytes[12..14].copy_from_slice(&[0x08, 0x06]);
        Shot::plain(bytes)
    };
    for length in [60, 64, 65, 128, 129, 1514] {
        rig.push(Side::Rx, frame(length));
        rig.settle();
        rig.rtl.run(100);
        for _ in 0..50 {
            rig.push(Side::Rx, frame(length));
            rig.push(Side::Tx, frame(length));
        }
        rig.settle();
    }
    let [Some(rx), Some(tx)] = rig.latency else { panic!("frames of both sides passed") };
    // The designed bound at 64 bit.
    assert!(rx <= 48 && tx <= 48, "latency {rx} clocks in, {tx} clocks out");
}
