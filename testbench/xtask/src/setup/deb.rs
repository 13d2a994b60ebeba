//! Files of Debian packages.

use super::stamp;
use crate::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Those in a folder, in the order of their names.
pub(super) fn in_folder(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("failed to list {}", dir.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut debs: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    debs.sort();
    Ok(debs)
}

/// Unpacks each below `root` and removes it; gives the record of them, a line of SHA-256 and name each.
pub(super) fn unpack(debs: &[PathBuf], root: &Path) -> Result<String> {
    let mut record = String::new();
    for deb in debs {
        run::output(Command::new("dpkg").arg("-x").arg(deb).arg(root))?;
        let name = deb.file_name().unwrap_or_default().to_string_lossy();
        record += &format!("{}  {name}\n", stamp::of_file(deb)?);
        fs::remove_file(deb).with_context(|| format!("failed to remove {}", deb.display()))?;
    }
    Ok(record)
}
