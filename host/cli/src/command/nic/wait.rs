//! `weir nic wait`: until a NIC says something.
//!
//! ```text
//! # weir nic wait socket:/run/weir/nic.sock fenced --timeout 20s
//! fenced after 9.998 s, by interrupt
//! ```
//!
//! By the interrupt of the condition where the way to the NIC carries interrupts, else by asking every millisecond; the
//! answer says which. A condition that holds already is told at once. The kernel resets a function whenever VFIO opens it, so
//! behind `vfio:` a NIC is fenced from the start: `weir nic load --hold` waits with the NIC that it loaded.
//!
//! Exit codes: 0 it holds; 1 failed, or no Weir NIC; 2 it did not within the time; 3 there is no such function or socket.

use std::time::Duration;

use weir_nic::{Device, Identity, Selector};

use super::condition::{Condition, Seen, until};
use super::time::{duration, seconds};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH or sim
    nic: Selector,
    /// what to wait for
    #[arg(value_enum)]
    condition: Condition,
    /// how long at most
    #[arg(long, value_name = "time", value_parser = duration, default_value = "60s")]
    timeout: Duration,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut device = args.nic.open()?;
    Identity::read(&mut device)?;
    let vectors = device.interrupts()?;
    let Some(Seen { after, by }) = until(&mut device, &vectors, args.condition, args.timeout)? else {
        return Ok(Exit::Nothing);
    };
    let name = args.condition.name();
    if args.json {
        println!("{}", serde_json::json!({ "condition": name, "after_us": after.as_micros() as u64, "by": by }));
    } else {
        println!("{name} after {}, {by}", seconds(after));
    }
    Ok(Exit::Done)
}
