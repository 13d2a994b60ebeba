//! A guest kernel with real VFIO, and a simulated NIC in its PCI slot. Needs no privilege.

use super::libtest::run_tests;
use super::{Budget, Tally, built};
use crate::{place, setup};
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;

/// The package of its tests.
pub(super) const PACKAGE: &[&str] = &["testbench/guest"];

/// Runs the guest's tests with the `weir` that all other parts run.
pub(super) fn part(_: Budget) -> Result<Tally> {
    let qemu = place::tool("qemu-system-x86_64").context("qemu-system-x86_64 is not there")?;
    let kernel = setup::folder("guest-kernel")?;
    let weir = built::weir()?;
    let files = [
        ("WEIR_QEMU", qemu.to_string_lossy()),
        ("WEIR_GUEST_KERNEL", kernel.to_string_lossy()),
        ("WEIR_BIN", weir.get_program().to_string_lossy()),
    ];
    let environment: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    let programs = built::tests(|folder| PACKAGE.iter().any(|package| folder == Path::new(package)))?;
    // One guest keeps two cores busy: its processor and its NIC.
    run_tests(&programs, &["--include-ignored", "--test-threads=1"], &environment, Duration::from_secs(600))
}
