//! `weir hdl`: the circuits.
//!
//! `emit` writes the pipeline as SystemVerilog that Verilator, Icarus and yosys accept, byte for byte the same from run
//! to run, after its own lint has found nothing that RustHDL would translate wrongly.
//!
//! ```text
//! $ weir hdl emit --out build/rtl
//! build/rtl/weir64.sv
//! ```

use std::path::PathBuf;

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
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let Args::Emit { out } = args;
    for path in weir_hdl::emit_to(&out).with_context(|| format!("failed to emit into {}", out.display()))? {
        println!("{}", path.display());
    }
    Ok(Exit::Done)
}
