//! Unfit services: a rule's new connections go where they are answered, and no connection is broken on the way.

use weir_cluster::{Event, Filtering, Fitness, HostId, Load, PhaseKind, Report};

use crate::fixture::{Cluster, SECOND};

/// Slots of the fixture's rules: port 80, port 443, the default rule.
const SLOTS: [usize; 3] = [0, 1, 2];

fn find(cluster: &mut Cluster, host: usize, fitness: Fitness) {
    SLOTS.iter().for_each(|&slot| cluster.handle(host, Event::SetFitness { slot, fitness }));
    // Where frames overtake each other, each that comes too late costs a quarter of a period.
    cluster.run(3 * SECOND);
}

/// Owners of the first rule's buckets by number, as all hosts that are up see it.
fn owners(cluster: &Cluster) -> Vec<u16> {
    let of = |host: usize| {
        let buckets = &cluster.status(host).expect("up").rules[0].buckets;
        HostId::all().take(cluster.hosts.len()).map(|host| buckets.get(&host).copied().unwrap_or(0)).collect()
    };
    let first = of(0);
    assert!((1..cluster.hosts.len()).all(|host| of(host) == first), "{:#?}", cluster.statuses());
    first
}

fn taker_of_the_rest(cluster: &Cluster) -> Option<u8> {
    let buckets = &cluster.status(0).expect("up").rules[2].buckets;
    buckets.keys().next().map(|host| host.get())
}

#[test]
fn new_connections_go_elsewhere_and_held_ones_stay_until_the_service_is_fit_again() {
    for (seed, fitness) in [(1, Fitness::LastResort), (2, Fitness::Unfit)] {
        let mut cluster = Cluster::converged(4, seed, |_| {});
        cluster.planned = true;
        cluster.reorder = seed == 2;
        let flows = cluster.connect_all(16);
        let held = flows.iter().filter(|(host, _)| *host == 0).count();
        assert!(held > 50, "{held}");
        find(&mut cluster, 0, fitness);
        assert_eq!(owners(&cluster), [0, 1366, 1365, 1365], "nothing moves but what it had");
        assert_eq!(taker_of_the_rest(&cluster), Some(2), "the next handling priority");
        assert_eq!(cluster.owned(0), 0);
        // Those that are held pass at host 1 alone: the fixture looks after every write.
        let elsewhere = cluster.connect_all(64);
        assert!(elsewhere.iter().all(|(host, _)| *host != 0));
        let status = cluster.status(1).expect("up");
        let first = HostId::new(1).expect("host");
        assert!(status.rules.iter().all(|rule| rule.unfit.iter().eq([first]) && rule.drained.is_empty()));
        assert_eq!(status.phase, PhaseKind::Stable);
        assert_eq!(cluster.status(0).expect("up").pins as usize, held);
        find(&mut cluster, 0, Fitness::Fit);
        assert_eq!((owners(&cluster), taker_of_the_rest(&cluster)), (vec![1024; 4], Some(1)));
        cluster.connect_all(64);
        assert!(cluster.reported(1, 0, |report| matches!(report, Report::NoneFit { .. })).is_none());
    }
}

#[test]
fn what_an_operator_set_and_what_a_check_found_are_apart() {
    let mut cluster = Cluster::converged(3, 3, |_| {});
    let drained = |cluster: &Cluster| cluster.status(2).expect("up").rules[0].drained.len();
    cluster.handle(0, Event::SetDrain { slot: Some(0), drain: true });
    find(&mut cluster, 0, Fitness::LastResort);
    assert_eq!((owners(&cluster)[0], drained(&cluster)), (0, 1));
    // Fit again, and still drained.
    find(&mut cluster, 0, Fitness::Fit);
    assert_eq!((owners(&cluster)[0], drained(&cluster)), (0, 1));
    find(&mut cluster, 0, Fitness::LastResort);
    cluster.handle(0, Event::SetDrain { slot: None, drain: false });
    cluster.handle(0, Event::SetLoad { slot: 0, load: Load::Weight(100) });
    cluster.run(SECOND);
    assert_eq!((owners(&cluster)[0], drained(&cluster)), (0, 0), "enabled and heavy, and still unfit");
    find(&mut cluster, 0, Fitness::Fit);
    assert_eq!(owners(&cluster), [2048, 1024, 1024]);
}

#[test]
fn a_check_that_fails_everywhere_leaves_clients_answered_unless_that_is_wanted() {
    let mut cluster = Cluster::converged(3, 4, |_| {});
    cluster.planned = true;
    cluster.connect_all(32);
    for host in 0..3 {
        find(&mut cluster, host, Fitness::LastResort);
        cluster.connect_all(64);
    }
    assert_eq!((owners(&cluster), taker_of_the_rest(&cluster)), (vec![1365, 1365, 1366], Some(1)));
    let told = |cluster: &Cluster, taken| {
        let about = |report: &Report| matches!(report, Report::NoneFit { rule, taken: told } if rule.is_none() && *told == taken);
        cluster.hosts.iter().all(|host| host.reports.iter().filter(|(_, report)| about(report)).count() == 1)
    };
    assert!(told(&cluster, true), "each host says so, once");
    // One that must not serve while it is unfit leaves it to the others.
    find(&mut cluster, 1, Fitness::Unfit);
    assert_eq!(owners(&cluster), [2048, 0, 2048]);
    assert!(told(&cluster, true));
    find(&mut cluster, 2, Fitness::Fit);
    assert_eq!(owners(&cluster), [0, 0, 4096]);
    for host in [0, 2] {
        find(&mut cluster, host, Fitness::Unfit);
    }
    assert_eq!((owners(&cluster), taker_of_the_rest(&cluster)), (vec![0; 3], None));
    assert!(told(&cluster, false));
    assert_eq!(cluster.connect(0, 7), None);
    find(&mut cluster, 1, Fitness::Fit);
    assert_eq!(owners(&cluster), [0, 4096, 0]);
}

#[test]
fn a_single_host_rule_goes_to_the_next_handling_priority_and_returns() {
    let mut cluster = Cluster::converged(3, 5, |config| {
        // Host 3 has the lowest handling priority, then 2, then 1.
        config.rules[0].filtering = Filtering::Single(4 - config.host.get());
    });
    cluster.planned = true;
    cluster.connect_all(64);
    let taker = |cluster: &Cluster| owners(cluster).iter().position(|&buckets| buckets == 4096);
    assert_eq!(taker(&cluster), Some(2));
    find(&mut cluster, 2, Fitness::LastResort);
    assert_eq!(taker(&cluster), Some(1));
    let (host, _) = cluster.connect(0, 9).expect("somebody");
    assert_eq!(host, 1);
    find(&mut cluster, 1, Fitness::LastResort);
    assert_eq!(taker(&cluster), Some(0));
    find(&mut cluster, 0, Fitness::LastResort);
    assert_eq!(taker(&cluster), Some(2), "nobody is fit: as if all were");
    find(&mut cluster, 1, Fitness::Fit);
    assert_eq!(taker(&cluster), Some(1));
}

#[test]
fn what_was_found_outlives_the_process_a_stop_and_another_configuration() {
    let mut cluster = Cluster::converged(3, 6, |_| {});
    find(&mut cluster, 1, Fitness::LastResort);
    let left = cluster.leave_to_the_next(1);
    cluster.go_on(1, &left);
    cluster.run(SECOND);
    assert_eq!((owners(&cluster)[1], cluster.phase(1)), (0, PhaseKind::Stable));

    // A rule with a lower port comes before it: the slots are numbered anew.
    for host in 0..3 {
        cluster.configure(host, |config| {
            let rule = config.rules[0];
            config.rules.push(weir_cluster::PortRule { first_port: 22, last_port: 22, ..rule });
        });
    }
    cluster.run(2 * SECOND);
    let unfit = |cluster: &Cluster| -> Vec<usize> {
        cluster.status(0).expect("up").rules.iter().map(|rule| rule.unfit.len()).collect()
    };
    assert_eq!(unfit(&cluster), [0, 1, 1, 1], "the new one is fit, and the others are what they were");
    assert_eq!(owners(&cluster), [1366, 1365, 1365], "of the new rule");

    cluster.handle(1, Event::Stop);
    cluster.run(SECOND);
    cluster.start_again(1);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert_eq!(unfit(&cluster), [0, 1, 1, 1]);
}
