//! The commit: at one clock the other bank of every table comes into force, and later the deadline, where the headers of
//! the new bank have come to.
//!
//! A header samples `m_bank` and `m_live` in the clock of its `a_valid`; what it is judged by follows it. Fence and
//! `m_configured` are for the verdict, `D` clocks later: they change so that the header of the first clock of a bank is
//! the first to see them. Twin: `weir_spec::nic::Nic`, which commits between two frames.

use rust_hdl::prelude::*;

use super::deadline::SETTLE;
use crate::cell::register::ResetDff;

/// Clocks from the flip of the bank to `m_done`: every header of the old bank has left the gate.
pub const DONE: usize = 64;

/// `D`: clocks from `a_valid` to the use of fence and `m_configured`.
#[derive(LogicBlock)]
pub struct Epoch<const D: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Nothing is configured, no commit under way.
    pub reset: Signal<In, Bit>,
    /// A pulse: every table holds the new bank, and the deadline is taken. From the next clock the new bank is in force.
    pub flip: Signal<In, Bit>,
    /// Bank in force.
    pub m_bank: Signal<Out, Bit>,
    /// It holds a configuration: a commit has landed since reset.
    pub m_live: Signal<Out, Bit>,
    /// For [`Deadline`](super::deadline::Deadline): load the deadline taken.
    pub m_load: Signal<Out, Bit>,
    /// For it: the fence is that deadline's from the next clock, `D` clocks after the first of the new bank.
    pub m_lease: Signal<Out, Bit>,
    /// A commit has come to the verdict since reset.
    pub m_configured: Signal<Out, Bit>,
    /// No header of the old bank is left.
    pub m_done: Signal<Out, Bit>,
    bank: ResetDff<Bit>,
    live: ResetDff<Bit>,
    configured: ResetDff<Bit>,
    // Clocks since the flip, 0 for none under way.
    age: ResetDff<Bits<7>>,
    load: ResetDff<Bit>,
    lease: ResetDff<Bit>,
    done: ResetDff<Bit>,
    next: Signal<Local, Bits<7>>,
    load_at: Constant<Bits<7>>,
    lease_at: Constant<Bits<7>>,
    done_at: Constant<Bits<7>>,
}

impl<const D: usize> Default for Epoch<D> {
    fn default() -> Self {
        assert!(D > SETTLE + 1 && D < DONE, "the verdict comes {D} clocks after a_valid, not {}..{DONE}", SETTLE + 2);
        Epoch {
            clock: Default::default(),
            reset: Default::default(),
            flip: Default::default(),
            m_bank: Default::default(),
            m_live: Default::default(),
            m_load: Default::default(),
            m_lease: Default::default(),
            m_configured: Default::default(),
            m_done: Default::default(),
            bank: Default::default(),
            live: Default::default(),
            configured: Default::default(),
            age: Default::default(),
            load: Default::default(),
            lease: Default::default(),
            done: Default::default(),
            next: Default::default(),
            load_at: Constant::new((D - SETTLE - 1).to_bits()),
            lease_at: Constant::new((D - 1).to_bits()),
            done_at: Constant::new((DONE - 1).to_bits()),
        }
    }
}

impl<const D: usize> Logic for Epoch<D> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, bank, live, configured, age, load, lease, done);
        self.bank.reset.next = self.reset.val();
        self.live.reset.next = self.reset.val();
        self.configured.reset.next = self.reset.val();
        self.age.reset.next = self.reset.val();
        self.load.reset.next = self.reset.val();
        self.lease.reset.next = self.reset.val();
        self.done.reset.next = self.reset.val();
        self.next.next = self.age.q.val() + 1;
        if self.age.q.val() != 0 {
            self.age.d.next = self.next.val();
        }
        // In clock n after the flip `age` is n; a pulse comes a clock later.
        self.load.d.next = self.age.q.val() == self.load_at.val();
        self.lease.d.next = self.age.q.val() == self.lease_at.val();
        self.done.d.next = self.age.q.val() == self.done_at.val();
        if self.done.q.val() {
            self.age.d.next = 0.into();
        }
        if self.lease.q.val() {
            self.configured.d.next = true;
        }
        if self.flip.val() {
            self.bank.d.next = !self.bank.q.val();
            self.live.d.next = true;
            self.age.d.next = 1.into();
        }
        self.m_bank.next = self.bank.q.val();
        self.m_live.next = self.live.q.val();
        self.m_load.next = self.load.q.val();
        self.m_lease.next = self.lease.q.val();
        self.m_configured.next = self.configured.q.val();
        self.m_done.next = self.done.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use crate::control::deadline::Deadline;

    #[test]
    fn the_header_of_the_first_clock_of_a_bank_is_the_first_to_see_its_deadline() {
        const D: usize = 22;
        let (mut epoch, mut lease) = (Epoch::<D>::default(), Deadline::default());
        epoch.connect_all();
        lease.connect_all();
        lease.nic_time.next = 5u64.into();
        lease.reset.next = true;
        step!(lease);
        lease.reset.next = false;
        // A deadline that is ahead, one that is past, one that is ahead.
        for (round, next) in [10u64, 5, 20].into_iter().enumerate() {
            lease.word.next = next.into();
            lease.take_lo.next = true;
            step!(lease);
            lease.take_lo.next = false;
            let (old_bank, old_fence) = (epoch.m_bank.val(), lease.fenced.val());
            epoch.flip.next = true;
            step!(epoch);
            step!(lease);
            epoch.flip.next = false;
            // Clock 0 is the first of the new bank.
            for clock in 0..=DONE + 2 {
                assert_eq!((epoch.m_bank.val(), epoch.m_live.val()), (!old_bank, true));
                let late = clock >= D;
                assert_eq!(epoch.m_configured.val(), round > 0 || late, "{clock}");
                assert_eq!(lease.fenced.val(), if late { next <= 5 } else { old_fence }, "{clock}");
                assert_eq!(epoch.m_done.val(), clock == DONE - 1, "{clock}");
                (lease.load.next, lease.commit.next) = (epoch.m_load.val(), epoch.m_lease.val());
                step!(epoch);
                step!(lease);
            }
        }
    }

    #[test]
    fn reset_leaves_nothing_configured_in_the_middle_of_a_commit() {
        let mut epoch = Epoch::<20>::default();
        epoch.connect_all();
        for clocks in 0..30 {
            epoch.flip.next = true;
            step!(epoch);
            epoch.flip.next = false;
            for _ in 0..clocks {
                step!(epoch);
            }
            epoch.reset.next = true;
            step!(epoch);
            epoch.reset.next = false;
            for _ in 0..2 * DONE {
                let pulses = epoch.m_load.val() || epoch.m_lease.val() || epoch.m_done.val();
                assert!(!pulses && !epoch.m_live.val() && !epoch.m_configured.val());
                step!(epoch);
            }
        }
    }
}
