//! The queue behind the pipeline, in block RAM: the pipeline speaks in bursts and cannot be held up, the wire takes a beat in
//! eight clocks.
//!
//! It has no way to say no. Instead it says early how full it is, and who feeds the pipeline stops in time: with less than
//! [`BEGIN`] places free no frame is begun, with less than [`GO_ON`] none goes on behind its header. A beat that finds no place
//! is lost, and told. Latency: four clocks from an empty queue's first beat to `m_valid`; `room_to_begin` and `room_to_go_on`
//! are two clocks late.

use rust_hdl::prelude::*;

use crate::cell::block_ram::BlockRam;
use crate::cell::fifo::Fifo;

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

    ram: BlockRam<72, A>,
    ahead: Fifo<68, 3>,
    write_at: DFF<Bits<N>>,
    read_at: DFF<Bits<N>>,
    comes: DFF<Bit>,
    came: DFF<Bit>,
    pending: DFF<Bits<3>>,
    level: DFF<Bits<N>>,
    begins: DFF<Bit>,
    goes_on: DFF<Bit>,
    spilled: DFF<Bit>,

    begin_limit: Constant<Bits<N>>,
    go_on_limit: Constant<Bits<N>>,
    places: Constant<Bits<N>>,
    used: Signal<Local, Bits<N>>,
    puts: Signal<Local, Bit>,
    word: Signal<Local, Bits<68>>,
    fetches: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
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
            ram: Default::default(),
            ahead: Default::default(),
            write_at: Default::default(),
            read_at: Default::default(),
            comes: Default::default(),
            came: Default::default(),
            pending: Default::default(),
            level: Default::default(),
            begins: Default::default(),
            goes_on: Default::default(),
            spilled: Default::default(),
            begin_limit: Constant::new(((1usize << A) - BEGIN).to_bits()),
            go_on_limit: Constant::new(((1usize << A) - GO_ON).to_bits()),
            places: Constant::new((1usize << A).to_bits()),
            used: Default::default(),
            puts: Default::default(),
            word: Default::default(),
            fetches: Default::default(),
            takes: Default::default(),
        }
    }
}

impl<const A: usize, const N: usize> Logic for Outlet<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, write_at, read_at, comes, came, pending, level, begins, goes_on, spilled);
        clock!(self, clock, ram, ahead);
        self.used.next = self.write_at.q.val() - self.read_at.q.val();
        self.puts.next = self.s_valid.val() & (self.used.val() != self.places.val());
        self.spilled.d.next = self.s_valid.val() & (self.used.val() == self.places.val());
        if self.puts.val() {
            self.write_at.d.next = self.write_at.q.val() + 1;
        }
        self.word.next = bit_cast::<68, 64>(self.s_data.val())
            | (bit_cast::<68, 3>(self.s_last_byte.val()) << 64)
            | (bit_cast::<68, 1>(self.s_last.val().into()) << 67);
        self.ram.we.next = self.puts.val();
        self.ram.waddr.next = self.write_at.q.val().get_bits::<A>(0);
        self.ram.wdata.next = bit_cast::<72, 68>(self.word.val());

        self.takes.next = self.m_taken.val() & !self.ahead.empty.val();
        self.fetches.next = (self.read_at.q.val() != self.write_at.q.val()) & (self.pending.q.val() != 7);
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

        self.level.d.next = self.used.val();
        self.begins.d.next = self.level.q.val() <= self.begin_limit.val();
        self.goes_on.d.next = self.level.q.val() <= self.go_on_limit.val();
        self.room_to_begin.next = self.begins.q.val();
        self.room_to_go_on.next = self.goes_on.q.val();
        self.stat_spilled.next = self.spilled.q.val();
        if self.reset.val() {
            self.write_at.d.next = 0.into();
            self.read_at.d.next = 0.into();
            self.comes.d.next = false;
            self.came.d.next = false;
            self.pending.d.next = 0.into();
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
