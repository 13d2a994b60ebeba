//! A small queue in distributed RAM; the head is there to read without asking.
//!
//! It is sized so that it cannot overflow where it is used, and has no `full`.

use rust_hdl::prelude::*;

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
    /// The head; the clock after it was written at the earliest.
    pub data_out: Signal<Out, Bits<W>>,
    /// There is no head.
    pub empty: Signal<Out, Bit>,
    ram: LutRam<W, A>,
    head: DFF<Bits<A>>,
    tail: DFF<Bits<A>>,
}

impl<const W: usize, const A: usize> Default for Fifo<W, A> {
    fn default() -> Self {
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
        self.data_out.next = self.ram.rdata.val();
        self.empty.next = self.head.q.val() == self.tail.q.val();
    }
}

/// Distributed RAM: written at the clock, read without one.
#[derive(LogicBlock)]
pub struct LutRam<const W: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write this clock.
    pub we: Signal<In, Bit>,
    /// Address to write.
    pub waddr: Signal<In, Bits<A>>,
    /// Word to write.
    pub wdata: Signal<In, Bits<W>>,
    /// Address to read.
    pub raddr: Signal<In, Bits<A>>,
    /// The word there.
    pub rdata: Signal<Out, Bits<W>>,
    _words: Vec<Bits<W>>,
}

impl<const W: usize, const A: usize> Default for LutRam<W, A> {
    fn default() -> Self {
        LutRam {
            clock: Default::default(),
            we: Default::default(),
            waddr: Default::default(),
            wdata: Default::default(),
            raddr: Default::default(),
            rdata: Default::default(),
            _words: vec![Bits::default(); 1 << A],
        }
    }
}

impl<const W: usize, const A: usize> Logic for LutRam<W, A> {
    fn update(&mut self) {
        if self.clock.pos_edge() && self.we.val() {
            self._words[self.waddr.val().index()] = self.wdata.val();
        }
        self.rdata.next = self._words[self.raddr.val().index()];
    }

    fn connect(&mut self) {
        self.rdata.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "(* ram_style = \"distributed\" *) reg [{w}:0] words [0:{n}];
integer i;
initial for (i = 0; i <= {n}; i = i + 1) words[i] = 0;
always @(posedge clock) if (we) words[waddr] <= wdata;
always @(*) rdata = words[raddr];",
            w = W - 1,
            n = (1usize << A) - 1
        ))
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
