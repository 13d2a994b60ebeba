//! Runs test programs and counts what they print.
//!
//! They are run one after the other as cargo would, rather than by a better runner that may not be installed: every machine
//! then runs the same thing, and the part as a whole has a time limit.

use super::Tally;
use super::built::Program;
use crate::place;
use crate::run::{Ended, Show, run};
use anyhow::Result;
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs `programs` with `args` and more variables in their environment, all within `limit`.
pub(super) fn run_tests(
    programs: &[&Program],
    args: &[&str],
    environment: &[(&str, &str)],
    limit: Duration,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let end = Instant::now() + limit;
    for program in programs {
        println!("\n{} of {}", program.name, program.package.display());
        let mut command = Command::new(&program.path);
        command.args(args).current_dir(&program.package).env("CARGO_MANIFEST_DIR", &program.package);
        command.env("PATH", place::search_path()?).envs(environment.iter().copied());
        tally.add(count(&run(&mut command, end.saturating_duration_since(Instant::now()), Show::Live)?));
    }
    Ok(tally)
}

/// Runs the examples in the documentation, which cargo compiles as it runs them.
pub(super) fn doc_tests(limit: Duration) -> Result<Tally> {
    let mut command = place::cargo(["test", "--workspace", "--locked", "--no-fail-fast", "--doc"]);
    Ok(count(&run(&mut command, limit, Show::Live)?))
}

/// Counts `test result:` lines; a run that failed without naming a failed test is one failure.
fn count(ended: &Ended) -> Tally {
    let mut tally = Tally::default();
    let mut failed = 0;
    for line in &ended.lines {
        if let Some(counts) = line.strip_prefix("test result: ") {
            tally.pass_many(number_before(counts, " passed"));
            failed += number_before(counts, " failed");
        } else if let Some(test) = line.strip_prefix("test ") {
            if let Some(name) = test.strip_suffix(" ... FAILED") {
                tally.fail(name);
            } else if let Some((name, why)) = test.split_once(" ... ignored") {
                let why = why.strip_prefix(", ").unwrap_or("ignored without a reason");
                tally.skip(1, &format!("{name}: {why}"));
            }
        } else if let Some(why) = line.strip_prefix("skipped: ") {
            tally.skip(1, why);
        }
    }
    for _ in tally.failed()..failed {
        tally.fail("a test whose name was not printed");
    }
    if !ended.success && tally.failed() == 0 {
        tally.fail(if ended.timed_out {
            "stopped: out of time"
        } else {
            "a test program failed without a failed test"
        });
    }
    tally
}

/// The number in front of the first `unit`, as in `3 passed`.
fn number_before(text: &str, unit: &str) -> usize {
    let digits = text.split(unit).next().and_then(|head| head.rsplit(' ').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(success: bool, text: &str) -> Ended {
        Ended { success, timed_out: false, lines: text.lines().map(str::to_owned).collect() }
    }

    #[test]
    fn the_binaries_of_a_run_are_summed() {
        let tally = count(&ended(
            true,
            "running 3 tests\ntest a ... ok\n\
             test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
             test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
        ));
        assert_eq!(tally.line(), "15 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn failures_and_skips_keep_their_names_and_reasons() {
        let tally = count(&ended(
            false,
            "test a::b ... FAILED\ntest slow ... ignored, takes an hour\n\
             test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
        ));
        assert_eq!(tally.line(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(tally.remarks(), ["failed: a::b", "skipped 1: slow: takes an hour"]);
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        assert_eq!(count(&ended(false, "error: could not compile")).failed(), 1);
    }

    #[test]
    fn a_binary_that_dies_is_a_failure_beside_those_that_passed() {
        let text = "test result: ok. 2 passed; 0 failed; 0 ignored\nerror: test failed (signal: 11)";
        assert_eq!(count(&ended(false, text)).line(), "2 passed, 1 failed, 0 skipped");
    }
}
