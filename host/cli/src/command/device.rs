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
//! With `--board-key` it is a board that is a bump in the wire, and with `--board` and `--flash` one that boots from a flash: the
//! primary image of the file, or else its golden one, or nothing, and then there is no device. `weir flash --device eth:...` writes
//! that file, and the next start boots it.
//!
//! Exit codes: 0 ended by SIGTERM or SIGINT; 1 failed, or nothing boots; 3 the wire interface or the flash is not there.

use std::path::PathBuf;

use super::image::board;
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
    /// be this board, a name that is built in or a folder like those of constraints/: answer its number, and have its page of
    /// registers
    #[arg(long, value_name = "board", requires = "flash", requires = "board_key")]
    board: Option<String>,
    /// the contents of the board's flash: it boots from there, and what is flashed stays there
    #[arg(long, value_name = "file", requires = "board")]
    flash: Option<PathBuf>,
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
    let flash = match (args.board, args.flash) {
        (Some(name), Some(file)) => Some(weir_device::BoardFlash { board: board::find(&name)?, file }),
        _ => None,
    };
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
        flash,
        trace: args.trace,
    })?;
    Ok(Exit::Done)
}
