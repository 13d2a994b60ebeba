//! The driver against the NIC of the specification, and against NICs that misbehave.

mod faults;
mod flows;
mod heat;
mod operations;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_spec::config::{Echo, RSS_KEY};
use weir_spec::map::{BucketState, Map, MapRef};
use weir_spec::nic;
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};
use weir_spec::{Config, Micros};

use crate::Program;
use crate::sim::Sim;

/// A NIC whose clock moves by hand, from one second on.
pub(super) fn setup() -> (Sim, Arc<AtomicU64>) {
    let time = Arc::new(AtomicU64::new(1_000_000));
    let clock = time.clone();
    (Sim::with_clock(nic::Nic::new(nic::Identity::default()), move || clock.load(Ordering::Relaxed)), time)
}

pub(super) fn advance(time: &AtomicU64, by: Micros) {
    time.fetch_add(by, Ordering::Relaxed);
}

/// A map that owns the first `count` buckets.
pub(super) fn owning(count: usize) -> Map {
    let mut map = Map::default();
    (0..count).for_each(|bucket| map.set(bucket, BucketState::Own));
    map
}

/// One rule a map, each for a port of its own.
pub(super) fn program(maps: &[Map]) -> Program {
    let mut config = Config { hash_key: RSS_KEY, ..Config::default() };
    config.vips[0] = Some([198, 51, 100, 7].into());
    for index in 0..maps.len() {
        config.rules[index] = Some(Rule {
            vip: VipSelect::One(0),
            first_port: index as u16,
            last_port: index as u16,
            protocol: Protocol::Both,
            affinity: Affinity::Single,
            map: MapRef::Slot(index as u8),
        });
    }
    Program { config, maps: maps.to_vec() }
}

/// What the NIC judges by, as a program: read behind the registers.
fn in_force(sim: &Sim) -> Program {
    let mut nic = sim.nic();
    let config = nic.active().config().clone();
    let maps = (0..weir_spec::map::SLOTS)
        .map(|slot| {
            let mut map = Map::default();
            for (index, word) in map.words_mut().iter_mut().enumerate() {
                let index = (slot * weir_spec::map::WORDS + index) as u32;
                *word = nic.read(weir_spec::regs::address(weir_spec::regs::RegId::MapWord, index)).expect("a word");
            }
            map
        })
        .collect();
    Program { config, maps }.normalized()
}

#[test]
fn a_program_says_the_same_after_it_is_normalized() {
    let mut asked = program(&[owning(3), owning(9), owning(3)]);
    asked.config.policy.echo = Echo::Hash(MapRef::Slot(3));
    asked.maps.extend([owning(9), owning(100)]);
    let normal = asked.normalized();
    assert_eq!(normal.maps, [owning(3), owning(9)]);
    let refs = |index: usize| normal.config.rules[index].expect("a rule").map;
    assert_eq!([refs(0), refs(1), refs(2)], [MapRef::Slot(0), MapRef::Slot(1), MapRef::Slot(0)]);
    assert_eq!(normal.config.policy.echo, Echo::Hash(MapRef::Slot(1)));
    assert_eq!(normal.normalized(), normal);
}
