//! The lease: a deadline on the shell's clock, and a fence that only a commit lifts.
//!
//! NIC_TIME may take any step at any clock. It is compared with the deadline at every clock, 16 bits a stage:
//! the fence is down [`FENCE`] clocks after the first clock in which NIC_TIME has reached the deadline, and it stays down.
//! For [`SETTLE`] clocks after a new deadline the stages speak of a mixture of two and are not heard; so a renewal with a
//! past deadline fences seven clocks after its pulse.
//!
//! Nothing here ever lifts the fence but a commit whose own deadline was compared from its first stage to its last. A
//! renewal is judged by the time of its `stamp`; it is taken only if the fence is up [`FENCE`] clocks and more after, so
//! that every earlier time has been heard, and what later times say of the old deadline is void: it is as if the renewal
//! had landed at its stamp. Twin: `weir_spec::lease::Lease`.

use rust_hdl::prelude::*;
use weir_spec::lease::LEASE_MAX;

use crate::cell::register::ResetDff;

/// Clocks from a NIC_TIME that reaches the deadline to the fence: the fence is down in the clock so many later.
pub const FENCE: usize = 6;
/// Clocks after `renew` or `load` in which the comparison is not heard.
pub const SETTLE: usize = 5;
/// Clocks from `judge` to `judged`.
pub const JUDGE: usize = 6;

const _: () = assert!(LEASE_MAX < 1 << 32);

/// See the module.
#[derive(LogicBlock)]
pub struct Deadline {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Fence.
    pub reset: Signal<In, Bit>,
    /// Microseconds, never falling.
    pub nic_time: Signal<In, Bits<64>>,

    /// Keep the time of this clock, to judge by and to read.
    pub stamp: Signal<In, Bit>,
    /// Keep the upper half of the time kept, for NIC_TIME_HI.
    pub latch: Signal<In, Bit>,
    /// The time that was kept, low word.
    pub time_lo: Signal<Out, Bits<32>>,
    /// NIC_TIME_HI.
    pub time_hi: Signal<Out, Bits<32>>,

    /// Half of a deadline.
    pub word: Signal<In, Bits<32>>,
    /// Take it as the low word of the deadline that comes next.
    pub take_lo: Signal<In, Bit>,
    /// Take it as its high word.
    pub take_hi: Signal<In, Bit>,
    /// Judge the deadline taken, by the time kept; both hold until `judged`.
    pub judge: Signal<In, Bit>,
    /// A pulse: the judgement is there.
    pub judged: Signal<Out, Bit>,
    /// It is more than LEASE_MAX ahead.
    pub too_far: Signal<Out, Bit>,
    /// A renewal: the deadline taken comes into force. Not while `too_far` or `fenced`, and not between `load` and
    /// `commit`.
    pub renew: Signal<In, Bit>,
    /// A commit will bring the deadline taken into force in exactly `SETTLE` clocks.
    pub load: Signal<In, Bit>,
    /// It does: from the next clock the fence says whether its deadline is past.
    pub commit: Signal<In, Bit>,
    /// Rules accept nothing.
    pub fenced: Signal<Out, Bit>,
    /// The deadline in force; from `load` to `commit` that of the commit.
    pub in_force: Signal<Out, Bits<64>>,

    kept: DFF<Bits<64>>,
    latched: ResetDff<Bits<32>>,
    next_lo: DFF<Bits<32>>,
    next_hi: DFF<Bits<32>>,
    deadline: DFF<Bits<64>>,
    fence: ResetDff<Bit>,
    // The time, slice by slice one clock later than the one below, and whether it is short of the slices so far.
    slice0: DFF<Bits<16>>,
    slice1: [DFF<Bits<16>>; 2],
    slice2: [DFF<Bits<16>>; 3],
    slice3: [DFF<Bits<16>>; 4],
    short: [DFF<Bit>; 4],
    settling: ResetDff<Bits<5>>,
    // The judge: `next - kept - 1 - LEASE_MAX`, 16 bits a clock in two steps.
    turn: ResetDff<Bits<6>>,
    asked: DFF<Bits<16>>,
    by: DFF<Bits<16>>,
    most: DFF<Bits<16>>,
    most_now: DFF<Bits<16>>,
    ahead: DFF<Bits<16>>,
    late: DFF<Bit>,
    below: DFF<Bit>,

    sum0: Signal<Local, Bits<18>>,
    sum1: Signal<Local, Bits<18>>,
    sum2: Signal<Local, Bits<18>>,
    sum3: Signal<Local, Bits<18>>,
    sum: Signal<Local, Bits<18>>,
    rest: Signal<Local, Bits<18>>,
    moved: Signal<Local, Bits<6>>,
    older: Signal<Local, Bits<5>>,
    longest: Constant<Bits<32>>,
}

impl Default for Deadline {
    fn default() -> Self {
        Deadline {
            clock: Default::default(),
            reset: Default::default(),
            nic_time: Default::default(),
            stamp: Default::default(),
            latch: Default::default(),
            time_lo: Default::default(),
            time_hi: Default::default(),
            word: Default::default(),
            take_lo: Default::default(),
            take_hi: Default::default(),
            judge: Default::default(),
            judged: Default::default(),
            too_far: Default::default(),
            renew: Default::default(),
            load: Default::default(),
            commit: Default::default(),
            fenced: Default::default(),
            in_force: Default::default(),
            kept: Default::default(),
            latched: Default::default(),
            next_lo: Default::default(),
            next_hi: Default::default(),
            deadline: Default::default(),
            fence: ResetDff::new(true),
            slice0: Default::default(),
            slice1: Default::default(),
            slice2: Default::default(),
            slice3: Default::default(),
            short: Default::default(),
            settling: Default::default(),
            turn: Default::default(),
            asked: Default::default(),
            by: Default::default(),
            most: Default::default(),
            most_now: Default::default(),
            ahead: Default::default(),
            late: Default::default(),
            below: Default::default(),
            sum0: Default::default(),
            sum1: Default::default(),
            sum2: Default::default(),
            sum3: Default::default(),
            sum: Default::default(),
            rest: Default::default(),
            moved: Default::default(),
            older: Default::default(),
            longest: Constant::new(LEASE_MAX.to_bits()),
        }
    }
}

impl Logic for Deadline {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, kept, latched, next_lo, next_hi, deadline, fence, slice0, settling, turn, asked, by, most
        );
        dff_setup!(self, clock, most_now, ahead, late, below);
        for i in 0..2 {
            self.slice1[i].clock.next = self.clock.val();
        }
        for i in 0..3 {
            self.slice2[i].clock.next = self.clock.val();
        }
        for i in 0..4 {
            self.slice3[i].clock.next = self.clock.val();
            self.short[i].clock.next = self.clock.val();
        }
        self.latched.reset.next = self.reset.val();
        self.fence.reset.next = self.reset.val();
        self.settling.reset.next = self.reset.val();
        self.turn.reset.next = self.reset.val();

        // Short of the deadline: a borrow in time - deadline. A bit below each slice makes the borrow of the slice below.
        self.slice0.d.next = self.nic_time.val().get_bits::<16>(0);
        self.slice1[0].d.next = self.nic_time.val().get_bits::<16>(16);
        self.slice1[1].d.next = self.slice1[0].q.val();
        self.slice2[0].d.next = self.nic_time.val().get_bits::<16>(32);
        self.slice3[0].d.next = self.nic_time.val().get_bits::<16>(48);
        for i in 1..3 {
            self.slice2[i].d.next = self.slice2[i - 1].q.val();
        }
        for i in 1..4 {
            self.slice3[i].d.next = self.slice3[i - 1].q.val();
        }
        self.sum0.next = (bit_cast::<18, 16>(self.slice0.q.val()) << 1)
            - (bit_cast::<18, 16>(self.deadline.q.val().get_bits::<16>(0)) << 1);
        self.sum1.next = (bit_cast::<18, 16>(self.slice1[1].q.val()) << 1)
            - ((bit_cast::<18, 16>(self.deadline.q.val().get_bits::<16>(16)) << 1)
                | bit_cast::<18, 1>(self.short[0].q.val().into()));
        self.sum2.next = (bit_cast::<18, 16>(self.slice2[2].q.val()) << 1)
            - ((bit_cast::<18, 16>(self.deadline.q.val().get_bits::<16>(32)) << 1)
                | bit_cast::<18, 1>(self.short[1].q.val().into()));
        self.sum3.next = (bit_cast::<18, 16>(self.slice3[3].q.val()) << 1)
            - ((bit_cast::<18, 16>(self.deadline.q.val().get_bits::<16>(48)) << 1)
                | bit_cast::<18, 1>(self.short[2].q.val().into()));
        self.short[0].d.next = self.sum0.val().get_bit(17);
        self.short[1].d.next = self.sum1.val().get_bit(17);
        self.short[2].d.next = self.sum2.val().get_bit(17);
        self.short[3].d.next = self.sum3.val().get_bit(17);

        if self.take_lo.val() {
            self.next_lo.d.next = self.word.val();
        }
        if self.take_hi.val() {
            self.next_hi.d.next = self.word.val();
        }
        if self.renew.val() | self.load.val() {
            self.deadline.d.next =
                (bit_cast::<64, 32>(self.next_hi.q.val()) << 32) | bit_cast::<64, 32>(self.next_lo.q.val());
        }
        self.older.next = self.settling.q.val() << 1;
        self.settling.d.next = self.older.val().replace_bit(0, self.renew.val() | self.load.val());
        if (self.settling.q.val() == 0) & !self.short[3].q.val() & !self.renew.val() {
            self.fence.d.next = true;
        }
        if self.commit.val() {
            self.fence.d.next = !self.short[3].q.val();
        }

        // The time to judge by and to read.
        if self.stamp.val() {
            self.kept.d.next = self.nic_time.val();
        }
        if self.latch.val() {
            self.latched.d.next = self.kept.q.val().get_bits::<32>(32);
        }

        // The judge: slices 0 to 3 are picked, then subtracted, then compared.
        self.moved.next = self.turn.q.val() << 1;
        self.turn.d.next = self.moved.val().replace_bit(0, self.judge.val());
        self.asked.d.next = self.next_lo.q.val().get_bits::<16>(0);
        self.by.d.next = self.kept.q.val().get_bits::<16>(0);
        self.most.d.next = self.longest.val().get_bits::<16>(0);
        if self.turn.q.val().get_bit(0) {
            self.asked.d.next = self.next_lo.q.val().get_bits::<16>(16);
            self.by.d.next = self.kept.q.val().get_bits::<16>(16);
            self.most.d.next = self.longest.val().get_bits::<16>(16);
        }
        if self.turn.q.val().get_bit(1) {
            self.asked.d.next = self.next_hi.q.val().get_bits::<16>(0);
            self.by.d.next = self.kept.q.val().get_bits::<16>(32);
            self.most.d.next = 0.into();
        }
        if self.turn.q.val().get_bit(2) {
            self.asked.d.next = self.next_hi.q.val().get_bits::<16>(16);
            self.by.d.next = self.kept.q.val().get_bits::<16>(48);
            self.most.d.next = 0.into();
        }
        self.sum.next = (bit_cast::<18, 16>(self.asked.q.val()) << 1)
            - ((bit_cast::<18, 16>(self.by.q.val()) << 1) | bit_cast::<18, 1>(self.late.q.val().into()));
        self.ahead.d.next = self.sum.val().get_bits::<16>(1);
        // Before the first slice one less, so that a deadline that is now is not ahead.
        if self.judge.val() {
            self.late.d.next = true;
        }
        if self.turn.q.val().get_bits::<4>(0) != 0 {
            self.late.d.next = self.sum.val().get_bit(17);
        }
        self.most_now.d.next = self.most.q.val();
        self.rest.next = (bit_cast::<18, 16>(self.ahead.q.val()) << 1)
            - ((bit_cast::<18, 16>(self.most_now.q.val()) << 1) | bit_cast::<18, 1>(self.below.q.val().into()));
        if self.turn.q.val().get_bit(0) {
            self.below.d.next = false;
        }
        if self.turn.q.val().get_bits::<4>(1) != 0 {
            self.below.d.next = self.rest.val().get_bit(17);
        }

        self.time_lo.next = self.kept.q.val().get_bits::<32>(0);
        self.time_hi.next = self.latched.q.val();
        self.judged.next = self.turn.q.val().get_bit(5);
        self.too_far.next = !self.below.q.val() & !self.late.q.val();
        self.fenced.next = self.fence.q.val();
        self.in_force.next = self.deadline.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::lease;

    fn reset() -> Deadline {
        let mut circuit = Deadline::default();
        circuit.connect_all();
        circuit.reset.next = true;
        step!(circuit);
        circuit.reset.next = false;
        circuit
    }

    fn take(circuit: &mut Deadline, next: u64) {
        circuit.word.next = (next & 0xffff_ffff).into();
        circuit.take_lo.next = true;
        step!(*circuit);
        circuit.take_lo.next = false;
        circuit.word.next = (next >> 32).into();
        circuit.take_hi.next = true;
        step!(*circuit);
        circuit.take_hi.next = false;
    }

    /// Stamp and judge: whether it is too far.
    fn judge(circuit: &mut Deadline) -> bool {
        circuit.stamp.next = true;
        step!(*circuit);
        circuit.stamp.next = false;
        circuit.judge.next = true;
        for _ in 0..JUDGE {
            assert!(!circuit.judged.val());
            step!(*circuit);
            circuit.judge.next = false;
        }
        assert!(circuit.judged.val());
        circuit.too_far.val()
    }

    fn commit(circuit: &mut Deadline) {
        circuit.load.next = true;
        step!(*circuit);
        circuit.load.next = false;
        for _ in 1..SETTLE {
            step!(*circuit);
        }
        circuit.commit.next = true;
        step!(*circuit);
        circuit.commit.next = false;
    }

    fn renew(circuit: &mut Deadline) {
        circuit.renew.next = true;
        step!(*circuit);
        circuit.renew.next = false;
    }

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            self.0 >> 24
        }
    }

    #[test]
    fn it_fences_and_lifts_as_the_spec() {
        let (mut circuit, mut spec) = (reset(), lease::Lease::default());
        let mut random = Random(7);
        let mut now = 0xffff_ff00u64;
        let mut seen = [0; 4];
        for _ in 0..600 {
            let dice = random.next();
            now += dice & 63;
            let next = match dice >> 6 & 7 {
                0 => now - 1,
                1 => now + LEASE_MAX + (dice >> 9 & 1),
                2 => now,
                ahead => now + 10 * ahead,
            };
            spec.tick(now);
            circuit.nic_time.next = now.into();
            take(&mut circuit, next);
            let far = judge(&mut circuit);
            assert_eq!(far, lease::Lease::check(now, next).is_err(), "{next} at {now}");
            if dice >> 16 & 3 == 0 {
                if !far {
                    spec.commit(now, next);
                    commit(&mut circuit);
                    assert_eq!(circuit.fenced.val(), spec.fenced(), "with the commit, not later");
                    seen[0] += 1;
                }
            } else {
                let refused = far || circuit.fenced.val();
                assert_eq!(refused, spec.renew(now, next).is_err());
                if !refused {
                    renew(&mut circuit);
                    seen[1] += 1;
                }
            }
            for _ in 0..FENCE {
                step!(circuit);
            }
            assert_eq!(circuit.fenced.val(), spec.fenced());
            seen[2 + usize::from(spec.fenced())] += 1;
        }
        assert!(seen.iter().all(|&n| n > 20), "{seen:?}");
    }

    #[test]
    fn far_apart_words_are_judged_right() {
        let mut circuit = reset();
        let mut random = Random(3);
        for _ in 0..400 {
            let now = random.next() << (random.next() & 31);
            let near = now.wrapping_add(LEASE_MAX).wrapping_add(random.next() & 3).wrapping_sub(2);
            let next = [near, random.next() << (random.next() & 31), u64::MAX][random.next() as usize % 3];
            circuit.nic_time.next = now.into();
            take(&mut circuit, next);
            assert_eq!(judge(&mut circuit), lease::Lease::check(now, next).is_err(), "{next:#x} at {now:#x}");
        }
    }

    #[test]
    fn the_fence_falls_its_fixed_clocks_after_time_reaches_the_deadline_in_whatever_steps() {
        let mut random = Random(11);
        for round in 0..300u64 {
            let start = (random.next() << (round % 24)) + 1;
            let deadline = start + 1 + (random.next() >> 20 << (round % 31) >> (round % 7));
            let mut circuit = reset();
            circuit.nic_time.next = start.into();
            take(&mut circuit, deadline);
            commit(&mut circuit);
            assert!(!circuit.fenced.val());
            let mut now = start;
            for _ in 0..random.next() % 20 {
                now = now.max(now + (deadline - now) / 2).min(deadline - 1);
                circuit.nic_time.next = now.into();
                step!(circuit);
                assert!(!circuit.fenced.val(), "{now:#x} of {deadline:#x}");
            }
            circuit.nic_time.next = (deadline + (random.next() & round)).into();
            for clock in 1..=FENCE {
                step!(circuit);
                assert_eq!(circuit.fenced.val(), clock == FENCE, "{clock} clocks after {deadline:#x}");
            }
        }
    }

    #[test]
    fn a_renewal_with_a_past_deadline_fences_within_eight_clocks() {
        let mut circuit = reset();
        circuit.nic_time.next = 1000u64.into();
        take(&mut circuit, 2000);
        commit(&mut circuit);
        take(&mut circuit, 1000);
        renew(&mut circuit);
        let clocks = (1..20).find(|_| {
            step!(circuit);
            circuit.fenced.val()
        });
        assert!(clocks.is_some_and(|clocks| clocks < 8), "{clocks:?}");
    }

    #[test]
    fn a_renewal_lands_at_its_stamp_or_is_refused() {
        // Time reaches the old deadline at each clock around a renewal: either the fence is down before `renew` may be
        // pulsed, or the new deadline alone counts.
        for reaches in 0..40 {
            let mut circuit = reset();
            circuit.nic_time.next = 100u64.into();
            take(&mut circuit, 200);
            commit(&mut circuit);
            take(&mut circuit, 300);
            let mut renewed = false;
            for clock in 0..40 {
                if clock == reaches {
                    circuit.nic_time.next = 200u64.into();
                }
                circuit.stamp.next = clock == 10;
                circuit.judge.next = clock == 11;
                let go = clock == 11 + JUDGE && !circuit.too_far.val() && !circuit.fenced.val();
                renewed |= go;
                circuit.renew.next = go;
                step!(circuit);
            }
            assert_eq!((renewed, circuit.fenced.val()), (reaches > 11, reaches <= 11), "{reaches}");
        }
    }

    #[test]
    fn time_is_read_in_two_halves_of_one_clock() {
        let mut circuit = reset();
        circuit.nic_time.next = 0x1_ffff_ffffu64.into();
        circuit.stamp.next = true;
        step!(circuit);
        (circuit.stamp.next, circuit.latch.next) = (false, true);
        circuit.nic_time.next = 0x2_0000_0000u64.into();
        step!(circuit);
        assert_eq!((circuit.time_lo.val().to_u64(), circuit.time_hi.val().to_u64()), (0xffff_ffff, 1));
        (circuit.stamp.next, circuit.latch.next) = (true, false);
        step!(circuit);
        assert_eq!((circuit.time_lo.val().to_u64(), circuit.time_hi.val().to_u64()), (0, 1), "another stamp");
    }
}
