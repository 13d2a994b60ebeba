//! The lease: a deadline on the shell's clock, and a fence that only a commit lifts.
//!
//! The fence falls three clocks after NIC_TIME reaches the deadline. Twin: `weir_spec::lease::Lease`.

use rust_hdl::prelude::*;
use weir_spec::lease::LEASE_MAX;

use crate::cell::register::ResetDff;

/// See the module.
#[derive(LogicBlock)]
pub struct Lease {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Fence.
    pub reset: Signal<In, Bit>,
    /// Microseconds, free-running.
    pub nic_time: Signal<In, Bits<64>>,
    /// LEASE_NEXT, stable for three clocks before it is judged.
    pub asked: Signal<In, Bits<64>>,
    /// A renewal that was not refused.
    pub renew: Signal<In, Bit>,
    /// The deadline of the commit under way.
    pub commit_next: Signal<In, Bits<64>>,
    /// The commit comes into force.
    pub commit: Signal<In, Bit>,
    /// A renewal now is refused.
    pub refuses_renewal: Signal<Out, Bit>,
    /// LEASE_NEXT is more than LEASE_MAX ahead.
    pub too_far: Signal<Out, Bit>,
    /// Deadline in force.
    pub lease_until: Signal<Out, Bits<64>>,
    /// Rules accept nothing.
    pub fenced: Signal<Out, Bit>,
    now: DFF<Bits<64>>,
    deadline: ResetDff<Bits<64>>,
    fence: ResetDff<Bit>,
    over: DFF<Bit>,
    moved: DFF<Bit>,
    limit: DFF<Bits<64>>,
    far: DFF<Bit>,
    next_over: DFF<Bit>,
    commit_over: DFF<Bit>,
    longest: Constant<Bits<64>>,
}

impl Default for Lease {
    fn default() -> Self {
        Lease {
            clock: Default::default(),
            reset: Default::default(),
            nic_time: Default::default(),
            asked: Default::default(),
            renew: Default::default(),
            commit_next: Default::default(),
            commit: Default::default(),
            refuses_renewal: Default::default(),
            too_far: Default::default(),
            lease_until: Default::default(),
            fenced: Default::default(),
            now: Default::default(),
            deadline: Default::default(),
            fence: ResetDff::new(true),
            over: Default::default(),
            moved: Default::default(),
            limit: Default::default(),
            far: Default::default(),
            next_over: Default::default(),
            commit_over: Default::default(),
            longest: Constant::new(LEASE_MAX.to_bits()),
        }
    }
}

impl Logic for Lease {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, now, deadline, fence, over, moved, limit, far, next_over, commit_over);
        self.deadline.reset.next = self.reset.val();
        self.fence.reset.next = self.reset.val();
        self.now.d.next = self.nic_time.val();
        self.limit.d.next = self.now.q.val() + self.longest.val();
        self.far.d.next = self.asked.val() > self.limit.q.val();
        self.next_over.d.next = self.now.q.val() >= self.asked.val();
        self.commit_over.d.next = self.now.q.val() >= self.commit_next.val();
        self.over.d.next = self.now.q.val() >= self.deadline.q.val();
        // One clock after the deadline moved, `over` still speaks of the one before.
        self.moved.d.next = self.renew.val() | self.commit.val();
        self.fence.d.next = self.fence.q.val() | (self.over.q.val() & !self.moved.q.val());
        if self.renew.val() {
            self.deadline.d.next = self.asked.val();
            self.fence.d.next = self.fence.q.val() | self.next_over.q.val();
        }
        if self.commit.val() {
            self.deadline.d.next = self.commit_next.val();
            self.fence.d.next = self.commit_over.q.val();
        }
        self.refuses_renewal.next = self.fence.q.val() | (self.over.q.val() & !self.moved.q.val()) | self.far.q.val();
        self.too_far.next = self.far.q.val();
        self.lease_until.next = self.deadline.q.val();
        self.fenced.next = self.fence.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::lease;

    #[test]
    fn it_fences_and_lifts_as_the_spec() {
        let (mut circuit, mut spec) = (Lease::default(), lease::Lease::default());
        circuit.connect_all();
        circuit.reset.next = true;
        step!(circuit);
        circuit.reset.next = false;
        let mut random = 7u64;
        let mut now = 1000u64;
        let mut seen = [0; 4];
        for _ in 0..400 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            now += random >> 33 & 63;
            let next = match random >> 40 & 7 {
                0 => now - 1,
                1 => now + LEASE_MAX + 1,
                ahead => now + 10 * ahead,
            };
            spec.tick(now);
            circuit.nic_time.next = now.into();
            circuit.asked.next = next.into();
            circuit.commit_next.next = next.into();
            for _ in 0..4 {
                step!(circuit);
            }
            if random >> 50 & 3 == 0 {
                assert_eq!(circuit.too_far.val(), lease::Lease::check(now, next).is_err());
                if !circuit.too_far.val() {
                    spec.commit(now, next);
                    circuit.commit.next = true;
                    seen[0] += 1;
                }
            } else {
                assert_eq!(circuit.refuses_renewal.val(), spec.renew(now, next).is_err());
                circuit.renew.next = !circuit.refuses_renewal.val();
                seen[1] += u32::from(circuit.renew.next);
            }
            step!(circuit);
            circuit.commit.next = false;
            circuit.renew.next = false;
            for _ in 0..4 {
                step!(circuit);
            }
            assert_eq!((circuit.fenced.val(), circuit.lease_until.val().to_u64()), (spec.fenced(), spec.until()));
            seen[2 + usize::from(spec.fenced())] += 1;
        }
        assert!(seen.iter().all(|&n| n > 20), "{seen:?}");
    }
}
