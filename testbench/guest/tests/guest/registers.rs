//! What the registers hold, through the mapping that the guest's kernel makes of them.

use std::time::Duration;

use serde_json::{Value, json};
use weir_guest::{NIC, Scenario, Step, Wire};

use crate::{done, json};

fn weir(arguments: &str, expect: i32) -> Step {
    Step::weir(&arguments.replace("NIC", NIC), expect)
}

/// The first `buckets` of one port, as `weir nic table --json` shows it too.
fn program(buckets: u16) -> Value {
    json!({
        "in_force": true,
        "vips": { "0": "192.0.2.1" },
        "rules": { "0": { "vip": 0, "ports": [80, 80], "protocol": "tcp", "affinity": "single", "map": 0 } },
        "default_rule": { "affinity": "none", "map": "none" },
        "drop_portless_fragments": false,
        "hash_key": "rss",
        "maps": [[{ "buckets": [0, buckets - 1], "state": "own" }]],
    })
}

fn scenario(buckets: u16, steps: impl Into<Vec<Step>>) -> Scenario {
    let files = [("/program.json".to_owned(), program(buckets).to_string().into_bytes())].into();
    Scenario { files, ..Scenario::new(steps) }
}

/// A program by VFIO is in force until the process ends: the kernel resets the function when it is opened, and again
/// when it is closed. By sysfs nobody resets it, and the lease ends it.
#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_program_outlives_its_process_by_sysfs_and_never_by_vfio() {
    let outcome = done(&scenario(
        1366,
        [
            weir("nic bind NIC", 0),
            weir("nic load vfio:NIC --program /program.json --lease 5s --json --times 2", 0),
            weir("nic table vfio:NIC --json", 0),
            weir("nic regs vfio:NIC STATUS --json", 0),
            weir("nic counters vfio:NIC --all --json", 0),
            weir("nic reset vfio:NIC --json", 0),
            weir("nic unbind NIC", 0),
            weir("nic load sysfs:NIC --program /program.json --lease 2s --json", 0),
            weir("nic table sysfs:NIC --json", 0),
            weir("nic wait sysfs:NIC fenced --timeout 8s", 0),
        ],
    ));
    let [_, load, empty, status, counters, reset, _, by_sysfs, table, fenced] = outcome.steps.as_slice() else {
        panic!("each step ran: {outcome:?}")
    };

    let loads: Vec<Value> = load.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second] = loads.as_slice() else { panic!("one line a load: {}", load.stdout) };
    assert_eq!((&first["epoch"], &second["epoch"]), (&Value::from(1), &Value::from(2)));
    assert_eq!((&first["map_words"], &second["map_words"]), (&Value::from(256), &Value::from(0)));
    assert_eq!((&first["fenced"], &first["mapped"]), (&Value::from(false), &Value::from(true)));

    let empty = json(empty);
    assert_eq!((&empty["rules"], &empty["maps"]), (&json!({}), &json!([])), "the kernel reset the NIC in between");
    assert_eq!(json(status)[0]["value"].as_u64().expect("a register") & 1, 1, "fenced");
    assert_eq!(json(counters)["rx_passed"], 0);
    assert_eq!((&json(reset)["fenced"], &json(reset)["epoch"]), (&Value::from(true), &Value::from(0)));

    assert_eq!(json(by_sysfs)["epoch"], 1);
    assert_eq!(json(table), program(1366), "as it was loaded by another process");
    assert!(fenced.stdout.ends_with(", by asking\n"), "{}", fenced.stdout);
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn map_slots_that_are_memory_take_programs_too() {
    let mut scenario = scenario(
        1366,
        [
            weir("nic load sysfs:NIC --program /program.json --lease 2s --json", 0),
            weir("nic table sysfs:NIC --json", 0),
            weir("nic bind NIC", 0),
            weir("nic load vfio:NIC --program /other.json --lease 5s --json", 0),
        ],
    );
    // Words that are there already, zeros at first and after the reset half of the map, are stores that this window does
    // not see, and that the CRC of a card would cover: the driver reads such slots back.
    let other = program(2048).to_string().replace("own", "adopt");
    scenario.files.insert("/other.json".into(), other.into_bytes());
    scenario.serving.mapped_window = true;
    let outcome = done(&scenario);
    let [by_sysfs, table, _, by_vfio] = outcome.steps.as_slice() else { panic!("each step ran: {outcome:?}") };
    for load in [by_sysfs, by_vfio].map(json) {
        assert_eq!((&load["map_words"], &load["fenced"]), (&Value::from(256), &Value::from(false)), "{load}");
    }
    assert_eq!(json(table), program(1366));
}

#[test]
#[ignore = "boots a guest: `cargo xtask test guest`"]
fn a_pulled_wire_wakes_a_process_by_its_interrupt() {
    let steps = [
        weir("nic bind NIC", 0),
        weir("nic wait vfio:NIC link-down --timeout 200ms", 2),
        weir("nic wait vfio:NIC link-down --timeout 40s", 0).within(Duration::from_secs(45)),
        weir("nic wait vfio:NIC link-down --timeout 1s", 0),
    ];
    // Long after the process has switched its interrupts on, however busy this machine is.
    let pulled = Wire { step: 2, after: Duration::from_secs(4), up: false };
    let outcome = done(&Scenario { wire: vec![pulled], ..Scenario::new(steps) });
    let [_, _, waited, still] = outcome.steps.as_slice() else { panic!("each step ran: {outcome:?}") };
    assert!(waited.stdout.ends_with(", by interrupt\n"), "{}", waited.stdout);
    assert!(waited.micros < 20_000_000, "not by its own time limit: {} us", waited.micros);
    assert!(still.stdout.starts_with("link-down after ") && still.stdout.ends_with(", at once\n"), "{}", still.stdout);
}
