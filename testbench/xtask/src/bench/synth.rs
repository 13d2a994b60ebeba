//! What the emitted circuit reaches on each part: every target from several seeds, the worst of them named.

use super::measured::Measured;
use crate::circuit::flow;
use crate::circuit::target::{Family, TARGETS};
use crate::image::{BOARDS, Order};
use crate::place;
use crate::run::{Show, run};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::time::Duration;

/// Placement depends on its seed by tens of MHz; the worst counts.
const SEEDS: u32 = 4;
/// Nobody waits for a bench; a run that takes longer has lost its way.
const LIMIT: Duration = Duration::from_secs(3600);

/// Emits the tops and builds each for all its targets.
pub(super) fn measure() -> Result<Vec<Measured>> {
    let folder = place::root_target()?.join("circuit/emitted");
    let mut emit = place::cargo(["run", "--quiet", "--locked", "--package", "weir", "--", "hdl", "emit", "--out"]);
    if !run(emit.arg(&folder), Duration::from_secs(900), Show::OnFailure)?.success {
        bail!("weir hdl emit failed");
    }
    let mut all = Vec::new();
    for target in TARGETS {
        let source = folder.join(format!("{}.sv", target.top));
        if !source.is_file() {
            continue;
        }
        let seeds = if target.family == Family::UltraScalePlus { 1 } else { SEEDS };
        let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        let mut worst: Option<(f64, String)> = None;
        for seed in 1..=seeds {
            let ran = flow::build(target, &source, seed, LIMIT)?;
            let cost = ran.took.map_or("known".to_owned(), |took| format!("{} s", took.as_secs()));
            let figures = ran.outcome.figures;
            let told: Vec<_> = figures.iter().map(|(name, value)| format!("{name} {value:.1}")).collect();
            println!("{} on {}, seed {seed}: {} ({cost})", target.top, target.title, told.join(", "));
            // Without a clock there is one seed, and its path is the worst.
            let clock = figures.get("mhz").copied().unwrap_or(0.0);
            if worst.as_ref().is_none_or(|(slowest, _)| clock < *slowest) {
                worst = Some((clock, ran.outcome.worst));
            }
            figures.into_iter().for_each(|(name, value)| values.entry(name).or_default().push(value));
        }
        if let Some((_, path)) = worst {
            println!("worst path of {} on {}: {path}", target.top, target.title);
        }
        for (figure, values) in values {
            let (what, unit) = show(figure);
            let name = format!("{} on {}, {what}", target.top, target.title);
            all.extend(Measured::of("synth", &name, unit, values));
        }
    }
    for board in BOARDS {
        all.extend(image(board)?);
    }
    Ok(all)
}

/// A whole board with its pins, MACs and queues. A seed whose clock is too slow is a failure of the bench: no image is made then.
fn image(board: &str) -> Result<Vec<Measured>> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for seed in 1..=SEEDS {
        let weir = place::cargo(["run", "--quiet", "--locked", "--package", "weir", "--"]);
        let kept = format!("{board}-seed-{seed}");
        let built = crate::image::build(weir, &Order { board, seed, kept: &kept }, LIMIT)?;
        values.entry("mhz".to_string()).or_default().push(built.clock_mhz);
        for (resource, used) in built.used {
            let name = [("TRELLIS_COMB", "lut4"), ("TRELLIS_FF", "ff"), ("DP16KD", "ebr")];
            if let Some((_, name)) = name.into_iter().find(|(known, _)| *known == resource) {
                values.entry(name.to_string()).or_default().push(used);
            }
        }
    }
    let row = |(figure, values): (String, Vec<f64>)| {
        let (what, unit) = show(&figure);
        Measured::of("synth", &format!("whole image of {board}, {what}"), unit, values)
    };
    Ok(values.into_iter().flat_map(row).collect())
}

/// A figure for people, and its unit.
fn show(figure: &str) -> (&str, &str) {
    match figure {
        "mhz" => ("clock over the seeds", "MHz"),
        "lut4" => ("logic cells", "LUT4"),
        "lut" => ("logic and distributed memory", "LUT"),
        "lut_ram" => ("of them distributed memory", "LUT"),
        "ff" => ("registers", "FF"),
        "ebr" => ("block memory", "EBR"),
        "ramb36" => ("block memory", "RAMB36"),
        "dsp" => ("multipliers", "DSP"),
        "levels" => ("logic between registers", "LUT levels"),
        other => (other, ""),
    }
}
