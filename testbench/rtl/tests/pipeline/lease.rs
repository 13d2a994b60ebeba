//! The lease: any order of deadlines, renewals, commits and passing time, and the fence falling on a full stream.

use fastrand::Rng;
use weir_rtl::{Side, Width};
use weir_spec::lease::LEASE_MAX;
use weir_spec::regs::RegId;

use crate::configs;
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig, at};
use crate::seed::{rng, rounds};
use crate::shot::{Bank, Pace};
use crate::width::at_each_width;

fn any_order_of_lease_operations_ends_as_the_spec_says(width: Width) {
    let mut rig = Rig::new(width, "lease operations", 1 << 33);
    let mut seen = [0u32; 4];
    for round in 0..rounds(30) {
        let mut rng = rng("lease operations", round);
        rig.relabel(format!("lease operations, round {round}"));
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        for _ in 0..20 {
            let now = rig.now();
            match rng.u32(..8) {
                0..3 => {
                    let until = match rng.u32(..8) {
                        0 => now,
                        1 => now + 1,
                        2 => now.saturating_sub(rng.u64(..1000)),
                        3 => now + LEASE_MAX,
                        4 => now + LEASE_MAX + 1,
                        5 => rng.u64(..),
                        _ => now + rng.u64(1..2000),
                    };
                    rig.stage_deadline(until);
                }
                3..5 => {
                    let renewed = rig.write(at(RegId::Renew), rng.u32(..));
                    seen[usize::from(renewed.is_ok())] += 1;
                }
                5 => {
                    let taken = rig.write(at(RegId::Commit), rng.u32(..));
                    if taken.is_ok() {
                        rig.await_commit();
                    }
                    seen[2 + usize::from(taken.is_ok())] += 1;
                }
                6 => rig.set_time(rig.nic.lease_until().max(now + 1) - rng.u64(..2)),
                _ => rig.set_time(now + rng.u64(..1500)),
            }
            for id in [RegId::LeaseUntilLo, RegId::LeaseUntilHi, RegId::Status, RegId::EpochActive, RegId::RefusedCount]
            {
                rig.read(at(id)).expect("it can be read");
            }
            for _ in 0..3 {
                rig.push(Side::Rx, frames::random(&mut rng, &setting, Toward::Vip));
                rig.push(Side::Tx, frames::random(&mut rng, &setting, Toward::Client));
            }
            rig.settle();
        }
        rig.check_counters();
    }
    assert!(seen.iter().all(|count| *count > 10), "renewals and commits, refused and taken: {seen:?}");
}

fn the_fence_falls_on_a_full_stream_between_two_frames_and_stays(width: Width) {
    let mut rig = Rig::new(width, "fence under load", 1000);
    let mut fenced = 0;
    for round in 0..rounds(40) {
        let mut rng = rng("fence under load", round);
        rig.relabel(format!("fence under load, round {round}"));
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        let until = rig.now() + 10;
        rig.commit(round as u32, until).expect("a deadline in reach");
        send(&mut rig, &mut rng, &setting, 1000);
        rig.rtl.run(rng.u64(1..900));
        rig.change(|rig| rig.set_time(until));
        assert!(rig.rtl.fenced());
        rig.settle();
        rig.set_time(until + rng.u64(..50));
        fenced += 1;
    }
    assert!(fenced > 0);
    rig.check_counters();
}

/// Random frames both ways for about so many clocks.
fn send(rig: &mut Rig, rng: &mut Rng, setting: &configs::Setting, clocks: usize) {
    for (side, toward) in [(Side::Rx, Toward::Vip), (Side::Tx, Toward::Client)] {
        let shots = (0..40).map(|_| frames::random(rng, setting, toward)).collect();
        Bank::new(side, shots).send(rig, rng, Pace::Full, clocks);
    }
}

fn a_renewal_in_time_keeps_a_full_stream_going(width: Width) {
    let mut rig = Rig::new(width, "renewal under load", 1000);
    let mut rng = rng("renewal under load", 0);
    let setting = configs::random(&mut rng);
    rig.load(&setting);
    rig.commit(1, rig.now() + 100).expect("a deadline in reach");
    for _ in 0..rounds(30) {
        send(&mut rig, &mut rng, &setting, 300);
        // Both writes and the new time meet frames in every stage.
        rig.stage_deadline(rig.now() + 200);
        rig.write(at(RegId::Renew), 0).expect("in time");
        rig.set_time(rig.now() + 90);
        rig.settle();
    }
    assert!(!rig.rtl.fenced());
    rig.stage_deadline(rig.now() + LONG);
    rig.write(at(RegId::Renew), 0).expect("in time");
    rig.check_counters();
}

at_each_width!(
    any_order_of_lease_operations_ends_as_the_spec_says,
    the_fence_falls_on_a_full_stream_between_two_frames_and_stays,
    a_renewal_in_time_keeps_a_full_stream_going,
);
