//! `weir nic wait`: until a NIC says something.
//!
//! ```text
//! # weir nic wait socket:/run/weir/nic.sock fenced --timeout 20s
//! fenced after 9.998 s, by interrupt
//! ```
//!
//! By the interrupt of the condition where the way to the NIC carries interrupts, else by asking every millisecond; the
//! answer says which. A condition that holds already is told at once. The kernel resets a function when VFIO opens it, so that
//! behind `vfio:` a NIC is fenced from the start.
//!
//! Exit codes: 0 it holds; 1 failed, or no Weir NIC; 2 it did not within the time; 3 there is no such function or socket.

use std::time::{Duration, Instant};

use weir_nic::driver::conditions;
use weir_nic::{Identity, Selector};
use weir_spec::interrupt::Interrupt;

use super::time::{duration, seconds};
use crate::exit::Exit;

/// Between two looks at a NIC that sends no interrupts.
const LOOK: Duration = Duration::from_millis(1);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// the NIC: vfio:ADDRESS, sysfs:ADDRESS, socket:PATH or sim
    nic: Selector,
    /// what to wait for
    #[arg(value_enum)]
    condition: Condition,
    /// how long at most
    #[arg(long, value_name = "time", value_parser = duration, default_value = "60s")]
    timeout: Duration,
    /// print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Condition {
    /// the lease ends soon (WARN_LEASE says how soon)
    LeaseEnding,
    /// rules accept nothing
    Fenced,
    /// the flow table holds WARN_FLOWS entries or more
    FlowsHigh,
    /// the port has no link
    LinkDown,
}

impl Condition {
    fn interrupt(self) -> Interrupt {
        match self {
            Condition::LeaseEnding => Interrupt::LeaseEnding,
            Condition::Fenced => Interrupt::Fenced,
            Condition::FlowsHigh => Interrupt::FlowsHigh,
            Condition::LinkDown => Interrupt::LinkDown,
        }
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<Exit> {
    let mut device = args.nic.open()?;
    Identity::read(&mut device)?;
    let wanted = args.condition.interrupt();
    let interrupts = device.interrupts()?;
    let vector = interrupts.get(wanted as usize);
    let begun = Instant::now();
    let mut by = "at once";
    loop {
        if conditions(&mut device)?.has(wanted) {
            let name = clap::ValueEnum::to_possible_value(&args.condition).map(|it| it.get_name().to_owned());
            let (name, after) = (name.unwrap_or_default(), begun.elapsed());
            if args.json {
                let after = after.as_micros() as u64;
                println!("{}", serde_json::json!({ "condition": name, "after_us": after, "by": by }));
            } else {
                println!("{name} after {}, {by}", seconds(after));
            }
            return Ok(Exit::Done);
        }
        let Some(left) = args.timeout.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
            return Ok(Exit::Nothing);
        };
        by = match vector {
            Some(vector) if vector.wait(left) => "by interrupt",
            Some(_) => "at the last look",
            None => {
                std::thread::sleep(LOOK.min(left));
                "by asking"
            }
        };
    }
}
