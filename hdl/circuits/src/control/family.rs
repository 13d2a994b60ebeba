//! A family of narrow counters in distributed RAM, one of which may move at each clock.
//!
//! Two halves take turns: in one the counters move, the other stands still since the last `freeze` and is read and set to
//! zero, word by word. An event that comes in the clock of `freeze` or before is in the half that stands still, four
//! clocks later. Reading, picking the half, adding and writing take a clock each. Twin: `weir_spec::counters`.

use rust_hdl::prelude::*;

use crate::cell::lut_ram::LutRam;

/// `2^A` counters of `W` bits, which wrap.
#[derive(LogicBlock)]
pub struct Family<const W: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A counter moves by one.
    pub bump: Signal<In, Bit>,
    /// Which.
    pub index: Signal<In, Bits<A>>,
    /// The halves change places.
    pub freeze: Signal<In, Bit>,
    /// Counter to read; not before four clocks after `freeze`. The one that is cleared, too.
    pub at: Signal<In, Bits<A>>,
    /// Its count in the half that stands still, two clocks later.
    pub count: Signal<Out, Bits<W>>,
    /// Set it to zero.
    pub clear: Signal<In, Bit>,
    /// Set it to zero in both halves; nothing moves meanwhile.
    pub wipe: Signal<In, Bit>,
    even: LutRam<W, A>,
    odd: LutRam<W, A>,
    turn: DFF<Bit>,
    // The events whose counter is read, whose old count is picked, counted up, and written.
    reading: DFF<Bit>,
    reads: DFF<Bits<A>>,
    reads_odd: DFF<Bit>,
    even_at: DFF<Bits<A>>,
    odd_at: DFF<Bits<A>>,
    picking: DFF<Bit>,
    picks: DFF<Bits<A>>,
    picks_odd: DFF<Bit>,
    even_was: DFF<Bits<W>>,
    odd_was: DFF<Bits<W>>,
    adding: DFF<Bit>,
    adds: DFF<Bits<A>>,
    adds_odd: DFF<Bit>,
    writing: DFF<Bit>,
    writes: DFF<Bits<A>>,
    writes_odd: DFF<Bit>,
    was: DFF<Bits<W>>,
    last: DFF<Bits<W>>,
    older: DFF<Bits<W>>,
    same: DFF<Bit>,
    again: DFF<Bit>,
    thrice: DFF<Bit>,
    sum: Signal<Local, Bits<W>>,
    close: Constant<Bit>,
}

impl<const W: usize, const A: usize> Family<W, A> {
    /// Zero at power-on. `close`: two events may come less than four clocks apart.
    pub fn new(close: bool) -> Self {
        Family {
            clock: Default::default(),
            bump: Default::default(),
            index: Default::default(),
            freeze: Default::default(),
            at: Default::default(),
            count: Default::default(),
            clear: Default::default(),
            wipe: Default::default(),
            even: Default::default(),
            odd: Default::default(),
            turn: Default::default(),
            reading: Default::default(),
            reads: Default::default(),
            reads_odd: Default::default(),
            even_at: Default::default(),
            odd_at: Default::default(),
            picking: Default::default(),
            picks: Default::default(),
            picks_odd: Default::default(),
            even_was: Default::default(),
            odd_was: Default::default(),
            adding: Default::default(),
            adds: Default::default(),
            adds_odd: Default::default(),
            writing: Default::default(),
            writes: Default::default(),
            writes_odd: Default::default(),
            was: Default::default(),
            last: Default::default(),
            older: Default::default(),
            same: Default::default(),
            again: Default::default(),
            thrice: Default::default(),
            sum: Default::default(),
            close: Constant::new(close),
        }
    }
}

impl<const W: usize, const A: usize> Logic for Family<W, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, turn, reading, reads, reads_odd, even_at, odd_at, picking, picks, picks_odd);
        dff_setup!(self, clock, even_was, odd_was, writing, writes, writes_odd, was, last, same, again);
        dff_setup!(self, clock, adding, adds, adds_odd, older, thrice);
        clock!(self, clock, even, odd);
        self.turn.d.next = self.turn.q.val() ^ self.freeze.val();
        self.reading.d.next = self.bump.val();
        self.reads.d.next = self.index.val();
        self.reads_odd.d.next = self.turn.q.val();
        self.picking.d.next = self.reading.q.val();
        self.picks.d.next = self.reads.q.val();
        self.picks_odd.d.next = self.reads_odd.q.val();
        self.adding.d.next = self.picking.q.val();
        self.adds.d.next = self.picks.q.val();
        self.adds_odd.d.next = self.picks_odd.q.val();
        self.writing.d.next = self.adding.q.val();
        self.writes.d.next = self.adds.q.val();
        self.writes_odd.d.next = self.adds_odd.q.val();

        // Each half has its own address: that of the event, or that of the reader.
        self.even_at.d.next = self.index.val();
        self.odd_at.d.next = self.at.val();
        if self.turn.q.val() {
            self.even_at.d.next = self.at.val();
            self.odd_at.d.next = self.index.val();
        }
        self.even.raddr.next = self.even_at.q.val();
        self.odd.raddr.next = self.odd_at.q.val();
        self.even_was.d.next = self.even.rdata.val();
        self.odd_was.d.next = self.odd.rdata.val();
        self.count.next = self.odd_was.q.val();
        if self.turn.q.val() {
            self.count.next = self.even_was.q.val();
        }

        // What the counter was: that of the three events before may not have been in the RAM yet.
        self.sum.next = self.was.q.val() + 1;
        self.last.d.next = self.sum.val();
        self.older.d.next = self.last.q.val();
        self.same.d.next = self.close.val()
            & self.picking.q.val()
            & (self.picks.q.val() == self.reads.q.val())
            & (self.picks_odd.q.val() == self.reads_odd.q.val());
        self.again.d.next = self.close.val()
            & self.adding.q.val()
            & (self.adds.q.val() == self.reads.q.val())
            & (self.adds_odd.q.val() == self.reads_odd.q.val());
        self.thrice.d.next = self.close.val()
            & self.writing.q.val()
            & (self.writes.q.val() == self.reads.q.val())
            & (self.writes_odd.q.val() == self.reads_odd.q.val());
        self.was.d.next = self.even_was.q.val();
        if self.picks_odd.q.val() {
            self.was.d.next = self.odd_was.q.val();
        }
        if self.thrice.q.val() {
            self.was.d.next = self.older.q.val();
        }
        if self.again.q.val() {
            self.was.d.next = self.last.q.val();
        }
        if self.same.q.val() {
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
                self.odd.wdata.next = self.last.q.val();
                self.odd.we.next = self.writing.q.val();
            } else {
                self.even.waddr.next = self.writes.q.val();
                self.even.wdata.next = self.last.q.val();
                self.even.we.next = self.writing.q.val();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn no_event_is_lost_and_none_counts_twice_at_one_a_clock() {
        let mut family = Family::<9, 4>::new(true);
        family.connect_all();
        let mut random = 5u64;
        let (mut sent, mut seen) = ([0u64; 16], [0u64; 16]);
        for _round in 0..12 {
            for clock in 0..70u64 {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let index = if random >> 60 < 8 { 3 } else { random >> 40 & 15 };
                let bump = random >> 50 & 7 != 0;
                sent[index as usize] += u64::from(bump);
                (family.bump.next, family.index.next) = (bump, index.into());
                family.freeze.next = clock == 0;
                // Four clocks a counter; it is read in the second and set to zero in the last.
                let (at, phase) = (clock / 4 % 16, clock % 4);
                let scans = (4..68).contains(&clock);
                let at = if scans { (at + 15) % 16 } else { 0 };
                family.at.next = at.into();
                family.clear.next = scans && phase == 3;
                step!(family);
                if scans && phase == 1 {
                    seen[at as usize] += family.count.val().to_u64();
                }
            }
        }
        // The last two rounds are still inside: one frozen and read out, one that moves.
        let mut rest = |family: &mut Family<9, 4>| {
            (family.bump.next, family.freeze.next, family.clear.next) = (false, true, false);
            step!(*family);
            family.freeze.next = false;
            for _ in 0..4 {
                step!(*family);
            }
            for at in 0..16u64 {
                family.at.next = at.into();
                step!(*family);
                step!(*family);
                seen[at as usize] += family.count.val().to_u64();
            }
        };
        rest(&mut family);
        assert!(sent.iter().sum::<u64>() > 500);
        assert_eq!(seen, sent);
    }

    #[test]
    fn events_four_clocks_apart_need_no_shortcut() {
        let mut family = Family::<6, 3>::new(false);
        family.connect_all();
        for clock in 0..60 {
            (family.bump.next, family.index.next) = (clock % 4 == 0, 2.into());
            step!(family);
        }
        (family.bump.next, family.freeze.next) = (false, true);
        step!(family);
        family.freeze.next = false;
        family.at.next = 2.into();
        for _ in 0..6 {
            step!(family);
        }
        assert_eq!(family.count.val().to_u64(), 15);
    }

    #[test]
    fn a_wipe_clears_both_halves() {
        let mut family = Family::<6, 3>::new(true);
        family.connect_all();
        for freeze in [false, true, false] {
            (family.bump.next, family.index.next, family.freeze.next) = (true, 5.into(), freeze);
            step!(family);
        }
        family.bump.next = false;
        family.freeze.next = false;
        for _ in 0..4 {
            step!(family);
        }
        family.at.next = 5.into();
        step!(family);
        step!(family);
        assert_ne!(family.count.val().to_u64(), 0);
        family.wipe.next = true;
        step!(family);
        family.wipe.next = false;
        for _half in 0..2 {
            step!(family);
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
