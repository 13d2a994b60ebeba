//! The queue behind the pipeline, in block RAM: the pipeline speaks in bursts and cannot be held up, the wire takes a beat in
//! eight clocks.
//!
//! It has no way to say no. Instead it says early how full it is, and who feeds the pipeline stops in time: with less than
//! [`BEGIN`] places free no frame is begun, with less than [`GO_ON`] none goes on behind its header. A beat that finds no place
//! is lost, and told. Latency: six clocks from an empty queue's first beat to `m_valid`; `room_to_begin` and `room_to_go_on`
//! are two clocks late.

use rust_hdl::prelude::*;

use super::beat_queue::BeatQueue;

/// Beats that may be under way to the queue when it says that it fills: those in the pipeline, and those that are sent
/// before what it says arrives.
pub const GO_ON: usize = crate::top::weir64::LATENCY + 8;
/// And the header of a frame, which is sent without a look.
pub const BEGIN: usize = GO_ON + super::pump::HEADER;

/// `2^A` beats; `N` is `A + 1`.
#[derive(LogicBlock)]
pub struct Outlet<const A: usize, const N: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forget what is inside.
    pub reset: Signal<In, Bit>,
    /// A beat.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
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
    /// A frame may be begun.
    pub room_to_begin: Signal<Out, Bit>,
    /// One that was begun may go on.
    pub room_to_go_on: Signal<Out, Bit>,
    /// A beat was lost.
    pub stat_spilled: Signal<Out, Bit>,

    queue: BeatQueue<A, N>,
    write_at: DFF<Bits<N>>,
    // Beats in the RAM, a clock late in what became free; whether all places but one or more were taken a clock before.
    used: DFF<Bits<N>>,
    full: DFF<Bit>,
    begins: DFF<Bit>,
    goes_on: DFF<Bit>,
    spilled: DFF<Bit>,

    begin_limit: Constant<Bits<N>>,
    go_on_limit: Constant<Bits<N>>,
    full_limit: Constant<Bits<N>>,
    less: Constant<Bits<N>>,
    puts: Signal<Local, Bit>,
    more: Signal<Local, Bits<N>>,
}

impl<const A: usize, const N: usize> Default for Outlet<A, N> {
    fn default() -> Self {
        assert!(N == A + 1 && 1 << A > BEGIN, "2^{A} beats have room for what is under way, and places of {N} bits");
        Outlet {
            clock: Default::default(),
            reset: Default::default(),
            s_valid: Default::default(),
            s_data: Default::default(),
            s_last_byte: Default::default(),
            s_last: Default::default(),
            m_valid: Default::default(),
            m_data: Default::default(),
            m_last_byte: Default::default(),
            m_last: Default::default(),
            m_taken: Default::default(),
            room_to_begin: Default::default(),
            room_to_go_on: Default::default(),
            stat_spilled: Default::default(),
            queue: Default::default(),
            write_at: Default::default(),
            used: Default::default(),
            full: Default::default(),
            begins: Default::default(),
            goes_on: Default::default(),
            spilled: Default::default(),
            begin_limit: Constant::new(((1usize << A) - BEGIN).to_bits()),
            go_on_limit: Constant::new(((1usize << A) - GO_ON).to_bits()),
            full_limit: Constant::new(((1usize << A) - 1).to_bits()),
            less: Constant::new(((1usize << N) - 1).to_bits()),
            puts: Default::default(),
            more: Default::default(),
        }
    }
}

impl<const A: usize, const N: usize> Logic for Outlet<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, write_at, used, full, begins, goes_on, spilled);
        clock!(self, clock, queue);
        self.full.d.next = self.used.q.val() >= self.full_limit.val();
        self.puts.next = self.s_valid.val() & !self.full.q.val();
        self.spilled.d.next = self.s_valid.val() & self.full.q.val();
        if self.puts.val() {
            self.write_at.d.next = self.write_at.q.val() + 1;
        }
        self.more.next = 0.into();
        if self.puts.val() & !self.queue.m_freed.val() {
            self.more.next = 1.into();
        }
        if !self.puts.val() & self.queue.m_freed.val() {
            self.more.next = self.less.val();
        }
        self.used.d.next = self.used.q.val() + self.more.val();

        self.queue.reset.next = self.reset.val();
        self.queue.s_write.next = self.puts.val();
        self.queue.s_at.next = self.write_at.q.val();
        self.queue.s_data.next = self.s_data.val();
        self.queue.s_last_byte.next = self.s_last_byte.val();
        self.queue.s_last.next = self.s_last.val();
        self.queue.s_end.next = self.write_at.q.val();
        self.m_valid.next = self.queue.m_valid.val();
        self.m_data.next = self.queue.m_data.val();
        self.m_last_byte.next = self.queue.m_last_byte.val();
        self.m_last.next = self.queue.m_last.val();
        self.queue.m_taken.next = self.m_taken.val();

        self.begins.d.next = self.used.q.val() <= self.begin_limit.val();
        self.goes_on.d.next = self.used.q.val() <= self.go_on_limit.val();
        self.room_to_begin.next = self.begins.q.val();
        self.room_to_go_on.next = self.goes_on.q.val();
        self.stat_spilled.next = self.spilled.q.val();
        if self.reset.val() {
            self.write_at.d.next = 0.into();
            self.used.d.next = 0.into();
            self.full.d.next = false;
            self.spilled.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Outlet::<9, 10>::default(), "outlet").expect("nothing that Verilog takes otherwise");
    }
}
