//! `weir image verify`: whether a package may be flashed onto a board.
//!
//! ```text
//! $ weir image verify --board ecp5-versa-5g --trusted keys.toml weir.pldm
//! weir.pldm: 0.2.7 for ecp5-versa-5g, signed by 3F1B2C4D5E6F7081 (release): weir 0.2.7 for ecp5-versa-5g
//! ```
//!
//! The signature is looked for in `PACKAGE.minisig`. Signature first: nothing of a package is looked at that nobody trusted has
//! signed. A refusal says what was found, what should be there and what to do.

use std::path::PathBuf;

use anyhow::Context;
use weir_firmware::image::{ImageVersion, Target};

use super::trusted::{TrustArgs, Trusted};
use super::{board, pack};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the package
    package: PathBuf,
    /// the board: a name that is built in, or a folder like those of constraints/
    #[arg(long, value_name = "board")]
    board: String,
    #[command(flatten)]
    trusted: TrustArgs,
    /// the version that is installed; an earlier one is refused
    #[arg(long, value_name = "version")]
    installed: Option<ImageVersion>,
    /// take an earlier version than the installed one
    #[arg(long)]
    downgrade: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let board = board::find(&args.board)?;
    let Trusted { package, key, comment } = args.trusted.open(&args.package)?;
    let Args { installed, downgrade, .. } = args;
    let target = Target { board: &board, idcode: None, installed, layout: pack::layout(), downgrade };
    target.check(&package).with_context(|| format!("{} is refused", args.package.display()))?;
    let (path, manifest) = (args.package.display(), package.manifest());
    println!("{path}: {} for {}, signed by {} ({}): {comment}", manifest.version, manifest.board, key.id, key.name);
    Ok(Exit::Done)
}
