//! Echoes are promises, and what ends them before their time. The fixture checks that no bucket is accepted twice: whoever
//! breaks a promise takes buckets that a NIC still accepts.

use weir_cluster::{Event, HostId, Load, Mode, PhaseKind, Report, Step};

use crate::fixture::{Cluster, MS, SECOND};

/// Three hosts in quorum mode, the last of them twice, on two machines.
fn with_a_double(seed: u64) -> Cluster {
    let mut cluster = Cluster::new(4, seed, |config| {
        config.mode = Mode::Quorum;
        config.hosts = (1..=3).filter_map(HostId::new).collect();
        config.host = HostId::new(config.host.get().min(3)).expect("host");
    });
    cluster.strict = true;
    (0..3).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    cluster
}

/// When a host was last asked to release something.
fn last_release(cluster: &Cluster, host: usize) -> Option<u64> {
    cluster.hosts[host].programs.iter().rev().find(|(_, step)| *step == Step::Release).map(|(at, _)| *at)
}

#[test]
fn an_agent_that_is_replaced_keeps_what_the_one_before_promised_to_a_host_outside_the_epoch() {
    let mut cluster = Cluster::new(3, 70, |_| {});
    (0..2).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    // A joiner is promised something when its epoch is loaded, and leaves before that is in force.
    cluster.start(2);
    assert!(cluster.drive(10 * SECOND, |c| c.phase(1) == PhaseKind::Loaded), "{:#?}", cluster.statuses());
    cluster.hosts[2].slow = true;
    cluster.handle(2, Event::Stop);
    let promised = cluster.at;
    assert!(cluster.drive(SECOND, |c| c.saves(1)), "{:#?}", cluster.statuses());
    let left = cluster.leave_to_the_next(1);
    cluster.run(MS);
    cluster.go_on(1, &left);
    // What it gives up next is given up when the promise is over.
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(10) });
    assert!(cluster.drive(20 * SECOND, |c| c.owned(1) < 1000 && c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    let released = last_release(&cluster, 1).expect("it has released");
    assert!(released > promised + 4 * SECOND, "released {} us after the promise", released - promised);
}

#[test]
fn an_agent_that_is_replaced_echoes_at_once_what_the_one_before_has_heard() {
    // A bare majority, so that all of it must echo.
    for moment in 0..10 {
        let mut cluster = Cluster::new(4, 74, |config| {
            config.mode = Mode::Quorum;
            config.hosts = (1..=7).filter_map(HostId::new).collect();
        });
        for host in 0..4 {
            cluster.start(host);
            // What the first echoes is almost a period old.
            cluster.run(30 * MS);
        }
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
        cluster.run(2 * SECOND + moment * 100 * MS);
        let replaced = cluster.at;
        let left = cluster.leave_to_the_next(0);
        cluster.run(1500 * MS);
        cluster.go_on(0, &left);
        // The next heartbeat on the way to it is lost.
        cluster.cut(3, 0);
        cluster.run(1000 * MS);
        cluster.heal();
        cluster.run(5 * SECOND);
        let fenced = cluster.reported(3, replaced, |report| *report == Report::Fenced);
        assert_eq!(fenced, None, "{moment}: {:#?}", cluster.statuses());
    }
}

#[test]
fn a_host_that_stops_on_another_machine_says_nothing_of_the_first() {
    let mut cluster = with_a_double(71);
    cluster.pause(2);
    cluster.start(3);
    cluster.run(2500 * MS);
    cluster.handle(3, Event::Stop);
    assert!(cluster.drive(SECOND, |c| c.phase(3) == PhaseKind::Stopped));
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
}

#[test]
fn a_restart_on_another_machine_says_nothing_of_the_first() {
    let mut cluster = with_a_double(72);
    cluster.pause(2);
    cluster.start(3);
    cluster.run(2100 * MS);
    cluster.crash(3);
    cluster.run(100 * MS);
    cluster.start(3);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
}

#[test]
fn a_host_of_the_same_number_is_not_taken_in_before_the_promise_to_the_first_is_over() {
    let mut cluster = with_a_double(73);
    // It does not hear whom it doubles, so that it sees no harm in it.
    cluster.cut(2, 3);
    cluster.start(3);
    cluster.run(7 * SECOND);
    cluster.pause(2);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 3])), "{:#?}", cluster.statuses());
}

/// Lets time pass until a host sends a heartbeat with another beat, and that has arrived.
fn next_beat(cluster: &mut Cluster, host: usize) {
    let beat = cluster.hosts[host].beat;
    assert!(cluster.drive(2 * SECOND, |c| c.hosts[host].beat != beat));
    cluster.run(10 * MS);
}

#[test]
fn who_has_promised_nothing_serves_alone_when_a_lease_is_over_that_was_renewed_by_what_it_did_not_hear() {
    for seed in 75..85 {
        let mut cluster = Cluster::new(3, seed, |_| {});
        [1, 2].into_iter().for_each(|host| cluster.start(host));
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[1, 2])), "{:#?}", cluster.statuses());
        // Not heard by one of them, it stays outside.
        cluster.cut(0, 1);
        cluster.start(0);
        cluster.run(7 * SECOND);
        next_beat(&mut cluster, 2);
        let heard = cluster.at;
        cluster.cut(2, 0);
        next_beat(&mut cluster, 2);
        next_beat(&mut cluster, 1);
        cluster.crash(2);
        assert!(cluster.drive(15 * SECOND, |c| c.accepts(0)), "{:#?}", cluster.statuses());
        assert!(!cluster.accepts(2), "seed {seed}: {:#?}", cluster.statuses());
        assert!(cluster.at - heard < 10_500 * MS, "{} us", cluster.at - heard);
    }
}

#[test]
fn who_joins_a_member_waits_for_its_promise_to_the_lost_one_and_no_longer() {
    for seed in 85..95 {
        let mut cluster = Cluster::new(3, seed, |_| {});
        cluster.strict = true;
        [0, 1].into_iter().for_each(|host| cluster.start(host));
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
        cluster.start(2);
        let wait = cluster.dice.below(4 * SECOND);
        cluster.run(SECOND + wait);
        cluster.crash(1);
        assert!(cluster.drive(6500 * MS, |c| c.are_one(&[0, 2])), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn a_member_that_has_stopped_fences_nobody_who_is_held_up() {
    let mut cluster = Cluster::converged(3, 95, |_| {});
    cluster.hosts[1].silent_kernel = true;
    let stopped = cluster.at;
    cluster.handle(2, Event::Stop);
    cluster.run(12 * SECOND);
    for host in [0, 1] {
        assert!(cluster.status(host).is_some_and(|s| s.members.len() == 3), "{:#?}", cluster.statuses());
        let fenced = cluster.reported(host, stopped, |report| *report == Report::Fenced);
        assert_eq!(fenced, None, "{:#?}", cluster.statuses());
    }
    cluster.hosts[1].silent_kernel = false;
    assert!(cluster.drive(5 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
}

#[test]
fn an_agent_is_not_replaced_again_before_its_lease_is_renewed() {
    for seed in 0..8 {
        let mut cluster = Cluster::converged(3, seed, |_| {});
        cluster.run(5 * SECOND);
        assert!(cluster.drive(2 * SECOND, |c| c.saves(1)), "{:#?}", cluster.statuses());
        let left = cluster.leave_to_the_next(1);
        cluster.run(1_500 * MS);
        cluster.go_on(1, &left);
        assert!(!cluster.saves(1));
        assert!(cluster.drive(3 * SECOND, |c| c.saves(1)), "{:#?}", cluster.statuses());
        // What the NIC is told comes before the process ends.
        cluster.run(20 * MS);
        let left = cluster.leave_to_the_next(1);
        cluster.run(1_800 * MS);
        cluster.go_on(1, &left);
        cluster.run(5 * SECOND);
        assert!(cluster.are_one(&[0, 1, 2]), "{:#?}", cluster.statuses());
        assert_eq!(cluster.reported(1, 7 * SECOND, |report| matches!(report, Report::Fenced)), None);
    }
}

#[test]
fn three_heartbeats_that_are_lost_in_a_row_fence_nobody() {
    for (mode, from, to) in [(Mode::Availability, 2, 0), (Mode::Quorum, 2, 0), (Mode::Quorum, 0, 2)] {
        // Both echoes are needed for a majority.
        let mut cluster = Cluster::new(3, 96, |config| {
            config.mode = mode;
            config.hosts = (1..=5).filter_map(HostId::new).collect();
            config.skew = 250 * MS;
        });
        for host in 0..3 {
            cluster.start(host);
            // What the first hears of the third it echoes almost a period later.
            cluster.run(30 * MS);
        }
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
        cluster.run(3 * SECOND);
        next_beat(&mut cluster, from);
        let start = cluster.at;
        cluster.cut(from, to);
        (0..3).for_each(|_| next_beat(&mut cluster, from));
        cluster.heal();
        cluster.run(5 * SECOND);
        let fenced = cluster.reported(2, start, |report| *report == Report::Fenced);
        assert_eq!(fenced, None, "{mode:?}, from {} to {}: {:#?}", from + 1, to + 1, cluster.statuses());
    }
}
