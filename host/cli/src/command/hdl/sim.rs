//! `weir hdl sim`: any capture through the circuit.
//!
//! Frames of a pcap or pcapng file go, back to back, from the wire into a Verilated NIC that holds its share of the buckets;
//! what it accepts is written, with the stamps of the capture. Each verdict and each byte is compared with the
//! specification. The rules are an agent's configuration, or only its `[cluster]` with `vips` and its `[[rule]]`s.
//!
//! With `--hosts N` there are N NICs with equal shares of one table, host 1 being the default host and the one active for
//! rules of mode single; each writes a file of its own (`out.host-3.pcap`), and each frame that a rule decides must be
//! accepted by exactly one of them. Weights and handling priorities of the file are one host's own and do not count here.
//!
//! Frames shorter than 60 bytes are filled with zeros, as the device model does with what interfaces deliver; frames of
//! which only the head was captured run as captured; frames longer than any interface delivers run as well. Each is
//! counted.
//!
//! ```text
//! $ weir hdl sim --pcap in.pcap --rules rules.toml --hosts 4 --out accepted.pcap
//! ```
//!
//! Exit codes: 0 done; 1 a frame on which circuit and specification differ, or that not exactly one host accepted (its
//! number is told), or a file that cannot be used; 2 wrong usage; 3 no such file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use weir_replay::{Engine, Options, Trace, Width};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// capture to run: pcap or pcapng, Ethernet
    #[arg(long, value_name = "file")]
    pcap: PathBuf,
    // Not a doc comment: rustdoc would take the names of the tables for links.
    #[arg(
        long,
        value_name = "file",
        help = "virtual IPs and port rules: an agent's configuration, or its [cluster] vips and [[rule]]s alone"
    )]
    rules: PathBuf,
    /// where accepted frames go, as pcap
    #[arg(long, value_name = "file")]
    out: PathBuf,
    /// bits of the circuit: 64 (10G) or 512 (100G)
    #[arg(long, value_name = "64|512", default_value_t)]
    width: Width,
    /// what decides: rtl (the circuit, Verilated, compared with the specification), or spec (the specification alone)
    #[arg(long, value_name = "rtl|spec", default_value_t)]
    engine: Engine,
    /// hosts of the cluster, 1 to 32; with several, each writes a file of its own
    #[arg(long, value_name = "n", default_value_t = 1, value_parser = hosts)]
    hosts: u8,
    /// write every signal of every clock as VCD
    #[arg(long, value_name = "file", conflicts_with = "fst")]
    vcd: Option<PathBuf>,
    /// the same as FST, much smaller
    #[arg(long, value_name = "file")]
    fst: Option<PathBuf>,
    /// show no progress
    #[arg(long)]
    quiet: bool,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let options = Options {
        pcap: args.pcap,
        rules: args.rules,
        out: args.out,
        engine: args.engine,
        width: args.width,
        circuit: None,
        trace: args.vcd.map(Trace::Vcd).or(args.fst.map(Trace::Fst)),
        hosts: args.hosts,
        quiet: args.quiet,
    };
    if let Err(error) = options.check() {
        eprintln!("weir: {error}");
        return Ok(Exit::Nothing);
    }
    let report = weir_replay::run(&options, &*caught()?)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.held() { Exit::Done } else { Exit::Failed })
}

/// A number of hosts; [`Options::check`] knows which there may be.
fn hosts(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("`{text}` is no number of hosts: 1 to 32"))
}

/// Set by Ctrl-C, a plain `kill` and a closed terminal, so that nothing half written stays behind. A second one ends the
/// process at once: the circuit may take a minute to compile.
fn caught() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupt = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, interrupt.clone())
            .and_then(|_| flag::register(signal, interrupt.clone()))
            .context("failed to watch for signals")?;
    }
    Ok(interrupt)
}
