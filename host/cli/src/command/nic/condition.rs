//! What a NIC can be waited for, and the waiting.

use std::time::{Duration, Instant};

use weir_nic::driver::conditions;
use weir_nic::interrupt::Interrupt as Vector;
use weir_nic::{AccessError, Device};
use weir_spec::interrupt::Interrupt;

/// Between two looks at a NIC that sends no interrupts.
const LOOK: Duration = Duration::from_millis(1);

/// A condition by the name it has on the command line.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Condition {
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
    /// As the register map knows it.
    pub(super) fn interrupt(self) -> Interrupt {
        match self {
            Condition::LeaseEnding => Interrupt::LeaseEnding,
            Condition::Fenced => Interrupt::Fenced,
            Condition::FlowsHigh => Interrupt::FlowsHigh,
            Condition::LinkDown => Interrupt::LinkDown,
        }
    }

    /// As on the command line.
    pub(super) fn name(self) -> String {
        clap::ValueEnum::to_possible_value(&self).map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// How long it took, and how it was known.
pub(super) struct Seen {
    pub(super) after: Duration,
    pub(super) by: &'static str,
}

/// Waits until `condition` holds, by its vector if there is one; `None` if it did not within `patience`.
pub(super) fn until<D: Device>(
    device: &mut D,
    vectors: &[Vector],
    condition: Condition,
    patience: Duration,
) -> Result<Option<Seen>, AccessError> {
    let wanted = condition.interrupt();
    let begun = Instant::now();
    let mut by = "at once";
    loop {
        if conditions(device)?.has(wanted) {
            return Ok(Some(Seen { after: begun.elapsed(), by }));
        }
        let Some(left) = patience.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
            return Ok(None);
        };
        by = match vectors.get(wanted as usize) {
            Some(vector) if vector.wait(left) => "by interrupt",
            Some(_) => "at the last look",
            None => {
                std::thread::sleep(LOOK.min(left));
                "by asking"
            }
        };
    }
}
