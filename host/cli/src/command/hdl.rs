//! `weir hdl`: the circuits.
//!
//! `emit` writes them as SystemVerilog, see `hdl/emit.rs`; `sim` runs a capture through one, see `hdl/sim.rs`.

mod emit;
mod sim;

use crate::exit::Exit;

#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// write the pipeline as SystemVerilog
    Emit(emit::Args),
    /// run a capture through the circuit, as one host of a cluster or as all of them
    Sim(sim::Args),
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args {
        Args::Emit(args) => emit::run(args),
        Args::Sim(args) => sim::run(args),
    }
}
