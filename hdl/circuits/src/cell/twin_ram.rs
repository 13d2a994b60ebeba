//! Block RAM with two ports that never shows a word half written: the pipeline reads, the host reads or writes.
//!
//! Latency of both reads: two clocks, as [`BlockRam`](super::block_ram::BlockRam). Both ports show the old word when the
//! host overwrites what they read. The exception is the pipeline's port on ECP5, where a collision gives anything: there
//! the host must write while nobody looks at what comes out.

use rust_hdl::prelude::*;

use super::ebr::{Tiles, Writing};

/// `2^A` words of `W` bits, zero at power-on; at most 11 address bits.
#[derive(LogicBlock)]
pub struct TwinRam<const W: usize, const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Address the pipeline reads.
    pub raddr: Signal<In, Bits<A>>,
    /// Its word, two clocks later.
    pub rdata: Signal<Out, Bits<W>>,
    /// Address of the host.
    pub host_addr: Signal<In, Bits<A>>,
    /// The host writes this clock.
    pub host_we: Signal<In, Bit>,
    /// Word the host writes.
    pub host_wdata: Signal<In, Bits<W>>,
    /// Word at the host's address, two clocks later.
    pub host_rdata: Signal<Out, Bits<W>>,
    _words: Vec<Bits<W>>,
    _out: Bits<W>,
    _host_out: Bits<W>,
}

impl<const W: usize, const A: usize> Default for TwinRam<W, A> {
    fn default() -> Self {
        TwinRam {
            clock: Default::default(),
            raddr: Default::default(),
            rdata: Default::default(),
            host_addr: Default::default(),
            host_we: Default::default(),
            host_wdata: Default::default(),
            host_rdata: Default::default(),
            _words: vec![Bits::default(); 1 << A],
            _out: Bits::default(),
            _host_out: Bits::default(),
        }
    }
}

impl<const W: usize, const A: usize> Logic for TwinRam<W, A> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.rdata.next = self._out;
            self.host_rdata.next = self._host_out;
            self._out = self._words[self.raddr.val().index()];
            let word = &mut self._words[self.host_addr.val().index()];
            self._host_out = *word;
            if self.host_we.val() {
                *word = self.host_wdata.val();
            }
        }
    }

    fn connect(&mut self) {
        self.rdata.connect();
        self.host_rdata.connect();
    }

    /// The words are set to zero for simulators alone: block RAM wakes up so, and yosys takes minutes over the loop.
    fn hdl(&self) -> Verilog {
        let tiles = Tiles::twin(W, A);
        Verilog::Custom(format!(
            "`ifdef WEIR_ECP5
wire [{top}:0] ram_d = host_wdata;
{ecp5}
always @(*) rdata = ram_q;
always @(*) host_rdata = host_q;
`else
(* ram_style = \"block\" *) reg [{w}:0] words [0:{n}];
reg [{w}:0] out;
reg [{w}:0] host_out;
`ifndef SYNTHESIS
integer i;
initial for (i = 0; i <= {n}; i = i + 1) words[i] = 0;
`endif
initial begin
    out = 0;
    rdata = 0;
    host_out = 0;
    host_rdata = 0;
end
always @(posedge clock) begin
    if (host_we) words[host_addr] <= host_wdata;
    host_out <= words[host_addr];
    host_rdata <= host_out;
end
always @(posedge clock) begin
    out <= words[raddr];
    rdata <= out;
end
`endif",
            top = tiles.top(),
            ecp5 = tiles.twin_text(Writing::ShowsOld, "host_we", "host_addr", "raddr"),
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
    fn both_ports_show_the_old_word_when_it_is_overwritten() {
        let mut ram = TwinRam::<24, 4>::default();
        ram.connect_all();
        ram.host_addr.next = 3.into();
        ram.raddr.next = 3.into();
        ram.host_we.next = true;
        let mut read = Vec::new();
        for word in 1..6u64 {
            ram.host_wdata.next = word.into();
            step!(ram);
            read.push((ram.host_rdata.val().to_u64(), ram.rdata.val().to_u64()));
        }
        assert_eq!(read, [(0, 0), (0, 0), (1, 1), (2, 2), (3, 3)]);
    }
}
