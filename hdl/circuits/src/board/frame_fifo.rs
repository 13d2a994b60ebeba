//! A queue of whole frames in block RAM: a frame comes out when all of it is in, it was right, and there was room for it.
//!
//! Beats go in as they come and cannot be held up. A frame that has a fault, is MAC control, finds the RAM full, or ends
//! above the limit of its grade is forgotten as if it had not come: its place is the next one's. Limits are beats in the RAM,
//! the frame itself among them, so that the cheapest grade leaves room to the others. A first beat begins anew wherever the
//! one before it broke off.
//!
//! Whether a frame is kept is settled in the clock behind its last beat, and counts for the first beat of the next at once. What
//! comes out comes as [`BeatQueue`] says, whose seven beats count no more as being in the RAM. Latency: seven clocks from a last
//! beat to the first beat of its frame, if no other waits.

use rust_hdl::prelude::*;

use super::beat_queue::BeatQueue;

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

    queue: BeatQueue<A, N>,
    // The place behind the last beat that went in, and behind the last one of a kept frame; beats in the RAM up to either, each
    // a clock late in what became free. The top bit of a number of beats says that the RAM is full.
    write_at: DFF<Bits<N>>,
    kept_to: DFF<Bits<N>>,
    written: DFF<Bits<N>>,
    waiting: DFF<Bits<N>>,
    spilled: DFF<Bit>,
    // The beat before ended a frame that is kept: it goes up to `write_at`.
    kept: DFF<Bit>,
    refused: DFF<Bit>,
    is_high: DFF<Bit>,

    limits: [Constant<Bits<N>>; 3],
    many: Constant<Bits<N>>,
    places: Constant<Bits<N>>,
    less: Constant<Bits<N>>,
    limit: Signal<Local, Bits<N>>,
    goes_back: Signal<Local, Bit>,
    place: Signal<Local, Bits<N>>,
    used: Signal<Local, Bits<N>>,
    settled: Signal<Local, Bits<N>>,
    more: Signal<Local, Bits<N>>,
    gone: Signal<Local, Bits<N>>,
    spills: Signal<Local, Bit>,
    puts: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
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
            queue: Default::default(),
            write_at: Default::default(),
            kept_to: Default::default(),
            written: Default::default(),
            waiting: Default::default(),
            spilled: Default::default(),
            kept: Default::default(),
            refused: Default::default(),
            is_high: Default::default(),
            limits: limits.map(|limit| Constant::new(limit.to_bits())),
            many: Constant::new(many.to_bits()),
            places: Constant::new((1usize << A).to_bits()),
            less: Constant::new(((1usize << N) - 1).to_bits()),
            limit: Default::default(),
            goes_back: Default::default(),
            place: Default::default(),
            used: Default::default(),
            settled: Default::default(),
            more: Default::default(),
            gone: Default::default(),
            spills: Default::default(),
            puts: Default::default(),
            ends: Default::default(),
            fits: Default::default(),
        }
    }
}

impl<const A: usize, const N: usize> Logic for FrameFifo<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, write_at, kept_to, written, waiting, spilled, kept, refused, is_high);
        clock!(self, clock, queue);

        // A first beat goes behind the last frame that was kept, all others where the one before it ended.
        self.goes_back.next = self.s_valid.val() & self.s_first.val() & !self.kept.q.val();
        self.place.next = self.write_at.q.val();
        self.used.next = self.written.q.val();
        if self.goes_back.val() {
            self.place.next = self.kept_to.q.val();
            self.used.next = self.waiting.q.val();
        }
        self.spills.next = (self.used.val() >= self.places.val()) | (self.spilled.q.val() & !self.s_first.val());
        self.puts.next = self.s_valid.val() & !self.spills.val();
        self.limit.next = self.limits[0].val();
        if self.s_grade.val() == 1 {
            self.limit.next = self.limits[1].val();
        }
        if self.s_grade.val() == 2 {
            self.limit.next = self.limits[2].val();
        }
        self.fits.next = !self.spills.val() & (self.used.val() < self.limit.val());
        self.ends.next = self.s_valid.val() & self.s_last.val() & (self.s_fault.val() == 0) & (self.s_grade.val() != 3);
        self.kept.d.next = self.ends.val() & self.fits.val();
        self.refused.d.next = self.ends.val() & !self.fits.val();
        if self.s_valid.val() {
            self.spilled.d.next = self.spills.val();
        }
        if self.puts.val() {
            self.write_at.d.next = self.place.val() + 1;
        }
        self.more.next = 0.into();
        if self.puts.val() & !self.queue.m_freed.val() {
            self.more.next = 1.into();
        }
        if !self.puts.val() & self.queue.m_freed.val() {
            self.more.next = self.less.val();
        }
        self.written.d.next = self.used.val() + self.more.val();
        self.settled.next = self.waiting.q.val();
        if self.kept.q.val() {
            self.kept_to.d.next = self.write_at.q.val();
            self.settled.next = self.written.q.val();
        }
        self.gone.next = 0.into();
        if self.queue.m_freed.val() {
            self.gone.next = self.less.val();
        }
        self.waiting.d.next = self.settled.val() + self.gone.val();
        self.is_high.d.next = self.waiting.q.val() >= self.many.val();

        self.queue.reset.next = self.reset.val();
        self.queue.s_write.next = self.puts.val();
        self.queue.s_at.next = self.place.val();
        self.queue.s_data.next = self.s_data.val();
        self.queue.s_last_byte.next = self.s_last_byte.val();
        self.queue.s_last.next = self.s_last.val();
        self.queue.s_end.next = self.kept_to.q.val();
        self.m_valid.next = self.queue.m_valid.val();
        self.m_data.next = self.queue.m_data.val();
        self.m_last_byte.next = self.queue.m_last_byte.val();
        self.m_last.next = self.queue.m_last.val();
        self.queue.m_taken.next = self.m_taken.val();
        self.high.next = self.is_high.q.val();
        self.stat_kept.next = self.kept.q.val();
        self.stat_refused.next = self.refused.q.val();

        if self.reset.val() {
            self.write_at.d.next = 0.into();
            self.kept_to.d.next = 0.into();
            self.written.d.next = 0.into();
            self.waiting.d.next = 0.into();
            self.spilled.d.next = false;
            self.kept.d.next = false;
            self.refused.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
