//! A client that has forgotten a connection begins it anew while the host of the old one is cut off. The fixture checks at every
//! step that no connection passes at two hosts.

use weir_cluster::{Event, Flow, Load, Mode, PhaseKind, Report};

use crate::fixture::{Cluster, MS, SECOND};

/// Four hosts of which the last is cut off and given up, and what it has alive.
fn without_the_last(seed: u64) -> (Cluster, Vec<Flow>) {
    let mut cluster = Cluster::converged(4, seed, |config| config.mode = Mode::Quorum);
    (cluster.strict, cluster.delay) = (true, 2 * MS);
    cluster.connect_all(8);
    cluster.isolate(3);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    let old: Vec<Flow> = cluster.hosts[3].sockets.iter().copied().collect();
    assert!(old.len() > 100);
    (cluster, old)
}

/// Every connection lives at one host, and passes there and nowhere else.
fn each_has_one_host(cluster: &Cluster, flows: &[(usize, Flow)]) {
    for (host, flow) in flows {
        let alive: Vec<usize> = (0..4).filter(|&any| cluster.hosts[any].sockets.contains(flow)).collect();
        assert_eq!(alive, [*host], "{flow:?}");
        let passes: Vec<usize> = (0..4).filter(|&any| cluster.passes(any, flow)).collect();
        assert_eq!(passes, [*host], "{flow:?}\n{:#?}", cluster.statuses());
    }
}

fn all_are_one(cluster: &mut Cluster) {
    let all = [0, 1, 2, 3];
    assert!(cluster.drive(30 * SECOND, |c| c.are_one(&all)), "{:#?}", cluster.statuses());
    cluster.run(2 * SECOND);
    assert!(cluster.are_one(&all), "{:#?}", cluster.statuses());
}

#[test]
fn of_two_connections_of_one_tuple_the_one_stays_that_was_begun_while_the_other_was_cut_off() {
    for seed in 0..6 {
        let (mut cluster, old) = without_the_last(seed);
        (cluster.loss, cluster.reorder) = (20 * (seed % 3), seed % 2 == 1);
        let again: Vec<(usize, Flow)> =
            old.iter().step_by(3).map(|flow| (cluster.connect_again(flow).expect("an owner"), *flow)).collect();
        if seed >= 3 {
            // A process that knows nothing of what its kernel has.
            cluster.crash(3);
            cluster.start(3);
        }
        cluster.heal();
        all_are_one(&mut cluster);
        each_has_one_host(&cluster, &again);
        assert_eq!(cluster.hosts[3].ended_stale, again.len());
        let kept: Vec<(usize, Flow)> =
            old.iter().filter(|flow| again.iter().all(|(_, other)| other != *flow)).map(|flow| (3, *flow)).collect();
        each_has_one_host(&cluster, &kept);
        assert!(cluster.reported(3, 0, |r| matches!(r, Report::Superseded { .. })).is_some());
        assert_eq!((0..3).map(|host| cluster.hosts[host].ended_stale).sum::<usize>(), 0);
    }
}

#[test]
fn a_connection_that_is_begun_while_the_old_one_is_being_listed_stays() {
    let mut late = 0;
    for seed in 10..14 {
        let (mut cluster, old) = without_the_last(seed);
        cluster.reorder = seed % 2 == 1;
        cluster.heal();
        let loaded = |c: &Cluster| c.phase(3) == PhaseKind::Loaded;
        assert!(cluster.drive(20 * SECOND, loaded), "{:#?}", cluster.statuses());
        // From the first dump to the release of the owners, a client a step.
        let mut again = Vec::new();
        for flow in &old {
            cluster.step(cluster.at + 100);
            again.extend(cluster.connect_again(flow).map(|host| (host, *flow)));
        }
        late += again.len();
        all_are_one(&mut cluster);
        each_has_one_host(&cluster, &again);
        assert_eq!(cluster.hosts[3].ended_stale, again.len());
    }
    assert!(late > 40, "{late}");
}

#[test]
fn the_owner_judges_between_two_others_and_itself_when_buckets_move_as_well() {
    for seed in 20..26 {
        let (mut cluster, old) = without_the_last(seed);
        let mut again: Vec<(usize, Flow)> =
            old.iter().step_by(2).map(|flow| (cluster.connect_again(flow).expect("an owner"), *flow)).collect();
        cluster.heal();
        cluster.run(4 * SECOND);
        // What was begun anew drains where it is; its buckets go to a third host, or back to the one that returns.
        let to = if seed % 2 == 0 { 2 } else { 3 };
        for host in (0..4).filter(|&host| host != to) {
            cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(1) });
        }
        cluster.run(4 * SECOND);
        all_are_one(&mut cluster);
        each_has_one_host(&cluster, &again);
        assert_eq!(cluster.hosts[3].ended_stale, again.len());
        // And on, so that all of them are listed with somebody else.
        cluster.handle(to, Event::SetLoad { slot: 0, load: Load::Weight(0) });
        all_are_one(&mut cluster);
        again.extend(old.iter().skip(1).step_by(2).map(|flow| (3, *flow)));
        each_has_one_host(&cluster, &again);
    }
}

#[test]
fn of_two_hosts_that_were_both_left_out_the_one_that_served_later_keeps_its_own() {
    let mut together = 0;
    for seed in 30..38 {
        let mut cluster = Cluster::converged(5, seed, |config| config.mode = Mode::Quorum);
        cluster.strict = true;
        cluster.connect_all(8);
        cluster.isolate(4);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
        let old: Vec<Flow> = cluster.hosts[4].sockets.iter().copied().collect();
        let again: Vec<(usize, Flow)> =
            old.iter().map(|flow| (cluster.connect_again(flow).expect("an owner"), *flow)).collect();
        // One of the new hosts is given up as well, and both come back together.
        cluster.isolate(3);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
        cluster.heal();
        // Who proposes stands still while they become eligible, so that one epoch may take in both.
        cluster.run(4500 * MS);
        cluster.pause(0);
        cluster.run(1200 * MS);
        cluster.resume(0);
        let all = [0, 1, 2, 3, 4];
        assert!(cluster.drive(30 * SECOND, |c| c.are_one(&all)), "{:#?}", cluster.statuses());
        cluster.run(2 * SECOND);
        let ended = [3, 4].map(|host| cluster.hosts[host].ended_stale);
        assert_eq!(ended.iter().sum::<usize>(), old.len());
        // Who comes first is a member like any other when the second one does.
        if cluster.epoch(0).counter != 4 {
            continue;
        }
        together += 1;
        assert_eq!(ended, [0, old.len()]);
        for (host, flow) in &again {
            let passes: Vec<usize> = (0..5).filter(|&any| cluster.passes(any, flow)).collect();
            assert_eq!(passes, [*host], "{flow:?}");
        }
    }
    assert!(together > 0);
}

#[test]
fn who_was_fenced_and_not_left_out_is_never_denied() {
    let mut cluster = Cluster::converged(4, 40, |config| config.mode = Mode::Quorum);
    let flows = cluster.connect_all(16);
    // All are stopped for longer than a lease: nobody has had anybody's buckets.
    (0..4).for_each(|host| cluster.pause(host));
    cluster.run(8 * SECOND);
    (0..4).for_each(|host| cluster.resume(host));
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(10) });
    all_are_one(&mut cluster);
    each_has_one_host(&cluster, &flows);
    assert_eq!(cluster.hosts.iter().map(|host| host.ended_stale).sum::<usize>(), 0);
}

#[test]
fn what_finds_no_room_at_a_host_that_was_left_out_is_ended_and_not_pinned_later() {
    for seed in 0..4 {
        let mut cluster = Cluster::converged(3, seed, |config| {
            config.mode = Mode::Quorum;
            config.flows = 12;
        });
        cluster.crash(1);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 2])), "{:#?}", cluster.statuses());
        let all = cluster.connect_all(16);
        cluster.crash(0);
        cluster.hosts[0].sockets.clear();
        cluster.run(10 * SECOND);
        assert!(!cluster.accepts(2), "no majority");
        cluster.start(0);
        cluster.start(1);
        assert!(cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
        assert!(cluster.hosts[2].ended_stale > 0, "{:#?}", cluster.statuses());
        assert!(!cluster.hosts[2].nic.listed.is_empty(), "{:#?}", cluster.statuses());
        // As connections end there is room.
        for _ in 0..60 {
            if let Some(flow) = cluster.hosts[2].sockets.pop_first() {
                cluster.handle(2, Event::Closed(vec![flow]));
            }
            cluster.run(SECOND / 2);
            let taken_twice =
                |(_, flow): &&(usize, Flow)| (0..3).filter(|&host| cluster.passes(host, flow)).count() > 1;
            assert_eq!(all.iter().find(taken_twice), None, "seed {seed}");
        }
    }
}

#[test]
fn what_finds_no_room_is_ended_at_a_restarted_host_too_without_which_nobody_served() {
    for seed in 0..4 {
        let mut cluster = Cluster::converged(3, seed, |config| {
            config.mode = Mode::Quorum;
            config.flows = 12;
        });
        cluster.crash(0);
        cluster.hosts[0].sockets.clear();
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[1, 2])), "{:#?}", cluster.statuses());
        let all = cluster.connect_all(24);
        // The epoch of the third host names the process that ends now, and nobody serves without it.
        cluster.crash(1);
        cluster.run(10 * SECOND);
        assert!(!cluster.accepts(2), "no majority");
        [0, 1].into_iter().for_each(|host| cluster.start(host));
        assert!(cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
        for _ in 0..60 {
            for host in [1, 2] {
                if let Some(flow) = cluster.hosts[host].sockets.pop_first() {
                    cluster.handle(host, Event::Closed(vec![flow]));
                }
            }
            cluster.run(SECOND / 2);
            let taken_twice =
                |(_, flow): &&(usize, Flow)| (0..3).filter(|&host| cluster.passes(host, flow)).count() > 1;
            assert_eq!(all.iter().find(taken_twice), None, "seed {seed}");
        }
    }
}
