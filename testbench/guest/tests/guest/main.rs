//! `weir nic` in a guest with real VFIO: what it shows, what it does, and what it says where something is in the way.
//!
//! They build nothing: `cargo xtask test guest` builds `weir`, brings emulator and kernel, and names all three. They
//! need no privilege.

mod card;
mod faults;
mod frames;
mod machine;
mod obstacles;
mod registers;
mod whole;

use std::path::PathBuf;

use weir_guest::{Files, GuestError, Outcome, Ran, Scenario};

/// What guests are made of here.
fn files() -> Files {
    let named = |name: &str| -> PathBuf {
        let set = std::env::var_os(name);
        set.unwrap_or_else(|| panic!("{name} is not set: `cargo xtask test guest` sets it")).into()
    };
    Files {
        qemu: named("WEIR_QEMU"),
        kernel: named("WEIR_GUEST_KERNEL"),
        weir: named("WEIR_BIN"),
        init: env!("CARGO_BIN_EXE_weir-guest-init").into(),
    }
}

/// A guest that does all of its steps, and never accesses the registers as no host may.
fn done(scenario: &Scenario) -> Outcome {
    let outcome = attempt(scenario).unwrap_or_else(|error| panic!("{}", all(&error)));
    assert_eq!(outcome.bad_accesses, 0, "accesses that are no aligned words");
    let (boot, took) = (outcome.boot.as_secs_f64(), outcome.took.as_secs_f64());
    println!("kernel {}: ready after {boot:.2} s, ended after {took:.2} s", outcome.kernel);
    for ran in &outcome.steps {
        println!("{:>9} us  {}", ran.micros, ran.argv.join(" "));
    }
    outcome
}

fn attempt(scenario: &Scenario) -> Result<Outcome, GuestError> {
    weir_guest::run(&files(), scenario)
}

/// An error with its causes.
fn all(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What a step printed, which was JSON.
fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error} in {:?}", ran.stdout))
}
