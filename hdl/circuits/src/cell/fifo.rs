//! A small queue in distributed RAM; the head is there to read without asking.
//!
//! It is sized so that it cannot overflow where it is used, and has no `full`. A forwarding queue shows a word in the
//! clock in which it comes if nothing is before it; else a word is there the clock after at the earliest.

use rust_hdl::prelude::*;

use crate::cell::lut_ram::LutRam;

/// `2^A` words of `W` bits.
#[derive(LogicBlock)]
pub struct Fifo<const W: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Empty it.
    pub reset: Signal<In, Bit>,
    /// Put `data_in` behind the last word.
    pub write: Signal<In, Bit>,
    /// Word to put.
    pub data_in: Signal<In, Bits<W>>,
    /// Take the head away.
    pub read: Signal<In, Bit>,
    /// The head.
    pub data_out: Signal<Out, Bits<W>>,
    /// There is no head.
    pub empty: Signal<Out, Bit>,
    ram: LutRam<W, A>,
    head: DFF<Bits<A>>,
    tail: DFF<Bits<A>>,
    forwarding: Constant<Bit>,
    bare: Signal<Local, Bit>,
}

impl<const W: usize, const A: usize> Default for Fifo<W, A> {
    fn default() -> Self {
        Fifo::new(false)
    }
}

impl<const W: usize, const A: usize> Fifo<W, A> {
    /// An empty queue.
    pub fn new(forwarding: bool) -> Self {
        Fifo {
            clock: Default::default(),
            reset: Default::default(),
            write: Default::default(),
            data_in: Default::default(),
            read: Default::default(),
            data_out: Default::default(),
            empty: Default::default(),
            ram: Default::default(),
            head: Default::default(),
            tail: Default::default(),
            forwarding: Constant::new(forwarding),
            bare: Default::default(),
        }
    }
}

impl<const W: usize, const A: usize> Logic for Fifo<W, A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head, tail);
        clock!(self, clock, ram);
        self.ram.we.next = self.write.val();
        self.ram.waddr.next = self.tail.q.val();
        self.ram.wdata.next = self.data_in.val();
        self.ram.raddr.next = self.head.q.val();
        if self.write.val() {
            self.tail.d.next = self.tail.q.val() + 1;
        }
        if self.read.val() {
            self.head.d.next = self.head.q.val() + 1;
        }
        if self.reset.val() {
            self.head.d.next = 0.into();
            self.tail.d.next = 0.into();
        }
        self.bare.next = self.head.q.val() == self.tail.q.val();
        self.data_out.next = self.ram.rdata.val();
        self.empty.next = self.bare.val();
        if self.forwarding.val() & self.bare.val() {
            self.data_out.next = self.data_in.val();
            self.empty.next = !self.write.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use std::collections::VecDeque;

    #[test]
    fn words_leave_in_the_order_they_came() {
        let mut fifo = Fifo::<8, 4>::default();
        fifo.connect_all();
        let mut model = VecDeque::new();
        let mut random = 1u64;
        for word in 0..500u64 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let write = model.len() < 15 && random >> 40 & 1 == 1;
            let read = !model.is_empty() && random >> 41 & 1 == 1;
            fifo.write.next = write;
            fifo.data_in.next = (word & 0xff).into();
            fifo.read.next = read;
            step!(fifo);
            if read {
                model.pop_front();
            }
            if write {
                model.push_back(word & 0xff);
            }
            fifo.write.next = false;
            fifo.read.next = false;
            assert!(simulate(&mut fifo, 100));
            assert_eq!(fifo.empty.val(), model.is_empty());
            if let Some(&head) = model.front() {
                assert_eq!(fifo.data_out.val().to_u64(), head);
            }
        }
    }
}
