//! The parts of the test suite. Names are stable: scripts and people type them.

use super::libtest::{doc_tests, run_tests};
use super::{Budget, Tally, board, built, cocotb, formal, fuzz, guest, lab, synth};
use crate::lint;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// A part of the suite.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Tools of the setup catalogue it uses.
    pub(super) tools: &'static [&'static str],
    /// Whether it is skipped as a whole without them.
    pub(super) needs_tools: bool,
    pub(super) run: fn(Budget) -> Result<Tally>,
}

/// All parts, the quick and telling ones first.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "lint",
        about: "formatting, warnings, documentation, words, licences, arrows, links",
        tools: &["typos"],
        needs_tools: false,
        run: lint::part,
    },
    Part {
        name: "unit",
        about: "unit and property tests of every crate but the slow ones below",
        tools: &["tshark"],
        needs_tools: false,
        run: unit,
    },
    Part {
        name: "model",
        about: "the cluster protocol searched for what must never be, and mistakes that the search must find",
        tools: &[],
        needs_tools: false,
        run: model,
    },
    Part {
        name: "rtl",
        about: "the Verilated pipeline against the specification, frame by frame",
        tools: &["compiler", "verilator"],
        needs_tools: true,
        run: rtl,
    },
    Part {
        name: "synth",
        about: "the emitted Verilog: byte-identical, accepted by three tools, placed and routed within its budget",
        tools: &["verilator", "iverilog", "yosys", "nextpnr"],
        needs_tools: true,
        run: synth::part,
    },
    Part {
        name: "cocotb",
        about: "the emitted tops under drivers and a model of others' making, on Verilator and Icarus",
        tools: &["compiler", "verilator", "iverilog", "cocotb"],
        needs_tools: true,
        run: cocotb::part,
    },
    Part {
        name: "formal",
        about: "single circuits proved for a number of clocks, and each proof shown to find its bugs",
        tools: &["yosys", "smtbmc"],
        needs_tools: true,
        run: formal::part,
    },
    Part {
        name: "sim",
        about: "whole clusters in virtual time, by seed: faults, planned changes, live connections",
        tools: &[],
        needs_tools: false,
        run: sim,
    },
    Part {
        name: "lab",
        about: "clusters of network namespaces with real TCP, engines spec and rtl",
        tools: &["compiler", "verilator", "nft"],
        needs_tools: true,
        run: lab::part,
    },
    Part {
        name: "guest",
        about: "a guest kernel with real VFIO, a simulated NIC in its PCI slot, and `weir nic` in the guest",
        tools: &["compiler", "verilator", "qemu", "guest-kernel"],
        needs_tools: true,
        run: guest::part,
    },
    Part {
        name: "board",
        about: "real bitstreams packed, signed and flashed by openFPGALoader into an emulated board, with its power cut",
        tools: &["nextpnr", "openFPGALoader"],
        needs_tools: true,
        run: board::part,
    },
    Part {
        name: "fuzz",
        about: "every parser of foreign bytes under a coverage-guided fuzzer, for a bounded time",
        tools: &["compiler"],
        needs_tools: true,
        run: fuzz::part,
    },
];

/// Packages whose tests drive the Verilated pipeline.
const RTL: &[&str] = &["testbench/rtl", "testbench/replay"];

/// The package whose tests search the protocol.
const MODEL: &[&str] = &["testbench/model"];

/// Packages that simulate whole clusters.
const SIM: &[&str] = &["testbench/sim"];

fn is_one_of(folder: &Path, packages: &[&str]) -> bool {
    packages.iter().any(|package| folder == Path::new(package))
}

fn unit(_: Budget) -> Result<Tally> {
    let programs = built::tests(|folder| {
        ![RTL, MODEL, SIM, board::PACKAGE, lab::PACKAGE, guest::PACKAGE].iter().any(|slow| is_one_of(folder, slow))
    })?;
    let mut tally = run_tests(&programs, &[], &[], Duration::from_secs(1200))?;
    tally.add(doc_tests(Duration::from_secs(600))?);
    Ok(tally)
}

fn model(budget: Budget) -> Result<Tally> {
    let programs = built::tests(|folder| is_one_of(folder, MODEL))?;
    let long: &[(&str, &str)] = if budget.long { &[("WEIR_LONG", "1")] } else { &[] };
    // How many states were searched is printed by tests that pass.
    run_tests(&programs, &["--show-output"], long, Duration::from_secs(if budget.long { 14_400 } else { 1800 }))
}

fn rtl(budget: Budget) -> Result<Tally> {
    let long: &[(&str, &str)] = if budget.long { &[("WEIR_LONG", "1")] } else { &[] };
    let programs = built::tests(|folder| is_one_of(folder, RTL))?;
    // What was covered, and in how many clocks, is printed by tests that pass.
    run_tests(&programs, &["--show-output"], long, Duration::from_secs(if budget.long { 14_400 } else { 1800 }))
}

fn sim(budget: Budget) -> Result<Tally> {
    let long: &[(&str, &str)] = if budget.long { &[("WEIR_LONG", "1")] } else { &[] };
    let programs = built::tests(|folder| is_one_of(folder, SIM))?;
    // How many seeds ran, how long they took, and which one fails, is printed.
    run_tests(&programs, &["--show-output"], long, Duration::from_secs(if budget.long { 14_400 } else { 1800 }))
}
