//! Commits on full streams: every frame belongs wholly to one epoch.

use weir_rtl::Side;
use weir_spec::nic::Refused;
use weir_spec::regs::{self, RegId};

use crate::configs;
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig, Switch, at};
use crate::seed::{chance, rng, rounds};

/// Clocks a frame may be under way before its epoch is fixed.
const PIPELINE: u64 = 64;

#[test]
fn no_frame_sees_half_an_epoch() {
    let mut rig = Rig::new("commit under load", 1000);
    for round in 0..rounds(60) {
        let mut rng = rng("commit under load", round);
        rig.relabel(format!("commit under load, round {round}"));
        // The virtual IPs stay in most rounds, so that both epochs look up, with other rules, keys and maps.
        let mut setting = configs::random(&mut rng);
        let old = setting.config.vips;
        rig.load(&setting);
        rig.commit(2 * round as u32, rig.now() + LONG).expect("a deadline in reach");
        if chance(&mut rng, 80) {
            let next = configs::random(&mut rng);
            setting.words.retain(|(offset, _)| regs::VIP.find(*offset).is_some());
            setting.words.extend(next.words.iter().filter(|(offset, _)| regs::VIP.find(*offset).is_none()));
            setting.maps = next.maps;
            setting.config = weir_spec::Config { vips: old, ..next.config };
        } else {
            setting = configs::random(&mut rng);
        }
        // Slots in use may not be written before the commit: the next epoch has its own.
        let used: Vec<u8> = used_slots(rig.nic.active().config());
        setting.maps.retain(|(slot, _)| !used.contains(slot));
        rig.load(&setting);
        rig.stage_deadline(rig.now() + LONG);
        for _ in 0..60 {
            let mut received = frames::random(&mut rng, &setting, Toward::Vip);
            if chance(&mut rng, 20) {
                received = received.with_gaps(&mut rng);
            }
            rig.push(Side::Rx, received);
            rig.push(Side::Tx, frames::random(&mut rng, &setting, Toward::Client));
        }
        rig.rtl.run(rng.u64(1..700));
        let before = rig.nic.clone();
        let begins = rig.rtl.clocks();
        let epoch = 2 * round as u32 + 1;
        rig.write(at(RegId::Commit), epoch).expect("a deadline in reach");
        let ends =
            (0..1000).find_map(|_| (rig.rtl.read32(at(RegId::EpochActive)) == Ok(epoch)).then(|| rig.rtl.clocks()));
        let ends = ends.expect("the epoch comes into force");
        rig.settle_across(before, Switch { begins: begins.saturating_sub(PIPELINE), ends });
        rig.await_commit();
    }
    rig.check_counters();
}

fn used_slots(config: &weir_spec::Config) -> Vec<u8> {
    use weir_spec::config::Echo;
    use weir_spec::map::MapRef;
    let echo = match config.policy.echo {
        Echo::Hash(map) => Some(map),
        Echo::PassAll => None,
    };
    let maps = config.rules.iter().flatten().map(|rule| rule.map).chain([config.default_rule.map]).chain(echo);
    maps.filter_map(|map| if let MapRef::Slot(slot) = map { Some(slot) } else { None }).collect()
}

#[test]
fn a_write_during_a_commit_is_refused_or_meant_for_the_next() {
    let mut rig = Rig::new("writes during a commit", 1000);
    let targets = [RegId::RulePorts, RegId::VipAddress0, RegId::HashKey, RegId::Policy, RegId::MapWord, RegId::Commit];
    let mut refused = [0u32; 6];
    for round in 0..rounds(60) {
        let mut rng = rng("writes during a commit", round);
        rig.relabel(format!("writes during a commit, round {round}"));
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        rig.stage_deadline(rig.now() + LONG);
        for _ in 0..30 {
            rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
        }
        rig.rtl.run(rng.u64(1..100));
        rig.write(at(RegId::Commit), 7 * round as u32).expect("a deadline in reach");
        let target = round % targets.len();
        let offset = at(targets[target]);
        // The spec's NIC is never busy: it learns of the write only if the circuit took it.
        let word = rng.u32(..);
        match rig.rtl.write32(offset, word) {
            Err(Refused) => {
                refused[target] += 1;
                assert_eq!(rig.rtl.read32(at(RegId::RefusedAddress)), Ok(offset), "round {round}");
            }
            Ok(()) => rig.nic.write(offset, word).expect("the spec takes what the circuit takes"),
        }
        rig.await_commit();
        rig.read(at(RegId::EpochActive)).expect("it can be read");
        rig.read(at(RegId::MapCrc)).expect("it can be read");
        if targets[target] != RegId::Commit {
            rig.read(offset).expect("it can be read");
        }
        // The frames were there to keep the commit waiting; what is in force afterwards is compared.
        rig.forget_frames();
        for _ in 0..10 {
            rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
        }
        rig.settle();
    }
    assert!(refused.iter().all(|count| *count > 0), "none of a kind was ever refused: {refused:?}");
}
