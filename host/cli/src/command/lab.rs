//! `weir lab`: a cluster on this machine.
//!
//! Each host is a network namespace with a simulated NIC, a real agent, the virtual IP on a TAP and a small HTTP server;
//! all hang on a flooding bridge, as do the clients. The lab brings the cluster up, sends real TCP, kills a host with its
//! agent and its link, measures how long its clients wait, brings it back, and prints what it counted. Ctrl-C ends it at
//! any moment, and nothing is left behind.
//!
//! Exit codes: 0 everything held: no request failed, none was answered twice, no survivor's connection moved; 1 something
//! did not, or the lab could not run; 2 wrong usage.

use std::ffi::OsString;
use std::path::PathBuf;

use weir_lab::{Engine, Mode, Options};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// hosts of the cluster, 1 to 32
    #[arg(long, value_name = "n", default_value_t = 4)]
    hosts: u8,
    /// what decides on frames: spec (plain Rust), or rtl (the circuit, Verilated; needs `cargo xtask setup`)
    #[arg(long, value_name = "spec|rtl", default_value_t)]
    engine: Engine,
    /// how frames reach all hosts: by a unicast MAC that no switch learns, by a group MAC, or by that of a group that hosts join
    #[arg(long, value_name = "unicast|multicast|igmp", default_value_t)]
    mode: Mode,
    /// requests to send, half before the crash and half after take-over
    #[arg(long, value_name = "n", default_value_t = 400)]
    requests: u32,
    /// heartbeat period
    #[arg(long, value_name = "ms", default_value_t = 1000)]
    period_ms: u64,
    /// missed heartbeats until a host counts as dead
    #[arg(long, value_name = "n", default_value_t = 5)]
    tolerance: u32,
    /// prefix of the namespaces, one lab of a name at a time
    #[arg(long, value_name = "name", default_value = "weir")]
    name: String,
    /// keep the lab up after the report, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// show no progress
    #[arg(long)]
    quiet: bool,
    /// print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let options = Options {
        hosts: args.hosts,
        engine: args.engine,
        mode: args.mode,
        igmp_version: None,
        requests: args.requests,
        name: args.name,
        period_ms: args.period_ms,
        tolerance: args.tolerance,
        realtime: false,
        by_frames: false,
        keep: args.keep,
        quiet: args.quiet,
        json: args.json,
        program: None,
    };
    if let Err(error) = options.check() {
        eprintln!("weir: {error}");
        return Ok(Exit::Nothing);
    }
    let report = weir_lab::run(options)?;
    Ok(if report.held() { Exit::Done } else { Exit::Failed })
}

#[derive(clap::Args)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    role: Role,
}

#[derive(clap::Subcommand)]
enum Role {
    /// move into a namespace and become `weir` with these arguments
    Enter {
        #[arg(long)]
        netns: PathBuf,
        #[arg(long)]
        parent: i32,
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// the HTTP server of a host
    Http {
        #[arg(long)]
        host: u8,
        #[arg(long)]
        port: u16,
    },
}

pub(crate) fn serve(args: ServeArgs) -> anyhow::Result<Exit> {
    match args.role {
        Role::Enter { netns, parent, arguments } => match weir_lab::serve::enter(&netns, parent, &arguments)? {},
        Role::Http { host, port } => weir_lab::serve::http(host, port)?,
    }
    Ok(Exit::Done)
}
