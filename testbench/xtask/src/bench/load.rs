//! Loading over real VFIO: `weir` as users build it, in a guest.

use super::measured::Measured;
use super::{of_crate_with, release_weir};
use crate::{place, setup};
use anyhow::{Context, Result};

/// Builds `weir` and lets the bench of `weir-guest` boot a guest a mode.
pub(super) fn measure() -> Result<Vec<Measured>> {
    let weir = release_weir()?;
    let qemu = place::tool("qemu-system-x86_64").context("qemu-system-x86_64 is not there")?;
    let kernel = setup::folder("guest-kernel")?;
    let files = [("WEIR_QEMU", qemu.as_path()), ("WEIR_GUEST_KERNEL", kernel.as_path()), ("WEIR_BIN", weir.as_path())];
    of_crate_with("load", "weir-guest", "load", &files)
}
