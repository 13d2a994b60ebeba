//! The largest program into a NIC over real VFIO: bus transactions, and the time that `weir` measures in the guest.
//!
//! 32 rules and the default rule, 32 maps of which every word changes from one load to the next. Trapped: each access ends
//! the processor's work in the guest and goes through the emulator to the device model, so the time is the emulator's, and
//! the number of transactions is what a card would see. Mapped: the words of maps are stores to shared memory, as they
//! would be to a card.
//!
//! Prints one JSON object a line, as `cargo xtask bench load` reads them.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use weir_guest::{Files, NIC, Scenario, Step, largest};

/// Programs that are loaded in turn. Of two, the slots would hold both.
const PROGRAMS: u16 = 3;
/// How often. The first turn does not count: what the slots hold after a reset is not known.
const TURNS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    for mapped in [false, true] {
        let mode = if mapped { "map words mapped" } else { "each access trapped" };
        let loads = measure(mapped)?;
        for (key, what, unit, scale) in [
            ("micros", "load and commit 32 maps and 33 rules", "ms", 1000.0),
            ("writes", "bus writes of it", "words", 1.0),
            ("reads", "bus reads of it", "words", 1.0),
        ] {
            let mut values: Vec<f64> = loads
                .iter()
                .map(|load| load[key].as_f64().map(|value| value / scale))
                .collect::<Option<_>>()
                .ok_or(key)?;
            values.sort_by(f64::total_cmp);
            let (least, most) = (values.first().ok_or(key)?, values.last().ok_or(key)?);
            let name = format!("{what}, {mode}");
            let median = values[values.len() / 2];
            println!("{}", json!({ "name": name, "median": median, "min": least, "max": most, "unit": unit }));
        }
    }
    Ok(())
}

/// What `weir nic load --json` says of each load.
fn measure(mapped: bool) -> Result<Vec<Value>, Box<dyn Error>> {
    let named = |name: &str| -> Result<PathBuf, String> {
        std::env::var_os(name)
            .map(PathBuf::from)
            .ok_or_else(|| format!("{name} is not set: use `cargo xtask bench load`"))
    };
    let files = Files {
        qemu: named("WEIR_QEMU")?,
        kernel: named("WEIR_GUEST_KERNEL")?,
        weir: named("WEIR_BIN")?,
        init: env!("CARGO_BIN_EXE_weir-guest-init").into(),
    };
    let programs: String = (0..PROGRAMS).map(|program| format!(" --program /{program}.json")).collect();
    let load = format!("nic load vfio:{NIC}{programs} --lease 60s --json --times {TURNS}");
    let mut scenario = Scenario::new([
        Step::weir(&format!("nic bind {NIC}"), 0),
        Step::weir(&load, 0).within(Duration::from_secs(50)),
    ]);
    scenario.serving.mapped_window = mapped;
    for program in 0..PROGRAMS {
        scenario.files.insert(format!("/{program}.json"), largest(program).to_string().into_bytes());
    }
    let outcome = weir_guest::run(&files, &scenario)?;
    let lines = outcome.steps[1].stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    Ok(lines[PROGRAMS.into()..].to_vec())
}
