//! The first process of a test's guest: mounts, loads modules, does the steps of its plan, tells each, and switches
//! off.
//!
//! It reads nothing but `/plan.json` and tells nothing but on its serial port, one JSON object a line; see
//! `weir_guest::plan`. The guest ends with it, whatever happens: if it fails, or panics, the kernel does too, and that
//! ends the machine.

mod modules;
mod mounts;
mod port;
mod step;

use std::fs;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use nix::sys::reboot::{RebootMode, reboot};
use weir_guest::plan::{Ended, PLAN, Plan, Report};

use port::Port;

/// Why a guest cannot do its plan.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("failed to mount {0}: {1}")]
    Mount(&'static str, nix::Error),
    #[error("failed to load module {0}: {1}")]
    Module(String, io::Error),
    #[error("failed to read {0}: {1}")]
    Read(&'static str, io::Error),
    #[error("failed to understand {PLAN}: {0}")]
    Plan(serde_json::Error),
    #[error("failed to write to the serial port: {0}")]
    Port(io::Error),
}

fn main() -> ExitCode {
    if std::process::id() != 1 {
        eprintln!("weir-guest-init is the first process of a test's guest, and nothing else");
        return ExitCode::from(2);
    }
    if let Err(error) = live() {
        eprintln!("weir-guest-init: {error}");
    }
    let Err(errno) = reboot(RebootMode::RB_POWER_OFF);
    eprintln!("weir-guest-init: failed to switch off: {errno}");
    ExitCode::FAILURE
}

fn live() -> Result<(), InitError> {
    mounts::all()?;
    let mut port = Port::open()?;
    let last = match work(&mut port) {
        Ok(()) => Report::Done,
        Err(error) => Report::Failed { what: error.to_string() },
    };
    port.tell(&last)?;
    // Waits until all is sent.
    drop(port);
    Ok(())
}

fn work(port: &mut Port) -> Result<(), InitError> {
    let read = |path| fs::read_to_string(path).map_err(|source| InitError::Read(path, source));
    let plan: Plan = serde_json::from_str(&read(PLAN)?).map_err(InitError::Plan)?;
    let began = Instant::now();
    plan.modules.iter().try_for_each(|module| modules::load(module))?;
    let modules_us = micros(began);
    let kernel = read("/proc/sys/kernel/osrelease")?.trim().to_owned();
    port.tell(&Report::Ready { kernel, modules_us })?;
    for step in &plan.steps {
        let ran = step::run(step);
        step::bury_orphans();
        let expected = ran.ended == Ended::Exit(step.expect);
        port.tell(&Report::Step(ran))?;
        if !expected {
            break;
        }
    }
    Ok(())
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_nothing_as_any_other_process() {
        assert_ne!(std::process::id(), 1);
        assert_eq!(format!("{:?}", main()), format!("{:?}", ExitCode::from(2)));
    }
}
