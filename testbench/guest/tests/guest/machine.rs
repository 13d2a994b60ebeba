//! That every guest ends, and says why.

use std::time::{Duration, Instant};

use weir_guest::plan::WEIR;
use weir_guest::{Ended, GuestError, Scenario, Step};

use crate::{all, attempt, done};

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn the_binary_of_the_build_runs_in_the_guest() {
    let outcome = done(&Scenario::new([Step::weir("--version", 0)]));
    assert!(outcome.steps[0].stdout.starts_with("weir "), "{:?}", outcome.steps);
    assert!(outcome.modules > Duration::ZERO);
    assert!(outcome.console.lines().count() > 0, "the kernel or the emulator says something");
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_step_that_is_not_as_expected_is_the_last_one() {
    let error = attempt(&Scenario::new([Step::weir("--version", 7), Step::weir("--version", 0)]));
    match error {
        Err(GuestError::Step { ran, expected: 7 }) => {
            assert_eq!((ran.argv[0].as_str(), &ran.ended), (WEIR, &Ended::Exit(0)));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_machine_is_killed_at_its_deadline_and_its_last_words_are_kept() {
    let began = Instant::now();
    let deadline = Duration::from_millis(500);
    let error = attempt(&Scenario { deadline, ..Scenario::new([Step::weir("--version", 0)]) });
    let error = error.expect_err("no kernel boots that fast");
    assert!(matches!(error, GuestError::Deadline { ran: 0, .. }), "{}", all(&error));
    assert!(began.elapsed() < Duration::from_secs(60), "killed, not waited for");
}
