//! The largest cluster: 32 hosts at the default period, one of which is lost.

use std::collections::BTreeSet;

use weir_cluster::{Micros, Mode, Report};
use weir_sim::scenario::config;
use weir_sim::traffic::Traffic;
use weir_sim::{Plant, Setup, World};
use weir_spec::map::BUCKETS;

const HOSTS: usize = 32;
const SECOND: Micros = 1_000_000;
/// The longest way of a frame, which is what an exchange is counted in.
const WAY: Micros = 10_000;

/// The default host too, and one in the middle.
#[test]
fn thirty_two_hosts_share_evenly_and_lose_one_in_three_exchanges() {
    for lost in [0, 17] {
        lose(lost);
    }
}

fn lose(lost: usize) {
    let configs = (1..=HOSTS as u8).map(|number| config(number, HOSTS as u8, Mode::Quorum, SECOND)).collect();
    let mut world = World::new(32 + lost as u64, Setup { configs, write: 50, lines: false, plant: Plant::Nothing });
    world.wire.delay = WAY;
    (0..HOSTS).for_each(|host| world.start(host));
    let all: Vec<usize> = (0..HOSTS).collect();
    assert!(world.drive(60 * SECOND, |world| world.are_one(&all).is_some()), "{:#?}", world.statuses());
    let traffic =
        Traffic { gap: 20_000, most: 200, think: 2 * SECOND, requests: 20, ports: vec![80, 443], ..Traffic::none() };
    world.open_to(traffic);
    world.run(10 * SECOND);

    let imbalance = |world: &mut World, hosts: &[usize]| {
        let most = hosts.iter().map(|&host| world.accepted(host)[0]).max().unwrap_or(0);
        f64::from(most) * hosts.len() as f64 / BUCKETS as f64
    };
    let even = imbalance(&mut world, &all);
    let (frames, octets) = world.sent();
    let busy: Vec<_> = all.iter().map(|&host| world.cpu(host)).collect();
    let span = 20;
    world.run(span * SECOND);
    let hosts_seconds = (HOSTS as u64 * span) as f64;
    let (frames, octets) = (world.sent().0 - frames, world.sent().1 - octets);
    let busy: f64 = all.iter().map(|&host| (world.cpu(host) - busy[host]).as_secs_f64()).sum();

    let before = world.owners();
    world.power_off(lost);
    let at = world.at();
    let left: Vec<usize> = all.iter().copied().filter(|&host| host != lost).collect();
    assert!(world.drive_exactly(20 * SECOND, |world| world.are_one(&left).is_some()), "{:#?}", world.statuses());
    let stable = world.at();
    let detected: Vec<Micros> = left
        .iter()
        .filter_map(|&host| world.reported(host, at, |report| matches!(report, Report::Lost { .. })))
        .collect();
    let (first, last) = (*detected.iter().min().expect("noticed"), *detected.iter().max().expect("noticed"));
    let after = world.owners();
    let moved: usize = before
        .iter()
        .zip(&after)
        .map(|(before, after)| before.iter().zip(after).filter(|(a, b)| **a != Some(lost) && a != b).count())
        .sum();
    let orphans: BTreeSet<usize> =
        (0..BUCKETS).filter(|&bucket| before[0][bucket] == Some(lost) && after[0][bucket].is_none()).collect();
    // A round trip: everybody has spoken, and heard what the others said to that.
    let exchanges = (stable - last) as f64 / (2 * WAY) as f64;
    println!(
        "32 hosts, host {} lost: imbalance {even:.4} before and {:.4} after; detected after {:.3} to {:.3} s, stable {:.1} ms \
         ({exchanges:.1} exchanges) after the last detection; {moved} buckets of survivors moved; at 1 s a host sends \
         {:.2} frames and {:.0} octets a second and spends {:.3} ms a second in the protocol",
        lost + 1,
        imbalance(&mut world, &left),
        (first - at) as f64 / 1e6,
        (last - at) as f64 / 1e6,
        (stable - last) as f64 / 1e3,
        frames as f64 / hosts_seconds,
        octets as f64 / hosts_seconds,
        1e3 * busy / hosts_seconds,
    );
    assert!(even <= 1.01, "{even}");
    assert_eq!((moved, orphans.len()), (0, 0));
    assert!(exchanges <= 3.0, "{exchanges}");
    world.run(5 * SECOND);
    world.check_shares(&left);
    world.check_connections();
    assert_eq!(world.failed(), None);
}
