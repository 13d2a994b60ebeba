//! `weir lab` from beginning to end, as a person runs it.

use serde_json::Value;

use crate::stage::{report, weir_lab};

fn check(report: &Value, hosts: usize, requests: u64, longest_gap_ms: u64) {
    let none = ["failed", "duplicates", "survivors_moved", "leaks", "answered_by_the_dead", "frames_lost"];
    for key in none.into_iter().chain(["held_cut_by_return", "return_cut"]) {
        assert_eq!(report[key], 0, "{key} in {report}");
    }
    assert_eq!(report["requests"], requests);
    assert_eq!(report["confirmed"], requests, "each answered by the one host whose SYN-ACK arrived");
    let per_host = report["per_host"].as_array().expect("a list");
    assert_eq!(per_host.len(), hosts);
    for key in ["buckets", "buckets_after"] {
        let owned: Vec<u64> = per_host.iter().map(|host| host[key].as_u64().expect("a number")).collect();
        assert_eq!(owned.iter().sum::<u64>(), 4096, "{key}");
        let even = 4096 / hosts as u64;
        assert!(owned.iter().all(|buckets| (even..=even + 1).contains(buckets)), "{key}: {owned:?}");
    }
    let served: u64 = per_host.iter().map(|host| host["served"].as_u64().expect("a number")).sum();
    assert_eq!(served, requests);
    let gap = report["gap_ms"].as_u64().expect("a host was killed");
    assert!((1..=longest_gap_ms).contains(&gap), "a gap of {gap} ms");
    assert_eq!(report["epochs"].as_array().expect("a list").len(), 3);
    assert!(report["held_connections"].as_u64() >= Some(40));
}

#[test]
fn at_default_heartbeats_a_crash_costs_at_most_six_seconds_and_nothing_else() {
    let output = weir_lab("t-default", &["--json"]).output().expect("weir runs");
    let (report_, code) = report(&output);
    check(&report_, 4, 400, 6000);
    assert_eq!(code, Some(0));
}

#[test]
fn fast_heartbeats_shorten_the_gap() {
    let arguments = ["--json", "--hosts", "3", "--requests", "300", "--period-ms", "100"];
    let output = weir_lab("t-fast", &arguments).output().expect("weir runs");
    let (report, code) = report(&output);
    check(&report, 3, 300, 2000);
    assert_eq!(code, Some(0));
}

#[test]
fn a_host_alone_serves_everything_and_nothing_is_killed() {
    let output = weir_lab("t-alone", &["--json", "--hosts", "1", "--requests", "80", "--period-ms", "50"])
        .output()
        .expect("runs");
    let (report, code) = report(&output);
    assert_eq!((report["failed"].as_u64(), report["per_host"][0]["served"].as_u64()), (Some(0), Some(80)));
    assert_eq!((&report["gap_ms"], &report["killed"]), (&Value::Null, &Value::Null));
    assert_eq!(code, Some(0));
}

/// The circuits themselves decide on every packet.
#[test]
#[ignore = "needs Verilator: `cargo xtask setup`"]
fn the_circuits_hold_what_the_specification_holds() {
    let output = weir_lab("t-rtl", &["--json", "--engine", "rtl", "--requests", "80"]).output().expect("weir runs");
    let (report, code) = report(&output);
    check(&report, 4, 80, 6000);
    assert_eq!(report["engine"], "rtl");
    assert_eq!(code, Some(0));
}
