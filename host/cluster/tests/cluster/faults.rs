//! What breaks, and what holds nevertheless.

use weir_cluster::{Cause, Event, Mode, PhaseKind, Report};

use crate::fixture::{Cluster, MS, SECOND};

const ALL: [usize; 4] = [0, 1, 2, 3];

fn quorum(config: &mut weir_cluster::Config) {
    config.mode = Mode::Quorum;
}

#[test]
fn a_crash_is_taken_over_within_five_and_a_half_seconds_and_survivors_keep_their_buckets() {
    for seed in 0..20 {
        let mut cluster = Cluster::converged(4, seed, |_| {});
        let wait = cluster.dice.below(SECOND);
        cluster.run(wait);
        let crashed = cluster.at;
        let before = ALL.map(|host| cluster.hosts[host].nic.owned[0]);
        let gone = (seed % 4) as usize;
        cluster.crash(gone);
        let left: Vec<usize> = ALL.into_iter().filter(|&host| host != gone).collect();
        assert!(cluster.drive(8 * SECOND, |c| c.are_one(&left)), "{:#?}", cluster.statuses());
        assert!(cluster.at - crashed <= 5500 * MS, "{} us", cluster.at - crashed);
        for host in left {
            let now = cluster.hosts[host].nic.owned[0];
            assert!(now.iter().zip(&before[host]).all(|(now, before)| before & !now == 0), "a survivor lost a bucket");
        }
    }
}

#[test]
fn fast_settings_take_over_fast() {
    let fast = |config: &mut weir_cluster::Config| {
        config.period = 6 * MS;
        config.skew = 500;
    };
    let mut cluster = Cluster::converged(4, 1, fast);
    let crashed = cluster.at;
    cluster.crash(3);
    assert!(cluster.drive(SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!(cluster.at - crashed <= 60 * MS, "{} us", cluster.at - crashed);
}

#[test]
fn a_paused_host_is_fenced_before_others_own_its_buckets_and_rejoins() {
    for (seed, mode) in (0..10).flat_map(|seed| [(seed, Mode::Availability), (seed, Mode::Quorum)]) {
        let mut cluster = Cluster::converged(4, seed, |config| config.mode = mode);
        cluster.strict = true;
        cluster.pause(2);
        let paused = cluster.at;
        assert!(cluster.drive(6 * SECOND, |c| !c.accepts(2)));
        let fenced = cluster.at;
        assert!(cluster.drive(6 * SECOND, |c| c.are_one(&[0, 1, 3])), "{:#?}", cluster.statuses());
        assert!(fenced < cluster.at && cluster.at - paused < 5500 * MS);
        cluster.run(3 * SECOND);
        cluster.resume(2);
        assert!(cluster.reported(2, cluster.at, |r| matches!(r, Report::Resumed { .. })).is_some());
        let before = cluster.ended_half_open();
        assert!(cluster.drive(15 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
        let after = cluster.ended_half_open();
        assert!(after[2] > before[2], "others have answered its clients' SYNs");
        assert_eq!([after[0], after[1], after[3]], [before[0], before[1], before[3]]);
    }
}

#[test]
fn a_short_pause_changes_nothing() {
    let mut cluster = Cluster::converged(4, 1, |_| {});
    let epoch = cluster.epoch(0);
    cluster.pause(1);
    cluster.run(2 * SECOND);
    cluster.resume(1);
    cluster.run(20 * SECOND);
    assert!(cluster.are_one(&ALL) && cluster.epoch(0) == epoch, "{:#?}", cluster.statuses());
}

#[test]
fn a_pause_that_outlasts_the_lease_by_a_little_is_healed_by_the_same_epoch() {
    // All hosts of a two-host cluster paused at once: nobody excludes anybody, both NICs are fenced.
    let mut cluster = Cluster::converged(2, 2, |_| {});
    cluster.strict = true;
    let (epoch, ended) = (cluster.epoch(0), cluster.ended_half_open());
    cluster.pause(0);
    cluster.pause(1);
    cluster.run(7 * SECOND);
    assert!(!cluster.accepts(0) && !cluster.accepts(1));
    cluster.resume(0);
    cluster.resume(1);
    // Somebody else might serve by now: they listen for a tolerance.
    assert!(cluster.drive(6 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    assert_eq!(cluster.epoch(0), epoch);
    assert_eq!(cluster.ended_half_open(), ended, "nobody else has had their buckets");
    assert!(cluster.reported(0, 0, |r| *r == Report::Unfenced).is_some());
}

#[test]
fn a_host_that_gave_up_all_others_proposes_when_they_are_back_by_the_same_epoch() {
    let mut cluster = Cluster::converged(3, 2, quorum);
    cluster.strict = true;
    cluster.isolate(0);
    [1, 2].into_iter().for_each(|host| cluster.pause(host));
    cluster.run(7 * SECOND);
    cluster.heal();
    // They have counted no silence, so they wait for the one that has, under the epoch that all three show.
    [1, 2].into_iter().for_each(|host| cluster.resume(host));
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}

#[test]
fn a_mute_host_is_fenced_though_it_hears_everybody() {
    for mode in [Mode::Availability, Mode::Quorum] {
        for host in ALL {
            let mut cluster = Cluster::converged(4, 3, |config| config.mode = mode);
            cluster.strict = true;
            cluster.mute(host);
            let left: Vec<usize> = ALL.into_iter().filter(|&other| other != host).collect();
            assert!(cluster.drive(8 * SECOND, |c| c.are_one(&left)), "{:#?}", cluster.statuses());
            cluster.run(20 * SECOND);
            assert!(cluster.are_one(&left) && !cluster.accepts(host), "{:#?}", cluster.statuses());
            cluster.heal();
            assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
        }
    }
}

#[test]
fn a_mute_host_of_two_is_fenced_and_the_other_serves() {
    let mut cluster = Cluster::converged(2, 4, |_| {});
    cluster.strict = true;
    cluster.mute(0);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[1])), "{:#?}", cluster.statuses());
    cluster.run(20 * SECOND);
    assert!(!cluster.accepts(0), "hearing without being echoed never renews");
    cluster.heal();
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
}

#[test]
fn a_deaf_or_isolated_host_is_fenced_in_quorum_mode_before_others_own_its_buckets() {
    for (host, deaf) in ALL.into_iter().flat_map(|host| [(host, true), (host, false)]) {
        let mut cluster = Cluster::converged(4, 5, quorum);
        cluster.strict = true;
        if deaf {
            cluster.deafen(host)
        } else {
            cluster.isolate(host)
        }
        let left: Vec<usize> = ALL.into_iter().filter(|&other| other != host).collect();
        assert!(cluster.drive(16 * SECOND, |c| c.are_one(&left)), "{:#?}", cluster.statuses());
        cluster.run(20 * SECOND);
        assert!(!cluster.accepts(host));
        cluster.heal();
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
    }
}

#[test]
fn a_deaf_host_in_availability_mode_serves_alone_and_yields_when_it_hears() {
    let mut cluster = Cluster::converged(4, 6, |_| {});
    cluster.deafen(2);
    assert!(cluster.drive(16 * SECOND, |c| c.are_one(&[0, 1, 3])), "{:#?}", cluster.statuses());
    cluster.run(5 * SECOND);
    cluster.heal();
    assert!(cluster.drive(2 * SECOND, |c| !c.accepts(2)), "{:#?}", cluster.statuses());
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
}

#[test]
fn one_broken_link_excludes_the_higher_host_and_the_view_settles() {
    for (both, mode) in [false, true].into_iter().flat_map(|b| [(b, Mode::Availability), (b, Mode::Quorum)]) {
        let mut cluster = Cluster::converged(4, 7, |config| config.mode = mode);
        cluster.strict = true;
        if both {
            cluster.cut_both(1, 2)
        } else {
            cluster.cut(1, 2)
        }
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 3])), "{:#?}", cluster.statuses());
        let epoch = cluster.epoch(0);
        cluster.run(30 * SECOND);
        assert!(cluster.are_one(&[0, 1, 3]) && cluster.epoch(0) == epoch, "{:#?}", cluster.statuses());
        assert!(!cluster.accepts(2));
        assert_eq!(cluster.status(2).expect("up").cause, Cause::OneWay);
        cluster.heal();
        let healed = cluster.at;
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
        assert!(cluster.at - healed >= 5 * SECOND - 10 * MS, "not before a whole tolerance of good links");
    }
}

#[test]
fn both_sides_of_a_partition_serve_in_availability_and_the_lesser_fences_on_contact() {
    let mut cluster = Cluster::converged(4, 8, |_| {});
    cluster.partition(&[3]);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1, 2]) && c.are_one(&[3])), "{:#?}", cluster.statuses());
    cluster.run(10 * SECOND);
    cluster.heal();
    let healed = cluster.at;
    assert!(cluster.drive(2 * SECOND, |c| !c.accepts(3)), "{:#?}", cluster.statuses());
    assert!(cluster.at - healed <= SECOND + 10 * MS, "within a period");
    assert!(cluster.are_one(&[0, 1, 2]), "the others serve on");
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
}

#[test]
fn the_lesser_of_two_that_never_met_fences_within_a_period_of_a_heal_whatever_it_asked_in_vain() {
    for (round, reorder) in (0..20).flat_map(|round| [(round, false), (round, true)]) {
        let mut cluster = Cluster::new(2, 17, |_| {});
        (cluster.delay, cluster.reorder) = (10 * MS, reorder);
        cluster.grace = SECOND + 60 * MS;
        // The lesser hears the other, and asks it in vain who it is.
        cluster.cut(1, 0);
        cluster.start(1);
        cluster.run(7 * SECOND);
        cluster.start(0);
        cluster.run(8 * SECOND + round * 50 * MS);
        assert!(cluster.are_one(&[0]) && cluster.are_one(&[1]), "{:#?}", cluster.statuses());
        cluster.heal();
        assert!(cluster.drive(SECOND + 60 * MS, |c| !c.accepts(1)), "round {round}: {:#?}", cluster.statuses());
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    }
}

#[test]
fn who_does_not_serve_owns_nothing_beside_one_that_came_back_across_a_partition_and_serves() {
    for seed in 0..10 {
        let mut cluster = Cluster::converged(4, 40 + seed, |_| {});
        // Fenced by the echoes that the deaf one owes them, the others give up the crashed one first, and then the deaf one.
        cluster.deafen(3);
        cluster.crash(2);
        let alone = |c: &Cluster| c.are_one(&[3]) && c.phase(0) == PhaseKind::Listed && !c.accepts(0);
        assert!(cluster.drive(15 * SECOND, alone), "{:#?}", cluster.statuses());
        cluster.heal();
        assert!(cluster.drive(60 * SECOND, |c| c.are_one(&[0, 1, 3])), "{:#?}", cluster.statuses());
    }
}

#[test]
fn half_open_connections_end_where_those_who_went_on_have_been_restarted_since() {
    let mut cluster = Cluster::converged(2, 19, |_| {});
    cluster.pause(1);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0])), "{:#?}", cluster.statuses());
    // It forgets that it has had all buckets.
    cluster.crash(0);
    cluster.run(6 * SECOND);
    cluster.start(0);
    cluster.run(SECOND);
    let ended = cluster.ended_half_open()[1];
    cluster.resume(1);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
    assert!(cluster.ended_half_open()[1] > ended);
}

#[test]
fn who_was_fenced_while_the_other_side_served_ends_half_open_connections_whichever_has_counted_further() {
    for rounds in [0, 4] {
        let mut cluster = Cluster::converged(2, 18, |_| {});
        cluster.cut_both(0, 1);
        assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0]) && c.are_one(&[1])), "{:#?}", cluster.statuses());
        for round in 0..rounds {
            let load = weir_cluster::Load::Weight(10 + round);
            cluster.handle(0, Event::SetLoad { slot: 0, load });
            cluster.run(SECOND);
        }
        cluster.pause(0);
        assert!(cluster.drive(7 * SECOND, |c| !c.accepts(0)), "{:#?}", cluster.statuses());
        cluster.heal();
        let ended = cluster.ended_half_open();
        cluster.resume(0);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
        let after = cluster.ended_half_open();
        assert_eq!((after[0] > ended[0], after[1]), (true, ended[1]), "{rounds}: {:#?}", cluster.statuses());
    }
}

#[test]
fn of_two_equal_parts_the_one_with_the_lowest_host_wins() {
    let mut cluster = Cluster::converged(4, 9, |_| {});
    cluster.partition(&[0, 1]);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1]) && c.are_one(&[2, 3])), "{:#?}", cluster.statuses());
    cluster.heal();
    assert!(cluster.drive(2 * SECOND, |c| !c.accepts(2) && !c.accepts(3)), "{:#?}", cluster.statuses());
    assert!(cluster.are_one(&[0, 1]));
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
}

#[test]
fn only_the_majority_of_a_partition_serves_in_quorum() {
    let mut cluster = Cluster::converged(5, 10, quorum);
    cluster.strict = true;
    cluster.partition(&[0, 1]);
    assert!(cluster.drive(16 * SECOND, |c| c.are_one(&[2, 3, 4])), "{:#?}", cluster.statuses());
    cluster.run(20 * SECOND);
    assert!(!cluster.accepts(0) && !cluster.accepts(1));
    assert_eq!(cluster.status(0).expect("up").cause, Cause::NoQuorum);
    cluster.heal();
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2, 3, 4])), "{:#?}", cluster.statuses());
}

#[test]
fn a_crash_in_any_phase_restarts_from_the_view() {
    let mut seen = std::collections::BTreeSet::new();
    for victim in 0..4usize {
        for phase in [PhaseKind::Listening, PhaseKind::Agreeing, PhaseKind::Loaded, PhaseKind::Released] {
            let mut cluster = Cluster::new(4, 11, |_| {});
            cluster.strict = true;
            [0, 1, 2].iter().for_each(|&host| cluster.start(host));
            assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1, 2])));
            cluster.start(3);
            // The joiner sees all phases, the members those from the proposal on.
            if !cluster.drive(7 * SECOND, |c| c.phase(victim) == phase) {
                continue;
            }
            seen.insert((victim == 3, phase));
            cluster.crash(victim);
            let left: Vec<usize> = ALL.into_iter().filter(|&host| host != victim).collect();
            assert!(cluster.drive(16 * SECOND, |c| c.are_one(&left)), "{victim} {phase}: {:#?}", cluster.statuses());
            cluster.start(victim);
            assert!(cluster.drive(16 * SECOND, |c| c.are_one(&ALL)), "{victim} {phase}: {:#?}", cluster.statuses());
        }
    }
    for phase in [PhaseKind::Loaded, PhaseKind::Released] {
        assert!(seen.contains(&(true, phase)) && seen.contains(&(false, phase)), "{seen:?}");
    }
    assert!(seen.contains(&(true, PhaseKind::Listening)));
}

#[test]
fn a_restart_finds_the_old_map_in_the_nic_and_owns_nothing_until_it_is_taken_in() {
    let mut cluster = Cluster::converged(4, 12, |_| {});
    cluster.strict = true;
    cluster.crash(1);
    cluster.run(500 * MS);
    assert!(cluster.accepts(1), "the NIC goes on for its lease");
    cluster.start(1);
    cluster.run(10 * MS);
    assert!(!cluster.accepts(1), "the first program takes everything");
    let restarted = cluster.at;
    assert!(cluster.drive(4 * SECOND, |c| c.are_one(&[0, 2, 3])), "{:#?}", cluster.statuses());
    assert!(cluster.at - restarted < 3 * SECOND, "nobody waits for a promise to a host that owns nothing");
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
}

#[test]
fn all_hosts_but_one_may_fail() {
    let mut cluster = Cluster::converged(4, 13, |_| {});
    for gone in [0, 1, 2] {
        cluster.crash(gone);
        cluster.run(300 * MS);
    }
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[3])), "{:#?}", cluster.statuses());
    assert_eq!(cluster.covered(), 4096);
}

#[test]
fn a_survivor_of_two_serves_its_own_buckets_without_a_gap() {
    let mut cluster = Cluster::converged(2, 14, |_| {});
    cluster.crash(1);
    while !cluster.are_one(&[0]) {
        assert!(cluster.step(60 * SECOND));
        assert!(cluster.accepts(0), "{:#?}", cluster.statuses());
    }
}

#[test]
fn a_pulled_cable_fences_and_a_plugged_one_waits_a_whole_tolerance() {
    let mut cluster = Cluster::converged(3, 15, |_| {});
    cluster.isolate(2);
    cluster.handle(2, Event::Link { up: false });
    assert!(cluster.drive(6 * SECOND, |c| !c.accepts(2)));
    cluster.run(10 * SECOND);
    assert!(!cluster.accepts(2) && cluster.are_one(&[0, 1]), "{:#?}", cluster.statuses());
    cluster.heal();
    cluster.handle(2, Event::Link { up: true });
    assert!(cluster.drive(12 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}

#[test]
fn a_nic_that_takes_no_program_keeps_its_host_out() {
    let mut cluster = Cluster::converged(3, 16, |_| {});
    cluster.handle(2, Event::SetLoad { slot: 0, load: weir_cluster::Load::Weight(10) });
    assert!(cluster.drive(SECOND, |c| c.phase(2) == PhaseKind::Released || c.hosts[2].programs.len() > 2));
    let mut word = None;
    for epoch in 0..0x300u32 {
        let before = cluster.hosts[2].reports.len();
        cluster.handle(2, Event::ProgramFailed { epoch });
        if cluster.hosts[2].reports[before..].iter().any(|(_, r)| *r == Report::NicFailed) {
            word = Some(epoch);
            break;
        }
    }
    assert!(word.is_some(), "a program was under way");
    assert_eq!(cluster.phase(2), PhaseKind::Listening);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}

/// One of three loses its power or stands still, and the other two each other in one direction: each of them has a majority with it
/// alone.
#[test]
fn two_that_both_would_have_the_third_do_not_take_it_from_each_other_for_ever() {
    for seed in 0..12 {
        let mut cluster = Cluster::converged(3, 90 + seed, quorum);
        cluster.strict = true;
        let wait = cluster.dice.below(2 * SECOND);
        cluster.run(wait);
        let stands_still = seed % 3 == 0;
        if stands_still {
            cluster.pause(2);
        } else {
            cluster.crash(2);
            cluster.hosts[2].nic.lease = weir_spec::lease::Lease::default();
        }
        cluster.run(SECOND * (seed % 4));
        let (from, to) = if seed % 2 == 0 { (0, 1) } else { (1, 0) };
        cluster.cut(from, to);
        if stands_still {
            cluster.run(7 * SECOND);
            cluster.resume(2);
        } else {
            cluster.run(3 * SECOND);
            cluster.start(2);
        }
        // A tolerance until it may join, one for what was promised while both asked, and what a proposal takes.
        let one = |c: &Cluster| c.are_one(&[0, 2]) || c.are_one(&[1, 2]);
        assert!(cluster.drive(16 * SECOND, one), "seed {seed}: {:#?}", cluster.statuses());
        cluster.run(5 * SECOND);
        assert!(one(&cluster), "seed {seed}: {:#?}", cluster.statuses());
        cluster.heal();
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn a_fence_is_not_lifted_beside_the_other_side_of_a_partition() {
    for seed in 0..10 {
        let mut cluster = Cluster::converged(5, 110 + seed, |_| {});
        cluster.partition(&[3, 4]);
        let apart = |c: &Cluster| c.are_one(&[0, 1, 2]) && c.are_one(&[3, 4]);
        assert!(cluster.drive(8 * SECOND, apart), "{:#?}", cluster.statuses());
        [3, 4].into_iter().for_each(|host| cluster.pause(host));
        assert!(cluster.drive(7 * SECOND, |c| !c.accepts(3) && !c.accepts(4)), "{:#?}", cluster.statuses());
        // From here on nobody is excused.
        cluster.strict = true;
        cluster.heal();
        cluster.run(2 * SECOND);
        [3, 4].into_iter().for_each(|host| cluster.resume(host));
        assert!(cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2, 3, 4])), "{:#?}", cluster.statuses());
    }
}

#[test]
fn those_who_stood_still_together_hear_who_has_taken_over_before_they_serve_again() {
    for seed in 0..40 {
        let mut cluster = Cluster::converged(3, 180 + seed, |_| {});
        cluster.strict = true;
        cluster.crash(2);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
        [0, 1].into_iter().for_each(|host| cluster.pause(host));
        cluster.start(2);
        assert!(cluster.drive(30 * SECOND, |c| c.accepts(2)), "{:#?}", cluster.statuses());
        let wait = cluster.dice.below(SECOND);
        cluster.run(SECOND + wait);
        // What the third says may come later than what the other one does. Each step looks whether two NICs accept one bucket.
        cluster.delay = 20 * MS;
        [0, 1].into_iter().for_each(|host| cluster.resume(host));
        assert!(cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2])), "seed {seed}: {:#?}", cluster.statuses());
    }
}
