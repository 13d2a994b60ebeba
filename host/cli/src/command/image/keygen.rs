//! `weir image keygen`: a pair of keys, in minisign's files.
//!
//! ```text
//! $ weir image keygen --out keys/release
//! keys/release.key, the secret key: keep it to yourself
//! keys/release.pub, the public key 3F1B2C4D5E6F7081
//! ```
//!
//! The secret key is encrypted by the password in `WEIR_KEY_PASSWORD`, or not at all with `--unencrypted`; a password is
//! never an option, since other users see those. Keys that are there are not replaced.

use std::path::PathBuf;

use anyhow::bail;
use weir_firmware::image::KeyPair;

use super::file;
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// where to, without an ending: the files are PATH.key and PATH.pub
    #[arg(long, value_name = "path")]
    out: PathBuf,
    /// leave the secret key unencrypted, for machines that sign by themselves
    #[arg(long)]
    unencrypted: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let password = super::sign::password();
    if password.is_none() && !args.unencrypted {
        bail!("no password: set WEIR_KEY_PASSWORD, or say --unencrypted if the secret key is to have none");
    }
    let [secret, public] = ["key", "pub"].map(|ending| {
        let mut path = args.out.clone().into_os_string();
        path.push(".");
        path.push(ending);
        PathBuf::from(path)
    });
    if let Some(there) = [&secret, &public].into_iter().find(|path| path.exists()) {
        bail!("{} is there already, and keys are not replaced", there.display());
    }
    // Both before either is written: a link that leads nowhere is no file that is there.
    [&secret, &public].into_iter().try_for_each(|path| file::writable(path))?;
    let pair = KeyPair::generate(password.filter(|_| !args.unencrypted))?;
    file::write(&secret, pair.secret.as_bytes(), 0o600)?;
    file::write(&public, pair.public.as_bytes(), 0o644)?;
    println!("{}, the secret key: keep it to yourself", secret.display());
    println!("{}, the public key {}", public.display(), pair.id);
    Ok(Exit::Done)
}
