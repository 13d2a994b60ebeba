//! `weir nic`: the cards of this machine, who holds them, and what they say.
//!
//! `list` and `info` look; `bind` and `unbind` change which driver holds a card. Each is one file under `nic/`.

mod bind;
mod info;
mod list;
mod shown;

use crate::exit::Exit;

#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// show the PCI functions that can be a Weir NIC, and who holds them
    List(list::Args),
    /// show what one NIC says it is
    Info(info::Args),
    /// give a PCI function to vfio-pci, so that weir can open it
    Bind(bind::Args),
    /// give a PCI function back to the driver that knows it
    Unbind(bind::UnbindArgs),
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args {
        Args::List(args) => list::run(args),
        Args::Info(args) => info::run(args),
        Args::Bind(args) => bind::bind(args),
        Args::Unbind(args) => bind::unbind(args),
    }
}
