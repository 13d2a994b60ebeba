//! The programs that make something of a circuit's text, and where they are.
//!
//! `cargo xtask setup` installs them into `tools/bin` of the project's cache. What the environment names comes before that, and
//! `PATH` after it.

use std::env;
use std::path::PathBuf;

/// The folder for everything that is made or fetched and not committed: `$WEIR_CACHE`, else `weir` in the user's cache. `None`
/// when the environment names no place for one.
pub fn cache() -> Option<PathBuf> {
    let named = set("WEIR_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("weir")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/weir")));
    // Programs are run in folders of their own, and are to be found there too.
    std::path::absolute(named?).ok()
}

/// The program that the environment variable `variable` names, else the first of `names` in the cache, else in `PATH`.
pub fn find(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let folders = || cache().map(|cache| cache.join("tools/bin")).into_iter().chain(path());
    set(variable).or_else(|| first(folders(), names))
}

/// The program `name` in `PATH` alone.
pub fn on_path(name: &str) -> Option<PathBuf> {
    first(path(), &[name])
}

/// What yosys is to do with `<top>.sv` for an ECP5; it writes `netlist.json`.
pub fn ecp5_script(top: &str) -> String {
    let text = include_str!("ecp5.ys").replace("{top}", top);
    text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("; ")
}

fn first(folders: impl Iterator<Item = PathBuf>, names: &[&str]) -> Option<PathBuf> {
    let there = |folder: PathBuf| names.iter().map(|name| folder.join(name)).find(|file| file.is_file());
    { folders }.find_map(there)
}

fn path() -> impl Iterator<Item = PathBuf> {
    env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>().into_iter()
}

fn set(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_first_name_in_the_first_folder_that_has_any() {
        let cargo = PathBuf::from(env!("CARGO"));
        let folder = cargo.parent().expect("cargo is in a folder");
        let elsewhere = folder.join("no-such-folder");
        let folders = || [elsewhere.clone(), folder.to_path_buf()].into_iter();
        let name = cargo.file_name().and_then(|name| name.to_str()).expect("a name");
        assert_eq!(first(folders(), &["no-such-program", name]), Some(cargo.clone()));
        assert_eq!(first(folders(), &["no-such-program"]), None);
    }

    #[test]
    fn a_script_is_one_line_of_commands_for_its_top() {
        let script = ecp5_script("weir64");
        assert!(script.starts_with("read_verilog -sv -DWEIR_ECP5 weir64.sv; synth_ecp5 -top weir64 "), "{script}");
        assert!(script.ends_with("-json netlist.json") && !script.contains(['{', '\n', '#']), "{script}");
    }
}
