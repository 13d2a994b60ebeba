//! How long clients wait when a host crashes, with Weir and with others' software; JSON lines for `cargo xtask bench failover`.

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use weir_peers::{PeerError, corosync, keepalived, weir};

/// Crashes of a Weir cluster at each setting, and of each of the others.
const ROUNDS: usize = 10;
const OTHERS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    use keepalived::{Advertise, gap_at_a_crash};
    for (name, period_ms) in [
        ("Weir: client gap at a crash, 1 s x 5", 1000),
        ("Weir: client gap at a crash, 60 ms x 5, SCHED_FIFO", 60),
        ("Weir: client gap at a crash, 6 ms x 5, SCHED_FIFO", 6),
    ] {
        tell(name, ROUNDS, || weir::gap_at_a_crash(period_ms))?;
    }
    for (name, advertise) in [
        ("keepalived: client gap at a crash, default (1 s)", Advertise::Default),
        ("keepalived: client gap at a crash, VRRPv3 each 100 ms", Advertise::Every(100)),
        ("keepalived: client gap at a crash, VRRPv3 each 10 ms", Advertise::Every(10)),
    ] {
        tell(name, OTHERS, || gap_at_a_crash(advertise))?;
    }
    for (name, token) in [
        ("corosync: crash to membership of the others, default token", None),
        ("corosync: crash to membership of the others, token 1 s", Some(Duration::from_secs(1))),
    ] {
        tell(name, OTHERS, || corosync::membership_after_a_crash(token))?;
    }
    Ok(())
}

fn tell(name: &str, rounds: usize, once: impl Fn() -> Result<Duration, PeerError>) -> Result<(), PeerError> {
    let mut millis = Vec::new();
    for _ in 0..rounds {
        millis.push(once()?.as_secs_f64() * 1000.0);
    }
    millis.sort_by(f64::total_cmp);
    let (median, least, most) = (millis[rounds / 2], millis[0], millis[rounds - 1]);
    println!("{}", json!({ "name": name, "median": median, "min": least, "max": most, "unit": "ms" }));
    Ok(())
}
