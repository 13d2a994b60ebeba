//! A queue of whole frames in block RAM: a frame comes out when all of it is in, it was right, and there was room for it.
//!
//! Beats go in as they come and cannot be held up. A frame that has a fault, is MAC control, finds the RAM full, or ends
//! above the limit of its grade is forgotten as if it had not come: its place is the next one's. Limits are beats in the RAM,
//! the frame itself among them, so that the cheapest grade leaves room to the others. A first beat begins anew wherever the
//! one before it broke off.
//!
//! What comes out comes a beat a clock as long as it is taken, so that a header behind it has no gaps. Seven beats wait
//! outside the RAM, and count no more as being in it. Latency: four clocks from a last beat to the first beat of its frame,
//! if no other waits.

use rust_hdl::prelude::*;

use crate::cell::block_ram::BlockRam;
use crate::cell::fifo::Fifo;

/// `2^A` beats; `N` is `A + 1`.
#[derive(LogicBlock)]
pub struct FrameFifo<const A: usize, const N: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget all frames.
    pub reset: Signal<In, Bit>,
    /// A beat.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It is the first of its frame.
    pub s_first: Signal<In, Bit>,
    /// It is the last.
    pub s_last: Signal<In, Bit>,
    /// [`Fault`](super::receive::Fault) of the frame, with its last beat.
    pub s_fault: Signal<In, Bits<2>>,
    /// [`Grade`](super::grade::Grade) of the frame, with its last beat.
    pub s_grade: Signal<In, Bits<2>>,

    /// A beat is there; it stays until it is taken.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub m_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub m_taken: Signal<In, Bit>,

    /// As many beats wait as were said to be many, or more; two clocks late.
    pub high: Signal<Out, Bit>,
    /// A frame was kept, in this clock.
    pub stat_kept: Signal<Out, Bit>,
    /// A frame without fault was forgotten for want of room.
    pub stat_refused: Signal<Out, Bit>,

    ram: BlockRam<72, A>,
    ahead: Fifo<68, 3>,
    // Behind the last beat that went in, behind the last one of a kept frame, and the next one to be fetched.
    write_at: DFF<Bits<N>>,
    kept_to: DFF<Bits<N>>,
    read_at: DFF<Bits<N>>,
    spilled: DFF<Bit>,
    // A word of the RAM is one clock away; is there.
    comes: DFF<Bit>,
    came: DFF<Bit>,
    // Fetched and not yet taken.
    pending: DFF<Bits<3>>,
    level: DFF<Bits<N>>,
    is_high: DFF<Bit>,
    kept: DFF<Bit>,
    refused: DFF<Bit>,

    limits: [Constant<Bits<N>>; 3],
    many: Constant<Bits<N>>,
    place: Signal<Local, Bits<N>>,
    after: Signal<Local, Bits<N>>,
    places: Constant<Bits<N>>,
    used: Signal<Local, Bits<N>>,
    limit: Signal<Local, Bits<N>>,
    spills: Signal<Local, Bit>,
    puts: Signal<Local, Bit>,
    sound: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    word: Signal<Local, Bits<68>>,
    fetches: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
}

impl<const A: usize, const N: usize> FrameFifo<A, N> {
    /// A queue in which the grades from the cheapest up may fill so many beats of the RAM; as many as `many` are many.
    pub fn new(limits: [usize; 3], many: usize) -> Self {
        assert!(N == A + 1, "2^{A} beats have places of {} bits, not {N}", A + 1);
        assert!(limits.is_sorted() && limits[2] <= 1 << A && many <= 1 << A, "limits rise, to {} at the most", 1 << A);
        FrameFifo {
            clock: Default::default(),
            reset: Default::default(),
            s_valid: Default::default(),
            s_data: Default::default(),
            s_last_byte: Default::default(),
            s_first: Default::default(),
            s_last: Default::default(),
            s_fault: Default::default(),
            s_grade: Default::default(),
            m_valid: Default::default(),
            m_data: Default::default(),
            m_last_byte: Default::default(),
            m_last: Default::default(),
            m_taken: Default::default(),
            high: Default::default(),
            stat_kept: Default::default(),
            stat_refused: Default::default(),
            ram: Default::default(),
            ahead: Default::default(),
            write_at: Default::default(),
            kept_to: Default::default(),
            read_at: Default::default(),
            spilled: Default::default(),
            comes: Default::default(),
            came: Default::default(),
            pending: Default::default(),
            level: Default::default(),
            is_high: Default::default(),
            kept: Default::default(),
            refused: Default::default(),
            limits: limits.map(|limit| Constant::new(limit.to_bits())),
            many: Constant::new(many.to_bits()),
            place: Default::default(),
            after: Default::default(),
            places: Constant::new((1usize << A).to_bits()),
            used: Default::default(),
            limit: Default::default(),
            spills: Default::default(),
            puts: Default::default(),
            sound: Default::default(),
            fits: Default::default(),
            word: Default::default(),
            fetches: Default::default(),
            takes: Default::default(),
        }
    }
}

impl<const A: usize, const N: usize> Logic for FrameFifo<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, write_at, kept_to, read_at, spilled, comes, came, pending);
        dff_setup!(self, clock, level, is_high, kept, refused);
        clock!(self, clock, ram, ahead);

        // In.
        self.place.next = self.write_at.q.val();
        if self.s_first.val() {
            self.place.next = self.kept_to.q.val();
        }
        self.after.next = self.place.val() + 1;
        self.used.next = self.place.val() - self.read_at.q.val();
        self.spills.next = (self.used.val() == self.places.val()) | (self.spilled.q.val() & !self.s_first.val());
        self.puts.next = self.s_valid.val() & !self.spills.val();
        self.limit.next = self.limits[0].val();
        if self.s_grade.val() == 1 {
            self.limit.next = self.limits[1].val();
        }
        if self.s_grade.val() == 2 {
            self.limit.next = self.limits[2].val();
        }
        self.fits.next = !self.spills.val() & (self.used.val() < self.limit.val());
        self.sound.next = (self.s_fault.val() == 0) & (self.s_grade.val() != 3);
        self.kept.d.next = false;
        self.refused.d.next = false;
        if self.s_valid.val() {
            self.spilled.d.next = self.spills.val();
            if self.puts.val() {
                self.write_at.d.next = self.after.val();
            }
            if self.s_last.val() & self.sound.val() {
                self.kept.d.next = self.fits.val();
                self.refused.d.next = !self.fits.val();
                if self.fits.val() {
                    self.kept_to.d.next = self.after.val();
                }
            }
        }
        self.word.next = bit_cast::<68, 64>(self.s_data.val())
            | (bit_cast::<68, 3>(self.s_last_byte.val()) << 64)
            | (bit_cast::<68, 1>(self.s_last.val().into()) << 67);
        self.ram.we.next = self.puts.val();
        self.ram.waddr.next = self.place.val().get_bits::<A>(0);
        self.ram.wdata.next = bit_cast::<72, 68>(self.word.val());

        // Out.
        self.takes.next = self.m_taken.val() & !self.ahead.empty.val();
        self.fetches.next = (self.read_at.q.val() != self.kept_to.q.val()) & (self.pending.q.val() != 7);
        self.ram.raddr.next = self.read_at.q.val().get_bits::<A>(0);
        if self.fetches.val() {
            self.read_at.d.next = self.read_at.q.val() + 1;
        }
        if self.fetches.val() & !self.takes.val() {
            self.pending.d.next = self.pending.q.val() + 1;
        }
        if self.takes.val() & !self.fetches.val() {
            self.pending.d.next = self.pending.q.val() - 1;
        }
        self.comes.d.next = self.fetches.val();
        self.came.d.next = self.comes.q.val();
        self.ahead.reset.next = self.reset.val();
        self.ahead.write.next = self.came.q.val();
        self.ahead.data_in.next = self.ram.rdata.val().get_bits::<68>(0);
        self.ahead.read.next = self.takes.val();
        self.m_valid.next = !self.ahead.empty.val();
        self.m_data.next = self.ahead.data_out.val().get_bits::<64>(0);
        self.m_last_byte.next = self.ahead.data_out.val().get_bits::<3>(64);
        self.m_last.next = self.ahead.data_out.val().get_bit(67);

        self.level.d.next = self.kept_to.q.val() - self.read_at.q.val();
        self.is_high.d.next = self.level.q.val() >= self.many.val();
        self.high.next = self.is_high.q.val();
        self.stat_kept.next = self.kept.q.val();
        self.stat_refused.next = self.refused.q.val();

        if self.reset.val() {
            self.write_at.d.next = 0.into();
            self.kept_to.d.next = 0.into();
            self.read_at.d.next = 0.into();
            self.spilled.d.next = false;
            self.comes.d.next = false;
            self.came.d.next = false;
            self.pending.d.next = 0.into();
            self.kept.d.next = false;
            self.refused.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
