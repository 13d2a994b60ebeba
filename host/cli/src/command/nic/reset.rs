//! `weir nic reset`: a function-level reset.
//!
//! ```text
//! # weir nic reset vfio:0000:03:00.0
//! reset: fenced, nothing loaded; NIC_TIME goes on at 12.000345 s
//! ```
//!
//! The NIC is fenced and passes no TCP or UDP until a program is committed; its clock goes on. A NIC by sysfs is reset only
//! if the kernel knows how to reset its function alone.
//!
//! Exit codes: 0 done; 1 failed, or no Weir NIC; 3 there is no such function or socket.

use weir_nic::{Nic, Selector};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
    nic: Selector,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut nic = Nic::open(args.nic.open()?)?.reset()?;
    let status = nic.status()?;
    if args.json {
        println!("{}", serde_json::json!({ "fenced": status.fenced, "epoch": status.epoch, "time_us": status.now }));
    } else {
        let (whole, rest) = (status.now / 1_000_000, status.now % 1_000_000);
        println!("reset: fenced, nothing loaded; NIC_TIME goes on at {whole}.{rest:06} s");
    }
    Ok(Exit::Done)
}
