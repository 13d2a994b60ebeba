//! Block RAM with one write and one read port.
//!
//! Latency: `rdata` belongs to the address sampled two clocks before, on every target: one clock in the RAM, one in its
//! output register. A word that is read in the clock in which it is written may come as anything: nobody does that. On
//! ECP5 a RAM holds 36 bits of 512 words, 18 of 1024, down to one of 16384; on other targets what the tool makes of it.

use rust_hdl::prelude::*;

use super::ebr::Tiles;

/// `2^A` words of `W` bits, zero at power-on.
#[derive(LogicBlock)]
pub struct BlockRam<const W: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Address to read.
    pub raddr: Signal<In, Bits<A>>,
    /// The word, two clocks later.
    pub rdata: Signal<Out, Bits<W>>,
    /// Write this clock.
    pub we: Signal<In, Bit>,
    /// Address to write.
    pub waddr: Signal<In, Bits<A>>,
    /// Word to write.
    pub wdata: Signal<In, Bits<W>>,
    _words: Vec<Bits<W>>,
    _out: Bits<W>,
}

impl<const W: usize, const A: usize> Default for BlockRam<W, A> {
    fn default() -> Self {
        BlockRam {
            clock: Default::default(),
            raddr: Default::default(),
            rdata: Default::default(),
            we: Default::default(),
            waddr: Default::default(),
            wdata: Default::default(),
            _words: vec![Bits::default(); 1 << A],
            _out: Bits::default(),
        }
    }
}

impl<const W: usize, const A: usize> Logic for BlockRam<W, A> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.rdata.next = self._out;
            self._out = self._words[self.raddr.val().index()];
            if self.we.val() {
                self._words[self.waddr.val().index()] = self.wdata.val();
            }
        }
    }

    fn connect(&mut self) {
        self.rdata.connect();
    }

    fn hdl(&self) -> Verilog {
        let tiles = Tiles::simple(W, A);
        Verilog::Custom(format!(
            "`ifdef WEIR_ECP5
wire [{top}:0] ram_d = wdata;
{ecp5}
always @(*) rdata = ram_q;
`else
(* no_rw_check, ram_style = \"block\" *) reg [{w}:0] words [0:{n}];
reg [{w}:0] out;
integer i;
initial begin
    for (i = 0; i <= {n}; i = i + 1) words[i] = 0;
    out = 0;
    rdata = 0;
end
always @(posedge clock) if (we) words[waddr] <= wdata;
always @(posedge clock) begin
    out <= words[raddr];
    rdata <= out;
end
`endif",
            top = tiles.top(),
            ecp5 = tiles.simple_text("we", "waddr", "raddr"),
            w = W - 1,
            n = (1usize << A) - 1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn a_word_comes_back_two_clocks_after_its_address() {
        let mut ram = BlockRam::<32, 6>::default();
        ram.connect_all();
        ram.we.next = true;
        for word in 0..64u64 {
            ram.waddr.next = word.into();
            ram.wdata.next = (word * 3 + 1).into();
            step!(ram);
        }
        ram.we.next = false;
        let mut read = Vec::new();
        for word in 0..10u64 {
            ram.raddr.next = word.into();
            step!(ram);
            read.push(ram.rdata.val().to_u64());
        }
        assert_eq!(read[1..], [1, 4, 7, 10, 13, 16, 19, 22, 25]);
    }
}
