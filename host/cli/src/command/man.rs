//! `weir man`: manual pages, one a command, made from the same text as `--help`.
//!
//! ```text
//! # weir man --out /usr/local/share/man/man1
//! ```
//!
//! Exit codes: 0 written; 1 failed; 3 the folder is not there.

use std::path::PathBuf;

use anyhow::Context;
use clap::Command;

use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// folder for weir.1, weir-nic.1, weir-nic-list.1 and so on; it must exist
    #[arg(long, value_name = "folder")]
    out: PathBuf,
}

pub(crate) fn run(args: Args, cli: Command) -> anyhow::Result<Exit> {
    std::fs::metadata(&args.out).with_context(|| format!("failed to find folder {}", args.out.display()))?;
    clap_mangen::generate_to(cli, &args.out)
        .with_context(|| format!("failed to write pages into {}", args.out.display()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    #[test]
    fn every_command_has_its_page_and_says_there_what_it_is_for() {
        let folder = tempfile::tempdir().expect("a folder");
        run(Args { out: folder.path().to_path_buf() }, Cli::command()).expect("pages");
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
        assert!(page("weir.1").contains("nic"), "the first page names the commands");
        let list = page("weir-nic-list.1");
        assert!(list.contains("show the PCI functions that can be a Weir NIC") && list.contains("json"), "{list}");
        let load = page("weir-nic-load.1");
        assert!(load.contains("lease") && load.contains("program"), "{load}");
    }
}
