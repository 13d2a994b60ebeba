//! Connections that begin by a SYN cookie: no dump shows them before their ACK has come.

use weir_cluster::{Event, Load, PhaseKind, Report, Step};

use crate::fixture::{Cluster, MS, SECOND};

const SETTLE: u64 = 800 * MS;

/// So many hosts that have converged and wait for what answers cookies.
fn waiting(hosts: u8, seed: u64) -> Cluster {
    Cluster::converged(hosts, seed, |config| config.cookie_settle = SETTLE)
}

/// When a host's NIC was first told a step since `start`.
fn first(cluster: &Cluster, host: usize, start: u64, step: Step) -> Option<u64> {
    let found = cluster.hosts[host].programs.iter().find(|(at, known)| *at >= start && *known == step);
    found.map(|(at, _)| *at)
}

fn sheds_all(cluster: &mut Cluster, host: usize) {
    cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(0) });
}

fn is_quiescing(cluster: &Cluster, host: usize, start: u64) -> bool {
    // The NIC takes its program within a few milliseconds.
    first(cluster, host, start, Step::Quiesce).is_some_and(|at| at + 5 * MS <= cluster.at)
}

#[test]
fn what_answers_a_cookie_is_waited_for_before_its_bucket_is_released() {
    for seed in 0..4 {
        let mut cluster = waiting(2, seed);
        let buckets: Vec<u16> =
            (0..4096).step_by(64).filter(|&bucket| cluster.connect(0, bucket).unwrap().0 == 0).collect();
        assert!(buckets.len() > 20);
        cluster.handle(0, Event::CookiesSent);
        let start = cluster.at;
        sheds_all(&mut cluster, 0);
        assert!(cluster.drive(5 * SECOND, |c| is_quiescing(c, 0, start)), "{:#?}", cluster.statuses());
        // New connections wait; what is not new passes, without a socket.
        assert_eq!(cluster.connect(0, buckets[0]), None);
        let late: Vec<_> = buckets.iter().map(|&bucket| cluster.answer_cookie(0, 0, bucket)).collect();
        let late: Vec<_> = late.into_iter().map(|taken| taken.expect("it passes")).collect();
        assert!(late.iter().all(|(taker, _)| *taker == 0));
        // Of the other rule nothing leaves, and it goes on.
        assert!((0..4096).step_by(64).all(|bucket| cluster.connect(1, bucket).is_some()));
        cluster.planned = true;
        assert!(cluster.drive(5 * SECOND, |c| c.are_one(&[0, 1]) && c.owned(0) == 0), "{:#?}", cluster.statuses());
        let quiesced = first(&cluster, 0, start, Step::Quiesce).expect("it was");
        let released = first(&cluster, 0, start, Step::Release).expect("it was");
        assert!((SETTLE..SETTLE + 200 * MS).contains(&(released - quiesced)), "{} us", released - quiesced);
        assert!(late.iter().all(|(_, flow)| cluster.passes(0, flow) && !cluster.passes(1, flow)));
        assert_eq!(cluster.connect(0, buckets[0]).expect("somebody owns it").0, 1);
        assert!(cluster.reported(0, start, |report| *report == Report::Quiescing { settle: SETTLE }).is_some());
    }
}

#[test]
fn without_waiting_what_answers_a_cookie_reaches_a_host_that_has_sent_none() {
    let mut cluster = Cluster::converged(2, 1, |_| {});
    let bucket = (0..4096).find(|&bucket| cluster.connect(0, bucket).unwrap().0 == 0).expect("half of them");
    cluster.handle(0, Event::CookiesSent);
    let start = cluster.at;
    sheds_all(&mut cluster, 0);
    assert!(cluster.drive(5 * SECOND, |c| c.are_one(&[0, 1]) && c.owned(0) == 0), "{:#?}", cluster.statuses());
    assert_eq!(first(&cluster, 0, start, Step::Quiesce), None);
    let (taker, flow) = cluster.answer_cookie(0, 0, bucket).expect("the bucket is somebody's");
    assert_eq!(taker, 1, "who has sent no cookie, and resets the connection");
    assert!(!cluster.passes(0, &flow));
}

#[test]
fn without_cookies_of_late_nothing_is_waited_for() {
    // The same cluster takes the same steps at the same times, whether it would wait or not.
    let steps = |settle: u64, cookies_before: Option<u64>| {
        let mut cluster = Cluster::converged(3, 7, |config| config.cookie_settle = settle);
        if let Some(before) = cookies_before {
            cluster.handle(0, Event::CookiesSent);
            cluster.run(before);
        }
        let start = cluster.at;
        sheds_all(&mut cluster, 0);
        cluster.run(2 * SECOND);
        assert!(cluster.are_one(&[0, 1, 2]), "{:#?}", cluster.statuses());
        let steps = cluster.hosts.iter().map(|host| host.programs.clone());
        steps.map(|steps| steps.into_iter().filter(|(at, _)| *at >= start).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let usual = steps(0, None);
    assert!(usual.iter().flatten().any(|(_, step)| *step == Step::Release));
    assert_eq!(steps(SETTLE, None), usual);
    assert_eq!(steps(SETTLE, Some(SETTLE)), steps(0, Some(SETTLE)), "they have come by now, or never will");
    assert_ne!(steps(SETTLE, Some(SETTLE / 2)), steps(0, Some(SETTLE / 2)));
}

#[test]
fn who_loses_nothing_waits_for_nothing() {
    let mut cluster = waiting(3, 3);
    let start = cluster.at;
    cluster.handle(1, Event::CookiesSent);
    sheds_all(&mut cluster, 0);
    assert!(cluster.drive(5 * SECOND, |c| c.owned(0) == 0 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!((0..3).all(|host| first(&cluster, host, start, Step::Quiesce).is_none()));
}

#[test]
fn the_others_serve_on_until_the_last_who_waits_has_listed() {
    let mut cluster = Cluster::new(4, 9, |config| config.cookie_settle = SETTLE);
    (0..3).for_each(|host| cluster.start(host));
    assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    let start = cluster.at;
    cluster.start(3);
    assert!(cluster.drive(20 * SECOND, |c| c.phase(3) == PhaseKind::Agreeing));
    cluster.handle(1, Event::CookiesSent);
    assert!(cluster.drive(5 * SECOND, |c| is_quiescing(c, 1, start)), "{:#?}", cluster.statuses());
    // Of the buckets of three one host's wait for the joiner.
    let taken = (0..4096).step_by(16).filter(|&bucket| cluster.connect(0, bucket).is_some()).count();
    assert!(taken >= 256 * 11 / 12 - 8, "{taken} of 256");
    assert!(cluster.drive(5 * SECOND, |c| c.are_one(&[0, 1, 2, 3])), "{:#?}", cluster.statuses());
    cluster.planned = true;
    cluster.run(SECOND);
    let waited = first(&cluster, 1, start, Step::Quiesce).expect("it did") + SETTLE;
    for host in 0..3 {
        assert!(first(&cluster, host, start, Step::Release).expect("all lose") >= waited, "host {}", host + 1);
    }
}

#[test]
fn a_proposal_is_not_given_up_while_somebody_waits() {
    // Longer than a proposer's patience.
    let mut cluster = Cluster::converged(3, 11, |config| config.cookie_settle = 14 * SECOND);
    let start = cluster.at;
    for host in [0, 2] {
        cluster.handle(host, Event::CookiesSent);
        cluster.handle(host, Event::SetLoad { slot: 0, load: Load::Weight(10) });
    }
    assert!(cluster.drive(SECOND, |c| is_quiescing(c, 2, start)), "{:#?}", cluster.statuses());
    let epochs: Vec<_> = (0..3).map(|host| cluster.status(host).expect("up").proposed).collect();
    cluster.run(12 * SECOND);
    assert_eq!((0..3).map(|host| cluster.status(host).expect("up").proposed).collect::<Vec<_>>(), epochs);
    assert!(cluster.drive(6 * SECOND, |c| c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
}

#[test]
fn who_waits_when_another_is_lost_does_not_wait_again_for_its_buckets() {
    for seed in 20..24 {
        let mut cluster = waiting(3, seed);
        let start = cluster.at;
        cluster.handle(1, Event::CookiesSent);
        sheds_all(&mut cluster, 1);
        assert!(cluster.drive(5 * SECOND, |c| is_quiescing(c, 1, start)), "{:#?}", cluster.statuses());
        cluster.crash(2);
        // The kernel goes on sending them: buckets that stay are open.
        for _ in 0..100 {
            cluster.handle(1, Event::CookiesSent);
            cluster.run(100 * MS);
        }
        assert!(cluster.drive(10 * SECOND, |c| c.are_one(&[0, 1])), "{:#?}", cluster.statuses());
        assert_eq!(cluster.covered(), 4096);
        let waits =
            cluster.hosts[1].programs.iter().filter(|(at, step)| *at >= start && *step == Step::Quiesce).count();
        assert!(waits <= 2, "{waits}");
        assert!((0..4096).step_by(64).all(|bucket| cluster.connect(0, bucket).is_some()), "nobody quiesces any more");
    }
}

#[test]
fn connections_of_others_that_drain_are_left_alone_meanwhile() {
    let mut cluster = waiting(3, 30);
    cluster.connect_all(16);
    cluster.planned = true;
    // Buckets go from 1 to 2, and from there to 3, while connections in them live on at 1: those are foreign to 2 all the time.
    sheds_all(&mut cluster, 0);
    assert!(cluster.drive(5 * SECOND, |c| c.owned(0) == 0 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    cluster.connect_all(64);
    cluster.handle(1, Event::CookiesSent);
    let start = cluster.at;
    sheds_all(&mut cluster, 1);
    assert!(cluster.drive(5 * SECOND, |c| c.owned(1) == 0 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!(first(&cluster, 1, start, Step::Quiesce).is_some());
    // And back to 1, which waits while its own old connections drain in buckets that are 3's.
    cluster.handle(2, Event::CookiesSent);
    cluster.handle(0, Event::SetLoad { slot: 0, load: Load::Equal });
    assert!(cluster.drive(5 * SECOND, |c| c.owned(0) > 0 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!(first(&cluster, 2, start, Step::Quiesce).is_some());
    cluster.handle(0, Event::CookiesSent);
    cluster.handle(1, Event::SetLoad { slot: 0, load: Load::Equal });
    assert!(cluster.drive(5 * SECOND, |c| c.owned(1) > 0 && c.are_one(&[0, 1, 2])), "{:#?}", cluster.statuses());
    assert!(first(&cluster, 0, start, Step::Quiesce).is_some());
}

#[test]
fn a_host_that_stops_meanwhile_costs_nobody_else_what_answers_a_cookie() {
    let mut cluster = waiting(3, 21);
    let bucket = (0..4096).find(|&bucket| cluster.connect(0, bucket).unwrap().0 == 0).expect("a third of them");
    cluster.handle(0, Event::CookiesSent);
    let start = cluster.at;
    cluster.handle(2, Event::Stop);
    sheds_all(&mut cluster, 0);
    assert!(cluster.drive(5 * SECOND, |c| is_quiescing(c, 0, start)), "{:#?}", cluster.statuses());
    let (taker, flow) = cluster.answer_cookie(0, 0, bucket).expect("it passes");
    assert_eq!(taker, 0);
    assert!(cluster.drive(5 * SECOND, |c| c.are_one(&[0, 1]) && c.owned(0) == 0), "{:#?}", cluster.statuses());
    assert!(cluster.passes(0, &flow) && !cluster.passes(1, &flow));
}
