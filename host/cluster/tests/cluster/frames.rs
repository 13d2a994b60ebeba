//! What comes in on the wire and is not what it should be.

use weir_cluster::status::FrameKind;
use weir_cluster::wire::extension::{self, Read};
use weir_cluster::wire::{ethernet, heartbeat};
use weir_cluster::{Action, Cause, Event, HostTime, Micros, NicTime, Node, Now, PhaseKind, Report, Secret};

use crate::fixture::{Cluster, Dice, SECOND, config};

/// A frame a host sends in the next two seconds.
fn recorded(cluster: &mut Cluster, host: usize) -> Vec<u8> {
    recorded_after(cluster, host, 0)
}

/// A frame a host sends when it has stood still for so long.
fn recorded_after(cluster: &mut Cluster, host: usize, pause: Micros) -> Vec<u8> {
    let slot = &cluster.hosts[host];
    let mut twin: Node = slot.node.clone().expect("up");
    let mut actions = Vec::new();
    let mut at = twin.deadline().expect("a beat").0 + pause;
    loop {
        twin.handle(Now { host: HostTime(at), nic: NicTime(0) }, Event::Tick, &mut actions);
        let sent = actions.drain(..).find_map(|action| match action {
            Action::Send(frame) if frame.len() == heartbeat::LEN + 14 => Some(frame),
            _ => None,
        });
        match sent {
            Some(frame) => return frame,
            None => at = at.max(twin.deadline().expect("a beat").0) + 1,
        }
    }
}

fn count(cluster: &Cluster, host: usize, kind: FrameKind) -> u64 {
    cluster.status(host).expect("up").frames.get(&kind).copied().unwrap_or(0)
}

#[test]
fn a_frame_played_again_is_counted_and_nothing_else() {
    let mut cluster = Cluster::converged(2, 1, |_| {});
    let frame = recorded(&mut cluster, 0);
    cluster.run(3 * SECOND);
    let before = count(&cluster, 1, FrameKind::Replayed);
    for _ in 0..50 {
        cluster.inject(1, frame.clone());
    }
    cluster.run(1000);
    assert_eq!(count(&cluster, 1, FrameKind::Replayed), before + 50);
    cluster.run(10 * SECOND);
    assert!(cluster.are_one(&[0, 1]));
}

#[test]
fn beats_from_before_a_pause_are_echoed_only_while_their_numbers_cannot_have_gone_round() {
    let mut cluster = Cluster::converged(2, 4, |_| {});
    let keys = cluster.hosts[0].config.keys.clone();
    let mut echo = |pause| {
        let frame = recorded_after(&mut cluster, 0, pause);
        let payload = frame[ethernet::HEADER..].try_into().expect("a heartbeat");
        let Read::Authentic(extension) = extension::read(payload, &keys) else { panic!("not authentic") };
        extension.echo[1]
    };
    assert_ne!(echo(0), 0);
    assert_eq!(echo(4 * SECOND), echo(0));
    assert_eq!(echo(5 * SECOND), 0);
}

#[test]
fn the_recording_of_a_dead_host_does_not_bring_it_back() {
    let mut cluster = Cluster::converged(3, 2, |_| {});
    let frame = recorded(&mut cluster, 2);
    cluster.run(SECOND);
    cluster.crash(2);
    assert!(cluster.drive(8 * SECOND, |c| c.are_one(&[0, 1])));
    let epoch = cluster.epoch(0);
    // An observer who was not there to hear the original: a host started anew.
    cluster.crash(1);
    cluster.start(1);
    assert!(cluster.drive(20 * SECOND, |c| c.are_one(&[0, 1]) && c.epoch(0) != epoch));
    let epoch = cluster.epoch(0);
    for _ in 0..20 {
        cluster.inject(0, frame.clone());
        cluster.inject(1, frame.clone());
        cluster.run(SECOND);
    }
    assert!(cluster.are_one(&[0, 1]) && cluster.epoch(0) == epoch, "{:#?}", cluster.statuses());
    assert!(count(&cluster, 1, FrameKind::Unproven) >= 20);
}

#[test]
fn a_wrong_key_is_an_alarm_and_never_a_member() {
    let mut cluster = Cluster::new(2, 3, |config| {
        if config.host.get() == 2 {
            config.keys.accepted.insert(1, Secret(vec![8; 32]));
        }
    });
    (0..2).for_each(|host| cluster.start(host));
    cluster.run(3 * SECOND);
    assert!(count(&cluster, 0, FrameKind::Unauthenticated) > 2);
    let alarms = cluster.hosts[0].reports.iter().filter(|(_, r)| matches!(r, Report::Unauthenticated { priority: 2 }));
    assert_eq!(alarms.count(), 1, "told once");
}

#[test]
fn keys_are_changed_without_a_new_epoch() {
    let mut cluster = Cluster::converged(2, 4, |config| {
        config.keys.accepted.insert(2, Secret(vec![9; 40]));
        config.keys.send = config.host.get();
    });
    let epoch = cluster.epoch(0);
    cluster.run(10 * SECOND);
    assert!(cluster.are_one(&[0, 1]) && cluster.epoch(0) == epoch);
}

#[test]
fn a_windows_host_of_this_cluster_ip_keeps_new_hosts_unconverged_and_old_ones_serving() {
    let mut cluster = Cluster::converged(2, 5, |_| {});
    let mut foreign = recorded(&mut cluster, 0);
    foreign[14 + 1496 - 132..].fill(0);
    let mut fresh = Cluster::new(1, 6, |_| {});
    fresh.start(0);
    for _ in 0..20 {
        cluster.inject(0, foreign.clone());
        fresh.inject(0, foreign.clone());
        cluster.run(SECOND);
        fresh.run(SECOND);
    }
    assert!(cluster.are_one(&[0, 1]));
    assert!(cluster.status(0).expect("up").foreign);
    assert!(cluster.reported(0, 0, |r| *r == Report::Foreign { priority: 1 }).is_some());
    assert_eq!((fresh.phase(0), fresh.status(0).expect("up").cause), (PhaseKind::Agreeing, Cause::ForeignHost));
    assert!(fresh.drive(6 * SECOND, |c| c.are_one(&[0])), "it goes on when the other is gone");
}

#[test]
fn another_cluster_on_the_segment_is_none_of_our_business() {
    let mut cluster = Cluster::new(2, 7, |config| {
        config.cluster_ip = [10, 0, 0, config.host.get()].into();
    });
    (0..2).for_each(|host| cluster.start(host));
    // Each is a cluster of one; the fixture would call both serving a double.
    cluster.cut_both(0, 1);
    cluster.run(2 * SECOND);
    cluster.heal();
    cluster.run(2 * SECOND);
    assert!(count(&cluster, 0, FrameKind::OtherCluster) >= 1);
    assert!(cluster.status(0).expect("up").hosts.len() == 1);
}

#[test]
fn broken_frames_change_nothing_but_counters() {
    let mut cluster = Cluster::converged(2, 8, |_| {});
    let good = recorded(&mut cluster, 0);
    let mut dice = Dice::new(99);
    let victim = cluster.hosts[1].node.clone().expect("up");
    let at = victim.deadline().expect("a beat");
    for round in 0..30_000u64 {
        let mut frame = good.clone();
        match dice.below(3) {
            0 => frame.truncate(dice.below(1510) as usize),
            1 => {
                for _ in 0..=dice.below(8) {
                    let at = 14 + dice.below(1496) as usize;
                    frame[at] ^= 1 << dice.below(8);
                }
            }
            _ => {
                // A bulk frame of noise.
                let end = frame.len();
                frame[14..18].copy_from_slice(b"weir");
                frame[18] = 1;
                frame.truncate(14 + dice.below(end as u64 - 14) as usize);
                if frame.len() > 80 {
                    for octet in &mut frame[19..66] {
                        *octet = dice.roll() as u8;
                    }
                }
            }
        }
        if frame == good {
            continue;
        }
        let mut node = victim.clone();
        let mut actions = Vec::new();
        let now = Now { host: HostTime(at.0 - 1), nic: NicTime(round as Micros) };
        node.handle(now, Event::Frame(frame), &mut actions);
        let acted = actions.iter().find(|action| match action {
            Action::Send(_) | Action::Program(_) => true,
            Action::Renew(_) => false,
            Action::Dump { .. } | Action::List(_) | Action::Destroy(_) | Action::EndStale(_) => true,
            Action::Activated | Action::EndHalfOpen | Action::Remember { .. } => true,
            Action::Report(report) => !matches!(report, Report::Unauthenticated { .. } | Report::Foreign { .. }),
        });
        assert_eq!(acted, None, "round {round}");
    }
}

#[test]
fn a_stopped_host_says_so_for_a_tolerance_and_is_silent_then() {
    let mut node = Node::new(config(1, 1)).expect("configuration");
    let mut out = Vec::new();
    let now = |s: u64| Now { host: HostTime(s * SECOND), nic: NicTime(s * SECOND) };
    assert_eq!(node.deadline(), None);
    node.handle(now(0), Event::Start { incarnation: 1, entropy: [0; 32] }, &mut out);
    let word = out.iter().find_map(|action| match action {
        Action::Program(program) => Some(program.epoch),
        _ => None,
    });
    node.handle(now(0), Event::Programmed { epoch: word.expect("the first program"), fenced: true }, &mut out);
    out.clear();
    node.handle(now(0), Event::Stop, &mut out);
    let word = out.iter().find_map(|action| match action {
        Action::Program(program) => Some(program.epoch),
        _ => None,
    });
    node.handle(now(0), Event::Programmed { epoch: word.expect("the last program"), fenced: true }, &mut out);
    let mut last = 0;
    while let Some(deadline) = node.deadline() {
        last = deadline.0;
        node.handle(Now { host: deadline, nic: NicTime(last) }, Event::Tick, &mut out);
        assert!(last < 7 * SECOND);
    }
    assert!(last >= 5 * SECOND, "{last}");
    let farewells = out.iter().filter(|action| matches!(action, Action::Send(_))).count();
    assert!((5..=9).contains(&farewells), "{farewells}");
}
