//! Faults that are planted: the checks have to find each of them, and name it.

use weir_sim::{Kind, Plant, run};

/// Runs seeds of a kind with a fault until it is found; it must not take more than so many.
fn found(kind: Kind, plant: Plant, seeds: usize, telling: &[&str]) {
    for seed in (0..).filter(|&seed| Kind::of(seed) == kind).take(seeds) {
        if let Some(failed) = run(seed, false, plant).failed {
            let first = failed.lines().next().unwrap_or_default();
            println!("{plant:?}: seed {seed}: {first}");
            assert!(telling.iter().any(|telling| first.contains(telling)), "found for another reason: {first}");
            assert_eq!(run(seed, false, Plant::Nothing).failed, None, "and nothing else is wrong with it");
            return;
        }
    }
    panic!("{plant:?} is not found in {seeds} seeds");
}

#[test]
fn a_lease_that_never_ends_is_found() {
    found(Kind::Quorum, Plant::EndlessLease(1), 12, &["must be fenced", "both accept", "passes at"]);
}

#[test]
fn a_release_that_never_reaches_the_nic_is_found() {
    found(Kind::Planned, Plant::SkippedRelease(0), 12, &["both accept", "passes at", "is answered by"]);
}

#[test]
fn a_dump_that_forgets_sockets_is_found() {
    found(Kind::Planned, Plant::ForgetfulDump(0), 40, &["is broken", "is answered by", "gets no answer"]);
}

#[test]
fn overlapping_maps_are_found() {
    found(Kind::Planned, Plant::GreedyMap(1), 12, &["both accept", "passes at"]);
}

#[test]
fn cookies_that_an_agent_does_not_see_are_found() {
    found(Kind::Planned, Plant::UnseenCookies, 60, &["is broken", "gets no answer"]);
}
