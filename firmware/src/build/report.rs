//! nextpnr's report: what clocks reach, and what is used.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::image::{Timing, Utilisation};

#[derive(Deserialize)]
struct Report {
    fmax: BTreeMap<String, Clock>,
    utilization: BTreeMap<String, Used>,
}

/// MHz.
#[derive(Deserialize)]
struct Clock {
    achieved: f64,
    constraint: f64,
}

#[derive(Deserialize)]
struct Used {
    used: u32,
    available: u32,
}

/// Clocks and what is used of what there is, by name.
pub(super) fn read(text: &str) -> Result<(Vec<Timing>, Vec<Utilisation>), String> {
    let report: Report = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if report.fmax.is_empty() {
        return Err("it names no clock".to_string());
    }
    // Down for what is reached, up for what is wanted; a constraint of 125 MHz is a period in whole picoseconds.
    let timing = report.fmax.into_iter().map(|(clock, Clock { achieved, constraint })| Timing {
        clock,
        reached_khz: (achieved * 1000.0) as u32,
        wanted_khz: (constraint * 1000.0).round() as u32,
    });
    let utilisation = report.utilization.into_iter().filter(|(_, used)| used.used > 0);
    let utilisation =
        utilisation.map(|(resource, Used { used, available })| Utilisation { resource, used, of: available });
    Ok((timing.collect(), utilisation.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_what_is_used_are_read() {
        let text = r#"{
            "fmax": {"core": {"achieved": 131.2565, "constraint": 125.0}},
            "utilization": {"DP16KD": {"available": 108, "used": 60}, "DCUA": {"available": 2, "used": 0}},
            "critical_paths": []
        }"#;
        let timing = Timing { clock: "core".into(), reached_khz: 131_256, wanted_khz: 125_000 };
        let utilisation = Utilisation { resource: "DP16KD".into(), used: 60, of: 108 };
        assert_eq!(read(text), Ok((vec![timing], vec![utilisation])));
    }

    #[test]
    fn what_is_no_report_is_told() {
        assert_eq!(read(r#"{"fmax": {}, "utilization": {}}"#), Err("it names no clock".to_string()));
        assert!(read("{}").unwrap_err().contains("fmax"));
    }
}
