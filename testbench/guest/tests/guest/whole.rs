//! The largest program there is, into every kind of NIC: 32 rules and the default rule, each with a map of its own but the
//! last, loaded, checked by CRC, committed, held, and told about by interrupts.

use std::time::Duration;

use serde_json::{Value, json};
use weir_device::EngineKind;
use weir_guest::{NIC, Scenario, Step, largest};

use crate::done;

/// Loads it, loads it again, and stays until the lease is over.
fn held(engine: EngineKind, mapped_window: bool) {
    let load = format!("nic load vfio:{NIC} --program /program.json --lease 3s --warn 1s --times 2 --hold --json");
    let mut scenario = Scenario::new([
        Step::weir(&format!("nic bind {NIC}"), 0),
        Step::weir(&load, 0).within(Duration::from_secs(40)),
        Step::weir(&format!("nic reset vfio:{NIC}"), 0),
    ]);
    scenario.engine = engine;
    scenario.serving.mapped_window = mapped_window;
    scenario.files.insert("/program.json".to_owned(), largest(0).to_string().into_bytes());
    let outcome = done(&scenario);
    let lines: Vec<Value> =
        outcome.steps[1].stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second, ending, fenced] = lines.as_slice() else { panic!("four lines: {}", outcome.steps[1].stdout) };
    println!("first load: {first}");
    println!("the same again: {second}");

    // Three words a rule, where they differ from what is there after a reset; a word of control and one of address for the
    // virtual IP; the key.
    let shadow = 32 * 3 + 2 + 2 + 10;
    assert_eq!((&first["map_words"], &first["shadow_words"]), (&json!(32 * 256), &json!(shadow)));
    assert_eq!((&first["fenced"], &first["epoch"]), (&json!(false), &json!(1)));
    // Nothing but the words, the deadline, the doorbell and the journal is written.
    assert_eq!(first["writes"], json!(32 * 256 + shadow + 4));
    // A CRC a map, each shadow word once, and those that ask whether a circuit is done; behind stores that nobody saw, the words of
    // their slots as well.
    let reads = first["reads"].as_u64().expect("a count");
    let slots = if mapped_window { 32 * 256 } else { 0 };
    assert!((32 + shadow..=32 + shadow + 120 + slots).contains(&reads), "{reads} reads");
    assert_eq!((&second["map_words"], &second["shadow_words"]), (&json!(0), &json!(0)));
    assert_eq!(second["writes"], json!(4));

    assert_eq!((&ending["condition"], &ending["by"]), (&json!("lease-ending"), &json!("by interrupt")));
    assert_eq!((&fenced["condition"], &fenced["by"]), (&json!("fenced"), &json!("by interrupt")));
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn the_largest_program_goes_into_the_specification() {
    held(EngineKind::Spec, false);
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn the_largest_program_goes_into_mapped_slots() {
    held(EngineKind::Spec, true);
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn the_largest_program_goes_into_the_circuit() {
    held(EngineKind::Rtl, false);
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn the_largest_program_goes_into_the_circuit_by_mapped_slots() {
    held(EngineKind::Rtl, true);
}
