//! Writes single circuits, small enough to be proved, into a folder: `parts FOLDER`, one `<name>.sv` each.
//!
//! What the properties have to know of a circuit's timing stands in front of it as macros, so that it is said once.

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

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn put<B: Block>(folder: &Path, name: &str, circuit: B) -> Outcome {
    put_with(folder, name, &[], circuit)
}

/// With these macros in front.
fn put_with<B: Block>(folder: &Path, name: &str, macros: &[(&str, usize)], mut circuit: B) -> Outcome {
    let macros: String = macros.iter().map(|(name, value)| format!("`define {name} {value}\n")).collect();
    std::fs::write(folder.join(format!("{name}.sv")), macros + &emit(&mut circuit, name)?)?;
    Ok(())
}

/// A gate of `W` bits with a delay of `L` clocks in `2^A` places.
fn put_gate<
    const W: usize,
    const K: usize,
    const C: usize,
    const N: usize,
    const A: usize,
    const L: usize,
    const MID: usize,
>(
    folder: &Path,
    name: &str,
    style: DropStyle,
) -> Outcome {
    let macros = [("W", W), ("L", L), ("MID", MID), ("MARK", usize::from(style == DropStyle::Mark))];
    put_with(folder, name, &macros, Gate::<W, K, C, N, A, L, MID>::new(style))
}

fn all(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)?;
    put(folder, "part_axil", Axil::default())?;
    put_with(folder, "part_fifo", &[("FORWARDING", 0)], Fifo::<4, 2>::new(false))?;
    put_with(folder, "part_forwarding_fifo", &[("FORWARDING", 1)], Fifo::<4, 2>::new(true))?;
    put_gate::<64, 8, 3, 70, 3, 5, 1>(folder, "part_gate", DropStyle::Suppress)?;
    put_gate::<64, 8, 3, 70, 3, 5, 0>(folder, "part_direct_gate", DropStyle::Suppress)?;
    put_gate::<512, 64, 6, 521, 3, 5, 0>(folder, "part_wide_gate", DropStyle::Suppress)?;
    put_gate::<64, 8, 3, 70, 3, 5, 1>(folder, "part_mark_gate", DropStyle::Mark)?;
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
