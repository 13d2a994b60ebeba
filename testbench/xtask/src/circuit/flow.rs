//! Runs yosys and nextpnr on an emitted top, and keeps what they found by the hash of all that went in.
//!
//! The tools run in a folder of their own and are given bare file names: they are WebAssembly, and see `/tmp` as a folder of
//! their own.

use super::target::{Family, Target};
use super::{Outcome, netlist, nextpnr};
use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The longest that synthesis, or place and route, may take in a test run.
pub(crate) const LIMIT: Duration = Duration::from_secs(480);

/// What the tools found, and whether they had to run.
pub(crate) struct Ran {
    /// Figures and worst path.
    pub(crate) outcome: Outcome,
    /// How long the tools took; nothing when all was known.
    pub(crate) took: Option<Duration>,
}

/// Synthesises `source` for `target`, places and routes it from `seed`.
pub(crate) fn build(target: &Target, source: &Path, seed: u32, limit: Duration) -> Result<Ran> {
    let verilog = fs::read(source).with_context(|| format!("failed to read {}", source.display()))?;
    let yosys = tool("yosys")?;
    let made = key(&[&verilog, version(&yosys)?.as_bytes(), target.script().as_bytes()]);
    match target.route(seed) {
        None => known_or(&format!("{made}.netlist.json"), |folder| {
            fs::copy(synthesise(target, &verilog, &made, limit)?, folder.join("netlist.json"))?;
            Ok("netlist.json")
        })
        .and_then(|(text, took)| Ok(Ran { outcome: netlist::read(&text, target.top)?, took })),
        Some(options) => {
            let nextpnr = tool("nextpnr")?;
            let routed = key(&[made.as_bytes(), version(&nextpnr)?.as_bytes(), options.join(" ").as_bytes()]);
            let (text, took) = known_or(&format!("{routed}.report.json"), |folder| {
                fs::copy(synthesise(target, &verilog, &made, limit)?, folder.join("netlist.json"))?;
                let mut command = Command::new(&nextpnr);
                command.args(&options).current_dir(folder);
                finish(&mut command, limit, &format!("place and route of {} on {}", target.top, target.title))?;
                Ok("report.json")
            })?;
            Ok(Ran { outcome: nextpnr::read(&text)?, took })
        }
    }
}

/// The text kept under `name`; else `make` writes it into an empty folder, where it is called what `make` says.
fn known_or(name: &str, make: impl FnOnce(&Path) -> Result<&'static str>) -> Result<(String, Option<Duration>)> {
    let kept = place::cache()?.join("circuit").join(name);
    if let Ok(text) = fs::read_to_string(&kept) {
        return Ok((text, None));
    }
    let began = Instant::now();
    let folder = scratch()?.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let written = folder.join(make(&folder)?);
    let text = fs::read_to_string(&written).with_context(|| format!("the tools wrote no {}", written.display()))?;
    let put = || -> std::io::Result<()> {
        let partial = kept.with_extension(format!("{}", std::process::id()));
        fs::create_dir_all(kept.parent().unwrap_or(Path::new(".")))?;
        fs::write(&partial, &text)?;
        fs::rename(&partial, &kept)?;
        fs::remove_dir_all(&folder)
    };
    put().with_context(|| format!("failed to keep {}", kept.display()))?;
    Ok((text, Some(began.elapsed())))
}

/// The mapped netlist; the last one of each target stays in the target folder, for the next seed.
fn synthesise(target: &Target, verilog: &[u8], made: &str, limit: Duration) -> Result<PathBuf> {
    // What the script writes does not depend on the speed grade.
    let family = match target.family {
        Family::Ecp5(_) => "ecp5",
        Family::UltraScalePlus => "ultrascale-plus",
    };
    let folder = scratch()?.join(format!("{}-{family}", target.top));
    let (netlist, stamp) = (folder.join("netlist.json"), folder.join("made"));
    if netlist.is_file() && fs::read_to_string(&stamp).is_ok_and(|text| text == made) {
        return Ok(netlist);
    }
    let put = || -> std::io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{}.sv", target.top)), verilog)
    };
    put().with_context(|| format!("failed to prepare {}", folder.display()))?;
    let mut command = Command::new(tool("yosys")?);
    command.args(["-q", "-p", &target.script()]).current_dir(&folder);
    finish(&mut command, limit, &format!("synthesis of {} for {family}", target.top))?;
    if !netlist.is_file() {
        bail!("yosys ended without an error and without a netlist of {}", target.top);
    }
    fs::write(&stamp, made).with_context(|| format!("failed to write {}", stamp.display()))?;
    Ok(netlist)
}

fn finish(command: &mut Command, limit: Duration, what: &str) -> Result<()> {
    let ended = run(command, limit, Show::OnFailure)?;
    if ended.timed_out {
        bail!(
            "{what} took longer than {} s and was stopped: make the circuit smaller or its worst paths shorter",
            limit.as_secs()
        );
    }
    if !ended.success {
        bail!("{what} failed: {}", ended.lines.last().map_or("the tool said nothing", String::as_str));
    }
    Ok(())
}

fn tool(name: &str) -> Result<PathBuf> {
    place::tool(name).with_context(|| format!("{name} is not there: run `cargo xtask setup --only {name}`"))
}

fn version(tool: &Path) -> Result<String> {
    let ended = run(Command::new(tool).arg("--version"), Duration::from_secs(300), Show::OnFailure)?;
    if !ended.success {
        bail!("{} does not tell its version", tool.display());
    }
    Ok(ended.lines.join("\n"))
}

fn scratch() -> Result<PathBuf> {
    Ok(place::root_target()?.join("circuit"))
}

/// The hash of what a result depends on.
fn key(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_takes_too_long_says_so_and_what_to_do() {
        let mut slow = Command::new("sleep");
        let error = finish(slow.arg("60"), Duration::from_millis(200), "place and route of x").unwrap_err().to_string();
        assert!(error.starts_with("place and route of x took longer than 0 s and was stopped"), "{error}");
    }

    #[test]
    fn the_key_depends_on_where_one_part_ends() {
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
    }
}
