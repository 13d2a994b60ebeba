//! The checks on the text of the project itself: formatting, warnings, words, licences, links, pages made from code.
//!
//! Each check is counted as one test. A check that finds something prints one line a finding.

mod arrows;
mod changelog;
mod ci;
mod dependencies;
mod links;
mod spdx;
mod words;

use crate::run::{Show, run};
use crate::test::{Budget, Tally};
use crate::{docs, place};
use anyhow::Result;
use std::time::Duration;

/// What a check found: one line each, empty when all is well.
type Findings = Vec<String>;

type Check = fn() -> Result<Findings>;

/// Checks by name, the quick ones first.
const CHECKS: &[(&str, Check)] = &[
    ("forbidden words", || words::check(&place::root())),
    ("changelog fragments", || changelog::check(&place::root())),
    ("ci script", || ci::check(&place::root())),
    ("documentation links", || links::check(&place::root())),
    ("generated pages", || docs::stale(&place::root())),
    ("arrows between crates", || arrows::check(&dependencies::metadata()?)),
    ("licences and duplicates", || dependencies::check(&place::root())),
];

/// Checks done by other programs.
const COMMANDS: &[(&str, &[&str])] = &[
    // A package outside the workspace: no other command looks at its lock before its tests are built, which is last.
    ("lock of the fuzz targets", &["fetch", "--quiet", "--locked", "--manifest-path", "testbench/fuzz/Cargo.toml"]),
    ("rustfmt", &["fmt", "--all", "--", "--check", "-l", "--color", "never"]),
    (
        "clippy",
        &["clippy", "--quiet", "--keep-going", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    ),
    ("rustdoc", &["doc", "--quiet", "--workspace", "--no-deps", "--locked"]),
];

/// Runs every check.
pub(crate) fn part(_: Budget) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, check) in CHECKS {
        let findings = check().unwrap_or_else(|error| vec![format!("{error:#}")]);
        count(&mut tally, name, &findings);
    }
    spelling(&mut tally)?;
    for (name, args) in COMMANDS {
        let mut cargo = place::cargo(*args);
        let ended = run(cargo.env("RUSTDOCFLAGS", "-D warnings"), Duration::from_secs(1200), Show::OnFailure)?;
        let findings = if ended.success { vec![] } else { vec![format!("cargo {} failed", args[0])] };
        count(&mut tally, name, &findings);
    }
    Ok(tally)
}

fn count(tally: &mut Tally, name: &str, findings: &[String]) {
    println!("lint {name} ... {}", if findings.is_empty() { "ok" } else { "FAILED" });
    for finding in findings {
        println!("  {finding}");
    }
    if findings.is_empty() { tally.pass() } else { tally.fail(format!("lint {name}")) }
}

fn spelling(tally: &mut Tally) -> Result<()> {
    let Some(typos) = place::tool("typos") else {
        tally.skip(1, "spelling: typos is not there, `cargo xtask setup --only typos` brings it");
        return Ok(());
    };
    let mut command = std::process::Command::new(typos);
    command.args(["--config", "typos.toml", "--format", "brief"]).current_dir(place::root());
    let ended = run(&mut command, Duration::from_secs(120), Show::OnFailure)?;
    count(tally, "spelling", &if ended.success { vec![] } else { vec!["typos found words it does not know".into()] });
    Ok(())
}
