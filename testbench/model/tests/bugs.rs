//! Mistakes that must be found, each with the property it breaks, in a scenario in which the state machine as it is breaks
//! none.

mod check;

use check::holds;
use stateright::{Checker, HasDiscoveries, Model};
use weir_cluster::Mode;
use weir_model::check::{CONVERGES, NO_DOUBLE, NONE_DROPPED, ONE_ANSWERS};
use weir_model::{Bug, FOREVER, Fault, MS, Scenario, TOLERANCE, World, suite};

/// The bug breaks one of these properties, and without it the scenario breaks none.
fn caught(bug: Bug, scenario: &Scenario, properties: &[&str]) {
    found(bug, scenario, properties);
    holds(&format!("without {bug:?}"), scenario);
}

/// The bug breaks one of these properties. That nothing does without it is a test of its own in `search.rs`.
fn found(bug: Bug, scenario: &Scenario, properties: &[&str]) {
    let planted = scenario.with(bug);
    let checker = planted.search().checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let names: Vec<_> = checker.discoveries().into_keys().collect();
    let found = checker.discoveries().into_iter().find(|(name, _)| properties.contains(name));
    let (name, path) =
        found.unwrap_or_else(|| panic!("{bug:?} goes unseen; {names:?}, {} states", checker.state_count()));
    println!("{bug:?}: \"{name}\" broken after {} states: {}", checker.unique_state_count(), check::told(path));
}

fn quorum(menu: Vec<Fault>) -> Scenario {
    Scenario { menu, decisions: 2, faults: 1, ..Scenario::new(Mode::Quorum, 3) }
}

fn each(of: impl Fn(usize) -> Fault) -> Vec<Fault> {
    (0..3).map(of).collect()
}

#[test]
fn a_lease_renewed_by_hearing() {
    caught(Bug::RenewedByHearing, &quorum(each(|host| Fault::Mute { host, span: FOREVER })), &[NO_DOUBLE]);
}

#[test]
fn owning_before_all_have_released() {
    caught(Bug::OwnedBeforeReleased, &quorum(suite::weights(3)), &[NO_DOUBLE]);
}

#[test]
fn a_commit_that_heeds_no_deadline() {
    found(Bug::CommitLiftsAnyFence, &suite::amid_a_move(3), &[NO_DOUBLE]);
}

#[test]
fn a_deadline_that_is_a_span() {
    found(Bug::DeadlinesAreSpans, &suite::amid_a_move(3), &[NO_DOUBLE]);
}

#[test]
fn promises_forgotten_by_a_restart() {
    found(Bug::NoListening, &suite::restarts_beside_a_lost_host(), &[NO_DOUBLE]);
}

#[test]
fn giving_up_the_silent_too_early() {
    caught(Bug::HalfATolerance, &quorum(each(|host| Fault::Isolate { host, span: FOREVER })), &[NO_DOUBLE]);
}

#[test]
fn believing_an_incarnation_that_is_gone() {
    found(Bug::StaleFarewell, &suite::replay(3), &[NO_DOUBLE]);
}

/// A host has stood still for longer than a lease and is about to go on. What the others say to it then may be lost for a while.
fn about_to_go_on() -> Scenario {
    fn paused(world: &mut World) {
        world.suffer(Fault::Pause { host: 0, span: TOLERANCE + 2000 * MS, hold: true, keep: false });
        world.run(TOLERANCE + 2000 * MS - 1);
    }
    let menu = vec![Fault::Deaf { host: 0, span: 800 * MS }];
    Scenario { mode: Mode::Availability, strict: true, prelude: paused, ..quorum(menu) }
}

#[test]
fn counting_silence_in_a_pause() {
    caught(Bug::SilenceCountsInAPause, &about_to_go_on(), &[NO_DOUBLE]);
}

#[test]
fn no_clique_rule() {
    let menu = each(|host| Fault::Cut { from: host, to: (host + 1) % 3, span: FOREVER });
    caught(Bug::NoCliqueRule, &quorum(menu), &[CONVERGES]);
}

#[test]
fn a_lease_without_room_for_drift() {
    caught(Bug::LeaseWithoutDrift, &quorum(each(|host| Fault::Isolate { host, span: FOREVER })), &[NO_DOUBLE]);
}

#[test]
fn epochs_named_by_their_counters() {
    found(Bug::CountersNameEpochs, &suite::halves_that_meet(), &[NO_DOUBLE]);
}

#[test]
fn lineages_that_do_not_yield() {
    found(Bug::LineagesDoNotYield, &suite::halves_that_meet(), &[NO_DOUBLE]);
}

#[test]
fn releasing_before_promises_are_over() {
    let menu = each(|host| Fault::Cut { from: host, to: (host + 1) % 3, span: FOREVER });
    caught(Bug::ExclusionEndsThePromise, &quorum(menu), &[NO_DOUBLE]);
}

#[test]
fn a_first_program_that_leaves_the_map() {
    let menu = each(|host| Fault::Crash { host, back: 300 * MS });
    caught(Bug::FenceLeavesTheMap, &quorum(menu), &[NO_DOUBLE]);
}

#[test]
fn no_look_at_what_came_before_the_release() {
    found(Bug::SecondDumpIsTheFirst, &suite::amid_a_hand_over(3), &[ONE_ANSWERS, NONE_DROPPED]);
}

fn one_change() -> Scenario {
    Scenario { menu: suite::weights(3), decisions: 1, faults: 1, ..suite::planned(3) }
}

#[test]
fn connections_that_are_not_pinned() {
    caught(Bug::PinsAreNotWritten, &one_change(), &[NONE_DROPPED]);
}

#[test]
fn connections_of_others_that_are_not_left_alone() {
    caught(Bug::ForeignEntriesAreNotWritten, &one_change(), &[ONE_ANSWERS]);
}

#[test]
fn records_that_count_as_listed_when_sent() {
    caught(Bug::ListedWithoutAnAnswer, &one_change(), &[ONE_ANSWERS]);
}

#[test]
fn a_dump_after_the_release_that_forgets_the_one_before() {
    caught(Bug::SecondDumpForgetsTheFirst, &one_change(), &[NONE_DROPPED]);
}

#[test]
fn a_drain_that_ends_with_the_epoch() {
    caught(Bug::DrainEndsWithTheEpoch, &one_change(), &[NONE_DROPPED]);
}

#[test]
fn a_bucket_that_is_owned_while_others_drain_it() {
    caught(Bug::AdoptedAsOwned, &one_change(), &[ONE_ANSWERS]);
}

#[test]
fn nothing_told_as_doubtful() {
    found(Bug::NothingIsDoubtful, &suite::begun_anew(), &[NONE_DROPPED, ONE_ANSWERS]);
}

#[test]
fn another_configuration_that_is_put_in_force_without_a_release() {
    found(Bug::SwitchReleasesNothing, &suite::amid_a_switch(), &[NO_DOUBLE, ONE_ANSWERS]);
}

#[test]
fn denials_that_are_not_heeded() {
    found(Bug::DenialsAreNotHeeded, &suite::begun_anew(), &[ONE_ANSWERS]);
}

#[test]
fn promises_to_an_absent_host_forgotten_by_a_restart() {
    found(Bug::AbsenceIsForgotten, &suite::restarts_beside_an_absent_host(Mode::Quorum), &[NO_DOUBLE]);
}

#[test]
fn going_before_others_have_promised_to_wait() {
    let menu = vec![Fault::Absent { host: 0, seconds: 10, gap: FOREVER }];
    caught(Bug::GoesUnpromised, &quorum(menu), &[NO_DOUBLE]);
}

#[test]
fn a_promise_that_counts_from_a_later_announcement() {
    found(Bug::PromisedFromTheLast, &suite::amid_a_leave(), &[NO_DOUBLE]);
}

#[test]
fn taking_one_for_back_whose_lease_is_long() {
    found(Bug::BackTooSoon, &suite::amid_a_return(), &[NO_DOUBLE]);
}

#[test]
fn ballots_that_are_not_heeded() {
    found(Bug::BallotsOfOthersAreIgnored, &suite::crashes_late_in_life(), &[CONVERGES]);
}
