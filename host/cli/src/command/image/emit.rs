//! `weir image emit`: the circuit of a board as SystemVerilog, the pipeline and all that is around it.
//!
//! ```text
//! $ weir image emit --board ecp5-versa-5g --source "$(git rev-parse HEAD)" --out build
//! build/ecp5-versa-5g.sv
//! ```
//!
//! Module `board` has the pads and primitives of the ECP5. With `--bench` it is the module inside, `bump`, for simulators: without PLL
//! and tri-state pads, and with waits of hundreds of clocks where a board waits for milliseconds.
//!
//! Exit codes: 0 done; 1 the circuit cannot be emitted, or a file not be written; 2 wrong usage.

use std::fs;
use std::path::PathBuf;

use anyhow::anyhow;
use weir_firmware::build::emit;

use super::pack::{git_hash, source};
use super::{board, file};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the board: a name that is built in, or a folder like those of constraints/
    #[arg(long, value_name = "board")]
    board: String,
    /// the commit this is emitted from; the NIC answers its first 32 bits
    #[arg(long, value_name = "hex", value_parser = source)]
    source: String,
    /// what simulators can run
    #[arg(long)]
    bench: bool,
    /// folder to write to; made if it is not there
    #[arg(long, value_name = "dir")]
    out: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let board = board::find(&args.board)?;
    let text = emit(&board, git_hash(&args.source), args.bench)?;
    // In words: a folder that cannot be made is no file that is missing.
    fs::create_dir_all(&args.out).map_err(|error| anyhow!("failed to make {}: {error}", args.out.display()))?;
    let name = if args.bench { "bump" } else { &board.facts.name };
    let path = args.out.join(format!("{name}.sv"));
    file::write(&path, text.as_bytes(), 0o644)?;
    println!("{}", path.display());
    Ok(Exit::Done)
}
