//! Where things are: the work tree, the cache outside it, the tools inside the cache.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the work tree this program was built from.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(2).expect("xtask lies two folders below the root").to_path_buf()
}

/// The folder for everything that is made or fetched and not committed: `$WEIR_CACHE`, else the user's cache.
pub(crate) fn cache() -> Result<PathBuf> {
    weir_tools::cache().context("no place for the cache: set WEIR_CACHE, XDG_CACHE_HOME or HOME")
}

/// The folder `setup` installs into.
pub(crate) fn tools() -> Result<PathBuf> {
    Ok(cache()?.join("tools"))
}

/// Finds a program: an explicit choice in the environment (`VERILATOR` for `verilator`), then the cache, then `PATH`.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    weir_tools::find(&name.to_uppercase(), &[name])
}

/// `PATH` with the tools of the cache in front, for programs that look tools up themselves.
pub(crate) fn search_path() -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(tools()?.join("bin")).chain(env::split_paths(&path));
    env::join_paths(dirs).context("failed to extend PATH by the tools folder")
}

/// `cargo` in the root of the work tree, the same cargo that started this program.
pub(crate) fn cargo<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set for us by `cargo run`; a nested cargo must not inherit what belongs to this package.
    command.args(args).current_dir(root()).env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    command
}

/// The names of all files git knows, relative to the root, sorted.
pub(crate) fn committed_files(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output();
    let listed = listed.context("failed to run git ls-files; is git installed?")?;
    if !listed.status.success() {
        bail!("git ls-files failed in {}: {}", root.display(), String::from_utf8_lossy(&listed.stderr).trim());
    }
    let names = String::from_utf8(listed.stdout).context("git ls-files printed a name that is not UTF-8")?;
    Ok(names.split_terminator('\0').map(str::to_owned).filter(|name| root.join(name).is_file()).collect())
}

/// The target folder of this workspace, as cargo would choose it.
pub(crate) fn root_target() -> Result<PathBuf> {
    Ok(match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
        Some(dir) => {
            std::path::absolute(&dir).with_context(|| format!("failed to resolve {}", Path::new(&dir).display()))?
        }
        None => root().join("target"),
    })
}

/// The platform this machine's compiler builds for.
pub(crate) fn host_triple() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = crate::run::output(Command::new(rustc).arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// Whether this process may do what root may.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
