//! Seeds, one after the other.
//!
//! `WEIR_SEED=N` runs one and prints all of it; `WEIR_LONG=1` runs thousands, `WEIR_SEEDS=N` so many, from `WEIR_FROM=N` on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use weir_sim::{Outcome, Plant, run};

/// A seed that takes longer is told of.
const SLOW: Duration = Duration::from_secs(10);

/// Beyond the usual ones, seeds that have failed: one SYN at two hosts (1541, 2326), a half-open connection that no owner listed
/// (1547), a switch of the configuration without end (2178), a fence beside an absence (924, 1936, 3408) and after three lost heartbeats
/// (1632, 3256), two hosts that stood still together (5493).
const FAILED_ONCE: [u64; 10] = [924, 1541, 1547, 1632, 1936, 2178, 2326, 3256, 3408, 5493];

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn all(seeds: &[u64]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    let start = Instant::now();
                    let outcome = run(seed, false, Plant::Nothing);
                    if start.elapsed() > SLOW {
                        println!("seed {seed} takes {:.1?}, with {} hosts", start.elapsed(), outcome.hosts);
                    }
                    if let Some(failed) = &outcome.failed {
                        println!("seed {seed} fails: {failed}\nWEIR_SEED={seed} cargo test -p weir-sim --test seeds every_seed -- --nocapture");
                    }
                    outcomes.lock().expect("no worker panics").push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().expect("no worker panics")
}

#[test]
fn every_seed_keeps_the_promises() {
    if let Some(seed) = environment("WEIR_SEED") {
        let outcome = run(seed, true, Plant::Nothing);
        outcome.lines.iter().for_each(|line| println!("{line}"));
        println!("{:?}", Outcome { lines: Vec::new(), ..outcome.clone() });
        assert_eq!(outcome.failed, None);
        return;
    }
    let usual = if environment("WEIR_LONG") == Some(1) { 4000 } else { 200 };
    let first = environment("WEIR_FROM").unwrap_or(0);
    let seeds = first..first + environment("WEIR_SEEDS").unwrap_or(usual);
    let start = Instant::now();
    let outcomes = all(&seeds.collect::<Vec<_>>());
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    println!(
        "{} seeds in {:.0} s: {} s of virtual time, {} connections, {} lost with their hosts, slowest convergence {:.1} tolerances",
        outcomes.len(),
        start.elapsed().as_secs_f64(),
        sum(|outcome| outcome.span) / 1_000_000,
        sum(|outcome| outcome.counts.established),
        sum(|outcome| outcome.counts.lost),
        outcomes.iter().map(|outcome| outcome.converged).fold(0.0, f64::max),
    );
    none_fails(&outcomes);
}

fn none_fails(outcomes: &[Outcome]) {
    let failed: Vec<u64> =
        outcomes.iter().filter(|outcome| outcome.failed.is_some()).map(|outcome| outcome.seed).collect();
    assert!(failed.is_empty(), "seeds that fail: {failed:?}; each is replayed by WEIR_SEED=N");
}

#[test]
fn what_has_failed_once_does_so_no_more() {
    none_fails(&all(&FAILED_ONCE));
}

#[test]
fn a_seed_gives_the_same_log_each_time() {
    for seed in 0..8 {
        let (one, other) = (run(seed, false, Plant::Nothing), run(seed, true, Plant::Nothing));
        assert_eq!((one.hash, one.events, one.span), (other.hash, other.events, other.span), "seed {seed}");
        assert!(one.events > 300 && !other.lines.is_empty());
    }
    assert_ne!(run(0, false, Plant::Nothing).hash, run(4, false, Plant::Nothing).hash);
}
