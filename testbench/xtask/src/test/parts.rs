//! The parts of the test suite. Names are stable: scripts and people type them.

use super::libtest::cargo_test;
use super::{Budget, Tally, cocotb, formal, fuzz, lab, synth};
use crate::lint;
use anyhow::Result;
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
        name: "lab",
        about: "clusters of network namespaces with real TCP, engines spec and rtl",
        tools: &["compiler", "verilator"],
        needs_tools: true,
        run: lab::part,
    },
    Part {
        name: "fuzz",
        about: "every parser of foreign bytes under a coverage-guided fuzzer, for a bounded time",
        tools: &["compiler"],
        needs_tools: true,
        run: fuzz::part,
    },
];

fn unit(_: Budget) -> Result<Tally> {
    let slow = ["--exclude", "weir-rtl", "--exclude", "weir-replay", "--exclude", "weir-lab"];
    cargo_test(&[&["--workspace"], &slow[..]].concat(), &[], Duration::from_secs(1200))
}

fn rtl(budget: Budget) -> Result<Tally> {
    let long: &[(&str, &str)] = if budget.long { &[("WEIR_LONG", "1")] } else { &[] };
    // What was covered, and in how many clocks, is printed by tests that pass.
    let args = ["--package", "weir-rtl", "--package", "weir-replay", "--", "--show-output"];
    cargo_test(&args, long, Duration::from_secs(if budget.long { 14_400 } else { 1800 }))
}
