//! How live connections fare when buckets move. The fixture checks at every step that a connection reaches no host but its
//! own, and, where nothing but planned changes happens, that it always reaches that.

use std::collections::BTreeMap;

use weir_cluster::{Event, Filtering, Flow, HostId, Load, PhaseKind, Report, ResumeError, Secret, Step};
use weir_spec::flow::FlowKind;

use crate::fixture::{Cluster, MS, SECOND};

/// Four hosts of which the last has not started, and a connection in every fourth bucket.
fn three_of_four(seed: u64) -> (Cluster, Vec<(usize, Flow)>) {
    let mut cluster = Cluster::new(4, seed, |_| {});
    (0..3).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    cluster.planned = true;
    let flows = cluster.connect_all(16);
    (cluster, flows)
}

fn pins(cluster: &Cluster, host: usize) -> u32 {
    cluster.status(host).expect("up").pins
}

fn left_alone(cluster: &Cluster, host: usize) -> u32 {
    cluster.status(host).expect("up").left_alone
}

/// Ends connections that are handed over, and looks for what must go with them.
fn end(cluster: &mut Cluster, flows: &[(usize, Flow)], notify: bool) {
    let mut by_host: BTreeMap<usize, Vec<Flow>> = BTreeMap::new();
    for (host, flow) in flows {
        if cluster.hosts[*host].sockets.remove(flow) {
            by_host.entry(*host).or_default().push(*flow);
        }
    }
    if notify {
        by_host.into_iter().for_each(|(host, flows)| cluster.handle(host, Event::Closed(flows)));
    }
}

fn all_ordinary(cluster: &Cluster) -> bool {
    use weir_spec::map::BucketState::{Adopt, Release};
    cluster.hosts.iter().all(|host| {
        host.nic.listed.is_empty() && host.nic.states.iter().all(|map| map.count(Adopt) + map.count(Release) == 0)
    })
}

#[test]
fn a_join_moves_buckets_and_no_connection() {
    for seed in 0..6 {
        let (mut cluster, flows) = three_of_four(seed);
        cluster.loss = 20 * (seed % 3);
        cluster.reorder = seed % 2 == 1;
        cluster.start(3);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
        let moved: Vec<_> =
            flows.iter().filter(|(host, flow)| !cluster.hosts[*host].node_owns(flow)).copied().collect();
        assert!(moved.len() > 30, "{}", moved.len());
        assert_eq!((0..3).map(|host| pins(&cluster, host)).sum::<u32>(), moved.len() as u32);
        assert_eq!(left_alone(&cluster, 3), moved.len() as u32);
        cluster.run(20 * SECOND);
        // New connections of these buckets reach the joiner.
        let (taker, _) = cluster.connect(0, moved[0].1.bucket).expect("somebody");
        assert_eq!(taker, 3);
        end(&mut cluster, &moved, seed % 2 == 0);
        assert!(cluster.drive(5 * SECOND, all_ordinary), "{:#?}", cluster.statuses());
        assert_eq!((0..4).map(|host| pins(&cluster, host) + left_alone(&cluster, host)).sum::<u32>(), 0);
        assert!((0..3).all(|host| cluster.reported(host, 0, |r| *r == Report::Drained).is_some()));
    }
}

#[test]
fn what_ends_is_unpinned_before_the_new_owner_may_take_its_tuple() {
    let (mut cluster, flows) = three_of_four(3);
    cluster.start(3);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])));
    let moved: Vec<_> = flows.iter().filter(|(host, flow)| !cluster.hosts[*host].node_owns(flow)).copied().collect();
    let (host, flow) = moved[0];
    end(&mut cluster, &[(host, flow)], true);
    let mut between = 0;
    while !cluster.passes(3, &flow) {
        let pinned = cluster.hosts[host].nic.listed.iter().filter(|entry| entry.kind == FlowKind::Pin).count();
        between += usize::from(!cluster.passes(host, &flow) && pinned > 0);
        assert!(cluster.step(cluster.at + SECOND));
    }
    assert!(between > 0, "for a while it passes nowhere");
    assert!(!cluster.passes(host, &flow), "and never at both");
}

#[test]
fn a_change_of_weight_and_back_breaks_nothing() {
    let (mut cluster, _) = three_of_four(4);
    for weight in [0, 100, 10, 50] {
        cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(weight) });
        cluster.run(SECOND);
        assert!(cluster.are_one(&[0, 1, 2]), "{:#?}", cluster.statuses());
        cluster.connect_all(64);
    }
}

#[test]
fn a_bucket_that_moves_on_before_it_has_drained_is_listed_by_all_who_drain_it() {
    let (mut cluster, _) = three_of_four(5);
    cluster.start(3);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])));
    // To and fro between all, new connections at every stop.
    for (host, weight) in [(3, 0), (0, 0), (3, 100), (1, 0), (0, 100), (2, 0), (1, 100), (3, 1)] {
        cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(weight) });
        cluster.run(SECOND);
        assert!(cluster.are_one(&[0, 1, 2, 3]), "{:#?}", cluster.statuses());
        cluster.connect_all(128);
    }
    let drained: Vec<(usize, Flow)> =
        (0..4).flat_map(|host| cluster.hosts[host].sockets.iter().map(move |flow| (host, *flow))).collect();
    end(&mut cluster, &drained, false);
    assert!(cluster.drive(6 * SECOND, all_ordinary), "{:#?}", cluster.statuses());
}

#[test]
fn connections_that_come_while_buckets_are_released_are_handed_over_too() {
    for seed in 0..6 {
        let (mut cluster, _) = three_of_four(seed);
        // Who connects just before the release is cut until the second dump has found it, and never reaches another host.
        cluster.planned = false;
        cluster.handle(2, Event::SetLoad { slot: 0, load: Load::Weight(0) });
        // A client a step, in buckets that are about to move.
        let leaving: Vec<u16> =
            (0..4096).filter(|&b| cluster.hosts[2].nic.owned[0][usize::from(b) / 64] >> (b % 64) & 1 == 1).collect();
        let mut came = 0;
        for bucket in leaving.into_iter().step_by(5) {
            cluster.step(cluster.at + 100);
            came += usize::from(cluster.connect(0, bucket).is_some());
        }
        assert!(came > 50);
        cluster.run(SECOND / 4);
        cluster.planned = true;
        cluster.run(SECOND);
        assert!(cluster.are_one(&[0, 1, 2]), "{:#?}", cluster.statuses());
    }
}

#[test]
fn a_drained_host_stops_when_its_last_connection_has_ended() {
    let (mut cluster, flows) = three_of_four(7);
    cluster.handle(0, Event::DrainStop);
    cluster.run(10 * SECOND);
    assert_eq!(cluster.phase(0), PhaseKind::Stable);
    assert_eq!(cluster.owned(0), 0);
    let own: Vec<_> = flows.iter().filter(|(host, _)| *host == 0).copied().collect();
    assert_eq!(pins(&cluster, 0), own.len() as u32);
    // The default rule has moved to another.
    assert_eq!(cluster.status(1).expect("up").rules.last().expect("default rule").held, 4096);
    end(&mut cluster, &own[1..], false);
    cluster.run(3 * SECOND);
    assert_eq!(cluster.phase(0), PhaseKind::Stable, "one is left");
    end(&mut cluster, &own[..1], false);
    assert!(
        cluster.drive(3 * SECOND, |c| c.phase(0) == PhaseKind::Stopped && c.are_one(&[1, 2])),
        "{:#?}",
        cluster.statuses()
    );
}

#[test]
fn draining_can_be_taken_back_and_the_buckets_return_to_their_connections() {
    let (mut cluster, _) = three_of_four(8);
    cluster.handle(0, Event::DrainStop);
    cluster.run(2 * SECOND);
    assert_eq!(cluster.owned(0), 0);
    cluster.connect_all(64);
    cluster.handle(0, Event::SetDrain { slot: None, drain: false });
    cluster.run(2 * SECOND);
    assert!(cluster.are_one(&[0, 1, 2]) && cluster.owned(0) > 1300, "{:#?}", cluster.statuses());
    assert!(!cluster.status(0).expect("up").draining);
}

#[test]
fn one_rule_is_drained_and_the_others_are_not() {
    let (mut cluster, _) = three_of_four(9);
    cluster.handle(1, Event::SetDrain { slot: Some(0), drain: true });
    cluster.run(2 * SECOND);
    let held = |c: &Cluster, rule: usize| c.status(1).expect("up").rules[rule].held;
    assert_eq!(held(&cluster, 0), 0);
    assert!(held(&cluster, 1) > 1300);
    assert!(cluster.are_one(&[0, 1, 2]));
}

#[test]
fn a_single_host_rule_moves_without_breaking_a_connection() {
    let single = |config: &mut weir_cluster::Config| {
        config.rules[1].filtering = Filtering::Single(4 - config.host.get());
    };
    let mut cluster = Cluster::new(3, 10, single);
    (0..2).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])));
    cluster.planned = true;
    for bucket in 0..40 {
        assert_eq!(cluster.connect(1, bucket * 100).expect("an owner").0, 1);
    }
    cluster.start(2);
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert_eq!(cluster.connect(1, 7).expect("an owner").0, 2);
    assert_eq!(pins(&cluster, 1), 40);
    cluster.run(5 * SECOND);
}

#[test]
fn a_crash_costs_its_own_connections_and_their_entries_go_with_the_epoch_that_excludes_it() {
    let (mut cluster, _) = three_of_four(11);
    cluster.start(3);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])));
    let before = left_alone(&cluster, 3);
    let lost = pins(&cluster, 0);
    assert!(lost > 0 && before > lost);
    cluster.crash(0);
    cluster.hosts[0].sockets.clear();
    // Its NIC is fenced before anybody takes what it had.
    while !cluster.are_one(&[1, 2, 3]) {
        assert!(cluster.step(cluster.at + SECOND));
        if !cluster.accepts(0) {
            break;
        }
        assert_eq!(left_alone(&cluster, 3), before, "while it may be alive its connections are left alone");
    }
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[1, 2, 3])), "{:#?}", cluster.statuses());
    assert_eq!(left_alone(&cluster, 3), before - lost);
}

#[test]
fn a_crash_in_the_middle_of_a_hand_over_breaks_no_connection_of_the_others() {
    for seed in 0..8 {
        let (mut cluster, _) = three_of_four(seed);
        cluster.start(3);
        let wait = 5 * SECOND + cluster.dice.below(60 * MS);
        cluster.run(wait);
        let gone = (seed % 4) as usize;
        cluster.crash(gone);
        cluster.hosts[gone].sockets.clear();
        let left: Vec<usize> = (0..4).filter(|&host| host != gone).collect();
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&left)), "seed {seed}: {:#?}", cluster.statuses());
        cluster.run(2 * SECOND);
    }
}

#[test]
fn what_finds_no_room_stays_and_moves_later() {
    for (room, config_room) in [(4096, 12), (12, 1000)] {
        let mut cluster = Cluster::new(3, 12, |config| config.flows = config_room);
        cluster.hosts.iter_mut().for_each(|host| host.nic.room = room);
        (0..2).for_each(|host| cluster.start(host));
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])));
        cluster.planned = true;
        let flows = cluster.connect_all(32);
        cluster.start(2);
        assert!(cluster.drive(20 * SECOND, |c| c.covered() == 4096 && c.owned(2) > 1200), "{:#?}", cluster.statuses());
        cluster.run(SECOND);
        assert!(cluster.owned(2) < 1365, "{}", cluster.owned(2));
        assert_eq!(cluster.covered(), 4096, "what is held is served: {:#?}", cluster.statuses());
        let held = |c: &Cluster| (0..2).any(|host| c.reported(host, 0, |r| matches!(r, Report::Held { .. })).is_some());
        assert!(held(&cluster));
        // As connections end the rest follows, an epoch at a time.
        for part in flows.chunks(16) {
            end(&mut cluster, part, false);
            cluster.run(7 * SECOND);
            assert_eq!(cluster.covered(), 4096);
        }
        assert!(
            cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2]) && c.owned(2) == 1365),
            "{:#?}",
            cluster.statuses()
        );
    }
}

#[test]
fn a_full_table_in_a_chain_of_moves_breaks_nothing() {
    for seed in 0..4 {
        let mut cluster = Cluster::new(4, seed, |_| {});
        cluster.hosts[(seed % 4) as usize].nic.room = 20;
        cluster.hosts[(seed / 2) as usize].nic.room = 30;
        (0..4).for_each(|host| cluster.start(host));
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2, 3])));
        cluster.planned = true;
        cluster.connect_all(32);
        for (host, weight) in [(0, 0), (1, 0), (0, 50), (3, 0), (1, 50), (3, 50)] {
            cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(weight) });
            cluster.run(8 * SECOND);
            assert_eq!(cluster.covered(), 4096, "{:#?}", cluster.statuses());
        }
    }
}

#[test]
fn the_drain_limit_ends_what_is_left_and_only_then_is_the_bucket_wholly_owned() {
    let limit = |config: &mut weir_cluster::Config| config.drain_limit = Some(8 * SECOND);
    let mut cluster = Cluster::new(2, 14, limit);
    (0..2).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])));
    cluster.planned = true;
    cluster.connect_all(16);
    let start = cluster.at;
    cluster.handle(1, Event::DrainStop);
    cluster.run(7 * SECOND);
    assert_eq!((cluster.hosts[1].destroyed, pins(&cluster, 1)), (0, 128));
    assert!(cluster.drive(4 * SECOND, |c| c.phase(1) == PhaseKind::Stopped), "{:#?}", cluster.statuses());
    assert_eq!(cluster.hosts[1].destroyed, 128);
    assert!(cluster.reported(1, start, |r| *r == Report::DrainLimit { connections: 128 }).is_some());
    assert!(cluster.drive(3 * SECOND, all_ordinary), "{:#?}", cluster.statuses());
    assert!(cluster.are_one(&[0]));
}

#[test]
fn the_lesser_side_of_a_partition_keeps_the_connections_it_comes_back_with() {
    let mut cluster = Cluster::converged(3, 15, |_| {});
    cluster.connect_all(16);
    cluster.partition(&[2]);
    cluster.run(12 * SECOND);
    // Of two connections with one tuple the clients have one; both sides have served their own since.
    let alone = cluster.hosts[2].sockets.clone();
    assert!(!alone.is_empty());
    cluster.heal();
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!(alone.iter().all(|flow| cluster.passes(2, flow)), "{:#?}", cluster.statuses());
    cluster.run(5 * SECOND);
    cluster.planned = true;
    cluster.run(5 * SECOND);
}

#[test]
fn a_fence_forgets_no_entry() {
    let (mut cluster, _) = three_of_four(16);
    cluster.start(3);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])));
    let listed: Vec<_> = cluster.hosts.iter().map(|host| host.nic.listed.clone()).collect();
    assert!(listed.iter().all(|listed| !listed.is_empty()));
    // All are stopped for longer than a lease, and one NIC forgets its flows meanwhile.
    cluster.planned = false;
    (0..4).for_each(|host| cluster.pause(host));
    cluster.run(8 * SECOND);
    cluster.hosts[3].nic.listed.clear();
    (0..4).for_each(|host| cluster.resume(host));
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
    cluster.run(SECOND);
    assert_eq!(cluster.hosts.iter().map(|host| host.nic.listed.clone()).collect::<Vec<_>>(), listed);
}

#[test]
fn a_hand_over_without_connections_writes_nothing_and_takes_no_frame_more() {
    let (mut cluster, flows) = three_of_four(17);
    end(&mut cluster, &flows, false);
    let frames = cluster.frames;
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(10) });
    assert!(cluster.drive(SECOND, |c| c.owned(1) < 1000 && c.are_one(&[0, 1, 2])));
    let tidied = cluster.hosts.iter().flat_map(|host| &host.programs).filter(|(_, step)| *step == Step::Tidy).count();
    assert_eq!((tidied, cluster.hosts.iter().map(|host| host.nic.listed.len()).sum::<usize>()), (0, 0));
    assert!(cluster.frames - frames < 30, "{}", cluster.frames - frames);
}

#[test]
fn an_agent_that_is_replaced_goes_on_where_it_was_and_nobody_notices() {
    for seed in 0..4 {
        let (mut cluster, flows) = three_of_four(20 + seed);
        cluster.start(3);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])));
        cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(20) });
        cluster.run(SECOND);
        let epoch = cluster.epoch(0);
        for host in 0..4 {
            assert!(cluster.drive(5 * SECOND, |c| c.saves(host)), "{:#?}", cluster.statuses());
            let left = cluster.leave_to_the_next(host);
            // Longer than a period, and shorter than what is left of a lease less the period until it is echoed again: a
            // lease ends a tolerance after a beat that was sent two periods ago at most.
            let gap = SECOND + cluster.dice.below(900 * MS);
            cluster.run(gap);
            cluster.go_on(host, &left);
            cluster.run(3 * SECOND);
            assert!(cluster.are_one(&[0, 1, 2, 3]), "{:#?}", cluster.statuses());
        }
        assert_eq!(cluster.epoch(0), epoch, "{:#?}", cluster.statuses());
        assert_eq!(
            cluster.owned(1),
            cluster.status(1).expect("up").rules[0].held.into(),
            "and the weight is as it was"
        );
        // What ended meanwhile, and what ends later, is told by those who came after.
        end(&mut cluster, &flows, false);
        assert!(cluster.drive(6 * SECOND, all_ordinary), "{:#?}", cluster.statuses());
    }
}

/// A member may list its connections by an epoch that this host has not loaded yet. Who takes over has to know of them.
#[test]
fn an_agent_is_replaced_at_any_step_of_a_change_and_nothing_listed_is_forgotten() {
    let mut replaced = 0;
    for seed in 40..44 {
        let (mut cluster, flows) = three_of_four(seed);
        (cluster.delay, cluster.reorder) = (20 * MS, true);
        for round in 0..40 {
            let weight = cluster.dice.below(4) as u8 * 30;
            cluster.handle(0, Event::SetLoad { slot: 0, load: Load::Weight(weight) });
            for _ in 0..cluster.dice.below(60) {
                cluster.step(cluster.at + SECOND);
            }
            let host = 1 + round % 2;
            if cluster.saves(host) {
                let left = cluster.leave_to_the_next(host);
                cluster.run(MS);
                cluster.go_on(host, &left);
                replaced += 1;
            }
            cluster.run(SECOND);
        }
        cluster.run(10 * SECOND);
        assert!(cluster.are_one(&[0, 1, 2]), "seed {seed}: {:#?}", cluster.statuses());
        end(&mut cluster, &flows, false);
        assert!(cluster.drive(6 * SECOND, all_ordinary), "seed {seed}: {:#?}", cluster.statuses());
    }
    assert!(replaced > 40, "{replaced}");
}

#[test]
fn an_agent_that_is_replaced_too_late_has_been_fenced_and_rejoins() {
    let (mut cluster, _) = three_of_four(30);
    cluster.planned = false;
    let left = cluster.leave_to_the_next(2);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    cluster.hosts[2].sockets.clear();
    cluster.go_on(2, &left);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}

#[test]
fn a_host_that_was_left_out_keeps_no_bucket_for_want_of_room() {
    let mut cluster = Cluster::converged(3, 33, |_| {});
    cluster.connect_all(32);
    let left = cluster.leave_to_the_next(2);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    // Of the connections that live on here, few fit; all their buckets are others' by now.
    cluster.hosts[2].nic.room = 4;
    cluster.go_on(2, &left);
    cluster.handle(2, Event::SetLoad { slot: 0, load: Load::Weight(5) });
    cluster.run(20 * SECOND);
    assert_eq!(cluster.covered(), 4096, "{:#?}", cluster.statuses());
    assert_eq!(cluster.reported(2, 0, |report| matches!(report, Report::Held { .. })), None);
}

#[test]
fn what_another_configuration_or_nobody_left_is_refused() {
    let (mut cluster, _) = three_of_four(31);
    let left = cluster.leave_to_the_next(0);
    let now = cluster.hosts[0].now(cluster.at);
    let config = cluster.hosts[0].config.clone();
    let with = |change: &dyn Fn(&mut weir_cluster::Config)| {
        let mut config = config.clone();
        change(&mut config);
        weir_cluster::Node::resume(config, &left, now).err()
    };
    assert_eq!(with(&|_| {}), None);
    assert_eq!(with(&|config| config.shared.push(1)), Some(ResumeError::Changed));
    assert_eq!(with(&|config| config.host = HostId::new(2).expect("host")), Some(ResumeError::Changed));
    assert_eq!(with(&|config| config.keys.accepted = [(1, Secret(vec![8; 32]))].into()), Some(ResumeError::Changed));
    let at = |host: u64, nic: u64| {
        let now =
            weir_cluster::Now { host: weir_cluster::HostTime(now.host.0 + host), nic: weir_cluster::NicTime(nic) };
        weir_cluster::Node::resume(config.clone(), &left, now).err()
    };
    assert_eq!(at(3 * SECOND, now.nic.0 + 3 * SECOND), None);
    // A NIC that was reset, and one that has run for longer than this host.
    assert_eq!(at(3 * SECOND, 3 * SECOND), Some(ResumeError::Clock));
    assert_eq!(at(3 * SECOND, now.nic.0), Some(ResumeError::Clock));
    assert_eq!(at(0, now.nic.0 + SECOND), Some(ResumeError::Clock));
    for end in (0..left.len()).step_by(7) {
        let cut = weir_cluster::Node::resume(config.clone(), &left[..end], now).err();
        assert_eq!(cut, Some(ResumeError::Unreadable), "{end} octets");
    }
}

#[test]
fn what_a_host_lists_for_the_next_epoch_outlives_the_commit_of_one_without_it() {
    let mut cluster = Cluster::converged(4, 12, |config| config.mode = weir_cluster::Mode::Quorum);
    cluster.connect_all(16);
    cluster.isolate(3);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!(!cluster.hosts[3].sockets.is_empty(), "its connections outlive its absence");
    // Most of the buckets that it had stay with others.
    cluster.handle(3, Event::SetLoad { slot: 0, load: Load::Weight(5) });
    cluster.heal();
    cluster.run(4900 * MS);
    // Others are an epoch ahead of this one, with the host that returns, before its NIC has taken the one without it.
    cluster.handle(2, Event::SetLoad { slot: 0, load: Load::Weight(40) });
    assert!(cluster.drive(SECOND, |c| c.phase(1) == PhaseKind::Released), "{:#?}", cluster.statuses());
    cluster.hosts[1].slow = true;
    cluster.run(3 * SECOND);
    let (with, without) = (cluster.status(3).and_then(|s| s.proposed), cluster.epoch(1));
    assert!(with.is_some_and(|with| with > without), "{:#?}", cluster.statuses());
    cluster.hosts[1].slow = false;
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
    cluster.run(5 * SECOND);
    assert!(cluster.hosts[3].sockets.iter().all(|flow| cluster.passes(3, flow)), "it has them again");
}

#[test]
fn what_an_incarnation_listed_for_an_epoch_that_died_with_it_does_not_outlive_the_next_one() {
    // Whether that ranks above or below is chance.
    for seed in 0..8 {
        let mut cluster = Cluster::converged(2, 50 + seed, |_| {});
        let flows = cluster.connect_all(16);
        cluster.pause(1);
        cluster.handle(0, Event::SetLoad { slot: 0, load: Load::Weight(10) });
        cluster.run(100 * MS);
        assert!(pins(&cluster, 0) > 20, "it has listed what waits for an agent that stands still");
        cluster.crash(0);
        cluster.hosts[0].sockets.clear();
        cluster.start(0);
        cluster.run(SECOND);
        cluster.resume(1);
        cluster.run(MS);
        assert!(left_alone(&cluster, 1) > 20, "seed {seed}: {:#?}", cluster.statuses());
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
        assert_eq!(left_alone(&cluster, 1), 0, "seed {seed}: {:#?}", cluster.statuses());
        end(&mut cluster, &flows, true);
        assert!(cluster.drive(5 * SECOND, all_ordinary), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn what_ends_after_a_change_was_given_up_half_way_is_told_with_all_that_has_not_ended() {
    let mut cluster = Cluster::converged(4, 60, |config| config.mode = weir_cluster::Mode::Quorum);
    cluster.connect_all(16);
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(30) });
    cluster.run(2 * SECOND);
    let listed = left_alone(&cluster, 2);
    assert!(listed > 5, "{:#?}", cluster.statuses());
    // The next change comes as far as the release of one host, and is given up for want of another.
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(10) });
    let both = |c: &Cluster| c.phase(1) == PhaseKind::Listed && c.phase(3) == PhaseKind::Listed;
    assert!(cluster.drive(SECOND, both), "{:#?}", cluster.statuses());
    cluster.crash(3);
    cluster.run(4 * SECOND);
    assert_eq!(cluster.hosts[1].programs.last().map(|(_, step)| *step), Some(Step::Release));
    // Who would propose again stands still for a moment.
    cluster.pause(0);
    let given_up = |c: &Cluster| c.phase(1) == PhaseKind::Agreeing && c.phase(2) == PhaseKind::Agreeing;
    assert!(cluster.drive(2 * SECOND, given_up), "{:#?}", cluster.statuses());
    let ends: Vec<(usize, Flow)> = cluster.hosts[1].sockets.iter().map(|flow| (1, *flow)).step_by(9).collect();
    end(&mut cluster, &ends, true);
    cluster.run(200 * MS);
    assert!(cluster.status(1).is_some_and(|s| !s.fenced) && left_alone(&cluster, 2) > 5, "{:#?}", cluster.statuses());
    cluster.resume(0);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}

#[test]
fn while_a_kernel_does_not_say_what_lives_nothing_is_released_and_what_was_planned_happens_later() {
    let (mut cluster, _) = three_of_four(61);
    cluster.hosts[1].silent_kernel = true;
    let before: Vec<u32> = (0..3).map(|host| cluster.owned(host)).collect();
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Weight(10) });
    cluster.run(30 * SECOND);
    assert!((0..3).map(|host| cluster.owned(host)).eq(before), "{:#?}", cluster.statuses());
    let released = |host: &crate::fixture::Host| host.programs.iter().any(|(_, step)| *step == Step::Release);
    assert!(!cluster.hosts.iter().any(released));
    cluster.hosts[1].silent_kernel = false;
    assert!(cluster.drive(15 * SECOND, |c| c.owned(1) < 1000 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}
