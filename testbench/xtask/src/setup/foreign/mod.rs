//! Tools from another release of Debian than this machine's: unpacked into the cache, and of each package only what is
//! used.
//!
//! A newer release's programs do not run with this machine's libraries, so a program is kept with all of its libraries
//! and started by its own loader; a kernel is only ever run by an emulator. apt checks the packages against the
//! distribution's signed lists, and the SHA-256 of each is recorded in `<cache>/tools/<tool>/packages`, as for the
//! packages of this machine's own release.

mod apt;
mod keep;

use super::catalogue::{Foreign, Kept, Tool};
use super::{State, deb, launcher, stamp};
use crate::{place, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Ready when kept by us; a program also when one on `PATH` can do what it is brought for.
pub(super) fn look(tool: &Tool, foreign: &Foreign) -> Result<State> {
    let tools = place::tools()?;
    let home = tool.home(&tools);
    let main = match &foreign.kept {
        Kept::Program { name, .. } => tools.join("bin").join(name),
        Kept::Kernel { .. } => home.join(keep::KERNEL),
    };
    if main.is_file() && stamp::holds(&home, &digest(&home, foreign)) {
        return Ok(State::Ready(main.display().to_string()));
    }
    let bring = format!("run `cargo xtask setup --only {}`", tool.name);
    if let Kept::Program { name, able, lacks, .. } = &foreign.kept
        && let Some(found) = weir_tools::on_path(name)
    {
        return Ok(match is_able(&found, able) {
            Ok(true) => State::Ready(found.display().to_string()),
            _ => State::Missing(format!("{} {lacks}: {bring}", found.display())),
        });
    }
    Ok(State::Missing(format!("not in {}: {bring}", tools.display())))
}

/// Downloads, unpacks and keeps; tries a program; and only then stamps.
pub(super) fn install(tool: &Tool, foreign: &Foreign) -> Result<()> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("{} is brought for x86_64 alone, and this machine is {}", tool.name, std::env::consts::ARCH);
    }
    if let Some(absent) = ["apt-get", "dpkg"].into_iter().find(|name| weir_tools::on_path(name).is_none()) {
        bail!("no {absent} on PATH: {} comes as packages of Debian{}", tool.name, foreign.else_advice);
    }
    let tools = place::tools()?;
    let work = tools.join(format!(".{}.partial", tool.name));
    remove(&work)?;
    let done = fill(tool, foreign, &tools, &work);
    // A failure leaves hundreds of megabytes no more than a success does.
    remove(&work)?;
    done
}

fn fill(tool: &Tool, foreign: &Foreign, tools: &Path, work: &Path) -> Result<()> {
    let home = tool.home(tools);
    let (root, kept) = (work.join("root"), work.join("kept"));
    for dir in [&root, &kept] {
        fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    }
    let apt = apt::Apt::new(&work.join("apt"), foreign.suites, foreign.else_advice)?;
    let debs = match &foreign.kept {
        Kept::Program { .. } => apt.with_all_it_needs(foreign.package)?,
        Kept::Kernel { .. } => vec![apt.first_it_needs(foreign.package)?],
    };
    let record = deb::unpack(&debs, &root)?;
    match &foreign.kept {
        Kept::Program { file, data, .. } => keep::program(&root, &kept, file, data)?,
        Kept::Kernel { modules } => keep::kernel(&root, &kept, modules)?,
    }
    fs::write(kept.join("packages"), record).with_context(|| format!("failed to write into {}", kept.display()))?;
    remove(&home)?;
    fs::rename(&kept, &home).with_context(|| format!("failed to create {}", home.display()))?;
    if let Kept::Program { name, launch, able, lacks, .. } = &foreign.kept {
        let text = home.to_str();
        let text = text.with_context(|| format!("cache folder {} is not UTF-8; set WEIR_CACHE", home.display()))?;
        let program = tools.join("bin").join(name);
        launcher::write(&tools.join("bin"), name, &launcher::text(&[("home", text)], launch))?;
        let tried = is_able(&program, able).with_context(|| format!("{name} was unpacked but does not run"));
        if !matches!(tried, Ok(true)) {
            // What does not work must not hide another one on PATH.
            fs::remove_file(&program).with_context(|| format!("failed to remove {}", program.display()))?;
            tried?;
            bail!("{name} of {} {lacks}", foreign.suites.join(" and "));
        }
    }
    stamp::set(&home, &digest(&home, foreign))
}

/// Whether what the program prints about itself has the word that it is brought for.
fn is_able(program: &Path, (arguments, word): &(&[&str], &str)) -> Result<bool> {
    Ok(run::output(Command::new(program).args(*arguments))?.contains(word))
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.with_context(|| format!("failed to remove {}", dir.display())),
    }
}

fn digest(home: &Path, foreign: &Foreign) -> String {
    let mut parts = vec![home.to_string_lossy().into_owned(), foreign.package.to_owned(), foreign.suites.join(" ")];
    match &foreign.kept {
        Kept::Program { file, data, launch, .. } => {
            parts.extend([file, launch].map(|text| (*text).to_owned()));
            parts.push(data.join(" "));
        }
        Kept::Kernel { modules } => parts.push(modules.join(" ")),
    }
    stamp::digest(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_judged_by_what_it_says_of_itself() {
        let able = |word| is_able(Path::new("/bin/echo"), &(&["name \"vfio-user-pci\", bus PCI"], word));
        assert!(able("\"vfio-user-pci\"").expect("echo runs"));
        assert!(!able("\"vfio-user-ccw\"").expect("echo runs"));
        assert!(is_able(Path::new("/nonexistent"), &(&[], "")).is_err());
    }

    #[test]
    fn other_modules_are_another_installation() {
        let home = Path::new("/cache/guest-kernel");
        let kernel =
            |modules| Foreign { suites: &["a"], package: "p", else_advice: "", kept: Kept::Kernel { modules } };
        assert_ne!(digest(home, &kernel(&["a"])), digest(home, &kernel(&["a", "b"])));
    }
}
