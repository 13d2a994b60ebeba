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
use weir_hdl::control::warning::Warning;
use weir_hdl::emit;
use weir_hdl::front::narrow::Narrow;
use weir_hdl::front::wide::Wide;
use weir_hdl::stage::egress::Egress;
use weir_hdl::stage::engine::bucket::Bucket;
use weir_hdl::stage::engine::scope::{self, Scope};
use weir_hdl::stage::engine::signature::Signature;
use weir_hdl::stage::gate::{DropStyle, Gate};
use weir_hdl::stage::lookup::{self, Lookup};
use weir_hdl::stage::verdict::Verdict;
use weir_hdl::top::{weir512, weir64};

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

/// The times of the gate of a top: its delay, and the clocks from the first beat of a frame to its verdict, at the least.
macro_rules! queue_macros {
    ($top:ident) => {{
        use $top::{parts, schedule};
        [
            ("W", parts::W),
            ("L", schedule::LATENCY - parts::MID - 1),
            ("MID", parts::MID),
            ("EARLY", parts::FRONT + schedule::FENCE_AT + 1),
        ]
    }};
}

/// When the tables of a data path are asked, in clocks from a header's addresses.
macro_rules! datapath_macros {
    ($top:ident) => {{
        use $top::{parts, schedule};
        [
            ("PORTS_AT", parts::PORTS_AT),
            ("KIND_AT", parts::KIND_AT),
            ("SCOPE_AT", schedule::SCOPE_AT),
            ("LOOKUP_AT", schedule::LOOKUP_AT),
        ]
    }};
}

/// The times of the front of a top. With `MAC` besides, the source MAC is proved, which takes the solver long, and no more.
macro_rules! front_macros {
    ($top:ident) => {{
        use $top::parts;
        [("W", parts::W), ("HEADER", parts::HEADER), ("FRONT", parts::FRONT), ("KIND_AT", parts::KIND_AT)]
    }};
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
    put_with(folder, "part_gate64", &queue_macros!(weir64), weir64::schedule::TheGate::new(DropStyle::Suppress))?;
    put_with(folder, "part_gate512", &queue_macros!(weir512), weir512::schedule::TheGate::new(DropStyle::Suppress))?;
    put_with(folder, "part_queue64", &queue_macros!(weir64), Fifo::<2, 6>::new(weir64::parts::MID == 0))?;
    put_with(folder, "part_queue512", &queue_macros!(weir512), Fifo::<2, 6>::new(weir512::parts::MID == 0))?;
    put(folder, "part_deadline", Deadline::default())?;
    put(folder, "part_warning", Warning::default())?;
    put(folder, "part_epoch", Epoch::<8>::default())?;
    put(folder, "part_egress", Egress::<2>::default())?;
    put_with(folder, "part_verdict", &[("MID", 1)], Verdict::<1>::default())?;
    put_with(folder, "part_direct_verdict", &[("MID", 0)], Verdict::<0>::default())?;
    put_with(folder, "part_front64", &front_macros!(weir64), Narrow::default())?;
    put_with(folder, "part_front512", &front_macros!(weir512), Wide::default())?;
    let mac = [("MAC", 1)];
    put_with(folder, "part_mac64", &[&front_macros!(weir64)[..], &mac].concat(), Narrow::default())?;
    put_with(folder, "part_mac512", &[&front_macros!(weir512)[..], &mac].concat(), Wide::default())?;
    put_with(folder, "part_vips", &[("A", 3)], weir64::parts::RxVips::default())?;
    put_with(folder, "part_vips_slow", &[("A", 4)], weir64::parts::TxVips::default())?;
    put_with(folder, "part_vips_wide", &[("A", 1)], weir512::parts::RxVips::default())?;
    put_with(folder, "part_ports", &[("A", 3)], weir64::parts::ThePorts::default())?;
    put_with(folder, "part_ports_wide", &[("A", 1)], weir512::parts::ThePorts::default())?;
    let bucket = [("A", 4), ("PA", 4), ("GROUPS", 1)];
    put_with(folder, "part_bucket", &bucket, Bucket::<8, 1, 1, 4, 4, 10, 16, 4>::default())?;
    let wide_bucket = [("A", 1), ("PA", 2), ("GROUPS", 8)];
    put_with(folder, "part_bucket_wide", &wide_bucket, Bucket::<1, 8, 4, 1, 2, 3, 128, 32>::default())?;
    let signature = [("A", 4), ("GROUPS", 1)];
    put_with(folder, "part_signature", &signature, Signature::<8, 1, 4, 10, 16, 4>::default())?;
    let wide_signature = [("A", 1), ("GROUPS", 8)];
    put_with(folder, "part_signature_wide", &wide_signature, Signature::<1, 8, 1, 3, 128, 32>::default())?;
    put_with(folder, "part_scope", &[("LATENCY", scope::LATENCY)], Scope::default())?;
    put_with(folder, "part_lookup", &[("LATENCY", lookup::latency(1, 1))], Lookup::<1, 1>::default())?;
    put_with(folder, "part_lookup_wide", &[("LATENCY", lookup::latency(0, 0))], Lookup::<0, 0>::default())?;
    put_with(folder, "part_datapath64", &datapath_macros!(weir64), weir64::Datapath::new(DropStyle::Suppress))?;
    put_with(folder, "part_datapath512", &datapath_macros!(weir512), weir512::Datapath::new(DropStyle::Suppress))?;
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
