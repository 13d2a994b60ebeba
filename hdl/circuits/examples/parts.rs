//! Writes single circuits, small enough to be proved, into a folder: `parts FOLDER`, one `<name>.sv` each.

use std::path::Path;
use std::process::ExitCode;

use rust_hdl::prelude::*;
use weir_hdl::cell::fifo::Fifo;
use weir_hdl::control::axil::Axil;
use weir_hdl::control::deadline::Deadline;
use weir_hdl::control::epoch::Epoch;
use weir_hdl::emit;
use weir_hdl::stage::egress::Egress;
use weir_hdl::stage::gate::{DropStyle, Gate};

fn put<B: Block>(folder: &Path, name: &str, mut circuit: B) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(folder.join(format!("{name}.sv")), emit(&mut circuit, name)?)?;
    Ok(())
}

fn all(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    put(folder, "part_axil", Axil::default())?;
    put(folder, "part_fifo", Fifo::<4, 2>::new(false))?;
    put(folder, "part_forwarding_fifo", Fifo::<4, 2>::new(true))?;
    put(folder, "part_gate", Gate::<64, 8, 3, 70, 3, 5, 1>::new(DropStyle::Suppress))?;
    put(folder, "part_direct_gate", Gate::<64, 8, 3, 70, 3, 5, 0>::new(DropStyle::Suppress))?;
    put(folder, "part_deadline", Deadline::default())?;
    put(folder, "part_epoch", Epoch::<8>::default())?;
    put(folder, "part_egress", Egress::<2>::default())?;
    Ok(())
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("error: name a folder: parts FOLDER");
        return ExitCode::FAILURE;
    };
    match all(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
