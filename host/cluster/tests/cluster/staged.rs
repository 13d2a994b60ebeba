//! Another configuration under live connections. The fixture checks at every step that none is cut, that none reaches two hosts,
//! and that no two NICs take the same new one, whichever configurations they go by.

use weir_cluster::{
    Change, ChangeError, Config, Event, Filtering, Flow, HostSet, Load, Micros, Mode, PhaseKind, Report,
};
use weir_spec::rules::Affinity;

use crate::fixture::{Cluster, MS, SECOND};

/// Affinity and port range of the first rule; the second stays as it is.
fn edit(config: &mut Config) {
    config.rules[0].last_port = 81;
    config.rules[0].affinity = Affinity::Single;
}

/// The rule changes its meaning, and one before it shifts all slots.
fn another(config: &mut Config) {
    let mut ssh = config.rules[0];
    (ssh.first_port, ssh.last_port) = (22, 22);
    config.rules.insert(0, ssh);
    config.rules[1].affinity = Affinity::Network;
}

/// Connections to both rules and to the default rule, some of which drain.
fn cluster(hosts: u8, seed: u64) -> Cluster {
    let mut cluster = Cluster::new(hosts, seed, |_| {});
    let last = usize::from(hosts) - 1;
    let all: Vec<usize> = (0..=last).collect();
    (0..last).for_each(|host| cluster.start(host));
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&all[..last])), "{:#?}", cluster.statuses());
    cluster.planned = true;
    for bucket in (0..4096u16).step_by(48) {
        for slot in 0..3 {
            cluster.connect(slot, bucket + u16::from(slot) * 5).expect("somebody owns it");
        }
    }
    cluster.start(last);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&all)), "{:#?}", cluster.statuses());
    cluster
}

fn all_run(cluster: &Cluster, config: &Config) -> bool {
    let all: Vec<usize> = (0..cluster.hosts.len()).collect();
    all.iter().all(|&host| cluster.hosts[host].config.digest() == config.digest()) && cluster.are_one(&all)
}

fn edited(config: &Config, change: impl Fn(&mut Config)) -> Config {
    let mut config = config.clone();
    change(&mut config);
    config
}

fn waits_for(cluster: &Cluster, host: usize) -> HostSet {
    cluster.status(host).expect("up").waits_for
}

fn number(host: usize, cluster: &Cluster) -> HostSet {
    HostSet::EMPTY.with(cluster.hosts[host].config.host)
}

#[test]
fn an_edited_rule_breaks_no_connection_and_is_in_force_when_the_last_host_has_it() {
    for seed in 0..6 {
        let hosts = 1 + 1 + (seed % 3) as u8;
        let mut cluster = cluster(hosts, seed);
        cluster.loss = 20 * (seed % 3);
        cluster.reorder = seed % 2 == 1;
        let change: fn(&mut Config) = if seed % 4 < 2 { edit } else { another };
        let target = edited(&cluster.hosts[0].config, change);
        let before = cluster.epoch(0);
        for host in (0..usize::from(hosts)).rev() {
            assert_eq!(cluster.epoch(0), before, "nobody goes ahead of a host that does not have it");
            assert_eq!(cluster.configure(host, change), Change::Staged);
            let wait = cluster.dice.below(1500 * MS);
            if host > 0 {
                cluster.run(3 * SECOND + wait);
                assert!(waits_for(&cluster, host).contains(cluster.hosts[0].config.host));
            }
        }
        assert!(cluster.drive(20 * SECOND, |c| all_run(c, &target)), "seed {seed}: {:#?}", cluster.statuses());
        assert!(
            (0..usize::from(hosts)).all(|host| cluster.reported(host, 0, |r| *r == Report::Reconfigured).is_some())
        );
        cluster.run(10 * SECOND);
        // New connections are accepted, by the new rules, and the old ones end in an ordinary cluster.
        for bucket in 0..50 {
            cluster.connect(0, bucket).expect("somebody");
        }
        cluster.hosts.iter_mut().for_each(|host| host.sockets.clear());
        let idle = |c: &Cluster| (0..c.hosts.len()).all(|host| c.hosts[host].nic.listed.is_empty());
        assert!(cluster.drive(10 * SECOND, idle), "seed {seed}: {:#?}", cluster.statuses());
    }
}

#[test]
fn what_does_not_change_is_served_all_the_while() {
    let mut cluster = cluster(4, 11);
    let owned = |c: &Cluster| -> u32 {
        let words = |host: &crate::fixture::Host| -> u32 {
            let at = host.nic.rules.iter().position(|rule| rule.first_port == 443).expect("the rule is there");
            host.nic.owned[at].iter().map(|word| word.count_ones()).sum()
        };
        c.hosts.iter().map(words).sum()
    };
    let target = edited(&cluster.hosts[0].config, edit);
    (0..4).for_each(|host| {
        cluster.configure(host, edit);
    });
    let end = cluster.at + 20 * SECOND;
    while !all_run(&cluster, &target) {
        assert!(cluster.step(end), "{:#?}", cluster.statuses());
        assert_eq!(owned(&cluster), 4096, "all buckets of the rule that stays are owned");
    }
}

#[test]
fn a_host_without_it_is_named_and_holds_it_up_until_it_has_it_or_is_lost() {
    let mut cluster = cluster(3, 21);
    let before = cluster.epoch(0);
    (0..2).for_each(|host| {
        cluster.configure(host, edit);
    });
    cluster.run(20 * SECOND);
    assert_eq!(cluster.epoch(0), before);
    assert_eq!(waits_for(&cluster, 0), number(2, &cluster));
    let staged = cluster.status(2).expect("up").staged;
    assert_eq!(staged.len(), 2, "the host without it hears of it: {staged:?}");
    // Its loss does not hold it up.
    cluster.planned = false;
    cluster.crash(2);
    cluster.hosts[2].sockets.clear();
    let target = edited(&cluster.hosts[0].config, edit);
    let done = |c: &Cluster| c.are_one(&[0, 1]) && c.hosts[..2].iter().all(|h| h.config.digest() == target.digest());
    assert!(cluster.drive(20 * SECOND, done), "{:#?}", cluster.statuses());
    // It comes back with the old one, waits, and names why; once it has the new one it joins.
    cluster.start(2);
    cluster.run(20 * SECOND);
    let status = cluster.status(2).expect("up");
    assert_eq!(status.phase, PhaseKind::Agreeing);
    assert_ne!(status.cause, weir_cluster::action::Cause::None);
    assert_eq!(cluster.configure(2, edit), Change::AtOnce, "it is in no epoch and need not wait");
    assert!(cluster.drive(20 * SECOND, |c| all_run(c, &target)), "{:#?}", cluster.statuses());
}

#[test]
fn two_different_ones_are_both_told_and_neither_comes_into_force() {
    let mut cluster = cluster(2, 31);
    let before = cluster.epoch(0);
    cluster.configure(0, edit);
    cluster.configure(1, another);
    cluster.run(20 * SECOND);
    assert_eq!(cluster.epoch(0), before);
    let staged = cluster.status(0).expect("up").staged;
    let mut names: Vec<_> = staged.values().collect();
    names.dedup();
    assert_eq!(names.len(), 2, "{staged:?}");
    cluster.configure(1, edit);
    let target = edited(&cluster.hosts[0].config, edit);
    assert!(cluster.drive(20 * SECOND, |c| all_run(c, &target)), "{:#?}", cluster.statuses());
}

#[test]
fn what_is_taken_back_is_not_put_in_force() {
    let mut cluster = cluster(3, 41);
    let before = cluster.epoch(0);
    (0..2).for_each(|host| {
        cluster.configure(host, edit);
    });
    cluster.run(2 * SECOND);
    (0..2).for_each(|host| cluster.handle(host, Event::Withdraw));
    cluster.run(2 * SECOND);
    assert!(cluster.status(2).expect("up").staged.is_empty());
    cluster.configure(2, edit);
    cluster.run(10 * SECOND);
    assert_eq!(cluster.epoch(0), before);
    assert_eq!(waits_for(&cluster, 2).len(), 2);
}

#[test]
fn what_is_taken_back_half_way_leaves_all_as_it_was() {
    for (seed, phase) in [PhaseKind::Loaded, PhaseKind::Listed, PhaseKind::Listed].into_iter().enumerate() {
        let mut cluster = driven_to(60 + seed as u64, phase);
        let before = cluster.hosts[0].config.digest();
        let wait = cluster.dice.below(MS / 2);
        cluster.run(wait);
        let someone = (0..4).find(|&host| cluster.phase(host) < PhaseKind::Released).expect("early");
        cluster.handle(someone, Event::Withdraw);
        let own = cluster.hosts[someone].config.host;
        assert!(!cluster.status(someone).expect("up").staged.contains_key(&own));
        cluster.run(20 * SECOND);
        assert!(cluster.are_one(&[0, 1, 2, 3]), "{phase}: {:#?}", cluster.statuses());
        assert!(cluster.hosts.iter().all(|host| host.config.digest() == before), "{phase}");
    }
}

/// Staged on all, driven to the moment at which some host is in `phase`.
fn driven_to(seed: u64, phase: PhaseKind) -> Cluster {
    let mut cluster = cluster(4, seed);
    (0..4).for_each(|host| {
        cluster.configure(host, edit);
    });
    let end = cluster.at + 10 * SECOND;
    while !(0..4).any(|host| cluster.phase(host) == phase && cluster.status(host).expect("up").proposed.is_some()) {
        assert!(cluster.step(end), "{phase}: {:#?}", cluster.statuses());
    }
    cluster
}

#[test]
fn a_crash_in_any_phase_costs_its_own_connections_and_no_others() {
    for (seed, phase) in
        [PhaseKind::Loaded, PhaseKind::Listed, PhaseKind::Released].into_iter().cycle().take(9).enumerate()
    {
        let mut cluster = driven_to(50 + seed as u64, phase);
        let victim = seed % 4;
        let wait: Micros = cluster.dice.below(6 * MS);
        cluster.run(wait);
        cluster.planned = false;
        cluster.crash(victim);
        let rest: Vec<usize> = (0..4).filter(|&host| host != victim).collect();
        let target = edited(&cluster.hosts[rest[0]].config, edit);
        let done =
            |c: &Cluster| c.are_one(&rest) && rest.iter().all(|&host| c.hosts[host].config.digest() == target.digest());
        assert!(cluster.drive(40 * SECOND, done), "{phase} of host {victim}: {:#?}", cluster.statuses());
        let cut: Vec<(usize, Flow)> = rest
            .iter()
            .flat_map(|&host| cluster.hosts[host].sockets.iter().map(move |flow| (host, *flow)))
            .filter(|(host, flow)| !cluster.passes(*host, flow))
            .collect();
        assert_eq!(cut, [], "{phase} of host {victim}");
    }
}

#[test]
fn a_lost_link_while_it_is_put_in_force_leaves_one_configuration() {
    for (seed, phase) in [PhaseKind::Listed, PhaseKind::Released].into_iter().cycle().take(6).enumerate() {
        let mut cluster = driven_to(80 + seed as u64, phase);
        cluster.planned = false;
        let wait = cluster.dice.below(6 * MS);
        cluster.run(wait);
        cluster.isolate(3);
        cluster.run(8 * SECOND);
        cluster.heal();
        let target = edited(&crate::fixture::config(1, 4), edit);
        assert!(cluster.drive(60 * SECOND, |c| all_run(c, &target)), "{phase}: {:#?}", cluster.statuses());
    }
}

#[test]
fn without_room_for_the_connections_nothing_changes_until_it_is_asked_again() {
    let mut cluster = cluster(3, 91);
    let before = cluster.hosts[0].config.digest();
    cluster.hosts[1].nic.room = cluster.hosts[1].nic.listed.len() + 20;
    (0..3).for_each(|host| {
        cluster.configure(host, edit);
    });
    cluster.run(30 * SECOND);
    assert!(cluster.are_one(&[0, 1, 2]), "{:#?}", cluster.statuses());
    assert!(cluster.hosts.iter().all(|host| host.config.digest() == before));
    assert!((0..3).any(|host| cluster.status(host).expect("up").no_room));
    cluster.hosts[1].nic.room = 4096;
    let target = edited(&cluster.hosts[0].config, edit);
    (0..3).for_each(|host| {
        cluster.configure(host, edit);
    });
    assert!(cluster.drive(20 * SECOND, |c| all_run(c, &target)), "{:#?}", cluster.statuses());
}

#[test]
fn a_load_applies_at_once_and_with_it_what_was_staged_is_taken_back() {
    let mut cluster = cluster(2, 101);
    cluster.configure(0, edit);
    let lighter = |config: &mut Config| config.rules[0].filtering = Filtering::Multiple(Load::Weight(10));
    assert_eq!(cluster.configure(0, lighter), Change::AtOnce);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1]) && c.owned(0) < 1000), "{:#?}", cluster.statuses());
    assert!(cluster.status(1).expect("up").staged.is_empty());
    assert_eq!(cluster.configure(0, |_| {}), Change::Nothing);
}

#[test]
fn what_no_epoch_can_change_is_refused_by_name() {
    let cluster = cluster(2, 111);
    let now = cluster.hosts[0].now(cluster.at);
    let node = cluster.hosts[0].node.as_ref().expect("up");
    let refused = |change: &dyn Fn(&mut Config)| node.change(now, &edited(node.config(), change)).expect_err("refused");
    assert_eq!(refused(&|c| c.period = 2 * SECOND), ChangeError::Fixed { field: "cluster.period_ms" });
    assert_eq!(
        refused(&|c| c.host = weir_cluster::HostId::new(9).expect("host")),
        ChangeError::Fixed { field: "host.priority" }
    );
    assert!(matches!(refused(&|c| c.rules[0].last_port = 79), ChangeError::Config(_)));
}

#[test]
fn a_replaced_agent_goes_on_and_stages_again() {
    let mut cluster = cluster(3, 121);
    (0..2).for_each(|host| {
        cluster.configure(host, edit);
    });
    cluster.run(2 * SECOND);
    let left = cluster.leave_to_the_next(0);
    cluster.go_on(0, &left);
    assert_eq!(cluster.configure(0, edit), Change::Staged);
    cluster.configure(2, edit);
    let target = edited(&cluster.hosts[1].config, edit);
    assert!(cluster.drive(20 * SECOND, |c| all_run(c, &target)), "{:#?}", cluster.statuses());
}

#[test]
fn what_is_drained_by_command_stays_so() {
    let mut cluster = cluster(2, 131);
    cluster.handle(1, Event::SetDrain { slot: Some(1), drain: true });
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1]) && c.status(1).expect("up").rules[1].held == 0));
    (0..2).for_each(|host| {
        cluster.configure(host, another);
    });
    let target = edited(&cluster.hosts[0].config, another);
    assert!(cluster.drive(20 * SECOND, |c| all_run(c, &target)), "{:#?}", cluster.statuses());
    assert_eq!(cluster.status(1).expect("up").rules[2].held, 0, "it has another slot now");
}

/// Half of the hosts are restarted and find it in their files; without them there is no epoch by which the rest could take it up.
#[test]
fn who_has_it_staged_follows_those_who_came_back_with_it_where_neither_can_go_on_alone() {
    for (seed, mode) in (0..4).flat_map(|seed| [(seed, Mode::Quorum), (seed, Mode::Availability)]) {
        let mut cluster = Cluster::converged(4, 140 + seed, |config| config.mode = mode);
        let target = edited(&cluster.hosts[0].config, edit);
        let old: [usize; 2] = if seed % 2 == 0 { [2, 3] } else { [0, 1] };
        let new: Vec<usize> = (0..4).filter(|host| !old.contains(host)).collect();
        for host in old {
            assert_eq!(cluster.configure(host, edit), Change::Staged);
        }
        // All stand still or are gone for longer than a lease, so that nobody goes on meanwhile.
        old.iter().for_each(|&host| cluster.pause(host));
        for &host in &new {
            cluster.crash(host);
            cluster.hosts[host].config = edited(&cluster.hosts[host].config, edit);
        }
        cluster.run(8 * SECOND);
        new.iter().for_each(|&host| cluster.start(host));
        cluster.run(500 * MS);
        old.iter().for_each(|&host| cluster.resume(host));
        assert!(cluster.drive(40 * SECOND, |c| all_run(c, &target)), "{mode:?} {seed}: {:#?}", cluster.statuses());
    }
}
