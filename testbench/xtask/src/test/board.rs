//! The emulated board, with tools as they are: ecppack makes its bitstreams, openFPGALoader flashes them.

use super::libtest::run_tests;
use super::{Budget, Tally, built};
use crate::place;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;

/// The package of its tests.
pub(super) const PACKAGE: &[&str] = &["testbench/board"];

/// Runs the board's tests with the `weir` that all other parts run.
pub(super) fn part(budget: Budget) -> Result<Tally> {
    let loader = place::tool("openFPGALoader")?.context("openFPGALoader is not there")?;
    let ecppack = place::tool("ecppack")?.context("ecppack is not there")?;
    let weir = built::weir()?;
    let files = [
        ("WEIR_OPENFPGALOADER", loader.to_string_lossy()),
        ("WEIR_ECPPACK", ecppack.to_string_lossy()),
        ("WEIR_BIN", weir.get_program().to_string_lossy()),
    ];
    let mut environment: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    environment.extend(budget.long.then_some(("WEIR_LONG", "1")));
    let programs = built::tests(|folder| PACKAGE.iter().any(|package| folder == Path::new(package)))?;
    // What booted after how many cuts is printed by tests that pass.
    let limit = Duration::from_secs(if budget.long { 7200 } else { 900 });
    run_tests(&programs, &["--include-ignored", "--show-output"], &environment, limit)
}
