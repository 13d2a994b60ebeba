mod flows;

use std::net::{IpAddr, Ipv4Addr};

use etherparse::PacketBuilder;

use super::*;
use crate::config::Config;
use crate::config::RSS_KEY;
use crate::counters::{FENCED, RULE_ACCEPTED, RULE_DROPPED, RX_PASSED, TX_FENCED, TX_MASKED};
use crate::mac::Mac;
use crate::map::crc_step;
use crate::map::{Map, MapRef};
use crate::regs::{self, Access, RegId, codec};
use crate::rules::{Affinity, Protocol, Rule, VipSelect};
use crate::verdict::{Class, Reason};

const VIP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

fn at(id: RegId) -> u32 {
    regs::address(id, 0)
}

fn syn(source_port: u16, destination: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([192, 0, 2, 1], destination.octets(), 64)
        .tcp(source_port, 80, 1, 1024)
        .syn()
        .write(&mut frame, &[0; 10])
        .expect("a vector takes it");
    frame
}

/// A NIC with one virtual IP, one rule on map slot 3 whose even buckets it owns, and a lease to 1000 us.
fn setup() -> Nic {
    let mut nic = Nic::new(Identity::default());
    let mut config = Config { hash_key: RSS_KEY, ..Config::default() };
    config.vips[2] = Some(IpAddr::V4(VIP));
    config.rules[0] = Some(Rule {
        vip: VipSelect::One(2),
        first_port: 80,
        last_port: 80,
        protocol: Protocol::Tcp,
        affinity: Affinity::None,
        map: MapRef::Slot(3),
    });
    let mut map = Map::default();
    (0..4096).step_by(2).for_each(|bucket| map.set(bucket, BucketState::Own));
    for (word, value) in map.words().iter().enumerate() {
        nic.write(regs::address(RegId::MapWord, (3 * WORDS + word) as u32), *value).expect("a map word");
    }
    for (offset, word) in codec::encode(&config) {
        nic.write(offset, word).expect("a shadow register");
    }
    nic.write(at(RegId::LeaseNextLo), 1000).expect("a staged deadline");
    nic
}

fn commit(nic: &mut Nic, epoch: u32) -> Result<(), Refused> {
    nic.write(at(RegId::Commit), epoch)
}

#[test]
fn after_reset_no_transport_passes_and_all_else_does() {
    let mut nic = setup();
    let elsewhere = Ipv4Addr::new(10, 0, 0, 1);
    let held = Decision::plain(false, Class::NotVip, Reason::Fenced);
    assert_eq!((nic.rx(&syn(1, VIP)), nic.rx(&syn(1, elsewhere))), (held, held));
    assert!(!nic.tx(&mut syn(1, elsewhere)).pass);
    let mut echo = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], elsewhere.octets(), 64);
    builder.icmpv4_echo_request(1, 1).write(&mut echo, &[0; 20]).expect("a vector takes it");
    assert!(nic.rx(&echo).accept && nic.tx(&mut echo).pass);
    assert_eq!(nic.read(at(RegId::Status)), Ok(1));
    commit(&mut nic, 1).expect("a commit");
    assert!(nic.rx(&syn(1, elsewhere)).accept);
    assert_eq!(nic.read(at(RegId::Status)), Ok(4));
    nic.reset();
    assert!(!nic.rx(&syn(1, elsewhere)).accept);
    let owned = regs::address(RegId::MapWord, 3 * WORDS as u32);
    assert_eq!(
        (nic.read(owned), nic.read(at(RegId::HashKey))),
        (Ok(0x1111_1111), Ok(0)),
        "memory stays, registers do not"
    );
}

#[test]
fn nothing_is_in_force_before_the_commit_and_all_of_it_after() {
    let mut nic = setup();
    assert_eq!(nic.rx(&syn(1, VIP)).class, Class::NotVip);
    commit(&mut nic, 7).expect("a commit");
    assert_eq!(nic.read(at(RegId::EpochActive)), Ok(7));
    let mut seen = [0; 2];
    for port in 1..1000 {
        let decision = nic.rx(&syn(port, VIP));
        let (bucket, _) = decision.bucket.expect("a look-up");
        assert_eq!((decision.class, decision.reason, decision.rule), (Class::Transport, Reason::Bucket, Some(0)));
        assert_eq!(decision.accept, bucket % 2 == 0);
        seen[usize::from(decision.accept)] += 1;
    }
    assert!(seen[0] > 400 && seen[1] > 400);
    assert_eq!(nic.counters()[RULE_ACCEPTED], seen[1]);
    assert_eq!(nic.counters()[RULE_DROPPED], seen[0]);
}

#[test]
fn past_the_deadline_rules_accept_nothing_and_the_rest_passes() {
    let mut nic = setup();
    commit(&mut nic, 1).expect("a commit");
    nic.set_time(1000);
    for port in 1..100 {
        let decision = nic.rx(&syn(port, VIP));
        assert_eq!((decision.accept, decision.reason), (false, Reason::Fenced));
    }
    assert!(nic.rx(&syn(1, Ipv4Addr::new(10, 0, 0, 1))).accept);
    assert_eq!((nic.counters()[FENCED], nic.counters()[RX_PASSED]), (99, 1));
    nic.write(at(RegId::LeaseNextLo), 2000).expect("a staged deadline");
    assert_eq!(nic.write(at(RegId::Renew), 0), Err(Refused));
    assert_eq!(nic.read(at(RegId::RefusedAddress)), Ok(at(RegId::Renew)));
    assert!(nic.fenced());
    commit(&mut nic, 1).expect("a commit");
    assert!(!nic.fenced());
}

#[test]
fn a_stale_commit_never_lifts_the_fence() {
    let mut nic = setup();
    nic.set_time(1000);
    commit(&mut nic, 9).expect("it is taken");
    assert_eq!((nic.epoch(), nic.fenced()), (9, true));
}

#[test]
fn the_cluster_mac_does_not_leave() {
    let mut nic = setup();
    let (cluster, masked) = (Mac::cluster(VIP), Mac::masked(5, VIP));
    let enable = regs::reg(RegId::ClusterMacHi).field("enable").place(1);
    for (id, word) in [
        (RegId::MaskedMacLo, masked.low_word()),
        (RegId::MaskedMacHi, masked.high_word()),
        (RegId::ClusterMacLo, cluster.low_word()),
        (RegId::ClusterMacHi, cluster.high_word() | enable),
    ] {
        nic.write(at(id), word).expect("a MAC word");
    }
    commit(&mut nic, 1).expect("a commit");
    let mut arp = [0; 60];
    arp[6..12].copy_from_slice(&cluster.0);
    assert!(nic.tx(&mut arp).masked);
    nic.write(at(RegId::ClusterMacHi), cluster.high_word()).expect("a MAC word");
    arp[6..12].copy_from_slice(&cluster.0);
    assert_eq!(nic.tx(&mut arp), Egress { pass: false, masked: false }, "masking is off");
    nic.write(at(RegId::ClusterMacHi), cluster.high_word() | enable).expect("a MAC word");
    let mut answer = Vec::new();
    PacketBuilder::ethernet2(cluster.0, [4; 6])
        .ipv4(VIP.octets(), [192, 0, 2, 1], 64)
        .tcp(80, 1, 1, 1024)
        .write(&mut answer, &[0; 10])
        .expect("a vector takes it");
    let mut sent = answer.clone();
    assert_eq!(nic.tx(&mut sent), Egress { pass: true, masked: true });
    assert_eq!(sent[6..12], masked.0);
    assert_eq!((&sent[..6], &sent[12..]), (&answer[..6], &answer[12..]));
    nic.set_time(1000);
    assert!(!nic.tx(&mut answer.clone()).pass, "a fenced host stays quiet");
    assert_eq!((nic.counters()[TX_MASKED], nic.counters()[TX_FENCED]), (2, 2));
}

#[test]
fn every_register_answers_as_the_table_says() {
    let mut nic = Nic::new(Identity::default());
    for offset in (0..regs::PORT_SIZE).step_by(4) {
        let found = regs::find(offset);
        match found {
            None => assert_eq!((nic.read(offset), nic.write(offset, 1)), (Err(Refused), Err(Refused)), "{offset:#x}"),
            Some((block, reg, _)) => {
                let refusals = [RegId::RefusedCount, RegId::RefusedAddress, RegId::Caps];
                if !refusals.contains(&reg.id) {
                    assert_eq!(nic.read(offset), Ok(reg.reset), "{}.{} after reset", block.name, reg.name);
                }
                let takes = reg.access == Access::ReadWrite;
                if takes {
                    for pattern in [u32::MAX, 0x5a5a_5a5a, 0] {
                        assert_eq!(nic.write(offset, pattern), Ok(()), "{}.{}", block.name, reg.name);
                        assert_eq!(nic.read(offset), Ok(pattern & reg.writable()), "{}.{}", block.name, reg.name);
                    }
                } else if reg.access == Access::ReadOnly {
                    assert_eq!(nic.write(offset, 1), Err(Refused), "{}.{}", block.name, reg.name);
                }
            }
        }
    }
}

#[test]
fn the_running_crc_is_the_hosts() {
    let mut nic = Nic::new(Identity::default());
    let mut crc = CRC_START;
    for (word, value) in [(0u16, 1u32), (255, 0xffff_ffff), (0, 1), (7, 0x1234_5678)] {
        nic.write(regs::address(RegId::MapWord, 5 * 256 + u32::from(word)), value).expect("a map word");
        crc = crc_step(crc, word, value);
    }
    assert_eq!(nic.read(regs::address(RegId::MapCrc, 5)), Ok(crc));
    assert_eq!(nic.read(regs::address(RegId::MapCrc, 6)), Ok(CRC_START));
}

#[test]
fn a_snapshot_stands_still() {
    let mut nic = setup();
    commit(&mut nic, 1).expect("a commit");
    nic.rx(&syn(1, Ipv4Addr::new(10, 0, 0, 1)));
    nic.write(at(RegId::Snapshot), 1).expect("a doorbell");
    nic.rx(&syn(1, Ipv4Addr::new(10, 0, 0, 1)));
    let passed = regs::address(RegId::CounterLo, RX_PASSED as u32);
    assert_eq!((nic.read(passed), nic.read(at(RegId::SnapSeq))), (Ok(1), Ok(1)));
}

#[test]
fn conditions_follow_deadline_table_and_port() {
    let mut nic = setup();
    nic.set_time(1000);
    assert_eq!(nic.conditions(), Conditions::default().with(Interrupt::Fenced, true));
    nic.write(at(RegId::LeaseNextLo), 2000).expect("a plain register");
    commit(&mut nic, 1).expect("a deadline in reach");
    nic.write(at(RegId::WarnLease), 100).expect("a plain register");
    nic.set_time(1900);
    assert_eq!(nic.conditions(), Conditions::default(), "exactly the warning ahead is not less");
    nic.set_time(1901);
    assert_eq!(nic.conditions(), Conditions::default().with(Interrupt::LeaseEnding, true));
    assert_eq!(nic.read(at(RegId::Status)), Ok(0b00_1100));
    nic.write(at(RegId::WarnLease), 0).expect("a plain register");
    nic.set_link_down(true);
    assert_eq!(nic.conditions(), Conditions::default().with(Interrupt::LinkDown, true));
    nic.write(at(RegId::WarnLease), 100).expect("a plain register");
    nic.set_time(2000);
    let fenced = nic.conditions();
    assert!(fenced.has(Interrupt::Fenced) && !fenced.has(Interrupt::LeaseEnding), "{fenced:?}");
    nic.reset();
    assert!(nic.conditions().has(Interrupt::LinkDown), "a reset plugs no cable in");
    assert_eq!(nic.read(at(RegId::WarnLease)), Ok(0));
}
