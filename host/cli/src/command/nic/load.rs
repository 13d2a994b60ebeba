//! `weir nic load`: rules and bucket maps into one NIC, checked, and brought into force.
//!
//! ```text
//! # weir nic load vfio:0000:03:00.0 --program program.json --lease 10s
//! loaded 512 map words and 57 shadow words, committed as epoch 0x1: 601 writes, 84 reads, 212 us
//! the lease ends in 10000 ms
//! ```
//!
//! For trying a card, and for measuring; in a cluster this is the agent's work, which a NIC that it drives is not taken
//! from (a VFIO device and a socket serve one at a time). The file is what `weir nic table --json` prints. Each map is
//! checked by its CRC register, each other word by reading it back. Words that are in the NIC already are not written.
//!
//! A program that names no `hash_key` is loaded with that of the published RSS vectors, but not into a NIC that has another:
//! `"nic"` keeps it, `"rss"` changes it, and 80 hexadecimal digits are the key. What can be refused (options, files, keys) is
//! refused before the NIC is changed. Of several programs each is an epoch of its own: if a later one fails, the one before
//! it stays in force.
//!
//! The kernel resets a function whenever VFIO closes it: behind `vfio:` the program is gone when this command ends. `--hold`
//! keeps the NIC until its lease is over, and tells what it interrupts for:
//!
//! ```text
//! # weir nic load vfio:0000:03:00.0 --program program.json --lease 10s --warn 1s --hold
//! ...
//! lease-ending after 8.998 s, by interrupt
//! fenced after 0.999 s, by interrupt
//! ```
//!
//! Exit codes: 0 done; 1 failed, or no Weir NIC; 3 there is no such file, function or socket.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use weir_nic::counted::Counted;
use weir_nic::driver::Warnings;
use weir_nic::interrupt::Interrupt;
use weir_nic::listing::Listing;
use weir_nic::{Device, Nic, Program, Selector};

use super::condition::{Condition, Seen, until};
use super::time::{duration, lease, seconds};
use crate::exit::Exit;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH, eth:INTERFACE:KEYFILE or sim
    nic: Selector,
    /// the program, as `weir nic table --json` prints it; several are loaded in turn
    #[arg(long, value_name = "file", required = true)]
    program: Vec<PathBuf>,
    /// how long the NIC may accept by it, 1ms to 64s; past it the NIC is fenced
    #[arg(long, value_name = "time", value_parser = lease)]
    lease: Duration,
    /// count the lease as ending so long before its end, which `weir nic wait` can wait for
    #[arg(long, value_name = "time", value_parser = duration)]
    warn: Option<Duration>,
    /// low word of the epoch, as 5 or 0x5; one more than that in force if not given, and for each further load
    #[arg(long, value_name = "number", value_parser = epoch)]
    epoch: Option<u32>,
    /// keep the NIC until the lease is over, and tell what it interrupts for
    #[arg(long)]
    hold: bool,
    /// do all that so many times, and tell each
    #[arg(long, value_name = "n", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// print one JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Done {
    epoch: u32,
    map_words: usize,
    shadow_words: usize,
    writes: u64,
    reads: u64,
    micros: u64,
    mapped: bool,
    fenced: bool,
    lease_left_us: u64,
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    // All that can be refused is refused before anything is changed.
    let listings = args.program.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let mut device = args.nic.open()?;
    let vectors = if args.hold { device.interrupts()? } else { Vec::new() };
    let mapped = device.is_mapped();
    let mut nic = Nic::open(Counted::new(device))?;
    let held = nic.hash_key()?;
    let named = |listing: &Listing, path: &Path| {
        listing.program_on(&held).with_context(|| format!("{} is no program for {}", path.display(), args.nic))
    };
    let programs = listings.iter().zip(&args.program).map(|(listing, path)| named(listing, path));
    let programs = programs.collect::<Result<Vec<Program>, _>>()?;
    let (mut next, mut warn) = (args.epoch, args.warn);
    for program in (0..args.times).flat_map(|_| &programs) {
        let before = nic.status()?.epoch;
        let epoch = next.take().unwrap_or_else(|| before.wrapping_add(1));
        nic.bar_mut().take();
        let begun = Instant::now();
        let loaded = nic.load(program)?;
        let until = nic.time()?.saturating_add(args.lease.as_micros() as u64);
        let committed = nic.commit(epoch, until)?;
        let micros = begun.elapsed().as_micros() as u64;
        let count = nic.bar_mut().take();
        if let Some(warn) = warn.take() {
            // Longer than any lease: all of it. In force at once, so not before the program is.
            let lease = u32::try_from(warn.as_micros()).unwrap_or(u32::MAX);
            nic.set_warnings(Warnings { lease, flows: 0 })?;
        }
        let done = Done {
            epoch,
            map_words: loaded.map_words,
            shadow_words: loaded.shadow_words,
            writes: count.writes,
            reads: count.reads,
            micros,
            mapped,
            fenced: committed.fenced,
            lease_left_us: until.saturating_sub(nic.time()?),
        };
        if args.json {
            println!("{}", serde_json::to_string(&done)?);
        } else {
            print!("{}", text_of(&done));
        }
    }
    if args.hold {
        hold(nic.bar_mut().bar_mut(), &vectors, &args)?;
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> anyhow::Result<Listing> {
    let file = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {file}"))?;
    let listing: Listing = serde_json::from_str(&text).with_context(|| format!("{file} is no program"))?;
    listing.check().with_context(|| format!("{file} is no program"))?;
    Ok(listing)
}

/// The low word of an epoch, also as it is printed.
fn epoch(text: &str) -> Result<u32, String> {
    let read = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    };
    read.ok_or_else(|| format!("`{text}` is no epoch: 0 to {}, or 0x0 to {:#x}", u32::MAX, u32::MAX))
}

/// Until the NIC is fenced, which it is at the end of its lease at the latest.
fn hold<D: Device>(device: &mut D, vectors: &[Interrupt], args: &Args) -> anyhow::Result<()> {
    let conditions = [args.warn.map(|_| Condition::LeaseEnding), Some(Condition::Fenced)];
    for condition in conditions.into_iter().flatten() {
        let patience = args.lease + Duration::from_secs(1);
        let Some(Seen { after, by }) = until(device, vectors, condition, patience)? else {
            anyhow::bail!("the NIC is not fenced {} after the end of its lease", seconds(Duration::from_secs(1)));
        };
        if args.json {
            let after = after.as_micros() as u64;
            println!("{}", serde_json::json!({ "condition": condition.name(), "after_us": after, "by": by }));
        } else {
            println!("{} after {}, {by}", condition.name(), seconds(after));
        }
    }
    Ok(())
}

fn text_of(done: &Done) -> String {
    let Done { epoch, map_words, shadow_words, writes, reads, micros, fenced, lease_left_us, .. } = done;
    let lease = match fenced {
        true => "the lease was over before the NIC took it: it is fenced".to_owned(),
        false => format!("the lease ends in {}", seconds(Duration::from_micros(*lease_left_us))),
    };
    format!(
        "loaded {map_words} map words and {shadow_words} shadow words, committed as epoch {epoch:#x}: {writes} writes, \
         {reads} reads, {micros} us\n{lease}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_read_as_it_is_printed_too() {
        assert_eq!(epoch("5"), Ok(5));
        assert_eq!(epoch("0x5"), Ok(5));
        assert_eq!(epoch("0xffffffff"), Ok(u32::MAX));
        for wrong in ["", "0x", "0x+5", "x5", "-1", "4294967296", "0x100000000"] {
            assert!(epoch(wrong).expect_err(wrong).contains("is no epoch: 0 to 4294967295, or 0x0 to 0xffffffff"));
        }
    }
}
