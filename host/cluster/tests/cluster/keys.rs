//! Heartbeat keys are changed under live connections, and the flow key with them. The fixture's NICs sign connections by the key
//! they were programmed with, and it checks at every step that none is cut and that none reaches two hosts.

use std::collections::BTreeMap;

use weir_cluster::flow_key::{FlowKey, derive};
use weir_cluster::{
    Cause, Change, ChangeError, Config, Event, Filtering, Flow, HostId, Keys, Load, PhaseKind, Report, Secret,
};
use weir_spec::map::BUCKETS;
use weir_spec::map::BucketState::{Adopt, Own};

use crate::fixture::{Cluster, MS, SECOND};

const ALL: [usize; 4] = [0, 1, 2, 3];

fn next() -> Secret {
    Secret((100..132).collect())
}

fn accept(config: &mut Config) {
    config.keys.accepted.insert(2, next());
}

fn sign(config: &mut Config) {
    accept(config);
    config.keys.send = 2;
}

fn forget(config: &mut Config) {
    sign(config);
    config.keys.accepted.remove(&1);
}

/// The flow keys of all NICs, none of which is missing.
fn keys(cluster: &Cluster) -> Vec<FlowKey> {
    cluster.hosts.iter().map(|host| host.nic.flow_key.clone().expect("it was programmed")).collect()
}

fn old_and_new(cluster: &Cluster) -> (FlowKey, FlowKey) {
    let ip = cluster.hosts[0].config.cluster_ip;
    (derive(&Secret(vec![7; 32]), ip), derive(&next(), ip))
}

fn all_have(cluster: &Cluster, key: &FlowKey) -> bool {
    keys(cluster).iter().all(|other| other == key)
}

fn all_are_told(cluster: &mut Cluster, change: fn(&mut Config)) {
    for host in ALL {
        assert_eq!(cluster.configure(host, change), Change::AtOnce);
    }
}

/// Why a host would not take a change.
fn refused(cluster: &Cluster, host: usize, change: impl Fn(&mut Config)) -> Option<ChangeError> {
    let slot = &cluster.hosts[host];
    let mut config = slot.config.clone();
    change(&mut config);
    slot.node.as_ref().expect("up").change(slot.now(cluster.at), &config).err()
}

/// Pins of all hosts, and connections that are left alone.
fn listed(cluster: &Cluster) -> (u32, u32) {
    let status = |host: usize| cluster.status(host).expect("up");
    let hosts = 0..cluster.hosts.len();
    (hosts.clone().map(|host| status(host).pins).sum(), hosts.map(|host| status(host).left_alone).sum())
}

/// Three hosts with connections in every so manieth bucket; the fourth has joined unless it is to be left for later.
fn four(seed: u64, step: usize, joined: bool, change: impl Fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::new(4, seed, change);
    (0..3).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&ALL[..3])), "{:#?}", cluster.statuses());
    cluster.planned = true;
    cluster.connect_all(step);
    if joined {
        cluster.start(3);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
    }
    cluster
}

fn all_end(cluster: &mut Cluster) {
    for host in 0..cluster.hosts.len() {
        let ended: Vec<Flow> = std::mem::take(&mut cluster.hosts[host].sockets).into_iter().collect();
        cluster.handle(host, Event::Closed(ended));
    }
    let idle = |c: &Cluster| c.hosts.iter().all(|host| host.nic.listed.is_empty());
    assert!(cluster.drive(10 * SECOND, idle), "{:#?}", cluster.statuses());
}

#[test]
fn keys_change_in_three_steps_under_connections_that_drain() {
    for seed in 0..6 {
        let mut cluster = four(seed, 16, true, |_| {});
        cluster.loss = 20 * (seed % 3);
        cluster.reorder = seed % 2 == 1;
        let (epoch, before) = (cluster.epoch(0), listed(&cluster));
        assert!(before.0 > 30, "{before:?}");
        let (old, new) = old_and_new(&cluster);
        for (step, change) in [accept as fn(&mut Config), sign, forget].into_iter().enumerate() {
            for host in if seed % 2 == 0 { ALL } else { [2, 0, 3, 1] } {
                assert_eq!(cluster.configure(host, change), Change::AtOnce);
                let wait = cluster.dice.below(1500 * MS);
                cluster.run(wait);
            }
            cluster.run(5 * SECOND);
            assert!(cluster.are_one(&ALL), "seed {seed}, step {step}: {:#?}", cluster.statuses());
            assert_eq!(listed(&cluster), before);
            assert!(all_have(&cluster, if step == 0 { &old } else { &new }), "seed {seed}, step {step}");
        }
        assert_eq!(
            cluster.epoch(0).counter,
            epoch.counter + 1,
            "one epoch, when the default host signs with the new key"
        );
        // Each is listed once, by the new key alone.
        let entries: usize = cluster.hosts.iter().map(|host| host.nic.listed.len()).sum();
        assert_eq!(entries as u32, before.0 + before.1);
        all_end(&mut cluster);
    }
}

#[test]
fn a_proposal_that_is_under_way_keeps_the_key_it_was_made_with() {
    let mut crossed = 0;
    for seed in 0..24 {
        let mut cluster = four(seed, 16, false, accept);
        cluster.loss = 10 * (seed % 3);
        cluster.reorder = seed % 4 == 3;
        let phase = [PhaseKind::Loaded, PhaseKind::Listed, PhaseKind::Released][(seed % 3) as usize];
        let who = (seed / 3 % 3) as usize;
        cluster.start(3);
        assert!(cluster.drive(20 * SECOND, |c| c.phase(who) == phase), "{:#?}", cluster.statuses());
        // Everybody signs with the new key from here on, and the old one is gone where it is not in force.
        let hosts = [0, 1, 2, 3].map(|after| (who + after) % 4);
        for host in hosts {
            cluster.configure(host, sign);
        }
        crossed += usize::from(cluster.phase(who) == phase);
        for host in hosts.into_iter().filter(|_| seed % 2 == 1) {
            // As soon as all others sign by the new one.
            assert!(cluster.drive(5 * SECOND, |c| refused(c, host, forget).is_none()), "{:#?}", cluster.statuses());
            cluster.configure(host, forget);
        }
        let new = old_and_new(&cluster).1;
        let done = |c: &Cluster| c.are_one(&ALL) && all_have(c, &new);
        assert!(cluster.drive(40 * SECOND, done), "seed {seed}: {:#?}", cluster.statuses());
        assert!(listed(&cluster).0 > 30);
        cluster.run(10 * SECOND);
        assert!(done(&cluster));
        all_end(&mut cluster);
    }
    assert!(crossed > 12, "{crossed} of 24 switches met the proposal");
}

#[test]
fn connections_come_and_end_while_the_key_changes() {
    for seed in 0..6 {
        let mut cluster = four(seed, 16, true, accept);
        let new = old_and_new(&cluster).1;
        all_are_told(&mut cluster, sign);
        let end = cluster.at + 20 * SECOND;
        let mut busy = 0;
        while !(cluster.are_one(&ALL) && all_have(&cluster, &new)) {
            assert!(cluster.step(end), "{:#?}", cluster.statuses());
            busy += 1;
            // Most of them are short: every connection must have a chance to end between a load and its commit.
            if busy % 2 == 0 {
                let host = cluster.dice.below(4) as usize;
                let sockets = &cluster.hosts[host].sockets;
                let nth = cluster.dice.below(sockets.len().max(1) as u64) as usize;
                if let Some(flow) = sockets.iter().nth(nth).copied() {
                    cluster.hosts[host].sockets.remove(&flow);
                    cluster.handle(host, Event::Closed(vec![flow]));
                }
                let bucket = cluster.dice.below(4096) as u16;
                let _ = cluster.connect(0, bucket);
            }
        }
        assert!(busy > 100, "{busy}");
        cluster.run(10 * SECOND);
        all_end(&mut cluster);
    }
}

#[test]
fn the_default_host_changes_with_the_key() {
    let mut cluster = four(3, 16, true, accept);
    let (old, new) = old_and_new(&cluster);
    // The default host alone signs with the new one, and goes: the next one's key is the old one.
    cluster.configure(0, sign);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL) && all_have(c, &new)), "{:#?}", cluster.statuses());
    cluster.planned = false;
    cluster.crash(0);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[1, 2, 3])), "{:#?}", cluster.statuses());
    assert!(keys(&cluster)[1..].iter().all(|key| *key == old));
    cluster.hosts[0].sockets.clear();
    cluster.start(0);
    assert!(cluster.drive(40 * SECOND, |c| c.are_one(&ALL) && all_have(c, &new)), "{:#?}", cluster.statuses());
    cluster.run(5 * SECOND);
    all_end(&mut cluster);
}

#[test]
fn the_next_process_may_sign_with_another_key() {
    let mut cluster = four(5, 16, true, accept);
    let (old, new) = old_and_new(&cluster);
    for (round, change) in [sign as fn(&mut Config), forget].into_iter().enumerate() {
        for host in [3, 2, 1, 0] {
            let left = cluster.leave_to_the_next(host);
            cluster.run(20 * MS);
            change(&mut cluster.hosts[host].config);
            cluster.go_on(host, &left);
            cluster.run(2 * SECOND);
            assert!(cluster.are_one(&ALL), "{:#?}", cluster.statuses());
            assert!(all_have(&cluster, if round == 0 && host > 0 { &old } else { &new }));
        }
    }
    all_end(&mut cluster);
}

/// A host of whose connections all drain.
fn weigh_nothing(config: &mut Config) {
    config.rules[0].filtering = Filtering::Multiple(Load::Weight(0));
}

#[test]
fn a_flow_table_more_than_half_full_keeps_the_key_until_there_is_room() {
    let mut cluster = four(9, 16, true, |config| {
        accept(config);
        config.flows = 120;
    });
    let (old, new) = old_and_new(&cluster);
    assert_eq!(cluster.configure(1, weigh_nothing), Change::AtOnce);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL)), "{:#?}", cluster.statuses());
    cluster.run(SECOND);
    let entries = cluster.hosts[1].nic.listed.len();
    assert!((61..=120).contains(&entries), "{entries}");
    let epoch = cluster.epoch(0);
    // What signs changes at once, and the old key may go: the one in force is kept.
    all_are_told(&mut cluster, sign);
    cluster.run(10 * SECOND);
    all_are_told(&mut cluster, forget);
    cluster.run(10 * SECOND);
    assert_eq!(cluster.epoch(0), epoch);
    assert!(cluster.are_one(&ALL) && all_have(&cluster, &old));
    // Another epoch keeps it, too, and so does the next process.
    let left = cluster.leave_to_the_next(2);
    cluster.go_on(2, &left);
    cluster.handle(2, Event::SetLoad { slot: 1, load: Load::Weight(7) });
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL) && c.epoch(0) != epoch), "{:#?}", cluster.statuses());
    cluster.run(2 * SECOND);
    assert!(cluster.are_one(&ALL) && all_have(&cluster, &old), "{:#?}", keys(&cluster));
    // Some end: there is room.
    for host in ALL {
        let ended: Vec<Flow> = cluster.hosts[host].sockets.iter().copied().step_by(2).collect();
        cluster.hosts[host].sockets.retain(|flow| !ended.contains(flow));
        cluster.handle(host, Event::Closed(ended));
    }
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL) && all_have(c, &new)), "{:#?}", cluster.statuses());
    cluster.run(5 * SECOND);
    assert!(ALL.iter().all(|&host| cluster.reported(host, 0, |report| *report == Report::KeyHasNoRoom).is_none()));
    all_end(&mut cluster);
}

#[test]
fn a_change_of_weights_for_which_two_keys_have_no_room_is_made_with_one() {
    for weight in [0, 25] {
        let mut cluster = four(10, 24, true, |config| {
            accept(config);
            config.flows = 88;
        });
        let (old, new) = old_and_new(&cluster);
        assert!(ALL.iter().all(|&host| cluster.hosts[host].nic.listed.len() <= 44));
        let epoch = cluster.epoch(0);
        // One proposal brings both: too much for the proposer, which loses all, or for the one that gets most of them.
        cluster.configure(0, |config| {
            sign(config);
            config.rules[0].filtering = Filtering::Multiple(Load::Weight(weight));
        });
        let settled = |c: &Cluster| c.are_one(&ALL) && c.epoch(0) != epoch;
        assert!(cluster.drive(30 * SECOND, settled), "{:#?}", cluster.statuses());
        let refused = ALL.map(|host| cluster.reported(host, 0, |report| *report == Report::KeyHasNoRoom).is_some());
        assert!(refused.contains(&true), "{weight}: {refused:?}");
        cluster.run(20 * SECOND);
        let lists = ALL.map(|host| cluster.hosts[host].nic.listed.len());
        let crowded = lists.iter().any(|&entries| entries > 44);
        assert!(cluster.are_one(&ALL) && all_have(&cluster, if crowded { &old } else { &new }), "{weight}: {lists:?}");
        // Its share of all buckets, whatever becomes of the key.
        let states = &cluster.hosts[0].nic.states[0];
        let share = BUCKETS * usize::from(weight) / (usize::from(weight) + 3 * 50);
        assert!((share..=share + 1).contains(&(states.count(Own) + states.count(Adopt))), "{weight}");
        all_end(&mut cluster);
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&ALL) && all_have(c, &new)), "{:#?}", cluster.statuses());
    }
}

#[test]
fn another_key_of_an_id_in_use_is_refused() {
    let cluster = Cluster::converged(2, 12, |_| {});
    let other = |config: &mut Config| drop(config.keys.accepted.insert(1, next()));
    assert_eq!(refused(&cluster, 0, other), Some(ChangeError::SameKeyId(1)));
}

/// Other octets than all others have.
fn of_its_own(config: &mut Config) {
    config.keys = Keys { send: 2, accepted: BTreeMap::from([(2, next())]) };
}

#[test]
fn a_host_with_a_key_of_its_own_waits_beside_a_cluster_and_says_why() {
    for seed in 0..4 {
        let mut cluster = Cluster::converged(3, seed, |_| {});
        let before = cluster.epoch(0);
        cluster.crash(2);
        of_its_own(&mut cluster.hosts[2].config);
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
        cluster.start(2);
        cluster.run(20 * SECOND);
        let status = cluster.status(2).expect("up");
        assert_eq!((status.cause, status.fenced), (Cause::WrongKey, true), "{:#?}", cluster.statuses());
        assert!(cluster.are_one(&[0, 1]) && cluster.epoch(0) > before);
        // Where it hears nothing at all it is alone, as any host is beyond a partition.
        cluster.isolate(2);
        assert!(cluster.drive(20 * SECOND, |c| c.covered() == 4096 && c.owned(2) > 0), "{:#?}", cluster.statuses());
    }
}

#[test]
fn a_key_by_which_others_sign_is_not_forgotten() {
    let mut cluster = Cluster::converged(3, 1, |_| {});
    let id = cluster.hosts[1].config.keys.send;
    let host = HostId::new(1).expect("host");
    assert_eq!(refused(&cluster, 1, of_its_own), Some(ChangeError::KeyInUse { host, id }));
    assert_eq!(refused(&cluster, 1, accept), None);
    // Alone it may do as it likes.
    cluster.crash(0);
    cluster.crash(2);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[1])), "{:#?}", cluster.statuses());
    assert_eq!(refused(&cluster, 1, of_its_own), None);
}
