//! Reads the report of nextpnr: the clock, what is used, the worst path between registers.

use super::Outcome;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Deserialize)]
struct Report {
    fmax: BTreeMap<String, Clock>,
    utilization: BTreeMap<String, Used>,
    critical_paths: Vec<Path>,
}

#[derive(Deserialize)]
struct Clock {
    achieved: f64,
}

#[derive(Deserialize)]
struct Used {
    used: u64,
}

#[derive(Deserialize)]
struct Path {
    from: String,
    to: String,
    path: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "type")]
    kind: String,
    delay: f64,
    to: End,
    net: Option<String>,
}

#[derive(Deserialize)]
struct End {
    cell: String,
    port: String,
}

/// Figures and worst path of one report.
pub(super) fn read(text: &str) -> Result<Outcome> {
    let report: Report = serde_json::from_str(text).context("failed to read the report of nextpnr")?;
    let slowest = report.fmax.iter().min_by(|one, other| one.1.achieved.total_cmp(&other.1.achieved));
    let (clock, Clock { achieved }) = slowest.context("the report of nextpnr names no clock")?;
    let edge = format!("posedge {clock}");
    let worst = report.critical_paths.iter().find(|path| path.from == edge && path.to == edge);
    let Some(worst) = worst else { bail!("the report of nextpnr names no path between registers of {clock}") };
    let used = |name: &str| report.utilization.get(name).map_or(0.0, |entry| entry.used as f64);
    let figures = [
        ("mhz", *achieved),
        ("lut4", used("TRELLIS_COMB")),
        ("ff", used("TRELLIS_FF")),
        ("ebr", used("DP16KD")),
        ("dsp", used("MULT18X18D")),
    ];
    Ok(Outcome { figures: figures.into(), worst: describe(&worst.path) })
}

fn describe(path: &[Step]) -> String {
    let sum = |routing| path.iter().filter(|step| (step.kind == "routing") == routing).map(|step| step.delay).sum();
    let (logic, routing): (f64, f64) = (sum(false), sum(true));
    let mut text = format!("{:.2} ns, of which logic {logic:.2} and routing {routing:.2}:", logic + routing);
    for step in path {
        // Along a carry chain there is nothing to see.
        if step.to.port == "FCO" || step.kind == "routing" && step.delay == 0.0 {
            continue;
        }
        let _ = match (&step.net, step.kind.as_str()) {
            (Some(net), "routing") => write!(text, "\n    {:5.2} routing  {net}", step.delay),
            (_, kind) => write!(text, "\n    {:5.2} {kind:8} {}.{}", step.delay, step.to.cell, step.to.port),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../samples/nextpnr.json");

    #[test]
    fn clock_and_resources_are_those_of_the_report() {
        let figures = read(SAMPLE).unwrap().figures;
        assert_eq!((figures["lut4"], figures["ff"], figures["ebr"], figures["dsp"]), (70.0, 97.0, 2.0, 0.0));
        assert_eq!(format!("{:.1}", figures["mhz"]), "244.9");
    }

    #[test]
    fn the_worst_path_names_its_ends_and_leaves_out_the_carry_chain() {
        let worst = read(SAMPLE).unwrap().worst;
        assert!(worst.starts_with("4.08 ns, of which logic 2.58 and routing 1.50:"), "{worst}");
        assert!(worst.contains("m.0.0.DOB6") && worst.ends_with("q_TRELLIS_FF_Q_21.DI"), "{worst}");
        assert!(!worst.contains("FCO"), "{worst}");
    }

    #[test]
    fn a_report_without_a_clock_is_an_error() {
        let error = read(r#"{"fmax": {}, "utilization": {}, "critical_paths": []}"#).unwrap_err();
        assert!(error.to_string().contains("no clock"), "{error}");
    }
}
