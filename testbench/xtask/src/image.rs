//! Images of boards by `weir image build`, in the cache: a stage whose inputs are those of the last time is not run again.

use crate::place;
use crate::run::{Show, run};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Boards that benches build for: those whose clock is reached.
pub(crate) const BOARDS: &[&str] = &["ecp5-versa-5g"];

/// An image that was built, or was there.
pub(crate) struct Image {
    /// Where it is: streams, package, what each stage made.
    pub(crate) folder: PathBuf,
    /// MHz of the slowest clock against what is asked of it.
    pub(crate) clock_mhz: f64,
    /// What is used, by the names of the placer.
    pub(crate) used: Vec<(String, f64)>,
}

/// What is asked for.
pub(crate) struct Order<'a> {
    /// The board.
    pub(crate) board: &'a str,
    /// Seed of placement.
    pub(crate) seed: u32,
    /// Name of the folder in the cache.
    pub(crate) kept: &'a str,
}

/// Builds by `weir`, a command that is that program and no more.
pub(crate) fn build(mut weir: Command, order: &Order, limit: Duration) -> Result<Image> {
    let Order { board, seed, kept } = order;
    let folder = place::cache()?.join("image").join(kept);
    weir.args(["image", "build", "--json", "--board", board, "--seed", &seed.to_string()]);
    weir.args(["--source", &source()?, "--out"]).arg(&folder);
    for (variable, name) in [("WEIR_YOSYS", "yosys"), ("WEIR_NEXTPNR", "nextpnr"), ("WEIR_ECPPACK", "ecppack")] {
        let tool = place::tool(name).with_context(|| format!("{name} is not there: run `cargo xtask setup`"))?;
        weir.env(variable, tool);
    }
    let ended = run(&mut weir, limit, Show::OnFailure)?;
    if ended.timed_out {
        bail!("the image of {board} took longer than {} s and was stopped", limit.as_secs());
    }
    if !ended.success {
        bail!("the image of {board} was not built: {}", ended.lines.last().map_or("no reason", String::as_str));
    }
    let events: Vec<Value> = ended.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let named = |name: &'static str| events.iter().filter(move |event| event["event"] == name);
    let figure = |value: &Value| value.as_f64().context("an event of weir image build has no figure");
    let mut slowest: Option<(f64, f64)> = None;
    for clock in named("clock") {
        let (reached, wanted) = (figure(&clock["reached_khz"])?, figure(&clock["wanted_khz"])?);
        if slowest.is_none_or(|(before, of)| reached / wanted < before / of) {
            slowest = Some((reached, wanted));
        }
    }
    let (reached, wanted) = slowest.context("weir image build told of no clock")?;
    let used = named("resource").map(|resource| {
        Ok((resource["resource"].as_str().unwrap_or_default().to_string(), figure(&resource["used"])?))
    });
    let used = used.collect::<Result<Vec<_>>>()?;
    let ran = named("done").filter(|done| done["kept"] == false);
    let took: f64 = ran.filter_map(|done| done["seconds"].as_f64()).sum();
    println!("image of {board}, seed {seed}: {took:.0} s; {:.1} of {:.1} MHz", reached / 1e3, wanted / 1e3);
    Ok(Image { folder, clock_mhz: reached / 1e3, used })
}

/// The last commit that touched what an image is made of: another one changes no image.
fn source() -> Result<String> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--format=%H", "--", "hdl", "firmware", "constraints/*.toml", "constraints/*.lpf"]);
    let told = git.current_dir(place::root()).output().context("failed to run git log; is git installed?")?;
    let hash = String::from_utf8_lossy(&told.stdout).trim().to_string();
    if !told.status.success() || hash.is_empty() {
        bail!("git does not tell which commit the circuit is of: {}", String::from_utf8_lossy(&told.stderr).trim());
    }
    Ok(hash)
}
