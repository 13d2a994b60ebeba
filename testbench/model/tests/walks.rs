//! Random walks through what is too large to search. A seed walks the same way for ever.

mod check;

use std::ops::Range;

use check::{is_long, walks};
use weir_cluster::Mode;
use weir_model::suite;

/// So many seeds, and with more time so many more.
fn seeds(count: u64) -> Range<u64> {
    0..if is_long() { 50 * count } else { count }
}

#[test]
fn storms_in_quorum_mode_break_nothing() {
    walks("storm, quorum, 3 hosts", &suite::storm(Mode::Quorum, 3), seeds(20));
    walks("storm, quorum, 4 hosts", &suite::storm(Mode::Quorum, 4), seeds(12));
}

#[test]
fn storms_in_availability_mode_break_nothing_but_across_a_cut() {
    walks("storm, availability, 4 hosts", &suite::storm(Mode::Availability, 4), seeds(12));
    walks("storm of agents, 4 hosts", &suite::storm_of_agents(4), seeds(12));
}

#[test]
fn storms_of_plans_drop_no_connection() {
    walks("storm of plans, 3 hosts", &suite::storm_of_plans(3), seeds(20));
}
