//! Everything that may happen in each scenario, to the state machine as it is.

mod check;

use check::{holds, is_long};
use weir_cluster::Mode;
use weir_model::{Scenario, suite};

/// With more time, one fault more, and longer until the repair: after a pause and a loss a majority serves in 17 s.
fn deeper(scenario: Scenario) -> Scenario {
    let more = u8::from(is_long());
    let stay = scenario.stay + 2 * u64::from(more) * weir_model::TOLERANCE;
    Scenario { stay, faults: scenario.faults + more, decisions: scenario.decisions - u16::from(more), ..scenario }
}

#[test]
fn three_hosts_in_quorum_mode_survive_any_fault() {
    holds("quorum, 3 hosts", &deeper(suite::quorum(3)));
}

#[test]
fn three_hosts_in_availability_mode_survive_any_fault() {
    holds("availability, 3 hosts", &suite::availability(3));
}

#[test]
fn three_hosts_in_availability_mode_never_double_while_links_work() {
    holds("availability without cuts, 3 hosts", &suite::availability_unparted(3));
}

#[test]
fn a_fault_between_any_two_events_of_a_move_breaks_nothing() {
    holds("amid a move, 3 hosts", &suite::amid_a_move(3));
    if is_long() {
        holds("amid a move, 4 hosts", &suite::amid_a_move(4));
    }
}

#[test]
fn planned_changes_in_any_order_drop_no_connection() {
    holds("planned, 3 hosts", &deeper(suite::planned(3)));
}

#[test]
fn a_fault_between_any_two_events_of_a_hand_over_drops_no_connection() {
    holds("amid a hand-over, 3 hosts", &suite::amid_a_hand_over(3));
    if is_long() {
        holds("amid a hand-over, 4 hosts", &suite::amid_a_hand_over(4));
    }
}

#[test]
fn what_clients_begin_anew_while_a_host_is_cut_off_outlives_its_return() {
    holds("begun anew, 3 hosts", &suite::begun_anew());
    let faults = if is_long() { 2 } else { 1 };
    holds("begun anew amid a return, 3 hosts", &Scenario { faults, ..suite::begun_anew_amid_a_return() });
}

#[test]
fn another_configuration_drops_no_connection_and_comes_into_force_whatever_fails() {
    holds("another configuration, 3 hosts", &suite::another_configuration());
    holds("amid a switch, 3 hosts", &suite::amid_a_switch());
    holds("failures amid a switch, 3 hosts", &suite::failures_amid_a_switch());
}

#[test]
fn a_farewell_that_is_played_again_is_not_believed() {
    holds("replay, 3 hosts", &suite::replay(3));
}

#[test]
fn hosts_that_are_absent_are_waited_for_whatever_happens() {
    holds("absences, quorum, 3 hosts", &suite::absences(Mode::Quorum));
    holds("absences, availability, 3 hosts", &suite::absences(Mode::Availability));
}

#[test]
fn restarts_beside_an_absent_host_forget_it_not() {
    holds("restarts beside an absent host, quorum", &suite::restarts_beside_an_absent_host(Mode::Quorum));
    holds("restarts beside an absent host, availability", &suite::restarts_beside_an_absent_host(Mode::Availability));
}

#[test]
fn a_fault_between_any_two_events_of_a_leave_or_a_return_breaks_nothing() {
    holds("amid a leave, 3 hosts", &suite::amid_a_leave());
    holds("amid a return, 3 hosts", &suite::amid_a_return());
}

#[test]
fn restarts_beside_a_lost_host_wait_for_its_lease() {
    holds("restarts beside a lost host", &suite::restarts_beside_a_lost_host());
}

#[test]
fn halves_that_meet_are_one_again() {
    holds("halves that meet", &suite::halves_that_meet());
}

#[test]
fn a_host_that_forgot_all_ballots_proposes_above_them() {
    holds("crashes late in life", &suite::crashes_late_in_life());
}

#[test]
fn a_second_change_amid_a_move_is_followed_at_once() {
    holds("a change of mind, 3 hosts", &suite::a_change_of_mind(3));
}

#[test]
fn four_hosts_in_quorum_mode_survive_any_fault() {
    holds("quorum, 4 hosts", &Scenario { decisions: 2, ..suite::quorum(4) });
}

#[test]
fn three_hosts_survive_any_fault_whatever_their_clocks() {
    let decisions = if is_long() { 10 } else { 1 };
    holds("clocks, quorum, 3 hosts", &suite::clocks(Scenario { decisions, ..suite::quorum(3) }));
    holds("clocks, availability, 3 hosts", &suite::clocks(Scenario { decisions, ..suite::availability(3) }));
}

#[test]
fn a_host_that_gave_up_all_others_is_one_with_them_again() {
    holds("two of three away", &suite::two_of_three_away());
}
