//! Echoes are promises, and what ends them before their time. The fixture checks that no bucket is accepted twice: whoever
//! breaks a promise takes buckets that a NIC still accepts.

use weir_cluster::{Event, HostId, Load, Mode, PhaseKind, Step};

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
