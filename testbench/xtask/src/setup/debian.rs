//! Tools that come as Debian packages, unpacked into the cache: no root needed, nothing in the system changes.
//!
//! A distribution replaces its packages by security updates, so their hashes cannot be committed for ever. apt checks what it
//! downloads against the distribution's signed lists; the SHA-256 of every unpacked package is recorded in
//! `<cache>/tools/<tool>/packages`, and the lowest version that will do is checked. A program on `PATH` that is new enough is
//! used as it is. When the unpacked program does not run (a library of the system is too old for it), root gets it by
//! `apt-get install`.

use super::catalogue::{Packages, Tool};
use super::{State, deb, launcher, stamp};
use crate::{place, run};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Ready when unpacked by us, or on `PATH` and new enough.
pub(super) fn look(tool: &Tool, packages: &Packages) -> Result<State> {
    let tools = place::tools()?;
    let home = tool.home(&tools);
    let (main, _) = packages.programs[0];
    let program = tools.join("bin").join(main);
    let (argument, lowest) = packages.version;
    // Unpacked beside libraries that the system had then: a cache that came to another system may lack some.
    let runs = || run::told(Command::new(&program).arg(argument)).is_ok();
    if program.is_file() && stamp::holds(&home, &digest(&home, packages)) && runs() {
        return Ok(State::Ready(program.display().to_string()));
    }
    if let Some(program) = weir_tools::on_path(main)
        && let Ok(told) = run::told(Command::new(&program).arg(argument))
    {
        return Ok(match major(&told) {
            Some(found) if found >= lowest => State::Ready(program.display().to_string()),
            found => State::Missing(format!(
                "{} is version {}, at least {lowest} is needed",
                program.display(),
                found.map_or_else(|| "unknown".to_owned(), |major| major.to_string())
            )),
        });
    }
    Ok(State::Missing(format!("not on PATH: run `cargo xtask setup --only {}`", tool.name)))
}

/// Unpacks the packages and tries the program; falls back on `apt-get install` for root.
pub(super) fn install(tool: &Tool, packages: &Packages) -> Result<()> {
    if weir_tools::on_path("apt-get").is_none() || weir_tools::on_path("dpkg").is_none() {
        bail!("this system has no apt-get: install {} by its own package manager", packages.packages.join(", "));
    }
    match unpack(tool, packages) {
        Ok(()) => Ok(()),
        Err(_) if place::is_root() => run::output(
            Command::new("apt-get")
                .args(["install", "--yes", "--no-install-recommends"])
                .args(packages.packages)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
        .map(drop)
        .with_context(|| format!("failed to install {}", packages.packages.join(", "))),
        Err(error) => Err(error),
    }
}

fn unpack(tool: &Tool, packages: &Packages) -> Result<()> {
    let tools = place::tools()?;
    let home = tool.home(&tools);
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("failed to remove {}", home.display()))?;
    }
    fs::create_dir_all(&home).with_context(|| format!("failed to create {}", home.display()))?;

    download(&home, packages)?;
    let record = deb::unpack(&deb::in_folder(&home)?, &home)?;
    fs::write(home.join("packages"), record).with_context(|| format!("failed to write into {}", home.display()))?;

    let text = home.to_str().with_context(|| format!("cache folder {} is not UTF-8", home.display()))?;
    for (name, launch) in packages.programs {
        // Some libraries of Debian 12 are in /lib, which an installed system merges with /usr/lib.
        let libraries = "LD_LIBRARY_PATH=\"$(echo \"$home\"/usr/lib/*-linux-gnu*):$home/usr/lib:\
                         $(echo \"$home\"/lib/*-linux-gnu*)\"; export LD_LIBRARY_PATH\n";
        let launch = format!("{libraries}{launch}");
        launcher::write(&tools.join("bin"), name, &launcher::text(&[("home", text)], &launch))?;
    }
    let (main, _) = packages.programs[0];
    let tried = run::output(Command::new(tools.join("bin").join(main)).arg(packages.version.0));
    if let Err(error) = tried {
        for (name, _) in packages.programs {
            fs::remove_file(tools.join("bin").join(name))
                .with_context(|| format!("failed to remove launcher {name}"))?;
        }
        return Err(error).with_context(|| format!("{} was unpacked but does not run", tool.name));
    }
    stamp::set(&home, &digest(&home, packages))
}

/// Downloads the packages and those they need that the system lacks. Lists that are absent or stale are renewed by root.
fn download(into: &Path, packages: &Packages) -> Result<()> {
    let fetch = || -> Result<()> {
        let mut plan = Command::new("apt-get");
        plan.args(["--simulate", "--no-install-recommends", "install"]).args(packages.packages);
        let plan = run::output(plan.env("LC_ALL", "C"))?;
        let names = newly_installed(&plan);
        if names.is_empty() {
            bail!("apt-get sees {} as installed, but it does not run", packages.packages.join(", "));
        }
        run::output(Command::new("apt-get").arg("download").args(names).current_dir(into)).map(drop)
    };
    match fetch() {
        Err(_) if place::is_root() => {
            run::output(Command::new("apt-get").arg("update"))?;
            fetch()
        }
        Err(error) => Err(error).with_context(|| {
            format!("apt-get cannot download {}; run `apt-get update` as root once", packages.packages.join(", "))
        }),
        done => done,
    }
}

/// The packages a simulated installation would add; upgrades, which show the old version in brackets, stay out.
fn newly_installed(plan: &str) -> Vec<&str> {
    plan.lines()
        .filter_map(|line| line.strip_prefix("Inst "))
        .filter_map(|rest| rest.split_once(' '))
        .filter(|(_, rest)| !rest.starts_with('['))
        .map(|(name, _)| name)
        .collect()
}

/// The first number before a dot in what a program says about its version.
fn major(told: &str) -> Option<u32> {
    told.split_whitespace().find_map(|word| {
        let (major, rest) = word.trim_start_matches(['v', '\'', '(']).split_once('.')?;
        rest.starts_with(|next: char| next.is_ascii_digit()).then(|| major.parse().ok())?
    })
}

fn digest(home: &Path, packages: &Packages) -> String {
    let mut parts = vec![home.to_string_lossy().into_owned()];
    parts.extend(packages.programs.iter().map(|(name, launch)| format!("{name}\n{launch}")));
    stamp::digest(&parts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_programs_print() {
        assert_eq!(major("Icarus Verilog version 11.0 (stable) ()"), Some(11));
        assert_eq!(major("TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged as 4.0.17-0+deb12u3)."), Some(4));
        assert_eq!(major("nftables v1.0.6 (Lester Gooch #5)"), Some(1));
        assert_eq!(major("Corosync Cluster Engine, version '3.1.7'"), Some(3));
        assert_eq!(major("no number here."), None);
    }

    #[test]
    fn upgrades_of_the_system_are_not_unpacked() {
        let plan = "Reading lists\nInst liba (1.0 Debian:12 [amd64])\nInst libc6 [2.36] (2.37 Debian:12 [amd64])\n\
                    Inst tool (3.1 Debian:12 [amd64])\nConf tool (3.1 Debian:12 [amd64])\n";
        assert_eq!(newly_installed(plan), ["liba", "tool"]);
    }
}
