//! `weir nic`: the cards of this machine, who holds them, and what they hold.
//!
//! `list`, `info`, `regs`, `table` and `counters` look; `bind` and `unbind` change which driver holds a card; `reset`, `load`
//! and `key` change the card. Each is one file under `nic/`.

mod bind;
mod columns;
mod condition;
mod counters;
mod info;
mod key;
mod list;
mod load;
mod place;
mod regs;
mod reset;
mod shown;
mod table;
mod time;
mod wait;

use crate::exit::Exit;

#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// show the PCI functions that can be a Weir NIC, and who holds them
    List(list::Args),
    /// show what one NIC says it is, and what it is doing
    Info(info::Args),
    /// give a PCI function to vfio-pci, so that weir can open it
    Bind(bind::Args),
    /// give a PCI function back to the driver that knows it
    Unbind(bind::UnbindArgs),
    /// show registers by name
    Regs(regs::Args),
    /// show rules and bucket maps
    Table(table::Args),
    /// show the counters, all of one moment
    Counters(counters::Args),
    /// load rules and bucket maps and bring them into force
    Load(load::Args),
    /// give a board behind an Ethernet port its key, once for all
    Key(key::Args),
    /// reset a NIC: it is fenced and holds nothing
    Reset(reset::Args),
    /// wait until a NIC says that its lease ends, that it is fenced, or the like; exit code 2 if it does not in time
    Wait(wait::Args),
}

impl Args {
    /// It changes nothing, and is over where nobody reads what it prints.
    pub(crate) fn only_shows(&self) -> bool {
        matches!(self, Args::List(_) | Args::Info(_) | Args::Regs(_) | Args::Table(_) | Args::Counters(_))
    }
}

pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match args {
        Args::List(args) => list::run(args),
        Args::Info(args) => info::run(args),
        Args::Bind(args) => bind::bind(args),
        Args::Unbind(args) => bind::unbind(args),
        Args::Regs(args) => regs::run(args),
        Args::Table(args) => table::run(args),
        Args::Counters(args) => counters::run(args),
        Args::Load(args) => load::run(args),
        Args::Key(args) => key::run(args),
        Args::Reset(args) => reset::run(args),
        Args::Wait(args) => wait::run(args),
    }
}
