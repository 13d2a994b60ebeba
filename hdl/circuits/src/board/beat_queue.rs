//! Beats in block RAM, read ahead: what both queues of frames are made of.
//!
//! Who writes says where, and up to where beats may come out; what is in between is its own. What comes out comes a beat a
//! clock as long as it is taken, so that a header behind it has no gaps. Seven beats wait outside the RAM, one of them in a
//! register, so that what is offered is there when the clock begins. The RAMs of a queue lie far from each other and from all
//! else, so what is written rests for a clock on its way. Latency: five clocks from `s_end` to `m_valid`, if no other beat waits.

use rust_hdl::prelude::*;

use crate::cell::block_ram::BlockRam;
use crate::cell::fifo::Fifo;

/// `2^A` beats; `N` is `A + 1`: a place counts on over the end of the RAM, so that a full one is no empty one.
#[derive(LogicBlock)]
pub struct BeatQueue<const A: usize, const N: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin at place 0, with nothing inside.
    pub reset: Signal<In, Bit>,
    /// Write a beat in this clock.
    pub s_write: Signal<In, Bit>,
    /// Its place.
    pub s_at: Signal<In, Bits<N>>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// The place behind the last beat that may come out; `s_write` was in the clock before or earlier.
    pub s_end: Signal<In, Bits<N>>,

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
    /// A place of the RAM became free in the clock before.
    pub m_freed: Signal<Out, Bit>,

    ram: BlockRam<72, A>,
    ahead: Fifo<68, 3>,
    writes: DFF<Bit>,
    write_at: DFF<Bits<A>>,
    write_word: DFF<Bits<68>>,
    // The next place to fetch, the one behind it, and whether the next one may come out.
    read_at: DFF<Bits<N>>,
    read_next: DFF<Bits<N>>,
    more: DFF<Bit>,
    // A word of the RAM is one clock away; is there.
    comes: DFF<Bit>,
    came: DFF<Bit>,
    // The beat that is offered.
    offered: DFF<Bit>,
    beat: DFF<Bits<68>>,
    // One was taken in the clock before; fetched, and not taken before that.
    taken: DFF<Bit>,
    pending: DFF<Bits<3>>,

    one: Constant<Bits<N>>,

    word: Signal<Local, Bits<68>>,
    fetches: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
}

impl<const A: usize, const N: usize> Default for BeatQueue<A, N> {
    fn default() -> Self {
        assert!(N == A + 1, "2^{A} beats have places of {} bits, not {N}", A + 1);
        BeatQueue {
            clock: Default::default(),
            reset: Default::default(),
            s_write: Default::default(),
            s_at: Default::default(),
            s_data: Default::default(),
            s_last_byte: Default::default(),
            s_last: Default::default(),
            s_end: Default::default(),
            m_valid: Default::default(),
            m_data: Default::default(),
            m_last_byte: Default::default(),
            m_last: Default::default(),
            m_taken: Default::default(),
            m_freed: Default::default(),
            ram: Default::default(),
            ahead: Default::default(),
            writes: Default::default(),
            write_at: Default::default(),
            write_word: Default::default(),
            read_at: Default::default(),
            read_next: Default::default(),
            more: Default::default(),
            comes: Default::default(),
            came: Default::default(),
            offered: Default::default(),
            beat: Default::default(),
            taken: Default::default(),
            pending: Default::default(),
            one: Constant::new(1usize.to_bits()),
            word: Default::default(),
            fetches: Default::default(),
            moves: Default::default(),
        }
    }
}

impl<const A: usize, const N: usize> Logic for BeatQueue<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, writes, write_at, write_word, read_at, read_next, more, comes, came);
        dff_setup!(self, clock, offered, beat, taken, pending);
        clock!(self, clock, ram, ahead);
        self.word.next = bit_cast::<68, 64>(self.s_data.val())
            | (bit_cast::<68, 3>(self.s_last_byte.val()) << 64)
            | (bit_cast::<68, 1>(self.s_last.val().into()) << 67);
        self.writes.d.next = self.s_write.val();
        self.write_at.d.next = self.s_at.val().get_bits::<A>(0);
        self.write_word.d.next = self.word.val();
        self.ram.we.next = self.writes.q.val();
        self.ram.waddr.next = self.write_at.q.val();
        self.ram.wdata.next = bit_cast::<72, 68>(self.write_word.q.val());

        self.fetches.next = self.more.q.val() & (self.pending.q.val() != 7);
        self.ram.raddr.next = self.read_at.q.val().get_bits::<A>(0);
        self.more.d.next = self.read_at.q.val() != self.s_end.val();
        if self.fetches.val() {
            self.read_at.d.next = self.read_next.q.val();
            self.read_next.d.next = self.read_next.q.val() + 1;
            self.more.d.next = self.read_next.q.val() != self.s_end.val();
        }
        self.taken.d.next = self.offered.q.val() & self.m_taken.val();
        if self.fetches.val() & !self.taken.q.val() {
            self.pending.d.next = self.pending.q.val() + 1;
        }
        if self.taken.q.val() & !self.fetches.val() {
            self.pending.d.next = self.pending.q.val() - 1;
        }
        self.comes.d.next = self.fetches.val();
        self.came.d.next = self.comes.q.val();
        self.m_freed.next = self.comes.q.val();
        self.ahead.reset.next = self.reset.val();
        self.ahead.write.next = self.came.q.val();
        self.ahead.data_in.next = self.ram.rdata.val().get_bits::<68>(0);
        self.moves.next = !self.ahead.empty.val() & (!self.offered.q.val() | self.m_taken.val());
        self.ahead.read.next = self.moves.val();
        if self.m_taken.val() {
            self.offered.d.next = false;
        }
        if self.moves.val() {
            self.offered.d.next = true;
            self.beat.d.next = self.ahead.data_out.val();
        }
        self.m_valid.next = self.offered.q.val();
        self.m_data.next = self.beat.q.val().get_bits::<64>(0);
        self.m_last_byte.next = self.beat.q.val().get_bits::<3>(64);
        self.m_last.next = self.beat.q.val().get_bit(67);
        if self.reset.val() {
            self.writes.d.next = false;
            self.read_at.d.next = 0.into();
            self.read_next.d.next = self.one.val();
            self.more.d.next = false;
            self.comes.d.next = false;
            self.came.d.next = false;
            self.offered.d.next = false;
            self.taken.d.next = false;
            self.pending.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut BeatQueue::<9, 10>::default(), "beat_queue").expect("nothing that Verilog takes otherwise");
    }
}
