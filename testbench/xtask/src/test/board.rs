//! The emulated board, with tools as they are: yosys, nextpnr and ecppack make its bitstreams, openFPGALoader flashes them.
//!
//! The image of the whole NIC takes minutes to build, so what each stage made is kept in the cache, and a stage whose inputs are
//! the same is not run again. The commit that the image tells of is the last one that touched what it is made of, so that
//! another commit builds nothing.

use super::libtest::run_tests;
use super::{Budget, Tally, built};
use crate::image::{self, Image, Order};
use crate::place;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The board that is emulated.
const BOARD: &str = "ecp5-versa-5g";

/// The package of its tests.
pub(super) const PACKAGE: &[&str] = &["testbench/board"];

/// Runs the board's tests with the `weir` that all other parts run.
pub(super) fn part(budget: Budget) -> Result<Tally> {
    let loader = place::tool("openFPGALoader").context("openFPGALoader is not there")?;
    let ecppack = place::tool("ecppack").context("ecppack is not there")?;
    let weir = built::weir()?;
    let order = Order { board: BOARD, seed: 1, kept: BOARD };
    let image = image::build(built::weir()?, &order, Duration::from_secs(3000))?;
    let mut tally = Tally::default();
    if budget.long {
        same_again(&image, &mut tally)?;
    }
    let files = [
        ("WEIR_IMAGE", image.folder.to_string_lossy()),
        ("WEIR_OPENFPGALOADER", loader.to_string_lossy()),
        ("WEIR_ECPPACK", ecppack.to_string_lossy()),
        ("WEIR_BIN", weir.get_program().to_string_lossy()),
    ];
    let mut environment: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    environment.extend(budget.long.then_some(("WEIR_LONG", "1")));
    let programs = built::tests(|folder| PACKAGE.iter().any(|package| folder == Path::new(package)))?;
    // What booted after how many cuts is printed by tests that pass.
    let limit = Duration::from_secs(if budget.long { 7200 } else { 900 });
    tally.add(run_tests(&programs, &["--include-ignored", "--show-output"], &environment, limit)?);
    Ok(tally)
}

/// The same board, source, seed and tools make the same octets.
fn same_again(image: &Image, tally: &mut Tally) -> Result<()> {
    let kept = format!("{BOARD}-again");
    let order = Order { board: BOARD, seed: 1, kept: &kept };
    let folder = place::cache()?.join("image").join(&kept);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let again = image::build(built::weir()?, &order, Duration::from_secs(3000))?;
    for file in ["board.sv", "netlist.json", "board.config", "primary.bit", "golden.bit"] {
        let read = |image: &Image| fs::read(image.folder.join(file)).with_context(|| format!("failed to read {file}"));
        match read(image)? == read(&again)? {
            true => tally.pass(),
            false => tally.fail(format!("{file} is another when it is made again")),
        }
    }
    Ok(())
}
