//! The emitted tops under cocotb: drivers and a model that share no code with ours, on two simulators.
//!
//! The bench is in `testbench/cocotb`. Icarus interprets, so it gets the narrow top alone, and of its tests those that show
//! most in the fewest clocks, with fewer frames.

use super::{Budget, Tally, built};
use crate::place;
use crate::run::{Ended, Show, run};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Simulator, top, whether the load is small.
const RUNS: &[(&str, &str, bool)] = &[
    ("verilator", "weir64", false),
    ("verilator", "weir512", false),
    ("icarus", "weir64", true),
    ("icarus", "weir512", true),
    ("verilator", "bump", false),
];

/// Emits the tops and runs the bench on each.
pub(super) fn part(_: Budget) -> Result<Tally> {
    let mut tally = Tally::default();
    let work = place::root_target()?.join("cocotb");
    let emitted = work.join("emitted");
    let mut emit = built::weir()?;
    if !run(emit.args(["hdl", "emit", "--out"]).arg(&emitted), Duration::from_secs(900), Show::OnFailure)?.success {
        tally.fail("weir hdl emit");
        return Ok(tally);
    }
    let mut emit = built::weir()?;
    emit.args(["image", "emit", "--bench", "--board", "ecp5-versa-5g", "--source", "00000000", "--out"]).arg(&emitted);
    if !run(&mut emit, Duration::from_secs(900), Show::OnFailure)?.success {
        tally.fail("weir image emit");
        return Ok(tally);
    }
    let python = place::tool("cocotb").context("cocotb is not there")?;
    let present = RUNS.iter().filter(|(_, top, _)| emitted.join(format!("{top}.sv")).is_file());
    // All at once: most of each is one compiler or one simulator on one core.
    let runs: Vec<_> = present
        .map(|run| {
            (
                run,
                thread::spawn({
                    let (python, emitted, work) = (python.clone(), emitted.clone(), work.clone());
                    move || bench(&python, &emitted, &work, *run)
                }),
            )
        })
        .collect();
    for ((simulator, top, _), run) in runs {
        let ended = run.join().map_err(|_| anyhow!("the thread of {simulator} panicked"))??;
        tally.add(count(&ended, &format!("{top} on {simulator}")));
    }
    Ok(tally)
}

fn bench(python: &Path, emitted: &Path, work: &Path, (simulator, top, small): (&str, &str, bool)) -> Result<Ended> {
    let folder = work.join(format!("{simulator}-{top}"));
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let mut bench = Command::new(python);
    bench.arg(place::root().join("testbench/cocotb/run.py")).args([simulator, top]);
    bench.arg(emitted.join(format!("{top}.sv"))).arg(&folder);
    bench.env("PATH", place::search_path()?).current_dir(&folder);
    if small {
        bench.env("WEIR_SMALL", "1");
    }
    run(&mut bench, Duration::from_secs(1200), Show::OnFailure)
}

/// One line a test; a run that failed without naming one is a failure itself.
fn count(ended: &Ended, what: &str) -> Tally {
    let mut tally = Tally::default();
    for line in &ended.lines {
        let Some((name, how)) = line.strip_prefix("cocotb ").and_then(|test| test.split_once(" ... ")) else {
            continue;
        };
        println!("cocotb {name} ({what}) ... {how}");
        match how.strip_prefix("FAILED ") {
            Some(why) => tally.fail(format!("cocotb {name} ({what}): {why}")),
            None => tally.pass(),
        }
    }
    if tally.failed() == 0 && (!ended.success || tally.passed() == 0) {
        let why = if ended.timed_out { "out of time" } else { "it ended without naming a failed test" };
        tally.fail(format!("cocotb {what}: {why}"));
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(success: bool, text: &str) -> Ended {
        Ended { success, timed_out: false, lines: text.lines().map(str::to_owned).collect() }
    }

    #[test]
    fn tests_are_counted_and_failures_keep_their_reason() {
        let tally = count(&ended(false, "talk\ncocotb a ... ok\ncocotb b ... FAILED 1 != 2\n"), "weir64 on icarus");
        assert_eq!(tally.line(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(tally.remarks(), ["failed: cocotb b (weir64 on icarus): 1 != 2"]);
    }

    #[test]
    fn a_run_without_a_test_is_a_failure() {
        assert_eq!(count(&ended(true, "talk\n"), "x").failed(), 1);
        assert_eq!(count(&ended(false, "cocotb a ... ok\n"), "x").line(), "1 passed, 1 failed, 0 skipped");
    }
}
