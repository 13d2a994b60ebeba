//! The largest program that a NIC takes.

use serde_json::{Map, Value, json};

/// 32 rules and as many maps, no two alike; of another turn, every word of each and a word of each rule
/// is another. As `weir nic load` takes it.
pub fn largest(turn: u16) -> Value {
    let rules = (0..32u16).map(|index| {
        let rule = json!({
            "vip": 0, "ports": [100 * index, 100 * index + 50 + turn], "protocol": "both", "affinity": "none", "map": index,
        });
        (index.to_string(), rule)
    });
    // No map is another one moved on: each has steps of its own length.
    let state = |run: u16, map: u16| ["own", "release", "adopt"][usize::from((run + run / (map + 2) + turn) % 3)];
    let maps: Vec<Value> = (0..32u16)
        .map(|map| {
            (0..512u16).map(|run| json!({ "buckets": [8 * run, 8 * run + 7], "state": state(run, map) })).collect()
        })
        .collect();
    json!({
        "vips": { "0": "192.0.2.1" },
        "rules": rules.collect::<Map<_, _>>(),
        "default_rule": { "affinity": "single", "map": 31 },
        "maps": maps,
    })
}
