//! Runs a search and says what it found.

use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model, Path};
use weir_model::walk::Stroller;
use weir_model::{Act, Scenario, Search, World};

/// Whether there is time for more: `cargo xtask test --long`.
#[allow(dead_code, reason = "not all tests go deeper")]
pub(crate) fn is_long() -> bool {
    std::env::var_os("WEIR_LONG").is_some()
}

/// What was done until a property broke, and how it ended.
pub(crate) fn told(path: Path<World, Act>) -> String {
    let world = path.last_state().clone();
    let acts: Vec<Act> = path.into_actions();
    let broken = world.broken.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{acts:?}\n{broken}\n{}", world.tell())
}

/// Searches everything; panics with the shortest way to what must not be.
#[allow(dead_code, reason = "not all tests search")]
pub(crate) fn holds(name: &str, scenario: &Scenario) {
    let began = Instant::now();
    let checker = scenario.search().checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!("{name}: {} states, {} ms", checker.unique_state_count(), began.elapsed().as_millis());
    for property in checker.model().properties() {
        if property.expectation == stateright::Expectation::Always
            && let Some(path) = checker.discovery(property.name)
        {
            panic!("{name}: broken after {}", told(path));
        }
    }
    assert!(checker.discovery("the world is looked at to its end").is_some(), "{name}: no world was");
}

/// Walks from each seed to an end; panics with the first walk to what must not be.
#[allow(dead_code, reason = "not all tests walk")]
pub(crate) fn walks(name: &str, scenario: &Scenario, seeds: std::ops::Range<u64>) {
    let (began, mut states, count) = (Instant::now(), 0, seeds.end - seeds.start);
    let search = std::sync::Arc::new(scenario.search());
    for seed in seeds {
        let one =
            Search::clone(&search).checker().target_state_count(1).spawn_simulation(seed, Stroller { faults: 400 });
        let one = one.join();
        states += one.state_count();
        for property in one.model().properties() {
            if property.expectation == stateright::Expectation::Always
                && let Some(path) = one.discovery(property.name)
            {
                panic!("{name}, seed {seed}: broken after {}", told(path));
            }
        }
        assert!(one.discovery("the world is looked at to its end").is_some(), "{name}, seed {seed}: no end");
    }
    println!("{name}: {count} walks, {states} states, {} ms", began.elapsed().as_millis());
}
