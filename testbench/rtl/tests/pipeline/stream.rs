//! Streams at their edges: cuts, giants, full load, gaps, marks of bad frames, a reset in mid-frame.

use fastrand::Rng;
use weir_rtl::{Side, Width};
use weir_spec::config::{Config, RSS_KEY};
use weir_spec::frame::WINDOW;
use weir_spec::map::MapRef;
use weir_spec::nic::MAX_FRAME;
use weir_spec::regs;
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

use crate::configs::{self, Setting};
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig};
use crate::seed::{rng, rounds};
use crate::shot::{Made, Shot};
use crate::width::at_each_width;

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

fn a_frame_cut_anywhere_fares_as_the_spec_says(width: Width) {
    let mut rig = Rig::new(width, "cut frames", 5);
    for round in 0..rounds(1) {
        let mut rng = rng("cut frames", round);
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
        for kind in kinds(&mut rng, &setting) {
            // Past the header window by more than a beat, so that the last beat is of every length.
            for length in 1..=WINDOW + width.bytes() + 1 {
                let mut bytes = kind.bytes.to_vec();
                bytes.resize(length, 0x5a);
                let shot = Shot { bytes: bytes.into(), ..kind.clone() };
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
fn a_bad_header_length_leaves_the_ports_of_its_neighbours_alone(width: Width) {
    let mut rig = Rig::new(width, "bad header length", 5);
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

fn every_length_passes_unchanged(width: Width) {
    let mut rig = Rig::new(width, "lengths", 5);
    let mut rng = rng("lengths", 0);
    // The longest that any interface delivers, and far beyond.
    for length in (1..=1600).chain([4000, 9216, MAX_FRAME, MAX_FRAME + 1, 16_384, 65_550]) {
        let mut bytes = vec![0; length];
        rng.fill(&mut bytes);
        if length >= 14 {
            bytes[12..14].copy_from_slice(&[0x08, 0x06]);
        }
        rig.push(Side::Rx, Shot::plain(bytes.clone()));
        rig.push(Side::Tx, Shot::plain(bytes));
    }
    rig.settle();
    rig.check_counters();
}

/// A frame that is not IP, so that it passes whatever the NIC holds.
fn arp(length: usize) -> Shot {
    let mut bytes = vec![0; length];
    bytes[12..14].copy_from_slice(&[0x08, 0x06]);
    Shot::plain(bytes)
}

fn an_empty_pipeline_and_a_full_one_take_the_same_time(width: Width) {
    let mut rig = Rig::new(width, "latency", 5);
    for length in [60, 64, 65, 128, 129, 1514] {
        rig.push(Side::Rx, arp(length));
        rig.settle();
        rig.rtl.run(100);
        for _ in 0..50 {
            rig.push(Side::Rx, arp(length));
            rig.push(Side::Tx, arp(length));
        }
        rig.settle();
    }
    let [Some(rx), Some(tx)] = rig.latency else { panic!("frames of both sides passed") };
    let promised = match width {
        Width::Bits64 => weir_hdl::top::weir64::LATENCY,
        Width::Bits512 => weir_hdl::top::weir512::LATENCY,
    } as u64;
    // The designed bounds.
    assert!(promised <= if width == Width::Bits64 { 48 } else { 32 });
    println!("{width} bit: latency {rx} clocks in, {tx} clocks out");
    assert_eq!((rx, tx), (promised, promised), "clocks in, clocks out");
}

/// At 100 % load a frame takes the clocks of its beats and not one more, in and out: at 512 bit one clock for up to 64
/// bytes, two for 65 to 128 and so on. That it comes out whole and in order is what settling compares.
fn every_mix_of_sizes_passes_at_full_load(width: Width) {
    let mut rig = Rig::new(width, "full load", 5);
    let mut rng = rng("full load", 0);
    let sizes: Vec<usize> = (60..=130).chain([190, 192, 193, 256, 257, 512, 1024, 1514, 1518, 9216]).collect();
    let mixes = sizes.iter().map(|size| vec![*size; 100]).chain([
        (0..20_000).map(|_| sizes[rng.usize(..sizes.len() - 4)]).collect(),
        (0..1000).map(|_| sizes[rng.usize(..sizes.len())]).collect(),
        (0..20_000).map(|index| if index % 2 == 0 { 60 } else { 65 }).collect(),
    ]);
    for mix in mixes {
        for &size in &mix {
            rig.rtl.push(Side::Rx, &arp(size).bytes, &[]);
            rig.rtl.push(Side::Tx, &arp(size).bytes, &[]);
        }
        assert!(rig.rtl.settle());
        let clocks: usize = mix.iter().map(|size| width.beats(*size)).sum();
        for side in rig.rtl.drain() {
            let out: Vec<u64> = side.frames.iter().flat_map(|frame| &frame.clocks).copied().collect();
            for beats in [&side.sent, &out] {
                assert_eq!(beats.len(), clocks, "{} frames of {} bytes and so on", mix.len(), mix[0]);
                assert_eq!(beats[clocks - 1] - beats[0] + 1, clocks as u64, "a beat in each clock");
            }
            let came: Vec<usize> = side.frames.iter().map(|frame| frame.bytes.len()).collect();
            assert_eq!(came, mix, "in order");
        }
    }
}

fn a_gap_anywhere_in_a_header_is_borne_up_to_the_bound_and_not_beyond(width: Width) {
    let mut rig = Rig::new(width, "gaps", 5);
    let mut rng = rng("gaps", 0);
    let setting = configs::random(&mut rng);
    rig.load(&setting);
    rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
    let mut late = [0; 2];
    for kind in kinds(&mut rng, &setting) {
        let header = kind.header_beats(width);
        // Of frames that end in their first beat there is no place for a gap.
        for beat in 1..header {
            let bound = width.header_clocks() + 1 - header;
            for gap in bound.saturating_sub(1)..=bound + 12 {
                let mut waits = vec![0; header];
                waits[beat] = gap as u8;
                let shot = Shot { waits, ..kind.clone() };
                late[usize::from(shot.late(width))] += 1;
                if !shot.late_or_malformed(width) {
                    rig.push(Side::Tx, shot.clone());
                }
                rig.push(Side::Rx, shot);
                rig.push(Side::Rx, kind.clone());
            }
        }
        rig.settle();
    }
    rig.check_counters();
    assert!(late.iter().all(|count| *count > 50), "in time and late: {late:?}");
}

/// What a MAC found bad is judged as any other and keeps its mark: the host's driver drops it and counts it.
fn a_bad_frame_keeps_its_mark(width: Width) {
    let mut rig = Rig::new(width, "marks", 5);
    let mut rng = rng("marks", 0);
    let setting = configs::random(&mut rng);
    rig.load(&setting);
    rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
    for _ in 0..500 {
        for (side, toward) in [(Side::Rx, Toward::Vip), (Side::Tx, Toward::Client)] {
            let mut shot = frames::random(&mut rng, &setting, toward);
            shot.bad = rng.bool();
            rig.push(side, shot);
        }
    }
    rig.settle();
    rig.check_counters();
}

fn a_reset_in_mid_frame_leaves_nothing_behind(width: Width) {
    let mut rig = Rig::new(width, "reset in mid-frame", 5);
    let mut rng = rng("reset in mid-frame", 0);
    let setting = configs::random(&mut rng);
    // Every clock of a long frame, and the time it takes to come out.
    for clocks in 1..=width.beats(300) as u64 + 60 {
        rig.load(&setting);
        rig.commit(clocks as u32, rig.now() + LONG).expect("a deadline in reach");
        for side in [Side::Rx, Side::Tx] {
            rig.push(side, arp(300));
            rig.push(side, arp(300));
        }
        rig.rtl.run(clocks);
        rig.reset();
        for _ in 0..10 {
            rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
            rig.push(Side::Tx, frames::random(&mut rng, &setting, Toward::Client));
        }
        rig.push(Side::Rx, arp(60));
        rig.push(Side::Tx, arp(60));
        rig.settle();
        rig.check_counters();
    }
}

at_each_width!(
    a_frame_cut_anywhere_fares_as_the_spec_says,
    a_bad_header_length_leaves_the_ports_of_its_neighbours_alone,
    every_length_passes_unchanged,
    an_empty_pipeline_and_a_full_one_take_the_same_time,
    every_mix_of_sizes_passes_at_full_load,
    a_gap_anywhere_in_a_header_is_borne_up_to_the_bound_and_not_beyond,
    a_bad_frame_keeps_its_mark,
    a_reset_in_mid_frame_leaves_nothing_behind,
);
