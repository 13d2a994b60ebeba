//! Convergence and take-over, measured by bringing up whole clusters with `weir lab`.

use super::measured::Measured;
use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Duration;

/// Rounds: each brings up a cluster, crashes a host and waits for the others, at default heartbeats.
const ROUNDS: usize = 3;

/// Runs the lab several times and collects what its last line says.
pub(super) fn measure() -> Result<Vec<Measured>> {
    let mut gaps = Vec::new();
    let (mut convergence, mut takeovers, mut returns) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        println!("cluster {round} of {ROUNDS}");
        let mut lab = place::cargo(["run", "--quiet", "--release", "--locked", "--package", "weir", "--"]);
        let ended = run(lab.args(["lab", "--json"]), Duration::from_secs(600), Show::OnFailure)?;
        if !ended.success {
            bail!("weir lab failed");
        }
        let last = ended.lines.iter().rev().find(|line| line.starts_with('{'));
        let told: Value = serde_json::from_str(last.context("weir lab --json printed no object")?)?;
        gaps.push(told["gap_ms"].as_f64().context("weir lab --json names no gap_ms")?);
        convergence.extend(told["converge_ms"].as_f64());
        takeovers.extend(told["takeover_ms"].as_f64());
        returns.extend(told["return_ms"].as_f64());
    }
    let rows = [
        Measured::of("failover", "client gap at a crash, 1 s x 5 heartbeats", "ms", gaps),
        Measured::of("failover", "boot to convergence, 4 hosts", "ms", convergence),
        Measured::of("failover", "crash to convergence of the survivors", "ms", takeovers),
        Measured::of("failover", "boot of the returning host to convergence", "ms", returns),
    ];
    Ok(rows.into_iter().flatten().collect())
}
