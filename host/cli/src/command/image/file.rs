//! Files that are read whole, and files that are there whole or as they were.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// More than any package: two images of 16 MiB and what is said of them.
const MOST: u64 = 64 << 20;

/// Reads a file; one that is larger than any package is not read at all.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("failed to read {}", path.display());
    let length = fs::metadata(path).with_context(failed)?.len();
    if length > MOST {
        bail!("{} has {length} octets, should have at most {MOST}", path.display());
    }
    fs::read(path).with_context(failed)
}

/// Reads a file as text.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read(path)?);
    text.with_context(|| format!("{} should be text in UTF-8", path.display()))
}

/// Writes a file for everybody, or for its owner alone.
pub(super) fn write(path: &Path, octets: &[u8], mode: u32) -> anyhow::Result<()> {
    let failed = || format!("failed to write {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let mut beside = builder.permissions(Permissions::from_mode(mode)).tempfile_in(folder).with_context(failed)?;
    beside.write_all(octets).with_context(failed)?;
    beside.as_file().sync_all().with_context(failed)?;
    beside.persist(path).map(drop).map_err(|error| error.error).with_context(failed)
}

/// The signature's file of a package, as minisign names it.
pub(super) fn signature_of(package: &Path) -> PathBuf {
    let mut name = package.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}
