//! `cargo xtask test`: the test suite in parts with stable names, each counted, with a table and one plain closing
//! line.
//!
//! A part that cannot run here is counted as skipped and says why in one line; with `CI=true` as root nothing may be
//! skipped, so a missing tool is a failure there.

mod board;
mod built;
mod cocotb;
mod formal;
mod fuzz;
mod guest;
mod lab;
mod libtest;
mod parts;
mod report;
mod synth;
mod tally;

use crate::{place, setup};
use anyhow::{Context, Result};
use parts::{PARTS, Part};
use std::time::Instant;
pub(crate) use tally::Tally;

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// parts to run; all of them when none is named
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// run bounded random tests for longer
    #[arg(long)]
    long: bool,
    /// only list the parts
    #[arg(long)]
    list: bool,
}

/// How long random tests may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Asked for by `--long`.
    pub(crate) long: bool,
}

/// Runs the command; `false` when a test failed, or when something was skipped where nothing may be.
pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.list {
        for part in PARTS {
            println!("{:<7} {}", part.name, part.about);
        }
        return Ok(true);
    }
    let wanted = select(&args.parts)?;
    let strict = place::is_root() && std::env::var_os("CI").is_some_and(|value| value == "true");
    let budget = Budget { long: args.long };
    let mut rows = Vec::new();
    for part in wanted {
        println!("\n== {}: {}", part.name, part.about);
        let began = Instant::now();
        let tally = one(part, budget, strict);
        println!("{}: {}", part.name, tally.line());
        rows.push(report::Row { name: part.name, tally, seconds: began.elapsed().as_secs_f64() });
    }
    Ok(report::print(&rows))
}

fn select(names: &[String]) -> Result<Vec<&'static Part>> {
    if names.is_empty() {
        return Ok(PARTS.iter().collect());
    }
    let find = |name: &String| {
        let known = || PARTS.iter().map(|part| part.name).collect::<Vec<_>>().join(", ");
        PARTS.iter().find(|part| part.name == name).with_context(|| format!("no part {name}; parts: {}", known()))
    };
    names.iter().map(find).collect()
}

/// Sets up and runs one part; whatever goes wrong in that is one failed test.
fn one(part: &Part, budget: Budget, strict: bool) -> Tally {
    let outcome = setup::ensure(part.tools).and_then(|missing| {
        if part.needs_tools && !missing.is_empty() {
            let mut tally = Tally::default();
            tally.skip(1, &missing.join("; "));
            return Ok(tally);
        }
        let mut tally = (part.run)(budget)?;
        if !part.needs_tools {
            missing.iter().for_each(|why| tally.note(why));
        }
        Ok(tally)
    });
    let mut tally = outcome.unwrap_or_else(|error| {
        let mut tally = Tally::default();
        tally.fail(format!("{error:#}"));
        tally
    });
    if strict && tally.skipped() > 0 {
        tally.fail(format!("{} tests were skipped, and CI as root may skip none", tally.skipped()));
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_every_part_and_a_wrong_name_lists_them() {
        assert_eq!(select(&[]).unwrap().len(), PARTS.len());
        let error = select(&["units".into()]).err().expect("there is no such part").to_string();
        assert!(error.contains("units") && error.contains("unit,"), "{error}");
    }

    #[test]
    fn a_part_that_cannot_run_is_a_failure_not_a_silence() {
        fn broken(_: Budget) -> Result<Tally> {
            anyhow::bail!("no such thing")
        }
        let part = Part { name: "x", about: "", tools: &[], needs_tools: false, run: broken };
        assert_eq!(one(&part, Budget { long: false }, false).line(), "0 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_skip_fails_where_nothing_may_be_skipped() {
        fn skips(_: Budget) -> Result<Tally> {
            let mut tally = Tally::default();
            tally.skip(2, "no privilege");
            Ok(tally)
        }
        let part = Part { name: "x", about: "", tools: &[], needs_tools: false, run: skips };
        assert_eq!(one(&part, Budget { long: false }, false).line(), "0 passed, 0 failed, 2 skipped");
        assert_eq!(one(&part, Budget { long: false }, true).line(), "0 passed, 1 failed, 2 skipped");
    }
}
