//! Loading over real VFIO: `weir` as users build it, in a guest.

use super::measured::Measured;
use super::of_crate_with;
use crate::run::{Show, run};
use crate::{place, setup};
use anyhow::{Context, Result, bail};
use std::time::Duration;

/// Builds `weir` and lets the bench of `weir-guest` boot a guest a mode.
pub(super) fn measure() -> Result<Vec<Measured>> {
    let mut build = place::cargo(["build", "--quiet", "--release", "--locked", "--package", "weir"]);
    if !run(&mut build, Duration::from_secs(1800), Show::OnFailure)?.success {
        bail!("weir does not build");
    }
    let weir = place::root_target()?.join("release/weir");
    let qemu = place::tool("qemu-system-x86_64")?.context("qemu-system-x86_64 is not there")?;
    let kernel = setup::folder("guest-kernel")?;
    let files = [("WEIR_QEMU", qemu.as_path()), ("WEIR_GUEST_KERNEL", kernel.as_path()), ("WEIR_BIN", weir.as_path())];
    of_crate_with("load", "weir-guest", "load", &files)
}
