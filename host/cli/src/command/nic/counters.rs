//! `weir nic counters`: the counters of one NIC, all of one moment.
//!
//! ```text
//! $ weir nic counters sim --all
//! ```
//!
//! Takes a snapshot, which freezes all counters at one clock and disturbs nobody; those that are zero are left out of the text
//! unless asked for. JSON has them all.
//!
//! Exit codes: 0 shown; 1 failed, or no Weir NIC; 3 there is no such function or socket.

use std::collections::BTreeMap;

use weir_nic::driver::read_counters;
use weir_nic::{Identity, Selector};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
    nic: Selector,
    /// show those that are zero too; --json always does
    #[arg(long)]
    all: bool,
    /// print all as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut bar = args.nic.open()?;
    Identity::read(&mut bar)?;
    let counters = read_counters(&mut bar)?;
    let shown: Vec<(String, u64)> =
        counters.named().filter(|(_, value)| args.all || args.json || *value != 0).collect();
    if args.json {
        println!("{}", serde_json::to_string(&shown.into_iter().collect::<BTreeMap<_, _>>())?);
        return Ok(Exit::Done);
    }
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in &shown {
        println!("{name:width$}  {value}");
    }
    if shown.is_empty() {
        eprintln!("all counters are zero");
    }
    Ok(Exit::Done)
}
