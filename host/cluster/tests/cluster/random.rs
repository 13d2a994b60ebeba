//! Many seeds of everything at once. The fixture checks after each write to a NIC that no bucket is accepted twice.

use weir_cluster::{Event, Fitness, Load, Mode};

use crate::fixture::{Cluster, MS, SECOND};

/// Clients come and go, a load changes, and a service is found fit or unfit.
fn live(cluster: &mut Cluster, host: usize) {
    // Somebody has to own something in the end.
    let weight = cluster.dice.below(4) as u8 * 20 + if host == 0 { 20 } else { 0 };
    cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(weight) });
    // A check fails now and then; a rule is never without an owner by that.
    let fitness = if weight == 40 { Fitness::LastResort } else { Fitness::Fit };
    cluster.handle(host, Event::SetFitness { slot: 0, fitness });
    for _ in 0..20 {
        let bucket = cluster.dice.below(4096) as u16;
        cluster.connect(0, bucket);
    }
    let closed: Vec<_> = cluster.hosts[host].sockets.iter().copied().step_by(3).collect();
    closed.iter().for_each(|flow| {
        cluster.hosts[host].sockets.remove(flow);
    });
    if closed.len() % 2 == 0 {
        cluster.handle(host, Event::Closed(closed));
    }
}

/// Faults for a minute, then calm; returns whether all hosts are one in the end.
fn storm(seed: u64, mode: Mode, cuts: bool, loss: u64, connections: bool) -> Cluster {
    let hosts = 3 + (seed % 3) as usize;
    let mut cluster = Cluster::new(hosts as u8, seed, |config| config.mode = mode);
    cluster.strict = mode == Mode::Quorum || !cuts;
    // A host that is stopped before it makes contact keeps what it has until its lease ends.
    cluster.grace = 6 * SECOND;
    cluster.loss = loss;
    cluster.doubling = 30;
    cluster.reorder = true;
    cluster.delay = if seed.is_multiple_of(2) { 100 } else { 20 * MS };
    (0..hosts).for_each(|host| cluster.start(host));
    cluster.run(7 * SECOND);
    for _ in 0..40 {
        let (host, other) = (cluster.dice.below(hosts as u64) as usize, cluster.dice.below(hosts as u64) as usize);
        match cluster.dice.below(if cuts { 12 } else { 6 }) {
            0 => cluster.crash(host),
            1 | 2 => {
                if cluster.hosts[host].node.is_none() {
                    cluster.start(host);
                }
            }
            3 => cluster.pause(host),
            4 | 5 => cluster.resume(host),
            6 | 7 => cluster.heal(),
            8 if host != other => cluster.cut(host, other),
            9 => cluster.mute(host),
            10 => cluster.deafen(host),
            _ => cluster.isolate(host),
        }
        if connections {
            live(&mut cluster, host);
        }
        let wait = cluster.dice.below(3 * SECOND);
        cluster.run(wait);
    }
    cluster.heal();
    for host in 0..hosts {
        cluster.resume(host);
        if cluster.hosts[host].node.is_none() {
            cluster.start(host);
        }
    }
    cluster.loss = cluster.loss.min(20);
    let all: Vec<usize> = (0..hosts).collect();
    assert!(cluster.drive(90 * SECOND, |c| c.are_one(&all)), "seed {seed}: no convergence\n{:#?}", cluster.statuses());
    cluster
}

#[test]
fn no_bucket_is_accepted_twice_in_quorum_mode_whatever_happens() {
    let mut checked = 0;
    for seed in 0..40 {
        checked += storm(seed, Mode::Quorum, true, 10 * (seed % 12), false).checked.get();
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn no_bucket_is_accepted_twice_in_availability_mode_while_heartbeats_are_not_partitioned() {
    for seed in 100..130 {
        storm(seed, Mode::Availability, false, 10 * (seed % 3), false);
    }
}

#[test]
fn no_bucket_is_accepted_twice_in_availability_mode_but_across_a_partition() {
    for seed in 200..230 {
        storm(seed, Mode::Availability, true, 10 * (seed % 3), false);
    }
}

#[test]
fn no_connection_passes_at_two_hosts_whatever_happens_while_buckets_move() {
    for seed in 300..325 {
        storm(seed, Mode::Quorum, seed % 2 == 0, 10 * (seed % 3), true);
    }
}
