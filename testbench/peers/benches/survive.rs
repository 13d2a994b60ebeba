//! How many of 200 connections break at a planned change and at a crash, with Weir and with the kernel's own filters; JSON lines for
//! `cargo xtask bench survive`.

use std::error::Error;

use serde_json::json;
use weir_peers::filter::{Filter, HELD, crash, hand_back};
use weir_peers::weir;

fn main() -> Result<(), Box<dyn Error>> {
    for (name, filter) in [("Weir", None), ("xt_cluster", Some(Filter::XtCluster)), ("nft jhash", Some(Filter::Nft))] {
        let (planned, crashed) = match filter {
            None => (weir::hand_back()?, weir::crash()?),
            Some(filter) => (hand_back(filter)?, crash(filter)?),
        };
        for (what, count, unit) in [
            (format!("broken of {HELD} at a planned hand-back"), planned.broken, "connections"),
            (format!("broken of {HELD} at a crash"), crashed.broken, "connections"),
            ("of them with hosts that live".to_owned(), crashed.of_survivors, "connections"),
            ("fresh ones unanswered of 200 after both".to_owned(), planned.refused + crashed.refused, "connections"),
        ] {
            let name = format!("{name}: {what}");
            println!("{}", json!({ "name": name, "median": count, "min": count, "max": count, "unit": unit }));
        }
    }
    Ok(())
}
