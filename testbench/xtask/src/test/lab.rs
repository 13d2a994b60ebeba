//! Clusters in network namespaces: needs root, or user namespaces that an ordinary user may make.

use super::libtest::run_tests;
use super::{Budget, Tally, built};
use crate::place;
use crate::run::{Show, run};
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The package of its tests.
pub(super) const PACKAGE: &[&str] = &["testbench/lab"];

/// Runs the lab's tests against the one binary that a lab starts.
pub(super) fn part(_: Budget) -> Result<Tally> {
    let mut tally = Tally::default();
    if !place::is_root() && !user_namespaces_work() {
        tally.skip(1, "the lab needs root, or user namespaces for ordinary users, which this system refuses");
        return Ok(tally);
    }
    let weir = built::weir()?;
    let weir = weir.get_program().to_string_lossy().into_owned();
    let programs = built::tests(|folder| PACKAGE.iter().any(|package| folder == Path::new(package)))?;
    // Two clusters at once on a small machine would disturb each other's heartbeats.
    let path = place::search_path()?;
    let environment = [("WEIR_BIN", weir.as_str()), ("PATH", &path.to_string_lossy())];
    run_tests(&programs, &["--include-ignored", "--test-threads=1"], &environment, Duration::from_secs(1800))
}

fn user_namespaces_work() -> bool {
    let mut try_one = Command::new("unshare");
    try_one.args(["--user", "--map-root-user", "--net", "true"]);
    run(&mut try_one, Duration::from_secs(10), Show::OnFailure).is_ok_and(|ended| ended.success)
}
