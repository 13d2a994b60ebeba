//! The flow table: written and read by the host alone, and looked up by TCP in buckets that change hands.

use std::net::IpAddr;

use fastrand::Rng;
use weir_rtl::{Side, Width};
use weir_spec::config::{Config, RSS_KEY};
use weir_spec::flow::table::{ENTRIES, WAYS, index};
use weir_spec::flow::{Connection, FlowKind};
use weir_spec::frame::{Parsed, Payload, parse};
use weir_spec::map::{BucketState, MapRef};
use weir_spec::nic::Refused;
use weir_spec::regs::{self, RegId, codec};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};
use weir_spec::verdict::Reason;

use crate::configs::Setting;
use crate::rig::{LONG, Rig, at};
use crate::seed::{chance, rng};
use crate::shot::{Bank, Shot};
use crate::width::at_each_width;

const WRITE: u32 = 1;
const REMOVE: u32 = 2;
const READ: u32 = 3;
const CLEAR: u32 = 4;

/// The word of the COMMAND register.
fn command(operation: u32, way: usize, vip: u8, kind: u32) -> u32 {
    let place = |name, value| regs::reg(RegId::FlowCommand).field(name).place(value);
    place("operation", operation) | place("way", way as u32) | place("vip", vip.into()) | place("kind", kind)
}

/// Signature and virtual IP of a frame's connection, if it is TCP to one, under what is in force.
fn connection(rig: &Rig, shot: &Shot) -> Option<(u64, u8)> {
    let Parsed::Ip(packet) = parse(&shot.bytes) else { return None };
    let Payload::Tcp { source_port, destination_port, .. } = packet.payload else { return None };
    let active = rig.nic.active();
    let vip = active.vip(packet.ipv6, &packet.destination)?;
    Some((active.signature(&Connection { source: packet.source, source_port, destination_port }), vip))
}

/// Lists some of the connections of a bank, each as PIN or FOREIGN or both, in any of its places.
pub(crate) fn list(rig: &mut Rig, rng: &mut Rng, bank: &Bank) {
    for shot in bank.shots() {
        if chance(rng, 50)
            && let Some((signature, vip)) = connection(rig, shot)
        {
            for kind in [FlowKind::Pin, FlowKind::Foreign] {
                let way = rng.usize(..WAYS);
                if chance(rng, 60) {
                    rig.flow(command(WRITE, way, vip, kind as u32), index(way, signature), signature);
                }
            }
        }
    }
}

/// One operation on the table while frames stream: on one of their connections, on one a bit beside it, or anywhere.
pub(crate) fn happen(rig: &mut Rig, rng: &mut Rng, bank: &Bank) {
    let shots = bank.shots();
    let known = connection(rig, &shots[rng.usize(..shots.len())]);
    let (mut signature, mut vip) = known.unwrap_or_else(|| (rng.u64(..), rng.u8(..16)));
    match rng.u32(..8) {
        0 => signature ^= 1 << rng.u32(..64),
        1 => vip ^= 1 << rng.u32(..4),
        _ => {}
    }
    let way = rng.usize(..WAYS);
    let place = if chance(rng, 90) { index(way, signature) } else { rng.usize(..ENTRIES) };
    // Kind 0 and 3 and other operations are refused.
    let operation = [WRITE, WRITE, WRITE, WRITE, REMOVE, REMOVE, READ, rng.u32(..16)][rng.usize(..8)];
    let operation = if operation == CLEAR && chance(rng, 80) { READ } else { operation };
    if operation == CLEAR {
        // It takes the entries one index after the other, so of two frames in a row the second may still be found where the first
        // no longer was: no moment of the specification, which clears at once, is like that.
        rig.settle();
    }
    let command = command(operation, way, vip, rng.u32(..4));
    rig.change(|rig| rig.flow(command, place, signature));
}

fn every_entry_holds_what_was_written_and_a_clear_empties_all(width: Width) {
    let mut rig = Rig::new(width, "flow entries", 5);
    let mut rng = rng("flow entries", 0);
    let place = |number: usize| (number / ENTRIES, number % ENTRIES);
    for number in 0..WAYS * ENTRIES {
        let (way, index) = place(number);
        assert!(rig.flow(command(WRITE, way, rng.u8(..16), 1 + number as u32 % 2), index, rng.u64(..)));
    }
    assert_eq!(rig.read(at(RegId::FlowCount)), Ok((WAYS * ENTRIES) as u32));
    for number in 0..WAYS * ENTRIES {
        let (way, index) = place(number);
        // A read gives the entry in place of what stood in the mailbox.
        assert!(rig.flow(command(READ, way, 0, 0), index, !0));
        rig.read(at(RegId::FlowSignatureLo)).expect("it can be read");
        rig.read(at(RegId::FlowSignatureHi)).expect("it can be read");
    }
    for number in (0..WAYS * ENTRIES).step_by(3) {
        let (way, index) = place(number);
        assert!(rig.flow(command(REMOVE, way, 0, 0), index, 0));
    }
    rig.read(at(RegId::FlowCount)).expect("it can be read");
    assert!(rig.flow(command(CLEAR, 0, 0, 0), 0, 0));
    assert_eq!(rig.read(at(RegId::FlowCount)), Ok(0));
    for number in (0..WAYS * ENTRIES).step_by(97) {
        let (way, index) = place(number);
        assert!(rig.flow(command(READ, way, 0, 0), index, !0));
        assert_eq!(rig.read(at(RegId::FlowStatus)), Ok(0), "way {way}, entry {index}");
    }
}

fn a_write_during_a_clear_is_refused(width: Width) {
    let mut rig = Rig::new(width, "writes during a clear", 5);
    assert_eq!(rig.rtl.write32(at(RegId::FlowCommand), command(CLEAR, 0, 0, 0)), Ok(()));
    for id in [RegId::FlowCommand, RegId::FlowSignatureLo, RegId::FlowSignatureHi, RegId::FlowIndex] {
        assert_eq!(rig.rtl.write32(at(id), command(WRITE, 0, 0, 1)), Err(Refused), "{id:?}");
    }
    let busy = regs::reg(RegId::FlowStatus).field("busy").mask();
    assert_eq!(rig.rtl.read32(at(RegId::FlowStatus)).map(|status| status & busy), Ok(busy));
    rig.await_flows();
}

/// A NIC whose every bucket is in one state, with a virtual IP of each family.
fn setting(state: BucketState, quiesce: bool) -> Setting {
    let mut config = Config { hash_key: RSS_KEY, flow_key: RSS_KEY, ..Config::default() };
    config.flow_key.reverse();
    config.policy.quiesce = quiesce;
    config.vips[3] = Some(IpAddr::from([198, 51, 100, 7]));
    config.vips[12] = Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]));
    let map = MapRef::Constant(state);
    let (vip, protocol, affinity) = (VipSelect::All, Protocol::Both, Affinity::None);
    config.rules[5] = Some(Rule { vip, first_port: 0, last_port: 65_535, protocol, affinity, map });
    Setting { words: codec::encode(&config), maps: Vec::new(), config }
}

/// TCP from a client to a virtual IP: with SYN alone, or with ACK.
fn tcp(rng: &mut Rng, ipv6: bool, syn: bool) -> Shot {
    let mut bytes = vec![0; 80];
    rng.fill(&mut bytes);
    let flags = if syn { 0x02 } else { 0x10 };
    if ipv6 {
        bytes[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]);
        bytes[18..21].copy_from_slice(&[0, 26, 6]);
        bytes[38..54].copy_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        bytes[66..68].copy_from_slice(&[0x50, flags]);
    } else {
        bytes[12..18].copy_from_slice(&[0x08, 0, 0x45, 0, 0, 66]);
        bytes[20..24].copy_from_slice(&[0x40, 0, 64, 6]);
        bytes[30..34].copy_from_slice(&[198, 51, 100, 7]);
        bytes[46..48].copy_from_slice(&[0x50, flags]);
    }
    Shot::plain(bytes)
}

/// In each state, for each way and kind: the entry of a connection is found, and nothing a bit beside it is.
fn an_entry_is_found_by_its_own_connection_alone(width: Width) {
    let mut rig = Rig::new(width, "flow look-ups", 5);
    let mut rng = rng("flow look-ups", 0);
    let states = [BucketState::None, BucketState::Own, BucketState::Adopt, BucketState::Release];
    let states = states.map(|state| (state, false)).into_iter().chain([(BucketState::Own, true)]);
    for (epoch, (state, quiesce)) in (1..).zip(states) {
        rig.load(&setting(state, quiesce));
        rig.commit(epoch, rig.now() + LONG).expect("a deadline in reach");
        let hits = |rig: &Rig| {
            let hit = |reason| weir_spec::counters::PIN_HITS + usize::from(reason == Reason::Foreign);
            rig.tally[hit(Reason::Pin)] + rig.tally[hit(Reason::Foreign)]
        };
        let before = hits(&rig);
        let mut found = 0;
        for (way, kind) in (0..WAYS).flat_map(|way| [(way, FlowKind::Pin), (way, FlowKind::Foreign)]) {
            for (ipv6, syn) in [(false, false), (false, true), (true, false), (true, true)] {
                let shot = tcp(&mut rng, ipv6, syn);
                let (signature, vip) = connection(&rig, &shot).expect("it is TCP to a virtual IP");
                let listed = |rig: &mut Rig, vip, signature| {
                    let place = index(way, signature);
                    assert!(rig.flow(command(WRITE, way, vip, kind as u32), place, signature));
                    rig.push(Side::Rx, shot.clone());
                    rig.settle();
                    assert!(rig.flow(command(REMOVE, way, 0, 0), place, 0));
                };
                listed(&mut rig, vip, signature);
                for bit in 0..64 {
                    listed(&mut rig, vip, signature ^ 1 << bit);
                }
                for bit in 0..4 {
                    listed(&mut rig, vip ^ 1 << bit, signature);
                }
                let asked = match state {
                    BucketState::Own if quiesce && syn => Some(FlowKind::Pin),
                    BucketState::Own if quiesce => Some(FlowKind::Foreign),
                    BucketState::None | BucketState::Own => None,
                    BucketState::Adopt => Some(FlowKind::Foreign),
                    BucketState::Release => Some(FlowKind::Pin),
                };
                found += u64::from(asked == Some(kind));
            }
        }
        assert_eq!(hits(&rig) - before, found, "{state:?}, to quiesce: {quiesce}");
    }
    rig.check_counters();
    rig.check_heat();
}

at_each_width!(
    every_entry_holds_what_was_written_and_a_clear_empties_all,
    a_write_during_a_clear_is_refused,
    an_entry_is_found_by_its_own_connection_alone,
);
