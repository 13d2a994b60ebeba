//! Commits on full streams: every frame belongs wholly to one epoch.

use weir_rtl::{Side, Width};
use weir_spec::nic::Refused;
use weir_spec::regs::RegId;

use crate::configs::{self, Setting};
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig, at};
use crate::seed::{chance, rng, rounds};
use crate::shot::{Bank, Pace};
use crate::width::at_each_width;

fn no_frame_sees_half_an_epoch(width: Width) {
    let mut rig = Rig::new(width, "commit under load", 1000);
    for round in 0..rounds(60) {
        let mut rng = rng("commit under load", round);
        rig.relabel(format!("commit under load, round {round}"));
        let old = configs::random(&mut rng);
        rig.load(&old);
        rig.commit(2 * round as u32, rig.now() + LONG).expect("a deadline in reach");
        // The virtual IPs stay in most rounds, so that both epochs look up, with other rules, keys and maps.
        let next = if chance(&mut rng, 80) { old.beside(&mut rng) } else { configs::random(&mut rng) };
        rig.load_beside(&next);
        rig.stage_deadline(rig.now() + LONG);
        let shots = |rng: &mut _, toward| (0..100).map(|_| frames::random(rng, &next, toward)).collect();
        let received = Bank::new(Side::Rx, shots(&mut rng, Toward::Vip));
        let left = Bank::new(Side::Tx, shots(&mut rng, Toward::Client));
        let pace = if round % 2 == 0 { Pace::Full } else { Pace::Mixed };
        received.send(&mut rig, &mut rng, pace, COMMIT_CLOCKS);
        left.send(&mut rig, &mut rng, pace, COMMIT_CLOCKS);
        rig.rtl.run(rng.u64(1..700));
        rig.change(|rig| {
            rig.write(at(RegId::Commit), 2 * round as u32 + 1).expect("a deadline in reach");
            rig.await_commit();
        });
        rig.settle();
    }
    rig.check_counters();
}

/// Clocks a stream goes on: longer than a COMMIT takes.
const COMMIT_CLOCKS: usize = 8000;

fn a_write_during_a_commit_is_refused_or_meant_for_the_next(width: Width) {
    let mut rig = Rig::new(width, "writes during a commit", 1000);
    let targets = [RegId::RulePorts, RegId::VipAddress0, RegId::HashKey, RegId::Policy, RegId::MapWord, RegId::Commit];
    let mut refused = [0u32; 6];
    for round in 0..rounds(60) {
        let mut rng = rng("writes during a commit", round);
        rig.relabel(format!("writes during a commit, round {round}"));
        let setting: Setting = configs::random(&mut rng);
        rig.load(&setting);
        rig.stage_deadline(rig.now() + LONG);
        let shots = (0..30).map(|_| frames::random(&mut rng, &setting, Toward::Vip)).collect();
        let bank = Bank::new(Side::Rx, shots);
        bank.send(&mut rig, &mut rng, Pace::Full, 600);
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
        bank.send(&mut rig, &mut rng, Pace::Full, 200);
        rig.settle();
    }
    assert!(refused.iter().all(|count| *count > 0), "none of a kind was ever refused: {refused:?}");
}

at_each_width!(no_frame_sees_half_an_epoch, a_write_during_a_commit_is_refused_or_meant_for_the_next,);
