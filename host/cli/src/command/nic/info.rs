//! `weir nic info`: what one NIC says it is.
//!
//! ```text
//! $ weir nic info sim
//! layout          1.2
//! width           64 bit
//! clock           not told (a simulator)
//! ...
//! ```
//!
//! Reads the identity block and the state, and writes nothing: the NIC goes on under whoever drives it.
//!
//! Exit codes: 0 shown; 1 failed, or no Weir NIC; 3 there is no such function or socket.

use serde::Serialize;
use weir_nic::driver::peek;
use weir_nic::{Identity, Selector};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
    nic: Selector,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Info {
    nic: String,
    layout_minor: u16,
    width_bits: u32,
    clock_khz: u32,
    git_hash: String,
    board: u32,
    flash: bool,
    time_us: u64,
    lease_until_us: u64,
    fenced: bool,
    epoch: u32,
    flows: u32,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut bar = args.nic.open()?;
    let identity = Identity::read(&mut bar)?;
    let state = peek(&mut bar)?;
    let info = Info {
        nic: args.nic.to_string(),
        layout_minor: identity.layout_minor,
        width_bits: u32::from(identity.width_bytes) * 8,
        clock_khz: identity.clock_khz,
        git_hash: format!("{:08x}", identity.git_hash),
        board: identity.board,
        flash: identity.flash,
        time_us: state.now,
        lease_until_us: state.until,
        fenced: state.fenced,
        epoch: state.epoch,
        flows: state.flows,
    };
    if args.json {
        println!("{}", serde_json::to_string(&info)?);
    } else {
        print!("{}", text(&info));
    }
    Ok(Exit::Done)
}

fn text(info: &Info) -> String {
    let clock = match info.clock_khz {
        0 => "not told (a simulator)".to_owned(),
        khz => format!("{}.{:03} MHz", khz / 1000, khz % 1000),
    };
    let lease = match info.lease_until_us.checked_sub(info.time_us) {
        _ if info.fenced => "none: fenced, rules accept nothing".to_owned(),
        Some(left) => format!("{} ms left", left / 1000),
        None => "over".to_owned(),
    };
    format!(
        "layout   1.{}\nwidth    {} bit\nclock    {clock}\nimage    built from {}\nboard    {}\nflash    {}\n\
         NIC time {}.{:06} s\nlease    {lease}\nepoch    {:#x}\nflows    {}\n",
        info.layout_minor,
        info.width_bits,
        info.git_hash,
        if info.board == 0 { "simulated".to_owned() } else { info.board.to_string() },
        if info.flash { "there" } else { "none" },
        info.time_us / 1_000_000,
        info.time_us % 1_000_000,
        info.epoch,
        info.flows,
    )
}
