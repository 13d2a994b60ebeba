//! `cargo xtask bench`: what the project measures about itself, as a table a person reads and as JSON lines.
//!
//! Numbers are medians of several rounds with their spread; nothing here fails because a machine is slow.

mod failover;
mod load;
mod measured;
mod page;
mod synth;

use crate::run::{Show, run as run_child};
use crate::{place, setup};
use anyhow::{Context, Result, bail};
use measured::Measured;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// benches to run; all of them when none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// print one JSON object a line after the table
    #[arg(long)]
    json: bool,
    /// also write what was measured to its page of the documentation
    #[arg(long)]
    write: bool,
    /// only list the benches
    #[arg(long)]
    list: bool,
}

struct Bench {
    name: &'static str,
    about: &'static str,
    tools: &'static [&'static str],
    run: fn() -> Result<Vec<Measured>>,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "spec",
        about: "deciding on a frame in memory, full rule set",
        tools: &[],
        run: || of_crate("spec", "weir-spec", "classify"),
    },
    Bench {
        name: "rtl",
        about: "the Verilated pipeline: clocks a second, clocks a frame",
        tools: &["compiler", "verilator"],
        run: || of_crate("rtl", "weir-rtl", "clocks"),
    },
    Bench {
        name: "synth",
        about: "the circuit on real parts, worst of four seeds: clock, resources, levels",
        tools: &["yosys", "nextpnr"],
        run: synth::measure,
    },
    Bench {
        name: "load",
        about: "the largest program into a NIC over real VFIO in a guest: transactions and time",
        tools: &["qemu", "guest-kernel"],
        run: load::measure,
    },
    Bench {
        name: "failover",
        about: "convergence and take-over of a cluster in the lab, beside keepalived and corosync",
        tools: &["keepalived", "corosync"],
        run: || Ok([failover::measure()?, beside_peers("failover")?].concat()),
    },
    Bench {
        name: "survive",
        about: "connections that break at planned changes and at a crash, with the kernel's own filters",
        tools: &["iptables", "nft"],
        run: || beside_peers("survive"),
    },
];

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.list {
        BENCHES.iter().for_each(|bench| println!("{:<9} {}", bench.name, bench.about));
        return Ok(true);
    }
    let mut all = Vec::new();
    for bench in select(&args.names)? {
        println!("== {}: {}", bench.name, bench.about);
        let missing = setup::ensure(bench.tools)?;
        if !missing.is_empty() {
            bail!("bench {} cannot run: {}", bench.name, missing.join("; "));
        }
        let measured = (bench.run)().with_context(|| format!("bench {} failed", bench.name))?;
        print!("{}", measured::table(&measured));
        all.extend(measured);
    }
    if args.write {
        page::write(&all)?;
    }
    if args.json {
        all.iter().for_each(|measured| println!("{}", measured.json()));
    }
    Ok(true)
}

fn select(names: &[String]) -> Result<Vec<&'static Bench>> {
    if names.is_empty() {
        return Ok(BENCHES.iter().collect());
    }
    let find = |name: &String| {
        let known = || BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join(", ");
        BENCHES.iter().find(|bench| bench.name == name).with_context(|| format!("no bench {name}; known: {}", known()))
    };
    names.iter().map(find).collect()
}

/// `weir` as users build it.
fn release_weir() -> Result<PathBuf> {
    let mut build = place::cargo(["build", "--quiet", "--release", "--locked", "--package", "weir"]);
    if !run_child(&mut build, Duration::from_secs(1800), Show::OnFailure)?.success {
        bail!("weir does not build");
    }
    Ok(place::root_target()?.join("release/weir"))
}

/// A bench of `weir-peers`, where a Weir cluster is one among others.
fn beside_peers(bench: &'static str) -> Result<Vec<Measured>> {
    of_crate_with(bench, "weir-peers", bench, &[("WEIR_BIN", &release_weir()?)])
}

/// Runs the bench program that lives beside its crate; it prints one JSON object a line.
fn of_crate(bench: &'static str, package: &str, program: &str) -> Result<Vec<Measured>> {
    of_crate_with(bench, package, program, &[])
}

/// The same with these variables in its environment.
fn of_crate_with(
    bench: &'static str,
    package: &str,
    program: &str,
    environment: &[(&str, &Path)],
) -> Result<Vec<Measured>> {
    let mut cargo = place::cargo(["bench", "--quiet", "--locked", "--package", package, "--bench", program]);
    cargo.envs(environment.iter().copied());
    let ended = run_child(cargo.env("PATH", place::search_path()?), Duration::from_secs(1800), Show::OnFailure)?;
    if !ended.success {
        bail!("cargo bench --package {package} failed");
    }
    let measured = measured::parse(bench, &ended.lines);
    if measured.is_empty() {
        bail!("cargo bench --package {package} printed no measurement");
    }
    Ok(measured)
}
