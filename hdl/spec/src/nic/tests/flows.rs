//! The flow table and the heat counters, through the registers and through frames.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::counters::{FOREIGN_HITS, PIN_HITS};
use crate::flow::signature::signature;
use crate::flow::{Connection, Entry, FlowKind, table};
use crate::verdict::Kind;

const KEY: [u8; 40] = *b"forty octets that only this cluster owns";

/// A NIC that serves, every bucket of its one rule in `state`.
fn serving(state: BucketState) -> Nic {
    let mut nic = setup();
    let map = regs::address(RegId::RuleMap, 0);
    nic.write(map, MapRef::Constant(state).to_bits()).expect("a shadow register");
    for (index, octets) in (0..).zip(KEY.chunks_exact(4)) {
        let word = u32::from_be_bytes(*octets.first_chunk().expect("four octets"));
        nic.write(regs::address(RegId::FlowKey, index), word).expect("a shadow register");
    }
    commit(&mut nic, 1).expect("a commit");
    nic
}

fn command(operation: u32, way: usize, vip: u8, kind: u32) -> u32 {
    let place = |name, value| regs::reg(RegId::FlowCommand).field(name).place(value);
    place("operation", operation) | place("way", way as u32) | place("vip", vip.into()) | place("kind", kind)
}

/// Writes `entry` where its signature says in `way`.
fn list(nic: &mut Nic, way: usize, entry: Entry) {
    for (id, word) in [
        (RegId::FlowSignatureLo, entry.signature as u32),
        (RegId::FlowSignatureHi, (entry.signature >> 32) as u32),
        (RegId::FlowIndex, table::index(way, entry.signature) as u32),
        (RegId::FlowCommand, command(1, way, entry.vip, entry.kind as u32)),
    ] {
        nic.write(at(id), word).expect("a mailbox register");
    }
}

/// The entry of the client that `syn(port, VIP)` comes from.
fn flow(port: u16, kind: FlowKind) -> Entry {
    let connection = Connection::new([192, 0, 2, 1].into(), port, 80);
    Entry { signature: signature(&KEY, &connection), vip: 2, kind }
}

/// The same connection after its SYN.
fn later(port: u16) -> Vec<u8> {
    let mut frame = syn(port, VIP);
    frame[14 + 20 + 13] = 0x10;
    frame
}

#[test]
fn a_listed_flow_overrules_the_state_that_asks_for_its_kind_and_no_other() {
    for state in [BucketState::None, BucketState::Own, BucketState::Adopt, BucketState::Release] {
        for (way, listed) in [None, Some(FlowKind::Pin), Some(FlowKind::Foreign)].into_iter().enumerate() {
            let mut nic = serving(state);
            if let Some(kind) = listed {
                list(&mut nic, way, flow(1000, kind));
            }
            for (frame, kind) in [(syn(1000, VIP), Kind::Syn), (later(1000), Kind::Tcp)] {
                let decision = nic.rx(&frame);
                let (accept, reason) = match (state, listed) {
                    (BucketState::Release, Some(FlowKind::Pin)) => (true, Reason::Pin),
                    (BucketState::Adopt, Some(FlowKind::Foreign)) => (false, Reason::Foreign),
                    (BucketState::None | BucketState::Release, _) => (false, Reason::Bucket),
                    (BucketState::Own | BucketState::Adopt, _) => (true, Reason::Bucket),
                };
                assert_eq!((decision.accept, decision.reason), (accept, reason), "{state:?} {listed:?} {kind:?}");
                assert!(decision.bucket.is_some() && decision.rule == Some(0));
            }
            let stranger = nic.rx(&later(1001));
            assert_eq!(stranger.reason, Reason::Bucket, "another port");
            let hits = (nic.counters()[PIN_HITS], nic.counters()[FOREIGN_HITS]);
            let wanted = match (state, listed) {
                (BucketState::Release, Some(FlowKind::Pin)) => (2, 0),
                (BucketState::Adopt, Some(FlowKind::Foreign)) => (0, 2),
                _ => (0, 0),
            };
            assert_eq!(hits, wanted, "{state:?} {listed:?}");
        }
    }
}

#[test]
fn to_quiesce_own_takes_no_new_connection_and_adopt_goes_on() {
    let quiesce = regs::reg(RegId::Policy).field("quiesce").mask();
    for state in [BucketState::None, BucketState::Own, BucketState::Adopt, BucketState::Release] {
        for (way, listed) in [None, Some(FlowKind::Pin), Some(FlowKind::Foreign)].into_iter().enumerate() {
            let (mut nic, mut before) = (serving(state), serving(state));
            nic.write(at(RegId::Policy), quiesce).expect("a shadow register");
            if let Some(kind) = listed {
                list(&mut nic, way, flow(1000, kind));
                list(&mut before, way, flow(1000, kind));
            }
            assert_eq!(nic.rx(&syn(1000, VIP)), before.rx(&syn(1000, VIP)), "there is no COMMIT yet");
            commit(&mut nic, 2).expect("a commit");
            let judged = [syn(1000, VIP), later(1000)].map(|frame| {
                let (now, then) = (nic.rx(&frame), before.rx(&frame));
                assert!(state == BucketState::Own || now == then, "{state:?} {listed:?}");
                (now.accept, now.reason)
            });
            let wanted = match listed {
                None => [(false, Reason::Bucket), (true, Reason::Bucket)],
                Some(FlowKind::Pin) => [(true, Reason::Pin), (true, Reason::Bucket)],
                Some(FlowKind::Foreign) => [(false, Reason::Bucket), (false, Reason::Foreign)],
            };
            assert!(state != BucketState::Own || judged == wanted, "{listed:?}: {judged:?}");
        }
    }
}

#[test]
fn a_flow_of_another_virtual_ip_and_one_at_a_strange_place_are_not_found() {
    let mut nic = serving(BucketState::Release);
    list(&mut nic, 0, Entry { vip: 3, ..flow(1000, FlowKind::Pin) });
    assert!(!nic.rx(&later(1000)).accept);
    list(&mut nic, 1, flow(1000, FlowKind::Pin));
    assert!(nic.rx(&later(1000)).accept);
    let elsewhere = nic.read(at(RegId::FlowIndex)).expect("an index") ^ 1;
    nic.write(at(RegId::FlowCommand), command(2, 1, 0, 0)).expect("a removal");
    assert!(!nic.rx(&later(1000)).accept);
    nic.write(at(RegId::FlowIndex), elsewhere).expect("an index");
    nic.write(at(RegId::FlowCommand), command(1, 1, 2, 1)).expect("an entry");
    assert_eq!(nic.read(at(RegId::FlowCount)), Ok(2));
    assert!(!nic.rx(&later(1000)).accept);
}

#[test]
fn the_fence_overrules_a_pin() {
    let mut nic = serving(BucketState::Release);
    list(&mut nic, 0, flow(1000, FlowKind::Pin));
    nic.set_time(1000);
    let decision = nic.rx(&later(1000));
    assert_eq!((decision.accept, decision.reason), (false, Reason::Fenced));
    assert_eq!(nic.counters()[PIN_HITS], 0);
}

#[test]
fn udp_and_later_fragments_look_nothing_up() {
    let mut nic = serving(BucketState::Release);
    let matching = regs::address(RegId::RuleMatch, 0);
    let both = nic.read(matching).expect("a shadow register") | regs::reg(RegId::RuleMatch).field("udp").place(1);
    nic.write(matching, both | 1 << 12).expect("both protocols, affinity single");
    commit(&mut nic, 2).expect("a commit");
    list(&mut nic, 0, flow(1000, FlowKind::Pin));
    let mut udp = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], VIP.octets(), 64);
    builder.udp(1000, 80).write(&mut udp, &[0; 20]).expect("a vector takes it");
    assert_eq!((nic.rx(&udp).accept, nic.rx(&udp).reason), (false, Reason::Bucket));
    let mut fragment = later(1000);
    fragment[14 + 7] = 1;
    assert_eq!((nic.rx(&fragment).accept, nic.rx(&fragment).reason), (true, Reason::Bucket));
    assert_eq!(nic.counters()[PIN_HITS], 0);
    assert!(nic.rx(&later(1000)).accept);
}

#[test]
fn a_new_flow_key_is_in_force_with_the_commit_and_an_entry_at_once() {
    let mut nic = serving(BucketState::Release);
    list(&mut nic, 3, flow(1000, FlowKind::Pin));
    assert!(nic.rx(&later(1000)).accept, "no COMMIT came between");
    nic.write(regs::address(RegId::FlowKey, 0), 0).expect("a shadow register");
    assert!(nic.rx(&later(1000)).accept, "the old key is in force");
    commit(&mut nic, 2).expect("a commit");
    assert!(!nic.rx(&later(1000)).accept, "under the new key it is another connection");
}

#[test]
fn a_reset_forgets_the_flows_and_keeps_the_heat() {
    let mut nic = serving(BucketState::Release);
    list(&mut nic, 0, flow(1000, FlowKind::Pin));
    let (bucket, _) = nic.rx(&later(1000)).bucket.expect("a look-up");
    nic.reset();
    assert_eq!(nic.flows().count(), 0);
    for offset in (regs::FLOW.base..).step_by(4).take(6) {
        assert_eq!(nic.read(offset), Ok(0), "{offset:#x}");
    }
    assert_eq!(nic.read(regs::address(RegId::Heat, bucket.into())), Ok(1));
}

#[test]
fn heat_counts_every_frame_that_asked_for_a_bucket_and_no_other() {
    let mut nic = setup();
    commit(&mut nic, 1).expect("a commit");
    let mut asked = BTreeMap::<u32, u32>::new();
    for port in 0..50 {
        if port == 30 {
            nic.set_time(1000);
        }
        // A map slot, the constant of the default rule, and no virtual IP at all.
        let mut elsewhere = syn(port, VIP);
        elsewhere[14 + 20 + 3] = 81;
        for frame in [syn(port, VIP), elsewhere, syn(port, Ipv4Addr::new(10, 0, 0, 1))] {
            if let Some((bucket, _)) = nic.rx(&frame).bucket {
                *asked.entry(bucket.into()).or_default() += 1;
            }
        }
    }
    assert_eq!(asked.values().sum::<u32>(), 100);
    for bucket in 0..4096 {
        let wanted = asked.get(&bucket).copied().unwrap_or(0);
        assert_eq!(nic.read(regs::address(RegId::Heat, bucket)), Ok(wanted), "bucket {bucket}");
    }
}

#[derive(Clone, Debug)]
enum Access {
    Signature(u64),
    Index(u32),
    Command(u32),
    Reset,
}

fn any_access() -> impl Strategy<Value = Access> {
    let command = (0u32..6, 0usize..4, 0u8..16, 0u32..4).prop_map(|(o, w, v, k)| Access::Command(command(o, w, v, k)));
    prop_oneof![
        3 => any::<u64>().prop_map(Access::Signature),
        3 => (0u32..4).prop_map(Access::Index),
        1 => any::<u32>().prop_map(Access::Index),
        12 => command,
        1 => any::<u32>().prop_map(Access::Command),
        1 => Just(Access::Reset),
    ]
}

proptest! {
    /// Against a list of places, with the words of the register reference.
    #[test]
    fn the_mailbox_does_what_its_registers_say(accesses in proptest::collection::vec(any_access(), 0..60)) {
        let mut nic = Nic::new(Identity::default());
        let mut entries: BTreeMap<(u32, u32), (u64, u32, u32)> = BTreeMap::new();
        let (mut signature, mut index, mut status) = (0u64, 0u32, 0u32);
        for access in accesses {
            match access {
                Access::Signature(value) => {
                    signature = value;
                    nic.write(at(RegId::FlowSignatureLo), value as u32).expect("a plain register");
                    nic.write(at(RegId::FlowSignatureHi), (value >> 32) as u32).expect("a plain register");
                }
                Access::Index(value) => {
                    index = value & 0x3ff;
                    nic.write(at(RegId::FlowIndex), value).expect("a plain register");
                }
                Access::Reset => {
                    nic.reset();
                    entries.clear();
                    (signature, index, status) = (0, 0, 0);
                }
                Access::Command(word) => {
                    let (operation, way, vip, kind) = (word & 15, word >> 4 & 3, word >> 8 & 15, word >> 12 & 3);
                    let place = (way, index);
                    let met = entries.get(&place).copied();
                    let taken = match operation {
                        1 if kind == 1 || kind == 2 => {
                            entries.insert(place, (signature, vip, kind));
                            true
                        }
                        2 => {
                            entries.remove(&place);
                            true
                        }
                        3 => {
                            signature = met.map_or(0, |entry| entry.0);
                            true
                        }
                        4 => {
                            entries.clear();
                            true
                        }
                        _ => false,
                    };
                    if taken {
                        let told = if operation == 4 { None } else { met };
                        status = told.map_or(0, |(_, vip, kind)| 2 | vip << 4 | kind << 8);
                    }
                    prop_assert_eq!(nic.write(at(RegId::FlowCommand), word).is_ok(), taken);
                }
            }
            prop_assert_eq!(nic.read(at(RegId::FlowStatus)), Ok(status));
            prop_assert_eq!(nic.read(at(RegId::FlowSignatureLo)), Ok(signature as u32));
            prop_assert_eq!(nic.read(at(RegId::FlowSignatureHi)), Ok((signature >> 32) as u32));
            prop_assert_eq!(nic.read(at(RegId::FlowIndex)), Ok(index));
            prop_assert_eq!(nic.read(at(RegId::FlowCount)), Ok(entries.len() as u32));
            prop_assert_eq!(nic.read(at(RegId::FlowCommand)), Ok(0));
        }
    }
}
