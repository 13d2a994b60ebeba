//! How long compiled circuits are kept.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How the name of an entry ends while it is made.
pub(crate) const WORK: &str = ".work";

/// How many entries stay: what a run of the whole suite uses (two widths, each with two waveforms, the other drop style and
/// some faulty circuits), and the same again of the version before. An entry is a few MB.
const KEPT: usize = 20;

/// Notes that an entry was used now: [`prune`] takes those used longest ago.
pub(crate) fn used(entry: &Path) {
    // A cache of somebody else's cannot be marked; it is not ours to prune either.
    let _ = File::open(entry).and_then(|folder| folder.set_modified(SystemTime::now()));
}

/// Removes what is of no use any more, but never `entry`. The caller holds the lock, so nobody is making an entry; a
/// circuit that a process has loaded stays whole for it.
pub(crate) fn prune(folder: &Path, entry: &Path) {
    let Ok(listed) = fs::read_dir(folder) else { return };
    let mut entries: Vec<(SystemTime, PathBuf)> = Vec::new();
    for listed in listed.flatten() {
        let (path, Ok(metadata)) = (listed.path(), listed.metadata()) else { continue };
        if !metadata.is_dir() || path == entry {
            continue;
        }
        // Left behind by a process that died, here or in an earlier version.
        if path.extension().is_some() {
            let _ = fs::remove_dir_all(&path);
        } else if let Ok(time) = metadata.modified() {
            entries.push((time, path));
        }
    }
    entries.sort();
    let old = (entries.len() + 1).saturating_sub(KEPT);
    for (_, path) in &entries[..old] {
        let _ = fs::remove_dir_all(path);
    }
}
