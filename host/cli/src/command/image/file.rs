//! Files that are read whole, and files that are there whole or as they were.

use std::fs::{self, File, FileType, Metadata, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// More than any package: two images of 16 MiB and what is said of them.
const MOST: u64 = 64 << 20;

/// Reads a file, which may be a pipe; of one that is larger than any package, or has no end, no more than that is read.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("failed to read {}", path.display());
    let mut octets = Vec::new();
    File::open(path).with_context(failed)?.take(MOST + 1).read_to_end(&mut octets).with_context(failed)?;
    if octets.len() as u64 > MOST {
        bail!("{} has more than {MOST} octets, should have at most so many", path.display());
    }
    Ok(octets)
}

/// Reads a file as text.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read(path)?);
    text.with_context(|| format!("{} should be text in UTF-8", path.display()))
}

/// Refuses a path where something is that is no regular file: a device or a link would be replaced by one, not written to.
pub(super) fn writable(path: &Path) -> anyhow::Result<()> {
    match there(path)? {
        Some(found) if !found.is_file() => {
            let (path, kind) = (path.display(), kind(found.file_type()));
            bail!("{path} is {kind}, should be a regular file or nothing yet: nothing was written");
        }
        _ => Ok(()),
    }
}

/// Refuses to write to one of the files that are read, by whatever name.
pub(super) fn apart(out: &Path, inputs: &[&Path]) -> anyhow::Result<()> {
    let Some(found) = there(out)? else { return Ok(()) };
    let same = |other: Metadata| (other.dev(), other.ino()) == (found.dev(), found.ino());
    match inputs.iter().find(|input| fs::metadata(input).is_ok_and(same)) {
        Some(input) => {
            let (out, input) = (out.display(), input.display());
            bail!("{out} is the same file as {input}, which is read, should be another: nothing was written");
        }
        None => Ok(()),
    }
}

/// What is there, links not followed.
fn there(path: &Path) -> anyhow::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to look at {}", path.display())),
    }
}

fn kind(found: FileType) -> &'static str {
    match found {
        _ if found.is_symlink() => "a symbolic link",
        _ if found.is_dir() => "a directory",
        _ if found.is_fifo() => "a pipe",
        _ if found.is_socket() => "a socket",
        _ => "a device",
    }
}

/// Writes a file for everybody, or for its owner alone.
pub(super) fn write(path: &Path, octets: &[u8], mode: u32) -> anyhow::Result<()> {
    writable(path)?;
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
