//! The host's monotonic clock.

use nix::time::{ClockId, clock_gettime};
use weir_cluster::HostTime;

/// Microseconds of CLOCK_BOOTTIME: time spent suspended is silence too, so the protocol must see it pass.
pub(crate) fn now() -> HostTime {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("Linux has this clock since 2.6.39");
    HostTime(time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1000)
}
