//! The clock of every simulated NIC.

use nix::time::{ClockId, clock_gettime};
use weir_spec::Micros;

/// CLOCK_MONOTONIC in microseconds.
pub(crate) fn now() -> Micros {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("Linux has this clock");
    now.tv_sec() as Micros * 1_000_000 + now.tv_nsec() as Micros / 1000
}
