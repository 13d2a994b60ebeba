//! The documentation page of measured figures: what was measured, when it was asked for, and on what machine.

use super::measured::{Measured, readable};
use crate::place;
use anyhow::{Context, Result};
use std::fs;

const PAGE: &str = "docs/src/measured.md";

/// Writes `all` to the page; rows of benches that did not run stay as they are.
pub(super) fn write(all: &[Measured]) -> Result<()> {
    let path = place::root().join(PAGE);
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, page(all, &machine()?, &before)).with_context(|| format!("failed to write {}", path.display()))?;
    println!("wrote {PAGE}");
    Ok(())
}

fn page(all: &[Measured], machine: &str, before: &str) -> String {
    let mut page = format!(
        "# Measured figures\n\n<!-- Made by `cargo xtask bench --write`. Do not edit. -->\n\nOn {machine}\n\n\
         | bench | what | median | least | most | unit |\n|---|---|---|---|---|---|\n"
    );
    let kept = before.lines().filter(|line| {
        let bench = line.strip_prefix("| ").and_then(|row| row.split(' ').next());
        bench.is_some_and(|bench| bench != "bench" && all.iter().all(|measured| measured.bench != bench))
    });
    for row in kept {
        page += &format!("{row}\n");
    }
    for Measured { bench, name, median, least, most, unit } in all {
        let (median, least, most) = (readable(*median), readable(*least), readable(*most));
        page += &format!("| {bench} | {name} | {median} | {least} | {most} | {unit} |\n");
    }
    page
}

/// Processor, cores and compiler; the load, because a busy machine measures itself.
fn machine() -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("failed to read {path}"));
    let processors = read("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unnamed processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or("unknown");
    let rustc = crate::run::output(std::process::Command::new("rustc").arg("--version"))?;
    let rustc = rustc.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(format!("{model}, {cores} cores, {rustc}, load average {load} at the end."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_row_and_the_machine_is_named() {
        let measured = Measured::of("spec", "decide", "ns/frame", vec![20.0, 21.0, 25.0]).unwrap();
        let page = page(&[measured], "a machine.", "");
        assert!(
            page.contains("On a machine.") && page.ends_with("| spec | decide | 21.0 | 20.0 | 25.0 | ns/frame |\n")
        );
    }
    #[test]
    fn rows_of_benches_that_did_not_run_stay() {
        let measure = |bench, value| Measured::of(bench, "n", "ns", vec![value]).unwrap();
        let first = page(&[measure("spec", 1.0), measure("rtl", 2.0)], "a machine.", "");
        let second = page(&[measure("rtl", 3.0)], "a machine.", &first);
        let rows: Vec<_> = second.lines().filter(|line| line.contains("| n |")).collect();
        assert_eq!(rows, ["| spec | n | 1.00 | 1.00 | 1.00 | ns |", "| rtl | n | 3.00 | 3.00 | 3.00 | ns |"]);
    }
}
