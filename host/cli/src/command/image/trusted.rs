//! `--trusted`, `--key`: whose signatures are taken, and a package that one of them is under.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use weir_firmware::image::{ImagePackage, Trust, TrustedKey};

use super::file;

#[derive(clap::Args)]
pub(crate) struct TrustArgs {
    /// the keys that may sign: tables `[[key]]` with name, public and, if it ends, until
    #[arg(long, value_name = "file", required_unless_present = "key", conflicts_with = "key")]
    trusted: Option<PathBuf>,
    /// the one key that may sign, as a file of minisign
    #[arg(long, value_name = "file")]
    key: Option<PathBuf>,
}

/// A package, whose signature it is under, and what was signed with it.
pub(crate) struct Trusted {
    pub(crate) package: ImagePackage,
    pub(crate) key: TrustedKey,
    pub(crate) comment: String,
}

impl TrustArgs {
    /// Reads a package; its signature first, so that nothing of it is looked at that nobody trusted has signed.
    pub(crate) fn open(&self, path: &Path) -> anyhow::Result<Trusted> {
        let trust = match (&self.trusted, &self.key) {
            (Some(path), _) => Trust::read(&file::text(path)?).with_context(|| path.display().to_string())?,
            (None, Some(path)) => Trust::in_key(&file::text(path)?).with_context(|| path.display().to_string())?,
            (None, None) => unreachable!("clap demands one of them"),
        };
        let octets = file::read(path)?;
        let signature = file::text(&file::signature_of(path)).context("sign it with `weir image sign`")?;
        let refused = || format!("{} is refused", path.display());
        let (key, comment) = trust.check(&signature, &octets, Timestamp::now()).with_context(refused)?;
        let package = ImagePackage::read(&octets).with_context(refused)?;
        Ok(Trusted { package, key: key.clone(), comment })
    }
}
