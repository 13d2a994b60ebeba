//! Distributed RAM: written at the clock, read without one. Who reads puts a register behind it.
//!
//! Up to 64 words. ECP5 makes 16 words of 4 bits of a `DPR16X4`, UltraScale+ 32 words of 14 bits of a `RAM32M16`; two
//! words are left to synthesis, which takes registers where they are cheaper.

use rust_hdl::prelude::*;

/// `2^A` words of `W` bits, zero at power-on.
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
        assert!((1..=6).contains(&A), "2 to 64 words, not 2^{A}");
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
        let style = if A > 1 { "(* ram_style = \"distributed\" *) " } else { "" };
        Verilog::Custom(format!(
            "{style}reg [{w}:0] words [0:{n}];
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

    fn each_word_is_read_in_the_clock_of_its_address<const A: usize>() {
        let mut ram = LutRam::<7, A>::default();
        ram.connect_all();
        let word = |address: u64| (address * 37 + 5) % 128;
        ram.we.next = true;
        for address in 0..1 << A {
            ram.waddr.next = address.into();
            ram.wdata.next = word(address).into();
            step!(ram);
        }
        ram.we.next = false;
        ram.wdata.next = 0.into();
        step!(ram);
        for address in 0..1 << A {
            ram.raddr.next = address.into();
            assert!(simulate(&mut ram, 100));
            assert_eq!(ram.rdata.val().to_u64(), word(address), "word {address} of 2^{A}");
        }
    }

    #[test]
    fn two_words_and_sixty_four_are_read_without_a_clock() {
        each_word_is_read_in_the_clock_of_its_address::<1>();
        each_word_is_read_in_the_clock_of_its_address::<4>();
        each_word_is_read_in_the_clock_of_its_address::<6>();
    }
}
