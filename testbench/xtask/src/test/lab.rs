//! Clusters in network namespaces: needs root, or user namespaces that an ordinary user may make.

use super::libtest::cargo_test;
use super::{Budget, Tally};
use crate::place;
use crate::run::{Show, run};
use anyhow::Result;
use std::process::Command;
use std::time::Duration;

/// Builds the one binary the lab starts, then runs the lab's tests against it.
pub(super) fn part(_: Budget) -> Result<Tally> {
    let mut tally = Tally::default();
    if !place::is_root() && !user_namespaces_work() {
        tally.skip(1, "the lab needs root, or user namespaces for ordinary users, which this system refuses");
        return Ok(tally);
    }
    let mut build = place::cargo(["build", "--quiet", "--locked", "--package", "weir"]);
    if !run(&mut build, Duration::from_secs(900), Show::OnFailure)?.success {
        tally.fail("building weir");
        return Ok(tally);
    }
    let weir = place::root_target()?.join("debug/weir").display().to_string();
    // Two clusters at once on a small machine would disturb each other's heartbeats.
    let args = ["--package", "weir-lab", "--", "--include-ignored", "--test-threads=1"];
    cargo_test(&args, &[("WEIR_BIN", &weir)], Duration::from_secs(1200))
}

fn user_namespaces_work() -> bool {
    let mut try_one = Command::new("unshare");
    try_one.args(["--user", "--map-root-user", "--net", "true"]);
    run(&mut try_one, Duration::from_secs(10), Show::OnFailure).is_ok_and(|ended| ended.success)
}
