//! `weir hdl`: the circuits.
//!
//! `emit` writes the pipeline as SystemVerilog that Verilator, Icarus and yosys accept, byte for byte the same from run
//! to run, after its own lint has found nothing that RustHDL would translate wrongly.
//!
//! ```text
//! $ weir hdl emit --out build/rtl
//! build/rtl/weir64.sv
//! ```
//!
//! `sim` runs a capture through the circuit: see `hdl/sim.rs`.

mod sim;

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::Exit;

#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// write the pipeline as SystemVerilog
    Emit {
        /// folder to write to; made if it is not there
        #[arg(long, value_name = "dir")]
        out: PathBuf,
    },
    /// run a capture through the circuit, as one host of a cluster or as all of them
    Sim(sim::Args),
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args {
        Args::Emit { out } => emit(&out),
        Args::Sim(args) => sim::run(args),
    }
}

fn emit(out: &Path) -> anyhow::Result<Exit> {
    for path in weir_hdl::emit_to(out, weir_hdl::Options::default())
        .with_context(|| format!("failed to emit into {}", out.display()))?
    {
        println!("{}", path.display());
    }
    Ok(Exit::Done)
}
