//! `weir nic key`: a board behind an Ethernet port gets the key that it is driven by from then on.
//!
//! ```text
//! # weir nic key eth1 /etc/weir/board.key
//! eth1: the board has its key now; take eth:eth1:/etc/weir/board.key as the NIC
//! ```
//!
//! A file that is not there is made first, with a key of the system's random numbers and mode 600: so no board has a key that
//! nobody knows. A board takes one key and no other after it; it goes over the wire in the clear, so do this where nobody listens.
//!
//! Exit codes: 0 done; 1 the board has a key, could not keep one, or does not answer; 3 there is no such interface.

use std::path::PathBuf;

use anyhow::Context;
use weir_nic::eth::{EthBar, make_key, read_key};

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the interface that the board is behind
    interface: String,
    /// the key's file; made if it is not there
    keyfile: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let Args { interface, keyfile } = args;
    let mut board = EthBar::open(&interface, None)?;
    let key = if keyfile.exists() { read_key(&keyfile)? } else { make_key(&keyfile)? };
    board.set_key(key).with_context(|| format!("the board behind {interface} did not take the key"))?;
    let file = keyfile.display();
    println!("{interface}: the board has its key now; take eth:{interface}:{file} as the NIC");
    Ok(Exit::Done)
}
