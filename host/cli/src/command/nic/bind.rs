//! `weir nic bind` and `unbind`: which driver holds a PCI function.
//!
//! ```text
//! # weir nic bind 0000:03:00.0 --dry-run
//! would reserve it for vfio-pci: write `vfio-pci` to /sys/bus/pci/devices/0000:03:00.0/driver_override
//! would release it from igb: write `0000:03:00.0` to /sys/bus/pci/drivers/igb/unbind
//! would look for a driver: write `0000:03:00.0` to /sys/bus/pci/drivers_probe
//! ```
//!
//! Exit codes: 0 done; 1 failed or refused; 2 it is so already; 3 there is no such function.

use weir_nic::pci::bind::Step;
use weir_nic::pci::{Address, Kernel};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the function, as 0000:03:00.0
    address: Address,
    /// take it even if its interface carries the default route
    #[arg(long)]
    force: bool,
    /// only say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
pub(crate) struct UnbindArgs {
    /// the function, as 0000:03:00.0
    address: Address,
    /// only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn bind(args: Args) -> anyhow::Result<Exit> {
    let kernel = Kernel::default();
    let function = kernel.function(args.address)?;
    let steps = kernel.plan_bind(&function, args.force)?;
    if args.dry_run || steps.is_empty() {
        return Ok(plan(&steps, "vfio-pci holds it already"));
    }
    kernel.bind(&function, args.force, tell)?;
    Ok(Exit::Done)
}

pub(super) fn unbind(args: UnbindArgs) -> anyhow::Result<Exit> {
    let kernel = Kernel::default();
    let steps = kernel.plan_unbind(&kernel.function(args.address)?);
    if args.dry_run || steps.is_empty() {
        return Ok(plan(&steps, "vfio-pci does not hold it"));
    }
    kernel.carry_out(&steps, tell)?;
    println!("{} is held by {} now", args.address, kernel.function(args.address)?.driver);
    Ok(Exit::Done)
}

fn tell(step: &Step) {
    println!("{}", step.purpose);
}

fn plan(steps: &[Step], nothing: &str) -> Exit {
    for step in steps {
        println!("would {}: write `{}` to {}", step.purpose, step.value, step.path.display());
    }
    if steps.is_empty() {
        println!("{nothing}");
        return Exit::Nothing;
    }
    Exit::Done
}
