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
//! Running out of time is told on standard error, and with `--json` as an object whose `seen` is false.
//!
//! Exit codes: 0 it holds; 1 failed, or no Weir NIC; 2 it did not within the time, or wrong usage; 3 there is no such function
//! or socket.

use std::time::Duration;

use weir_nic::{Device, Identity, Selector};

use super::condition::{Condition, Seen, until};
use super::time::{duration, seconds};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
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
    let name = args.condition.name();
    let Some(Seen { after, by }) = until(&mut device, &vectors, args.condition, args.timeout)? else {
        if args.json {
            let waited = args.timeout.as_micros() as u64;
            println!("{}", serde_json::json!({ "condition": name, "seen": false, "waited_us": waited }));
        }
        eprintln!("weir: {name} was not seen at {} within {}", args.nic, seconds(args.timeout));
        return Ok(Exit::Nothing);
    };
    if args.json {
        let after = after.as_micros() as u64;
        println!("{}", serde_json::json!({ "condition": name, "seen": true, "after_us": after, "by": by }));
    } else {
        println!("{name} after {}, {by}", seconds(after));
    }
    Ok(Exit::Done)
}
