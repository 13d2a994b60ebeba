//! `cargo xtask setup`: brings the tools that are not Rust into `<cache>/tools`.
//!
//! Nothing is installed into the system and nothing into the work tree. Python tools come as wheels whose hashes are
//! committed in `testbench/xtask/tools`, Debian tools are unpacked beside them, those of another release with their own
//! libraries; each program gets a launcher in `<cache>/tools/bin`. What is there already costs one look at a stamp
//! file. The clients (`pip`, `apt-get`) are used as this machine has them configured.

mod catalogue;
mod deb;
mod debian;
mod foreign;
mod launcher;
mod stamp;
mod system;
mod wheels;

use crate::place;
use anyhow::{Context, Result, bail};
use catalogue::{CATALOGUE, Source, Tool};
use std::fs::{self, File};

/// Options of `cargo xtask setup`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// only tell what is there and what is missing; change nothing
    #[arg(long)]
    check: bool,
    /// bring only this tool (may be given several times)
    #[arg(long, value_name = "TOOL")]
    only: Vec<String>,
}

/// Whether a tool can be used, and where it is or how to get it.
pub(crate) enum State {
    /// Usable; says from where.
    Ready(String),
    /// Not usable; says in one line why and what to do.
    Missing(String),
}

/// Runs the command; `false` when something is missing at the end.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let wanted = select(&args.only)?;
    let mut complete = true;
    for tool in wanted {
        let state = if args.check { look(tool)? } else { bring(tool)? };
        complete &= report(tool, &state);
    }
    Ok(complete)
}

/// Brings the named tools, silently where they are there already; returns one line for each that could not be had.
pub(crate) fn ensure(names: &[&str]) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for name in names {
        let tool = CATALOGUE.iter().find(|tool| tool.name == *name).expect("parts name tools of the catalogue");
        if let State::Missing(why) = look(tool)? {
            println!("setting up {name}: {}", tool.purpose);
            if !matches!(tool.source, Source::System { .. }) {
                if let State::Missing(why) = bring(tool)? {
                    missing.push(format!("{name}: {why}"));
                }
                continue;
            }
            missing.push(format!("{name}: {why}"));
        }
    }
    Ok(missing)
}

/// The folder of a tool that is no program.
pub(crate) fn folder(name: &str) -> Result<std::path::PathBuf> {
    let tool = CATALOGUE.iter().find(|tool| tool.name == name).expect("parts name tools of the catalogue");
    Ok(tool.home(&place::tools()?))
}

fn select(only: &[String]) -> Result<Vec<&'static Tool>> {
    if only.is_empty() {
        return Ok(CATALOGUE.iter().collect());
    }
    let find = |name: &String| {
        let known = || CATALOGUE.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ");
        CATALOGUE.iter().find(|tool| tool.name == name).with_context(|| format!("no tool {name}; known: {}", known()))
    };
    only.iter().map(find).collect()
}

fn report(tool: &Tool, state: &State) -> bool {
    match state {
        State::Ready(whence) => println!("{:<12} ready    {whence}", tool.name),
        State::Missing(why) => println!("{:<12} MISSING  {why} (needed for: {})", tool.name, tool.purpose),
    }
    matches!(state, State::Ready(_))
}

/// Looks without changing anything.
fn look(tool: &Tool) -> Result<State> {
    match &tool.source {
        Source::Wheels(wheels) => wheels::look(tool, wheels),
        Source::Debian(packages) => debian::look(tool, packages),
        Source::Foreign(foreign) => foreign::look(tool, foreign),
        Source::System { programs, advice } => Ok(system::look(programs, advice)),
    }
}

/// Installs a tool unless it is ready. Errors of clients become a `Missing`, so that one tool does not stop the others.
fn bring(tool: &Tool) -> Result<State> {
    if let ready @ State::Ready(_) = look(tool)? {
        return Ok(ready);
    }
    let _alone = lock()?;
    if let ready @ State::Ready(_) = look(tool)? {
        return Ok(ready);
    }
    let installed = match &tool.source {
        Source::Wheels(wheels) => wheels::install(tool, wheels),
        Source::Debian(packages) => debian::install(tool, packages),
        Source::Foreign(foreign) => foreign::install(tool, foreign),
        Source::System { .. } => return look(tool),
    };
    match installed {
        Ok(()) => look(tool),
        Err(error) => Ok(State::Missing(format!("{error:#}"))),
    }
}

/// Two setups at once would unpack over each other; the second waits here.
fn lock() -> Result<File> {
    let tools = place::tools()?;
    fs::create_dir_all(tools.join("bin")).with_context(|| format!("failed to create {}", tools.display()))?;
    let path = tools.join("lock");
    let file = File::create(&path).with_context(|| format!("failed to open {}", path.display()))?;
    if let Err(error) = file.lock() {
        bail!("failed to lock {}: {error}", path.display());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_tool_is_refused_with_the_known_ones() {
        let error = select(&["verilotor".into()]).err().expect("there is no such tool").to_string();
        assert!(error.contains("verilotor") && error.contains("verilator"), "{error}");
    }

    #[test]
    fn every_name_in_the_catalogue_is_unique() {
        let mut names: Vec<_> = CATALOGUE.iter().map(|tool| tool.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
