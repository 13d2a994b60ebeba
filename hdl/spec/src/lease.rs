//! The lease: how long a NIC may accept without a word from its host.
//!
//! An absolute deadline on the NIC's own clock. Past it the NIC is fenced, and stays so until a COMMIT brings a deadline
//! that lies ahead. What was decided before a pause and lands after it can do no harm: a deadline does not move with the
//! time it took to arrive, a renewal cannot lift the fence, and a COMMIT with a past deadline leaves it down.

use crate::Micros;

/// The furthest ahead a deadline may lie, in microseconds: longer than any planned absence (60 s).
pub const LEASE_MAX: Micros = 64_000_000;

/// Why a deadline was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The NIC is fenced: only a COMMIT lifts that.
    Fenced,
    /// Further ahead than [`LEASE_MAX`].
    TooFar,
}

/// Deadline and fence of one NIC. After reset it is fenced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lease {
    until: Micros,
    fenced: bool,
}

impl Default for Lease {
    fn default() -> Lease {
        Lease { until: 0, fenced: true }
    }
}

impl Lease {
    /// The deadline; accepting ends when the clock reaches it.
    pub fn until(&self) -> Micros {
        self.until
    }

    /// Whether rules accept nothing.
    pub fn fenced(&self) -> bool {
        self.fenced
    }

    /// The clock reached `now`: past the deadline the fence falls, and stays.
    pub fn tick(&mut self, now: Micros) {
        self.fenced |= now >= self.until;
    }

    /// A plain renewal. A deadline that is not ahead fences at once: a host may fence itself so.
    pub fn renew(&mut self, now: Micros, until: Micros) -> Result<(), Refused> {
        self.tick(now);
        if self.fenced {
            return Err(Refused::Fenced);
        }
        Lease::check(now, until)?;
        *self = Lease { until, fenced: now >= until };
        Ok(())
    }

    /// Whether a COMMIT with this deadline may be taken at all.
    pub fn check(now: Micros, until: Micros) -> Result<(), Refused> {
        if until > now.saturating_add(LEASE_MAX) { Err(Refused::TooFar) } else { Ok(()) }
    }

    /// The deadline of a COMMIT comes into force together with its epoch. `until` has passed [`check`](Lease::check).
    pub fn commit(&mut self, now: Micros, until: Micros) {
        *self = Lease { until, fenced: now >= until };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_renewal_leaves_the_nic_fenced() {
        let mut lease = Lease::default();
        lease.commit(100, 200);
        assert!(!lease.fenced());
        assert_eq!(lease.renew(150, 300), Ok(()));
        lease.tick(300);
        assert!(lease.fenced());
        assert_eq!(lease.renew(300, 500), Err(Refused::Fenced));
        lease.commit(400, 400);
        assert!(lease.fenced(), "a COMMIT that lands at its deadline");
        lease.commit(400, 401);
        assert!(!lease.fenced());
    }

    #[test]
    fn a_clock_that_jumped_fences_before_the_renewal_is_heard() {
        let mut lease = Lease::default();
        lease.commit(100, 200);
        assert_eq!(lease.renew(250, 400), Err(Refused::Fenced));
    }

    #[test]
    fn a_deadline_too_far_ahead_is_refused_and_changes_nothing() {
        let mut lease = Lease::default();
        lease.commit(0, 50);
        assert_eq!(lease.renew(10, 10 + LEASE_MAX + 1), Err(Refused::TooFar));
        assert_eq!((lease.until(), lease.fenced()), (50, false));
        assert_eq!(lease.renew(10, 10 + LEASE_MAX), Ok(()));
    }
}
