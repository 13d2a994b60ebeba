//! A snapshot on full streams is the state between two clocks: what it counts is what was judged up to there.

use weir_rtl::{Side, Width};
use weir_spec::counters::{self, COUNTERS, RX_DROPPED, RX_PASSED, TX_FENCED, TX_PASSED};
use weir_spec::nic::Refused;
use weir_spec::regs::RegId;
use weir_spec::verdict::Decision;

use crate::configs;
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig, at};
use crate::seed::{rng, rounds};
use crate::width::at_each_width;

fn a_snapshot_freezes_all_counters_between_two_frames(width: Width) {
    let mut rig = Rig::new(width, "snapshot under load", 1000);
    for round in 0..rounds(20) {
        let mut rng = rng("snapshot under load", round);
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        rig.commit(round as u32, rig.now() + LONG).expect("a deadline in reach");
        let start = rig.snapshot();
        for _ in 0..60 {
            rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
            rig.push(Side::Tx, frames::random(&mut rng, &setting, Toward::Client));
        }
        rig.rtl.run(rng.u64(1..800));
        rig.write(at(RegId::Snapshot), 0).expect("none is under way");
        rig.await_snapshot();
        let middle = rig.read_counters();
        assert!(rig.rtl.settle(), "the circuit comes to rest");
        let [rx, tx] = rig.rtl.drain();
        // The frames of each side that the snapshot had seen, by number: a prefix of what was judged.
        let delta: Vec<u64> = middle.iter().zip(start).map(|(now, then)| now.wrapping_sub(then)).collect();
        let received = (delta[RX_PASSED] + delta[RX_DROPPED]) as usize;
        let left = (delta[TX_PASSED] + delta[TX_FENCED]) as usize;
        let mut expected = [0; COUNTERS];
        for word in &rx.words[..received] {
            let decision = Decision::decode(word.word).expect("a decision");
            counters::of_decision(&decision).for_each(|counter| expected[counter] += 1);
        }
        for word in &tx.words[..left] {
            let egress = weir_spec::egress::Egress { pass: word.word & 1 == 1, masked: word.word & 2 == 2 };
            counters::of_egress(&egress).for_each(|counter| expected[counter] += 1);
        }
        assert_eq!(delta, expected, "round {round}: {received} frames in, {left} out");
        rig.forget_frames();
    }
}

fn a_snapshot_during_a_snapshot_is_refused(width: Width) {
    let mut rig = Rig::new(width, "two snapshots", 0);
    assert_eq!(rig.write(at(RegId::Snapshot), 0), Ok(()));
    assert_eq!(rig.rtl.write32(at(RegId::Snapshot), 0), Err(Refused));
    rig.await_snapshot();
    assert_eq!(rig.rtl.read32(at(RegId::RefusedAddress)), Ok(at(RegId::Snapshot)));
    assert_eq!(rig.write(at(RegId::Snapshot), 0), Ok(()));
    rig.await_snapshot();
}

at_each_width!(a_snapshot_freezes_all_counters_between_two_frames, a_snapshot_during_a_snapshot_is_refused,);
