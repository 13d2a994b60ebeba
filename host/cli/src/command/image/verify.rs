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
use jiff::Timestamp;
use weir_firmware::image::{ImagePackage, ImageVersion, Target, Trust};

use super::{board, file, pack};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the package
    package: PathBuf,
    /// the board: a name that is built in, or a folder like those of constraints/
    #[arg(long, value_name = "board")]
    board: String,
    /// the keys that may sign: [[key]] tables with name, public and, if it ends, until
    #[arg(long, value_name = "file", required_unless_present = "key", conflicts_with = "key")]
    trusted: Option<PathBuf>,
    /// the one key that may sign, as a file of minisign
    #[arg(long, value_name = "file")]
    key: Option<PathBuf>,
    /// the version that is installed; an earlier one is refused
    #[arg(long, value_name = "version")]
    installed: Option<ImageVersion>,
    /// take an earlier version than the installed one
    #[arg(long)]
    downgrade: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let board = board::find(&args.board)?;
    let trust = match (&args.trusted, &args.key) {
        (Some(path), _) => Trust::read(&file::text(path)?).with_context(|| path.display().to_string())?,
        (None, Some(path)) => Trust::in_key(&file::text(path)?).with_context(|| path.display().to_string())?,
        (None, None) => unreachable!("clap demands one of them"),
    };
    let octets = file::read(&args.package)?;
    let signature = file::text(&file::signature_of(&args.package)).context("sign it with `weir image sign`")?;
    let refused = || format!("{} is refused", args.package.display());
    let (key, comment) = trust.check(&signature, &octets, Timestamp::now()).with_context(refused)?;
    let package = ImagePackage::read(&octets).with_context(refused)?;
    let Args { installed, downgrade, .. } = args;
    let target = Target { board: &board, idcode: None, installed, layout: pack::layout(), downgrade };
    target.check(&package).with_context(refused)?;
    let (path, manifest) = (args.package.display(), package.manifest());
    println!("{path}: {} for {}, signed by {} ({}): {comment}", manifest.version, manifest.board, key.id, key.name);
    Ok(Exit::Done)
}
