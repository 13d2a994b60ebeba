//! The emitted Verilog: the same bytes every time, read without complaint by three tools that share no code, and within its
//! budget once it is mapped, placed and routed.

use super::{Budget, Tally, built};
use crate::circuit::target::{TARGETS, Target};
use crate::circuit::{budget, flow};
use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Emits twice, compares, and hands the first emission to each tool, one top module at a time.
pub(super) fn part(_: Budget) -> Result<Tally> {
    let mut tally = Tally::default();
    let work = place::root_target()?.join("synth");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("failed to remove {}", work.display()))?;
    }
    let (first, second) = (work.join("first"), work.join("second"));
    for dir in [&first, &second] {
        let mut emit = built::weir()?;
        emit.args(["hdl", "emit", "--out"]).arg(dir);
        if !run(&mut emit, Duration::from_secs(900), Show::OnFailure)?.success {
            tally.fail("weir hdl emit");
            return Ok(tally);
        }
    }
    check(&mut tally, "the emission is byte-identical from run to run", differences(&first, &second)?);
    let sources = verilog(&first)?;
    if sources.is_empty() {
        bail!("weir hdl emit wrote no .v or .sv file into {}", first.display());
    }
    for source in sources {
        let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (tool, args) in commands(Path::new(&name)) {
            let program = place::tool(tool).with_context(|| format!("{tool} is not there"))?;
            // By its bare name in its folder: yosys is WebAssembly, and sees `/tmp` as a folder of its own.
            let mut command = Command::new(program);
            command.args(args).current_dir(&first);
            let ended = run(&mut command, Duration::from_secs(300), Show::OnFailure)?;
            let latch = ended.lines.iter().find(|line| line.contains("Latch inferred"));
            let mut faults: Vec<_> = latch.cloned().into_iter().collect();
            if !ended.success {
                faults.push(format!("{tool} refused it"));
            }
            check(&mut tally, &format!("{tool} accepts {name}"), faults);
        }
    }
    keeps_its_budget(&mut tally, &first)?;
    Ok(tally)
}

/// Builds the first target of every emitted top; the other speed grades are for `cargo xtask bench synth`.
fn keeps_its_budget(tally: &mut Tally, emitted: &Path) -> Result<()> {
    let budget = budget::Budget::committed()?;
    let first_of_top = |target: &&Target| TARGETS.iter().find(|other| other.top == target.top) == Some(*target);
    let emitted_for = |target: &Target| emitted.join(format!("{}.sv", target.top));
    let targets: Vec<_> = TARGETS.iter().filter(first_of_top).filter(|target| emitted_for(target).is_file()).collect();
    // At once: place and route takes one core for minutes.
    let built: Vec<_> = thread::scope(|scope| {
        let build = |target| move || flow::build(target, &emitted_for(target), 1, flow::LIMIT);
        let running: Vec<_> = targets.iter().map(|target| scope.spawn(build(target))).collect();
        running.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(anyhow!("its thread panicked")))).collect()
    });
    for (target, built) in targets.into_iter().zip(built) {
        let name = format!("{} keeps the budget of {}", target.top, target.title);
        match built {
            Ok(ran) => {
                let told = ran.outcome.figures.iter().map(|(name, value)| format!("{name} {value:.0}"));
                let cost = ran.took.map_or("known".to_owned(), |took| format!("{} s", took.as_secs()));
                tally.note(&format!("{}: {} ({cost})", target.title, told.collect::<Vec<_>>().join(", ")));
                check(tally, &name, budget.faults(target, &ran.outcome)?);
            }
            Err(error) => check(tally, &name, vec![format!("{error:#}")]),
        }
    }
    Ok(())
}

/// How each tool is asked. The emitter states no widths and names every state of a machine, used or not, so that those
/// warnings of Verilator say nothing; the lint of `weir-hdl` looks at widths instead.
fn commands(source: &Path) -> Vec<(&'static str, Vec<String>)> {
    let file = source.display().to_string();
    let words = |text: &str| text.split(' ').map(str::to_owned).chain([file.clone()]).collect();
    vec![
        (
            "verilator",
            words(
                "--lint-only --sv -Wall -Wno-WIDTHEXPAND -Wno-WIDTHTRUNC -Wno-UNUSEDSIGNAL -Wno-UNUSEDPARAM -Wno-DECLFILENAME",
            ),
        ),
        ("iverilog", words("-g2012 -Wall -Wno-timescale -tnull")),
        (
            "yosys",
            vec![
                "-q".to_owned(),
                "-p".to_owned(),
                format!("read_verilog -sv {file}; hierarchy -check -auto-top; proc; opt_clean; check -assert"),
            ],
        ),
    ]
}

fn check(tally: &mut Tally, name: &str, faults: Vec<String>) {
    println!("synth {name} ... {}", if faults.is_empty() { "ok" } else { "FAILED" });
    faults.iter().for_each(|fault| println!("  {fault}"));
    let all = faults.join("; ");
    if faults.is_empty() { tally.pass() } else { tally.fail(format!("synth {name}: {all}")) }
}

fn differences(first: &Path, second: &Path) -> Result<Vec<String>> {
    let (names, others) = (files(first)?, files(second)?);
    let mut faults = Vec::new();
    if names != others {
        faults.push(format!("the runs wrote different files: {names:?} and {others:?}"));
    }
    for name in names {
        if fs::read(first.join(&name)).ok() != fs::read(second.join(&name)).ok() {
            faults.push(format!("{} differs", name.display()));
        }
    }
    Ok(faults)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("failed to list {}", dir.display()))?;
    let mut names: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.file_name().into())).collect();
    names.sort();
    Ok(names)
}

fn verilog(dir: &Path) -> Result<Vec<PathBuf>> {
    let is_verilog = |name: &PathBuf| name.extension().is_some_and(|end| end == "v" || end == "sv");
    Ok(files(dir)?.into_iter().filter(is_verilog).map(|name| dir.join(name)).collect())
}
