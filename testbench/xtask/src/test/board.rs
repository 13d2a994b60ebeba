//! The emulated board, with tools as they are: yosys, nextpnr and ecppack make its bitstreams, openFPGALoader flashes them.
//!
//! The image of the whole NIC takes minutes to build, so what each stage made is kept in the cache, and a stage whose inputs are
//! the same is not run again. The commit that the image tells of is the last one that touched what it is made of, so that
//! another commit builds nothing.

use super::libtest::run_tests;
use super::{Budget, Tally, built};
use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The package of its tests.
pub(super) const PACKAGE: &[&str] = &["testbench/board"];

/// Runs the board's tests with the `weir` that all other parts run.
pub(super) fn part(budget: Budget) -> Result<Tally> {
    let loader = place::tool("openFPGALoader")?.context("openFPGALoader is not there")?;
    let ecppack = place::tool("ecppack")?.context("ecppack is not there")?;
    let weir = built::weir()?;
    let image = image("ecp5-versa-5g", Duration::from_secs(1800))?;
    let files = [
        ("WEIR_IMAGE", image.to_string_lossy()),
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

/// Builds a board's image, or finds it built; the folder it is in.
fn image(board: &str, limit: Duration) -> Result<PathBuf> {
    let folder = place::cache()?.join("image").join(board);
    let mut build = built::weir()?;
    build.args(["image", "build", "--board", board, "--source", &source()?, "--out"]).arg(&folder);
    for (variable, name) in [("WEIR_YOSYS", "yosys"), ("WEIR_NEXTPNR", "nextpnr"), ("WEIR_ECPPACK", "ecppack")] {
        build.env(variable, place::tool(name)?.with_context(|| format!("{name} is not there"))?);
    }
    let ended = run(&mut build, limit, Show::Live)?;
    if !ended.success {
        bail!("the image of {board} was not built: {}", ended.lines.last().map_or("no reason", String::as_str));
    }
    Ok(folder)
}

/// The last commit that touched what an image is made of.
fn source() -> Result<String> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%H", "--", "hdl", "constraints", "firmware"]).current_dir(place::root());
    let told = git.output().context("failed to run git log; is git installed?")?;
    let hash = String::from_utf8_lossy(&told.stdout).trim().to_string();
    if !told.status.success() || hash.is_empty() {
        bail!("git does not tell which commit the circuit is of: {}", String::from_utf8_lossy(&told.stderr).trim());
    }
    Ok(hash)
}
