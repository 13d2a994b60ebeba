//! `weir image sign`: a detached signature, as minisign makes and checks it.
//!
//! ```text
//! $ weir image sign --key keys/release.key weir.pldm
//! weir.pldm.minisig, by key 3F1B2C4D5E6F7081
//! ```
//!
//! What is signed is read first, whole: nothing is signed that is no package. `WEIR_KEY_PASSWORD` opens an encrypted key.

use std::path::PathBuf;

use anyhow::{Context, bail};
use weir_firmware::image::{ImagePackage, SignatureError, public_key_id, sign, signer};

use super::file;
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the package
    package: PathBuf,
    /// the secret key
    #[arg(long, value_name = "file")]
    key: PathBuf,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let octets = file::read(&args.package)?;
    let package = ImagePackage::read(&octets).with_context(|| format!("{} is not signed", args.package.display()))?;
    let manifest = package.manifest();
    let comment = format!("weir {} for {}", manifest.version, manifest.board);
    let signature = signed(&file::text(&args.key)?, password(), &octets, &comment)
        .with_context(|| format!("failed to sign with {}", args.key.display()))?;
    let path = file::signature_of(&args.package);
    file::write(&path, signature.as_bytes(), 0o644)?;
    println!("{}, by key {}", path.display(), signer(&signature)?);
    Ok(Exit::Done)
}

/// Signs; an error names the place where the password is looked for.
fn signed(key: &str, password: Option<String>, octets: &[u8], comment: &str) -> anyhow::Result<String> {
    if let Ok(id) = public_key_id(key) {
        bail!("this is the public key {id}, should be the secret one, which `weir image keygen` calls PATH.key");
    }
    let hint = match password {
        Some(_) => "take the key's own password into WEIR_KEY_PASSWORD, and none for a key that is not encrypted",
        None => "if the key is encrypted, take its password into WEIR_KEY_PASSWORD",
    };
    match sign(key, password, octets, comment) {
        Err(error @ SignatureError::Password(_)) => Err(error).context(hint),
        signed => Ok(signed?),
    }
}

/// The password of secret keys; an empty one is none.
pub(super) fn password() -> Option<String> {
    std::env::var("WEIR_KEY_PASSWORD").ok().filter(|password| !password.is_empty())
}
