//! Two clocks that must never be mixed, as two types.
//!
//! The host's monotonic clock drives silence, promises and retries. The NIC's own clock bounds the lease. Nothing relates
//! the two but a drift of at most 200 ppm, so no value of one is ever computed from a value of the other.

use std::ops::{Add, Sub};

pub use weir_spec::Micros;

/// A point on the host's monotonic clock, in microseconds since any fixed start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct HostTime(pub Micros);

/// A point on the NIC's free-running clock (`NIC_TIME`), in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NicTime(pub Micros);

/// Both clocks as the caller read them *before* it handed over an event.
///
/// An old `nic` value is safe, a value read later than the event was handled is not: it only ever shortens the lease to be
/// early. A caller whose NIC cannot be read repeats the last value it got.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Now {
    /// The host's clock.
    pub host: HostTime,
    /// The NIC's clock.
    pub nic: NicTime,
}

impl Add<Micros> for HostTime {
    type Output = HostTime;
    fn add(self, span: Micros) -> HostTime {
        HostTime(self.0.saturating_add(span))
    }
}

impl Sub for HostTime {
    type Output = Micros;
    /// The span since `earlier`; zero if it lies ahead.
    fn sub(self, earlier: HostTime) -> Micros {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Micros> for NicTime {
    type Output = NicTime;
    fn add(self, span: Micros) -> NicTime {
        NicTime(self.0.saturating_add(span))
    }
}
