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

/// Longer than the circuit needs from any change to the bits of all conditions.
const SETTLED: u64 = 64;

fn what_a_host_is_told_is_what_the_spec_says(width: Width) {
    let mut rig = Rig::new(width, "conditions", 1000);
    let mut rng = rng("conditions", 0);
    let mut seen = [0; 16];
    for _ in 0..rounds(200) {
        match rng.u32(..6) {
            0 => {
                rig.write(at(RegId::WarnLease), if rng.bool() { rng.u32(..300) } else { 0 }).expect("a plain register")
            }
            1 => rig.write(at(RegId::WarnFlows), rng.u32(..3)).expect("a plain register"),
            2 => {
                let down = rng.bool();
                rig.nic.set_link_down(down);
                rig.rtl.set_link_down(down);
            }
            3 => rig.set_time(rig.now() + rng.u64(..100)),
            4 => rig.commit(rng.u32(..), rig.now() + rng.u64(..400)).expect("a deadline in reach"),
            _ => {
                rig.stage_deadline(rig.now() + rng.u64(1..400));
                let _fenced_or_not = rig.write(at(RegId::Renew), 0);
            }
        }
        rig.rtl.run(SETTLED);
        let conditions = rig.nic.conditions();
        assert_eq!(rig.rtl.conditions(), conditions, "{} us", rig.now());
        rig.read(at(RegId::Status)).expect("a register");
        seen[usize::from(conditions.0)] += 1;
    }
    let of = |bits: &[usize]| bits.iter().map(|bits| seen[*bits]).sum::<u32>();
    assert!(of(&[1, 9]) > 5 && of(&[2, 10]) > 5 && of(&[8, 9, 10]) > 20 && of(&[0]) > 5, "all kinds: {seen:?}");
}

at_each_width!(
    what_a_host_is_told_is_what_the_spec_says,
    any_order_of_lease_operations_ends_as_the_spec_says,
    the_fence_falls_on_a_full_stream_between_two_frames_and_stays,
    a_renewal_in_time_keeps_a_full_stream_going,
);
