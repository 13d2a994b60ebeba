//! How hosts come to one epoch.

use weir_cluster::{Addressing, Cause, Event, Filtering, HostId, Load, PhaseKind, Report, Step};
use weir_spec::mac::Mac;

use crate::fixture::{Cluster, MS, SECOND};

#[test]
fn four_hosts_converge_to_one_epoch_and_each_bucket_is_owned_exactly_once() {
    let cluster = Cluster::converged(4, 1, |_| {});
    assert_eq!(cluster.covered(), 4096);
    for host in 0..4 {
        assert_eq!(cluster.owned(host), 1024);
        let status = cluster.status(host).expect("up");
        assert_eq!(status.default_host, HostId::new(1));
        assert_eq!(status.epoch.counter, 1, "at the first try");
        // The default rule belongs to the default host alone.
        assert_eq!(status.rules.last().expect("default rule").held, if host == 0 { 4096 } else { 0 });
    }
    assert!(cluster.at < 6 * SECOND, "listening takes five seconds, the rest is exchanges: {}", cluster.at);
}

#[test]
fn sixteen_hosts_converge_with_equal_shares() {
    let cluster = Cluster::converged(16, 2, |_| {});
    assert!((0..16).all(|host| cluster.owned(host) == 256));
}

#[test]
fn one_host_alone_serves_after_a_whole_tolerance_and_not_before() {
    let mut cluster = Cluster::new(1, 3, |_| {});
    cluster.start(0);
    cluster.run(4900 * MS);
    assert!(!cluster.accepts(0));
    assert!(cluster.drive(SECOND, |c| c.are_one(&[0])));
}

#[test]
fn a_joiner_passes_nothing_until_it_is_converged() {
    let mut cluster = Cluster::new(4, 4, |_| {});
    for host in [0, 1, 3] {
        cluster.start(host);
    }
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 3])));
    cluster.start(2);
    let before: Vec<_> = [0, 1, 3].map(|host| cluster.hosts[host].nic.owned[0]).to_vec();
    while !cluster.are_one(&[0, 1, 2, 3]) {
        assert!(cluster.step(30 * SECOND), "{:#?}", cluster.statuses());
        if cluster.reported(2, 0, |r| matches!(r, Report::Converged { .. })).is_none() {
            let programmed = cluster.hosts[2].programs.iter().any(|(_, step)| *step == Step::Own);
            assert!(!cluster.accepts(2) || programmed, "{:#?}", cluster.statuses());
        }
    }
    for (index, host) in [0, 1, 3].into_iter().enumerate() {
        let now = cluster.hosts[host].nic.owned[0];
        assert!(now.iter().zip(&before[index]).all(|(now, before)| now & !before == 0), "host {host} gained nothing");
    }
    assert_eq!(cluster.owned(2), 1024);
}

#[test]
fn losers_release_before_gainers_own() {
    let mut cluster = Cluster::converged(3, 5, |_| {});
    let start = cluster.at;
    // Host 1 weighs double from now on: hosts 2 and 3 lose.
    cluster.handle(0, Event::SetLoad { slot: 0, load: Load::Weight(100) });
    assert!(cluster.drive(2 * SECOND, |c| c.owned(0) == 2048 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    let first = |host: usize, step| {
        let found = cluster.hosts[host].programs.iter().find(|(at, s)| *at >= start && *s == step);
        found.map(|(at, _)| *at)
    };
    assert_eq!(first(0, Step::Release), None, "who loses nothing releases nothing");
    let owned = first(0, Step::Own).expect("host 1 gained");
    for loser in [1, 2] {
        assert!(first(loser, Step::Release).expect("released") < owned);
    }
}

#[test]
fn a_change_of_weight_moves_no_more_than_it_must_and_takes_no_period() {
    let mut cluster = Cluster::converged(4, 6, |_| {});
    let (start, before) = (cluster.at, cluster.hosts[3].nic.owned[0]);
    cluster.handle(3, Event::SetLoad { slot: 0, load: Load::Weight(0) });
    assert!(cluster.drive(SECOND / 2, |c| c.owned(3) == 0 && c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
    assert!(cluster.at - start < 100 * MS, "{}", cluster.at - start);
    assert_eq!(before.iter().map(|word| word.count_ones()).sum::<u32>(), 1024);
    assert_eq!(cluster.covered(), 4096);
}

#[test]
fn weights_that_change_while_a_proposal_is_on_its_way_are_followed_at_once() {
    for first in 0..4usize {
        let mut cluster = Cluster::converged(4, 3, |_| {});
        let weigh = |weight| Event::SetLoad { slot: 0, load: Load::Weight(weight) };
        cluster.handle(first, weigh(10));
        assert!(cluster.drive(SECOND, |c| c.status(0).is_some_and(|s| s.proposed.is_some())));
        // Those who have not loaded it will not, since it is not what they want.
        (1..4).filter(|&host| host != first).for_each(|host| cluster.handle(host, weigh(90)));
        let at = cluster.at;
        cluster.run(100 * MS);
        assert!(cluster.drive(SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{first}: {:#?}", cluster.statuses());
        assert!(cluster.owned(if first == 3 { 2 } else { 3 }) > 1300, "{first}: {:#?}", cluster.statuses());
        assert!(cluster.at - at < SECOND, "{first}");
    }
}

#[test]
fn single_host_rules_go_to_the_lowest_handling_priority_and_back() {
    let single = |config: &mut weir_cluster::Config| {
        // Host 3 ranks first for this rule.
        config.rules[1].filtering = Filtering::Single(4 - config.host.get());
    };
    let mut cluster = Cluster::converged(3, 7, single);
    let held = |c: &Cluster, host: usize| c.status(host).expect("up").rules[1].held;
    assert_eq!([0, 1, 2].map(|host| held(&cluster, host)), [0, 0, 4096]);
    cluster.crash(2);
    assert!(cluster.drive(7 * SECOND, |c| c.are_one(&[0, 1])));
    assert_eq!([0, 1].map(|host| held(&cluster, host)), [0, 4096]);
    cluster.start(2);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1, 2])));
    assert_eq!([0, 1, 2].map(|host| held(&cluster, host)), [0, 0, 4096]);
}

#[test]
fn all_weights_zero_is_nobody() {
    let mut cluster = Cluster::new(2, 8, |config| config.rules[0].filtering = Filtering::Multiple(Load::Weight(0)));
    (0..2).for_each(|host| cluster.start(host));
    assert!(cluster.drive(8 * SECOND, |c| (0..2).all(|host| c.phase(host) == PhaseKind::Stable)));
    assert_eq!(cluster.covered(), 0);
}

#[test]
fn a_host_that_stops_is_excluded_at_once_and_may_start_again() {
    let mut cluster = Cluster::converged(4, 9, |_| {});
    let start = cluster.at;
    cluster.handle(1, Event::Stop);
    assert!(cluster.drive(SECOND, |c| c.are_one(&[0, 2, 3])), "{:#?}", cluster.statuses());
    assert!(cluster.at - start < 100 * MS, "exchanges, not periods: {} us", cluster.at - start);
    assert_eq!(cluster.phase(1), PhaseKind::Stopped);
    cluster.run(20 * SECOND);
    assert!(cluster.are_one(&[0, 2, 3]));
    cluster.start_again(1);
    assert!(cluster.drive(7 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
}

#[test]
fn a_new_default_host_joins_a_cluster_whose_table_it_has_to_ask_for() {
    let mut cluster = Cluster::new(3, 10, |_| {});
    (1..3).for_each(|host| cluster.start(host));
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[1, 2])));
    let before = [1, 2].map(|host| cluster.hosts[host].nic.owned[0]);
    cluster.start(0);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    for (index, host) in [1, 2].into_iter().enumerate() {
        let now = cluster.hosts[host].nic.owned[0];
        assert!(now.iter().zip(&before[index]).all(|(now, before)| now & !before == 0), "the old table was the base");
    }
}

#[test]
fn a_new_default_host_starts_from_the_table_of_members_who_are_at_another_proposal() {
    let mut cluster = Cluster::converged(4, 3, |_| {});
    // So that the table is another than one that is made from nothing.
    for (host, weight) in [(1, 0), (2, 0), (1, 50), (3, 0), (2, 50), (3, 50)] {
        cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(weight) });
        cluster.run(SECOND);
    }
    cluster.crash(0);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[1, 2, 3])), "{:#?}", cluster.statuses());
    let before = [1, 2, 3].map(|host| cluster.hosts[host].nic.owned[0]);
    cluster.start(0);
    cluster.run(4900 * MS);
    // One NIC takes long to release, so all show the proposal for a while, and none the epoch that is in force.
    cluster.hosts[2].slow = true;
    cluster.handle(2, Event::SetLoad { slot: 0, load: Load::Weight(30) });
    cluster.run(3 * SECOND);
    assert!(
        cluster.phase(0) != PhaseKind::Listening && cluster.phase(1) != PhaseKind::Stable,
        "{:#?}",
        cluster.statuses()
    );
    cluster.hosts[2].slow = false;
    assert!(cluster.drive(30 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
    for (a, b) in [(1, 3), (3, 1), (1, 2), (3, 2)] {
        let (had, has) = (before[a - 1], cluster.hosts[b].nic.owned[0]);
        let moved: u32 = had.iter().zip(has).map(|(had, has)| (had & has).count_ones()).sum();
        assert_eq!(moved, 0, "buckets went from host {} to host {}, and both stay", a + 1, b + 1);
    }
}

fn stays_out(number: u8, seed: u64, cause: Cause, words: &str, change: impl Fn(&mut weir_cluster::Config)) {
    let odd = HostId::new(number).expect("host");
    let mut cluster = Cluster::new(4, seed, |config| {
        if config.host == odd {
            change(config);
        }
    });
    let odd = usize::from(number) - 1;
    let others: Vec<usize> = (0..4).filter(|&host| host != odd).collect();
    others.iter().for_each(|&host| cluster.start(host));
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&others)), "{:#?}", cluster.statuses());
    cluster.start(odd);
    cluster.run(20 * SECOND);
    assert!(cluster.are_one(&others), "the converged go on: {:#?}", cluster.statuses());
    assert!(!cluster.accepts(odd));
    assert_eq!(cluster.phase(odd), PhaseKind::Agreeing);
    assert_eq!(cluster.status(odd).expect("up").cause, cause);
    let told = cluster.hosts[others[0]].reports.iter().filter_map(|(_, report)| match report {
        Report::Mismatch { host, difference } => Some((*host, *difference)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let [(host, difference)] = told[..] else { panic!("told once: {told:?}") };
    assert_eq!((host.get(), difference.cause()), (number, cause));
    assert!(difference.to_string().contains(words), "{difference}");
    for host in others.iter().map(|&host| cluster.status(host).expect("up")) {
        assert_eq!(host.hosts[odd].mismatch, Some(difference), "each of them says the same of the odd one alone");
        assert_eq!(host.hosts.iter().filter(|host| host.mismatch.is_some()).count(), 1);
    }
}

#[test]
fn a_host_with_other_rules_stays_out_and_says_why() {
    for number in [1, 3] {
        stays_out(number, 11, Cause::RuleCount, "it has 1 port rules, here there are", |config| {
            config.rules.truncate(1)
        });
        stays_out(number, 12, Cause::Rules, "its rule 0 has code", |config| config.rules[0].last_port = 81);
        stays_out(number, 13, Cause::Parameters, "a digest differs", |config| config.shared.push(1));
        stays_out(number, 14, Cause::Mode, "its partition mode is quorum", |config| {
            config.mode = weir_cluster::Mode::Quorum
        });
        stays_out(number, 18, Cause::Parameters, "its heartbeats go to 03-bf-", |config| {
            config.addressing = Addressing::Multicast { own: Mac([0x02, 0, 0, 0, 1, 1]) };
            config.shared.push(1);
        });
        stays_out(number, 15, Cause::Rules, "its rule 1 has code", |config| {
            config.rules[1].filtering = Filtering::Single(3)
        });
    }
}

#[test]
fn hosts_of_two_minds_that_start_together_do_not_both_serve() {
    let mut cluster = Cluster::new(2, 16, |config| config.shared = vec![config.host.get()]);
    (0..2).for_each(|host| cluster.start(host));
    cluster.run(30 * SECOND);
    assert_eq!([cluster.accepts(0), cluster.accepts(1)], [true, false], "{:#?}", cluster.statuses());
}

#[test]
fn two_hosts_of_one_priority_do_not_take_each_others_place() {
    // The third machine claims priority 2.
    let two = HostId::new(2).expect("host");
    let mut cluster = Cluster::new(3, 17, |config| {
        if config.host.get() == 3 {
            config.host = two;
        }
    });
    (0..2).for_each(|host| cluster.start(host));
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1])));
    let epoch = cluster.epoch(0);
    cluster.start(2);
    cluster.run(30 * SECOND);
    assert!(cluster.are_one(&[0, 1]), "{:#?}", cluster.statuses());
    assert_eq!(cluster.epoch(0), epoch);
    assert!(!cluster.accepts(2));
    assert_eq!(cluster.status(2).expect("up").cause, Cause::DuplicateHost);
    for host in [1, 2] {
        assert!(cluster.reported(host, 0, |r| *r == Report::DuplicatePriority).is_some());
    }
}
