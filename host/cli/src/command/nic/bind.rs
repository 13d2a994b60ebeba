//! `weir nic bind` and `unbind`: which driver holds a PCI function.
//!
//! ```text
//! # weir nic bind 0000:03:00.0 --dry-run
//! would reserve it for vfio-pci: write `vfio-pci` to /sys/bus/pci/devices/0000:03:00.0/driver_override
//! would release it from igb: write `0000:03:00.0` to /sys/bus/pci/drivers/igb/unbind
//! would look for a driver: write `0000:03:00.0` to /sys/bus/pci/drivers_probe
//! ```
//!
//! Refused, unless forced: a function whose interface carries the default route, and one that by its class (no network
//! controller) or its BAR 0 (too small, or none in memory) cannot be a Weir NIC, as a disk's controller. When a step fails,
//! those before it are undone and the function goes back to the driver that had it; the error says so.
//!
//! Exit codes: 0 done; 1 failed or refused; 2 it is so already; 3 there is no such function.

use serde::Serialize;
use weir_nic::pci::bind::Step;
use weir_nic::pci::{Address, Driver, Kernel};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the function, as 0000:03:00.0
    address: Address,
    /// take it even if its interface carries the default route, or it cannot be a Weir NIC
    #[arg(long)]
    force: bool,
    /// only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct UnbindArgs {
    /// the function, as 0000:03:00.0
    address: Address,
    /// only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn bind(args: Args) -> anyhow::Result<Exit> {
    let kernel = Kernel::default();
    let function = kernel.function(args.address)?;
    let steps = kernel.plan_bind(&function, args.force)?;
    if args.dry_run || steps.is_empty() {
        return Ok(plan(args.address, &steps, "vfio-pci holds it already", args.json));
    }
    kernel.bind(&function, args.force, |step| tell(step, args.json))?;
    Ok(done(args.address, &steps, &kernel.function(args.address)?.driver, args.json))
}

pub(super) fn unbind(args: UnbindArgs) -> anyhow::Result<Exit> {
    let kernel = Kernel::default();
    let steps = kernel.plan_unbind(&kernel.function(args.address)?);
    if args.dry_run || steps.is_empty() {
        return Ok(plan(args.address, &steps, "vfio-pci does not hold it", args.json));
    }
    kernel.carry_out(&steps, |step| tell(step, args.json))?;
    Ok(done(args.address, &steps, &kernel.function(args.address)?.driver, args.json))
}

/// What was done, or would be.
#[derive(Serialize)]
struct Report {
    address: String,
    /// Who holds it after all steps; absent when nothing was done.
    driver: Option<String>,
    steps: Vec<Write>,
}

/// One write to a file of sysfs.
#[derive(Serialize)]
struct Write {
    purpose: String,
    path: String,
    value: String,
}

impl Report {
    fn print(address: Address, steps: &[Step], driver: Option<&Driver>) {
        let write = |step: &Step| Write {
            purpose: step.purpose.to_string(),
            path: step.path.display().to_string(),
            value: step.value.clone(),
        };
        let driver = driver.and_then(Driver::name).map(str::to_owned);
        let report = Report { address: address.to_string(), driver, steps: steps.iter().map(write).collect() };
        println!("{}", serde_json::to_string(&report).expect("texts are JSON"));
    }
}

fn tell(step: &Step, json: bool) {
    if !json {
        println!("{}", step.purpose);
    }
}

fn done(address: Address, steps: &[Step], driver: &Driver, json: bool) -> Exit {
    if json {
        Report::print(address, steps, Some(driver));
    } else {
        println!("{address} is held by {driver} now");
    }
    Exit::Done
}

fn plan(address: Address, steps: &[Step], nothing: &str, json: bool) -> Exit {
    if json {
        Report::print(address, steps, None);
    } else {
        for step in steps {
            println!("would {}: write `{}` to {}", step.purpose, step.value, step.path.display());
        }
        if steps.is_empty() {
            println!("{nothing}");
        }
    }
    if steps.is_empty() { Exit::Nothing } else { Exit::Done }
}
