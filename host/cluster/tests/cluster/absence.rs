//! Hosts that announce to be absent for longer than a lease. At every step the fixture checks that no bucket is accepted by two
//! NICs, and where nothing but planned changes happens that no connection is cut.

use weir_cluster::{AbsenceError, Config, Event, Flow, HostId, Load, Mode, PhaseKind, Report};

use crate::fixture::{Cluster, MS, SECOND};

const ALL: [usize; 4] = [0, 1, 2, 3];

fn quorum(config: &mut Config) {
    config.mode = Mode::Quorum;
}

/// Announces it, and goes as soon as it may; what it leaves.
fn goes(cluster: &mut Cluster, host: usize, seconds: u16) -> Vec<u8> {
    cluster.handle(host, Event::Absent { seconds });
    assert!(cluster.drive(10 * SECOND, |c| c.saves(host)), "{:#?}", cluster.statuses());
    cluster.leave_to_the_next(host)
}

fn nobody_waits(cluster: &Cluster, hosts: &[usize]) -> bool {
    hosts.iter().all(|&host| cluster.status(host).is_some_and(|s| s.hosts.iter().all(|h| h.waited_for.is_none())))
}

fn lost(cluster: &Cluster, host: usize, since: u64) -> bool {
    cluster.reported(host, since, |report| matches!(report, Report::Lost { .. })).is_some()
}

#[test]
fn a_host_that_is_absent_keeps_its_buckets_and_all_connections() {
    for seed in 0..8 {
        let mut cluster = Cluster::converged(4, seed, |config| {
            if seed % 2 == 0 {
                quorum(config);
            }
        });
        cluster.planned = true;
        cluster.connect_all(32);
        cluster.loss = 10 * (seed % 3);
        let (epoch, host) = (cluster.epoch(0), (seed % 4) as usize);
        let left = goes(&mut cluster, host, 30);
        let gone = cluster.at;
        let away = 6 * SECOND + cluster.dice.below(23 * SECOND);
        cluster.run(away);
        assert_eq!(cluster.covered(), 4096);
        cluster.go_on(host, &left);
        assert!(cluster.drive(5 * SECOND, |c| nobody_waits(c, &ALL)), "seed {seed}: {:#?}", cluster.statuses());
        cluster.loss = 0;
        cluster.run(5 * SECOND);
        assert!(cluster.are_one(&ALL) && cluster.epoch(0) == epoch, "seed {seed}: {:#?}", cluster.statuses());
        let now = |c: &Cluster, other: usize| c.hosts[other].now(c.at).host;
        assert!(ALL.iter().all(|&other| cluster.hosts[other].promised < Some(now(&cluster, other))), "nor on disk");
        assert!(ALL.iter().all(|&other| !lost(&cluster, other, gone)));
        // Its NIC's lease is an ordinary one: if it is lost now, it is as soon as any.
        cluster.planned = false;
        cluster.crash(host);
        let others: Vec<usize> = ALL.into_iter().filter(|&other| other != host).collect();
        assert!(cluster.drive(7 * SECOND, |c| c.are_one(&others)), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn numbers_of_beats_that_have_gone_round_stand_for_nothing() {
    for seed in 0..8 {
        let mut cluster = Cluster::converged(3, seed, |config| {
            (config.period, config.skew) = (20 * MS, MS);
            quorum(config);
        });
        (cluster.delay, cluster.strict) = (20, true);
        let left = goes(&mut cluster, 0, 15);
        let heard = u16::from(cluster.hosts[1].beat);
        cluster.run(10 * SECOND);
        // Host 2's numbers have gone round, and in a moment it will send again the one that was heard last.
        let before = (heard + 253 - seed as u16 % 4) % 255 + 1;
        assert!(cluster.drive(6 * SECOND, |c| u16::from(c.hosts[1].beat) == before));
        // Nobody hears it from here on: who returns must not keep its NIC open by what it heard before.
        cluster.mute(1);
        cluster.run(MS);
        cluster.go_on(0, &left);
        assert!(cluster.drive(5 * SECOND, |c| c.are_one(&[0, 2])), "seed {seed}: {:#?}", cluster.statuses());
        cluster.heal();
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn who_does_not_return_is_lost_when_the_time_is_over() {
    for (seed, mode) in [(1, Mode::Quorum), (2, Mode::Availability)] {
        let mut cluster = Cluster::converged(4, seed, |config| config.mode = mode);
        let gone = cluster.at;
        goes(&mut cluster, 2, 20);
        cluster.run(20 * SECOND);
        assert!(cluster.accepts(2) && !lost(&cluster, 0, gone));
        assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1, 3])), "{:#?}", cluster.statuses());
        assert!(cluster.at - gone < 27 * SECOND, "{}", cluster.at - gone);
    }
}

#[test]
fn who_returns_too_late_is_fenced_and_joins_again() {
    for (seed, late) in (0..6).map(|seed| (seed, 25 + seed)) {
        let mut cluster = Cluster::converged(3, seed, quorum);
        let left = goes(&mut cluster, 0, 20);
        cluster.run(late * SECOND);
        assert!(!cluster.accepts(0), "its lease has ended");
        cluster.go_on(0, &left);
        assert!(cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
        assert!(nobody_waits(&cluster, &[0, 1, 2]));
    }
}

#[test]
fn nobody_goes_before_all_others_have_promised_to_wait() {
    let mut cluster = Cluster::converged(4, 3, |_| {});
    cluster.planned = true;
    cluster.connect_all(64);
    let epoch = cluster.epoch(0);
    cluster.hosts[3].disk_full = true;
    cluster.handle(1, Event::Absent { seconds: 20 });
    assert!(!cluster.drive(25 * SECOND, |c| c.saves(1)));
    cluster.handle(1, Event::Absent { seconds: 0 });
    cluster.run(SECOND);
    assert!(cluster.saves(1), "as before");
    assert!(nobody_waits(&cluster, &ALL));
    assert!(cluster.are_one(&ALL) && cluster.epoch(0) == epoch);
    cluster.hosts[3].disk_full = false;
    goes(&mut cluster, 1, 20);
}

#[test]
fn who_has_permission_to_go_and_stays_has_an_ordinary_lease_again() {
    let mut cluster = Cluster::converged(3, 4, quorum);
    cluster.handle(1, Event::Absent { seconds: 60 });
    assert!(cluster.drive(10 * SECOND, |c| c.saves(1)));
    cluster.handle(1, Event::Absent { seconds: 0 });
    assert!(!cluster.saves(1));
    assert!(cluster.drive(3 * SECOND, |c| nobody_waits(c, &[0, 2])), "{:#?}", cluster.statuses());
    cluster.isolate(1);
    assert!(cluster.drive(7 * SECOND, |c| c.are_one(&[0, 2])), "{:#?}", cluster.statuses());
}

#[test]
fn an_announcement_that_was_taken_back_is_no_promise_for_the_next() {
    let mut cluster = Cluster::converged(3, 5, quorum);
    cluster.hosts[2].disk_full = true;
    cluster.handle(0, Event::Absent { seconds: 60 });
    cluster.run(5 * SECOND);
    cluster.handle(0, Event::Absent { seconds: 0 });
    // Host 2 hears nothing of the second announcement, and host 3 may promise by now.
    cluster.hosts[2].disk_full = false;
    cluster.cut(0, 1);
    cluster.handle(0, Event::Absent { seconds: 60 });
    cluster.run(2 * SECOND);
    assert!(!cluster.saves(0));
}

/// Host 1 is away, and both others are killed and started again.
fn all_others_restart(seed: u64, forget: bool) -> Cluster {
    let mut cluster = Cluster::converged(3, seed, quorum);
    goes(&mut cluster, 0, 40);
    let pause = cluster.dice.below(10 * SECOND);
    cluster.run(pause);
    for host in [1, 2] {
        cluster.crash(host);
        if forget {
            cluster.hosts[host].promised = None;
        }
        cluster.run(100 * MS);
        cluster.start(host);
    }
    cluster.run(25 * SECOND);
    cluster
}

#[test]
fn a_restart_forgets_nobody_who_is_absent() {
    for seed in 0..4 {
        let mut cluster = all_others_restart(seed, false);
        assert!(cluster.status(1).is_some_and(|s| s.phase == PhaseKind::Stopped && s.starts_in.is_some()));
        assert!(cluster.accepts(0));
        assert!(cluster.drive(40 * SECOND, |c| c.are_one(&[1, 2])), "{:#?}", cluster.statuses());
        cluster.start(0);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    }
}

#[test]
#[should_panic(expected = "buckets accepted by host 1 and host 2")]
fn without_what_lies_on_disk_it_would() {
    all_others_restart(0, true);
}

#[test]
fn who_is_stopped_before_its_start_comes_stays_so() {
    let mut cluster = all_others_restart(1, false);
    cluster.handle(1, Event::Stop);
    cluster.run(40 * SECOND);
    assert_eq!(cluster.phase(1), PhaseKind::Stopped);
    assert!(cluster.status(1).is_some_and(|s| s.starts_in.is_none()));
}

#[test]
fn those_who_wait_may_be_replaced_themselves() {
    let mut cluster = Cluster::converged(4, 6, quorum);
    cluster.planned = true;
    cluster.connect_all(32);
    let epoch = cluster.epoch(0);
    let left = goes(&mut cluster, 0, 30);
    for host in [1, 2, 3] {
        cluster.run(4 * SECOND);
        let left = cluster.leave_to_the_next(host);
        cluster.run(100 * MS);
        cluster.go_on(host, &left);
    }
    cluster.run(10 * SECOND);
    cluster.go_on(0, &left);
    cluster.run(5 * SECOND);
    assert!(cluster.are_one(&ALL) && cluster.epoch(0) == epoch && nobody_waits(&cluster, &ALL));
}

#[test]
fn other_changes_wait_for_the_return() {
    for seed in 0..4 {
        let mut cluster = Cluster::new(4, seed, |_| {});
        (0..3).for_each(|host| cluster.start(host));
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])));
        cluster.planned = true;
        cluster.connect_all(64);
        let epoch = cluster.epoch(0);
        let host = (seed % 3) as usize;
        let left = goes(&mut cluster, host, 40);
        cluster.start(3);
        cluster.handle((host + 1) % 3, Event::SetLoad { slot: 0, load: Load::Weight(3) });
        cluster.run(25 * SECOND);
        assert!([0, 1, 2].iter().all(|&other| other == host || cluster.epoch(other) == epoch));
        cluster.go_on(host, &left);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn a_host_that_is_lost_meanwhile_is_replaced_when_the_other_is_back() {
    for mode in [Mode::Availability, Mode::Quorum] {
        let mut cluster = Cluster::converged(4, 7, |config| config.mode = mode);
        let left = goes(&mut cluster, 1, 30);
        cluster.run(2 * SECOND);
        cluster.crash(2);
        cluster.run(10 * SECOND);
        cluster.go_on(1, &left);
        assert!(cluster.drive(15 * SECOND, |c| c.are_one(&[0, 1, 3])), "{mode:?}: {:#?}", cluster.statuses());
    }
}

#[test]
fn two_that_announce_at_once_both_stay_until_one_gives_way() {
    let mut cluster = Cluster::converged(4, 8, |_| {});
    for host in [0, 2] {
        cluster.handle(host, Event::Absent { seconds: 10 });
    }
    assert!(!cluster.drive(12 * SECOND, |c| c.saves(0) || c.saves(2)));
    cluster.handle(2, Event::Absent { seconds: 0 });
    assert!(cluster.drive(4 * SECOND, |c| c.saves(0)), "{:#?}", cluster.statuses());
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let may = |cluster: &Cluster, host: usize, seconds| {
        let slot = &cluster.hosts[host];
        slot.node.as_ref().expect("up").may_be_absent(slot.now(cluster.at), seconds).map_err(|error| error.to_string())
    };
    let mut cluster = Cluster::converged(2, 9, |_| {});
    assert_eq!(may(&cluster, 0, 0), Err("absence is 0 s, should be 1 to 60".into()));
    assert_eq!(may(&cluster, 0, 61), Err(AbsenceError::Length(61).to_string()));
    assert_eq!(may(&cluster, 0, 60), Ok(()));
    cluster.handle(0, Event::Absent { seconds: 60 });
    assert_eq!(may(&cluster, 0, 60), Err(AbsenceError::Already.to_string()));
    cluster.run(SECOND);
    let first = cluster.hosts[0].config.host;
    assert_eq!(may(&cluster, 1, 60), Err(AbsenceError::Another(first).to_string()));
    cluster.crash(1);
    cluster.run(80 * SECOND);
    assert_eq!(may(&cluster, 0, 60), Err(AbsenceError::Alone.to_string()));
    let mut cluster = Cluster::new(5, 9, quorum);
    (0..3).for_each(|host| cluster.start(host));
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])));
    assert_eq!(may(&cluster, 0, 60), Err(AbsenceError::NoQuorum { others: 2, hosts: 5 }.to_string()));
}

#[test]
fn what_a_lost_member_had_is_taken_over_before_a_host_is_absent() {
    for (seed, lost) in [(40, 0), (41, 1), (42, 3)] {
        let mut cluster = Cluster::converged(4, seed, |_| {});
        let others: Vec<usize> = ALL.into_iter().filter(|&host| host != lost).collect();
        cluster.crash(lost);
        // Promises are asked for while some have given it up already.
        cluster.run(4 * SECOND + 700 * MS);
        cluster.handle(2, Event::Absent { seconds: 30 });
        assert!(cluster.drive(3 * SECOND, |c| c.are_one(&others)), "{:#?}", cluster.statuses());
        assert!(cluster.drive(3 * SECOND, |c| c.saves(2)), "{:#?}", cluster.statuses());
        let left = cluster.leave_to_the_next(2);
        cluster.run(25 * SECOND);
        cluster.go_on(2, &left);
        assert!(cluster.drive(5 * SECOND, |c| c.are_one(&others) && nobody_waits(c, &others)));
    }
}

#[test]
fn a_change_of_weights_comes_first_or_last() {
    for moment in 0..20 {
        let mut cluster = Cluster::converged(3, 50 + moment, |_| {});
        cluster.planned = true;
        cluster.connect_all(32);
        cluster.handle(0, Event::Absent { seconds: 20 });
        cluster.run(moment * 2 * MS);
        cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(10) });
        assert!(cluster.drive(5 * SECOND, |c| c.saves(0)), "{moment}: {:#?}", cluster.statuses());
        let left = cluster.leave_to_the_next(0);
        cluster.run(15 * SECOND);
        cluster.go_on(0, &left);
        let weighs = |c: &Cluster| c.owned(1) < 1000 && c.are_one(&[0, 1, 2]) && nobody_waits(c, &[0, 1, 2]);
        assert!(cluster.drive(10 * SECOND, weighs), "{moment}: {:#?}", cluster.statuses());
    }
}

#[test]
fn who_is_needed_for_a_majority_by_the_time_it_could_go_stays() {
    let mut cluster = Cluster::converged(3, 43, quorum);
    cluster.crash(1);
    cluster.run(4 * SECOND + 700 * MS);
    cluster.handle(2, Event::Absent { seconds: 30 });
    assert!(cluster.drive(3 * SECOND, |c| c.are_one(&[0, 2])), "{:#?}", cluster.statuses());
    cluster.run(10 * SECOND);
    assert!(!cluster.saves(2) && nobody_waits(&cluster, &[0, 2]), "{:#?}", cluster.statuses());
    cluster.start(1);
    assert!(cluster.drive(10 * SECOND, |c| c.saves(2)), "{:#?}", cluster.statuses());
    assert!(cluster.are_one(&[0, 1, 2]));
}

#[test]
fn who_returns_excludes_nobody_for_a_host_that_has_stopped_meanwhile() {
    for seed in 0..8 {
        let mut cluster = Cluster::converged(3, seed, |_| {});
        let left = goes(&mut cluster, 0, 30);
        cluster.run(3 * SECOND);
        cluster.handle(1, Event::Stop);
        cluster.run(9 * SECOND);
        let since = cluster.at;
        cluster.go_on(0, &left);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 2])), "{:#?}", cluster.statuses());
        let third = HostId::new(3).expect("host");
        let excluded = |report: &Report| matches!(report, Report::Lost { host, .. } if *host == third);
        assert_eq!(cluster.reported(0, since, excluded), None, "{:#?}", cluster.statuses());
        assert_eq!(cluster.reported(2, since, |report| matches!(report, Report::Fenced)), None);
    }
}

#[test]
fn who_drains_to_stop_stays_until_the_absent_host_is_back() {
    for seed in 0..4 {
        // Three of four are a majority, two are not.
        let mut cluster = Cluster::converged(4, seed, quorum);
        cluster.planned = true;
        let flows = cluster.connect_all(64);
        let start = cluster.at;
        cluster.handle(3, Event::DrainStop);
        assert!(cluster.drive(5 * SECOND, |c| c.owned(3) == 0), "{:#?}", cluster.statuses());
        cluster.run(SECOND);
        // What the absent host would have to hear of holds it up anyway.
        let of_the_first = |(_, flow): &(usize, Flow)| cluster.hosts[0].node_owns(flow);
        let (last, ended): (Vec<_>, Vec<_>) = flows.into_iter().filter(|(host, _)| *host == 3).partition(of_the_first);
        let end = |cluster: &mut Cluster, flows: Vec<(usize, Flow)>| {
            let flows: Vec<Flow> = flows.into_iter().map(|(_, flow)| flow).collect();
            flows.iter().for_each(|flow| {
                cluster.hosts[3].sockets.remove(flow);
            });
            cluster.handle(3, Event::Closed(flows));
        };
        end(&mut cluster, ended);
        let left = goes(&mut cluster, 2, 20);
        end(&mut cluster, last);
        cluster.run(15 * SECOND);
        assert_ne!(cluster.phase(3), PhaseKind::Stopped, "{:#?}", cluster.statuses());
        cluster.go_on(2, &left);
        assert!(cluster.drive(20 * SECOND, |c| c.phase(3) == PhaseKind::Stopped), "{:#?}", cluster.statuses());
        cluster.run(10 * SECOND);
        for host in 0..3 {
            let fenced = cluster.reported(host, start, |report| *report == Report::Fenced);
            assert_eq!(fenced, None, "host {}: {:#?}", host + 1, cluster.statuses());
        }
    }
}

#[test]
fn who_returns_while_all_others_are_started_anew_is_taken_in_before_its_lease_ends() {
    for (hosts, seed) in [(2, 0), (2, 1), (3, 2), (3, 3)] {
        let mut cluster = Cluster::converged(hosts, seed, |_| {});
        let others: Vec<usize> = (0..usize::from(hosts) - 1).collect();
        let all: Vec<usize> = (0..usize::from(hosts)).collect();
        let absent = others.len();
        let start = cluster.at;
        let left = goes(&mut cluster, absent, 40);
        cluster.run(6 * SECOND);
        for &host in &others {
            cluster.handle(host, Event::Stop);
        }
        cluster.run(100 * MS);
        others.iter().for_each(|&host| cluster.start_again(host));
        cluster.run(200 * MS);
        cluster.go_on(absent, &left);
        assert!(cluster.drive(15 * SECOND, |c| c.are_one(&all)), "seed {seed}: {:#?}", cluster.statuses());
        let fenced = cluster.reported(absent, start, |report| *report == Report::Fenced);
        assert_eq!(fenced, None, "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn who_returns_beside_one_that_was_started_anew_is_not_kept_until_its_lease_ends() {
    for seed in 0..4 {
        let mut cluster = Cluster::converged(3, seed, |_| {});
        let left = goes(&mut cluster, 2, 40);
        cluster.run(6 * SECOND);
        cluster.handle(0, Event::Stop);
        cluster.run(100 * MS);
        cluster.start_again(0);
        cluster.run(6 * SECOND);
        cluster.go_on(2, &left);
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2])), "seed {seed}: {:#?}", cluster.statuses());
    }
}
