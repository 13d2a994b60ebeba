//! A family of narrow counters in distributed RAM, one of which may move at each clock.
//!
//! Two halves take turns: in one the counters move, the other stands still since the last `freeze` and is read and set to
//! zero, word by word. An event that comes in the clock of `freeze` or before is in the half that stands still, two clocks
//! later. Reading, adding and writing take a clock each; an event for the counter that is just being written meets its new
//! value. Twin: `weir_spec::counters`.

use rust_hdl::prelude::*;

use crate::cell::lut_ram::LutRam;

/// `2^A` counters of `W` bits, which wrap.
#[derive(LogicBlock, Default)]
pub struct Family<const W: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A counter moves by one.
    pub bump: Signal<In, Bit>,
    /// Which.
    pub index: Signal<In, Bits<A>>,
    /// The halves change places.
    pub freeze: Signal<In, Bit>,
    /// Counter to read; not before two clocks after `freeze`.
    pub at: Signal<In, Bits<A>>,
    /// Its count in the half that stands still, one clock later.
    pub count: Signal<Out, Bits<W>>,
    /// Set it to zero.
    pub clear: Signal<In, Bit>,
    /// Set it to zero in both halves; nothing moves meanwhile.
    pub wipe: Signal<In, Bit>,
    even: LutRam<W, A>,
    odd: LutRam<W, A>,
    turn: DFF<Bit>,
    // The event whose counter is read, and behind it the one whose counter is written.
    reading: DFF<Bit>,
    reads: DFF<Bits<A>>,
    reads_odd: DFF<Bit>,
    writing: DFF<Bit>,
    writes: DFF<Bits<A>>,
    writes_odd: DFF<Bit>,
    was: DFF<Bits<W>>,
    shown: DFF<Bits<W>>,
    sum: Signal<Local, Bits<W>>,
    same: Signal<Local, Bit>,
}

impl<const W: usize, const A: usize> Logic for Family<W, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, turn, reading, reads, reads_odd, writing, writes, writes_odd, was, shown);
        clock!(self, clock, even, odd);
        self.turn.d.next = self.turn.q.val() ^ self.freeze.val();
        self.reading.d.next = self.bump.val();
        self.reads.d.next = self.index.val();
        self.reads_odd.d.next = self.turn.q.val();
        self.writing.d.next = self.reading.q.val();
        self.writes.d.next = self.reads.q.val();
        self.writes_odd.d.next = self.reads_odd.q.val();
        self.sum.next = self.was.q.val() + 1;
        self.same.next = self.writing.q.val()
            & (self.writes.q.val() == self.reads.q.val())
            & (self.writes_odd.q.val() == self.reads_odd.q.val());
        self.even.raddr.next = self.reads.q.val();
        self.odd.raddr.next = self.at.val();
        self.was.d.next = self.even.rdata.val();
        self.shown.d.next = self.odd.rdata.val();
        if self.reads_odd.q.val() {
            self.even.raddr.next = self.at.val();
            self.odd.raddr.next = self.reads.q.val();
            self.was.d.next = self.odd.rdata.val();
            self.shown.d.next = self.even.rdata.val();
        }
        if self.same.val() {
            self.was.d.next = self.sum.val();
        }
        self.even.waddr.next = self.at.val();
        self.even.wdata.next = 0.into();
        self.even.we.next = self.clear.val() | self.wipe.val();
        self.odd.waddr.next = self.at.val();
        self.odd.wdata.next = 0.into();
        self.odd.we.next = self.clear.val() | self.wipe.val();
        if !self.wipe.val() {
            if self.writes_odd.q.val() {
                self.odd.waddr.next = self.writes.q.val();
                self.odd.wdata.next = self.sum.val();
                self.odd.we.next = self.writing.q.val();
            } else {
                self.even.waddr.next = self.writes.q.val();
                self.even.wdata.next = self.sum.val();
                self.even.we.next = self.writing.q.val();
            }
        }
        self.count.next = self.shown.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn no_event_is_lost_and_none_counts_twice_at_one_a_clock() {
        let mut family = Family::<9, 4>::default();
        family.connect_all();
        let mut random = 5u64;
        let (mut sent, mut seen) = ([0u64; 16], [0u64; 16]);
        for _round in 0..12 {
            for clock in 0..60 {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let index = if random >> 60 < 8 { 3 } else { random >> 40 & 15 };
                let bump = random >> 50 & 7 != 0;
                sent[index as usize] += u64::from(bump);
                (family.bump.next, family.index.next) = (bump, index.into());
                family.freeze.next = clock == 0;
                // Three clocks a counter: address, count, zero.
                let (at, phase) = ((clock.max(4) - 4) / 3 % 16, (clock + 2) % 3);
                family.at.next = at.into();
                family.clear.next = (4..52).contains(&clock) && phase == 2;
                step!(family);
                if (4..52).contains(&clock) && phase == 1 {
                    seen[at as usize] += family.count.val().to_u64();
                }
            }
        }
        // The last two rounds are still inside: one frozen and read out, one that moves.
        let mut rest = |family: &mut Family<9, 4>| {
            (family.bump.next, family.freeze.next, family.clear.next) = (false, true, false);
            step!(*family);
            family.freeze.next = false;
            step!(*family);
            step!(*family);
            for at in 0..16u64 {
                family.at.next = at.into();
                step!(*family);
                seen[at as usize] += family.count.val().to_u64();
            }
        };
        rest(&mut family);
        assert!(sent.iter().sum::<u64>() > 500);
        assert_eq!(seen, sent);
    }

    #[test]
    fn a_wipe_clears_both_halves() {
        let mut family = Family::<6, 3>::default();
        family.connect_all();
        for freeze in [false, true, false] {
            (family.bump.next, family.index.next, family.freeze.next) = (true, 5.into(), freeze);
            step!(family);
        }
        family.bump.next = false;
        family.freeze.next = false;
        for _ in 0..3 {
            step!(family);
        }
        family.at.next = 5.into();
        step!(family);
        assert_ne!(family.count.val().to_u64(), 0);
        family.wipe.next = true;
        step!(family);
        family.wipe.next = false;
        for _half in 0..2 {
            step!(family);
            step!(family);
            assert_eq!(family.count.val().to_u64(), 0);
            family.freeze.next = true;
            step!(family);
            family.freeze.next = false;
            step!(family);
        }
    }
}
