//! libFuzzer on stable Rust: the targets of `testbench/fuzz`, built with LLVM's coverage pass by plain code generation flags.
//!
//! Nothing here needs a nightly compiler: the coverage instrumentation is an ordinary LLVM pass. The instrumented build lives
//! in a target folder of its own, so that its flags do not rebuild everything else.

use super::{Budget, Tally};
use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // With several units the counters of one are dropped at link time.
    "-Ccodegen-units=1",
    "--cfg",
    "fuzzing",
];

/// Builds every target and runs each for a bounded time: 20 s, or 10 minutes with `--long`.
pub(super) fn part(budget: Budget) -> Result<Tally> {
    let seconds = if budget.long { 600 } else { 20 };
    let home = place::root().join("testbench/fuzz");
    let target = place::root_target()?.join("fuzz");
    let host = place::host_triple()?;
    let mut build = place::cargo(["build", "--quiet", "--release", "--locked", "--target", &host]);
    build.arg("--manifest-path").arg(home.join("Cargo.toml")).arg("--target-dir").arg(&target);
    // An explicit target keeps the flags away from build scripts and procedural macros.
    build.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
    let mut tally = Tally::default();
    if !run(&mut build, Duration::from_secs(600), Show::OnFailure)?.success {
        tally.fail("building the fuzz targets");
        return Ok(tally);
    }
    let names = names(&home)?;
    // A target keeps one core busy.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for together in names.chunks(cores) {
        let fuzz = |name: &String| {
            let program = target.join(&host).join("release").join(name);
            let corpus = place::cache()?.join("fuzz").join(name);
            one(&program, &corpus, &home.join("seeds").join(name), seconds)
        };
        let ended: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = together.iter().map(|name| scope.spawn(move || fuzz(name))).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|_| Err(anyhow!("its thread panicked")))).collect()
        });
        for (name, ended) in together.iter().zip(ended) {
            match ended? {
                Ok(executions) => {
                    println!("fuzz {name} ... ok ({executions} executions in {seconds} s)");
                    tally.pass();
                    tally.note(&format!("{name}: {executions} executions"));
                }
                Err(words) => {
                    println!("fuzz {name} ... FAILED\n  {words}");
                    tally.fail(format!("fuzz {name}: {words}"));
                }
            }
        }
    }
    Ok(tally)
}

/// Runs one target; the number of executions, or what it said when it died.
fn one(program: &Path, corpus: &Path, seeds: &Path, seconds: u64) -> Result<Result<String, String>> {
    fs::create_dir_all(corpus).with_context(|| format!("failed to create {}", corpus.display()))?;
    let mut command = Command::new(program);
    command.arg(corpus);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    command.args([
        format!("-max_total_time={seconds}"),
        format!("-artifact_prefix={}-crash-", corpus.display()),
        "-max_len=1600".to_owned(),
        "-timeout=5".to_owned(),
        "-print_final_stats=1".to_owned(),
        // The same seed and the same corpus give the same start; the clock alone decides where it ends.
        "-seed=1".to_owned(),
    ]);
    let ended = run(&mut command, Duration::from_secs(seconds + 60), Show::OnFailure)?;
    if ended.success {
        let stat = ended.lines.iter().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        return Ok(Ok(stat.map_or_else(|| "unknown".to_owned(), |number| number.trim().to_owned())));
    }
    let telling = ended.lines.iter().find(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"));
    Ok(Err(telling.cloned().unwrap_or_else(|| "ended without saying why".to_owned())))
}

fn names(home: &Path) -> Result<Vec<String>> {
    let dir: PathBuf = home.join("src/bin");
    let entries = fs::read_dir(&dir).with_context(|| format!("failed to list {}", dir.display()))?;
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}
