//! Frames while a guest's `weir` commits one epoch after the other over VFIO: each belongs wholly to one of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use etherparse::PacketBuilder;
use serde_json::{Value, json};
use weir_device::{EngineKind, Fault, Served};
use weir_guest::{NIC, Scenario, Step};
use weir_nic::Nic;
use weir_nic::listing::Listing;
use weir_nic::sim::Sim;

use crate::files;

/// Two programs that differ in key and map. A frame that met the key of one and the map of the other would be accepted
/// where both drop, or dropped where both accept, as often as not.
fn programs() -> [Value; 2] {
    let program = |octet: &str, first: u16| {
        json!({
            "vips": { "0": "192.0.2.1" },
            "rules": { "0": { "vip": 0, "ports": [80, 80], "protocol": "tcp", "affinity": "none", "map": 0 } },
            "hash_key": octet.repeat(20) + &"6d5a".repeat(10),
            "maps": [[{ "buckets": [first, first + 2047], "state": "own" }]],
        })
    };
    [program("3c", 0), program("a7", 2048)]
}

fn syn(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([198, 51, 100, random.u8(..)], [192, 0, 2, 1], 64)
        .tcp(random.u16(1024..), 80, 1, 1024)
        .syn()
        .write(&mut frame, &[0; 10])
        .expect("a vector takes it");
    frame
}

/// A NIC of the specification with `program` in force.
fn oracle(program: &Value) -> Sim {
    let listing: Listing = serde_json::from_value(program.clone()).expect("a listing");
    let sim = Sim::new();
    let mut nic = Nic::open(sim.clone()).expect("a NIC");
    nic.load(&listing.program().expect("a program")).expect("room");
    let until = nic.time().expect("a clock") + 60_000_000;
    nic.commit(1, until).expect("a commit");
    sim
}

/// What was seen of one frame after the other.
#[derive(Default, Debug)]
struct Seen {
    frames: u64,
    epochs: u32,
    /// Frames that both programs judge alike, and any mixture of them otherwise.
    whole: u64,
    /// Frames judged by an epoch while EPOCH_ACTIVE still showed the one before.
    early: u64,
    wrong: Vec<String>,
}

/// Sends frames until it is over. Epochs are counted from one; odd ones are of the first program.
fn traffic(nic: &Served, over: &AtomicBool) -> Seen {
    let oracles = programs().map(|program| oracle(&program));
    let (mut random, mut seen, mut newest) = (fastrand::Rng::with_seed(886), Seen::default(), 0);
    while !over.load(Ordering::Relaxed) {
        let Ok(before) = nic.epoch() else { break };
        if before == 0 {
            // Before the first commit, and after the reset that ends it all: nothing passes.
            newest = 0;
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let frame = syn(&mut random);
        let [first, second] = [0, 1].map(|program: usize| oracles[program].nic().rx(&frame).accept);
        let accepted = nic.inject_rx(frame).expect("a live engine").is_some();
        let Ok(after) = nic.epoch() else { break };
        if after == 0 {
            continue;
        }
        seen.frames += 1;
        seen.epochs = seen.epochs.max(after);
        let says = |epoch: u32| if epoch % 2 == 1 { first } else { second };
        // The epoch after is in force for new frames a moment before EPOCH_ACTIVE shows it.
        let Some(judge) = (before.max(newest)..=after + 1).find(|epoch| says(*epoch) == accepted) else {
            seen.wrong
                .push(format!("accepted: {accepted}, epoch {before} to {after}, programs say {first} and {second}"));
            continue;
        };
        if first == second {
            seen.whole += 1;
        } else {
            seen.early += u64::from(judge > after);
            newest = newest.max(judge);
        }
    }
    seen
}

/// Epoch after epoch in the guest, frames beside it; what was seen of them.
fn frames_beside_commits(engine: EngineKind, times: u32, fault: Option<Fault>) -> Seen {
    let load = format!("nic load vfio:{NIC} --program /0.json --program /1.json --lease 60s --times {times} --json");
    let mut scenario = Scenario::new([
        Step::weir(&format!("nic bind {NIC}"), 0),
        Step::weir(&load, 0).within(Duration::from_secs(45)),
    ]);
    scenario.engine = engine;
    scenario.serving.fault = fault;
    for (index, program) in programs().iter().enumerate() {
        scenario.files.insert(format!("/{index}.json"), program.to_string().into_bytes());
    }
    let (outcome, seen) =
        weir_guest::run_beside(&files(), &scenario, traffic).unwrap_or_else(|error| panic!("{}", crate::all(&error)));
    assert_eq!(outcome.bad_accesses, 0);
    let Seen { frames, epochs, whole, early, wrong } = &seen;
    println!(
        "{frames} frames, {whole} of them alike in both programs, while {epochs} epochs came into force; {early} early, \
         {} of no epoch",
        wrong.len()
    );
    assert!(*frames > 300 && *whole > 50 && *epochs >= times, "{frames} frames, {whole} whole, {epochs} epochs");
    seen
}

fn every_frame_belongs_to_one_epoch(engine: EngineKind) {
    let Seen { frames, wrong, .. } = frames_beside_commits(engine, 150, None);
    assert!(wrong.is_empty(), "{} of {frames} frames belong to no epoch: {wrong:#?}", wrong.len());
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn frames_between_commits_belong_to_one_epoch_of_the_specification() {
    every_frame_belongs_to_one_epoch(EngineKind::Spec);
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn frames_between_commits_belong_to_one_epoch_of_the_circuit() {
    every_frame_belongs_to_one_epoch(EngineKind::Rtl);
}

/// What the others would say of a NIC that does not swap programs whole.
#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn frames_show_a_nic_that_puts_words_in_force_one_by_one() {
    let Seen { frames, wrong, .. } = frames_beside_commits(EngineKind::Spec, 150, Some(Fault::NoShadow));
    assert!(!wrong.is_empty(), "none of {frames} frames met a key of which only some words were there");
}
