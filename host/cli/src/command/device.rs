//! `weir device`: a simulated NIC between two interfaces.
//!
//! Frames from the wire interface go through the pipeline and, if its buckets are this host's, on to the host interface,
//! a TAP it makes; frames from the host go out masked. The registers are a PCI BAR on a vfio-user socket: what drives
//! this NIC would drive a card. With `--mapped-window` the host may map its map slots as memory, as it maps a card's.
//!
//! ```text
//! # weir device --socket /run/weir/nic.sock --engine spec --wire eth1 --tap eth0
//! ready
//! ```
//!
//! Exit codes: 0 ended by SIGTERM or SIGINT; 1 failed; 3 the wire interface is not there.

use std::path::PathBuf;

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// vfio-user socket to serve the registers on
    #[arg(long, value_name = "path")]
    socket: PathBuf,
    /// what decides on frames
    #[arg(long, value_enum, default_value_t)]
    engine: Engine,
    /// interface towards the switch
    #[arg(long, value_name = "interface")]
    wire: String,
    /// name of the interface to make towards the host
    #[arg(long, value_name = "interface")]
    tap: String,
    /// let a host map the map slots as memory, in place of trapping each access to them
    #[arg(long)]
    mapped_window: bool,
    /// be a board that is a bump in the wire: hear control frames from the host under this key, 32 hexadecimal digits; a file that
    /// is not there is a board without a key, and is written when it is given one
    #[arg(long, value_name = "file")]
    board_key: Option<PathBuf>,
    /// write commits, renewals and fences to this file, one JSON object a line
    #[arg(long, value_name = "file")]
    trace: Option<PathBuf>,
}

/// What decides on frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Engine {
    /// the specification, in plain Rust
    #[default]
    Spec,
    /// the circuit itself, Verilated; needs `cargo xtask setup`
    Rtl,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    weir_device::run(weir_device::Options {
        socket: args.socket,
        engine: match args.engine {
            Engine::Spec => weir_device::EngineKind::Spec,
            Engine::Rtl => weir_device::EngineKind::Rtl,
        },
        wire: args.wire,
        tap: args.tap,
        mapped_window: args.mapped_window,
        board_key: args.board_key,
        trace: args.trace,
    })?;
    Ok(Exit::Done)
}
