//! A fixed delay in block RAM: what goes in comes out `L` clocks later, every clock.
//!
//! On ECP5 a RAM is 36 bits wide and every two RAMs have address counters of their own: with 72 bits, two RAMs.

use rust_hdl::prelude::*;

use super::ebr::Tiles;

/// `W` bits, `L` clocks from `d` to `q` (3 to `2^A`).
#[derive(LogicBlock)]
pub struct DelayLine<const W: usize, const A: usize, const L: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// In.
    pub d: Signal<In, Bits<W>>,
    /// Out, `L` clocks later.
    pub q: Signal<Out, Bits<W>>,
    _words: Vec<Bits<W>>,
    _at: usize,
    _out: Bits<W>,
}

impl<const W: usize, const A: usize, const L: usize> Default for DelayLine<W, A, L> {
    fn default() -> Self {
        assert!(L >= 3 && L <= 1 << A, "a delay of {L} clocks needs 3..={} places", 1 << A);
        DelayLine {
            clock: Default::default(),
            d: Default::default(),
            q: Default::default(),
            _words: vec![Bits::default(); 1 << A],
            _at: 0,
            _out: Bits::default(),
        }
    }
}

impl<const W: usize, const A: usize, const L: usize> Logic for DelayLine<W, A, L> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let places = 1 << A;
            self.q.next = self._out;
            self._out = self._words[(self._at + places - (L - 2)) % places];
            self._words[self._at] = self.d.val();
            self._at = (self._at + 1) % places;
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        let tiles = Tiles::simple(W, A);
        let pairs = tiles.count().div_ceil(2);
        let from = (1usize << A) + 2 - L;
        Verilog::Custom(format!(
            "`ifdef WEIR_ECP5
reg [{counters}:0] at;
reg [{counters}:0] from;
integer i;
initial for (i = 0; i < {pairs}; i = i + 1) begin
    at[i * {A} +: {A}] = 0;
    from[i * {A} +: {A}] = {from};
end
always @(posedge clock) for (i = 0; i < {pairs}; i = i + 1) begin
    at[i * {A} +: {A}] <= at[i * {A} +: {A}] + 1'b1;
    from[i * {A} +: {A}] <= from[i * {A} +: {A}] + 1'b1;
end
wire [{top}:0] ram_d = d;
{ecp5}
always @(*) q = ram_q;
`else
(* no_rw_check, ram_style = \"block\" *) reg [{w}:0] words [0:{n}];
reg [{a}:0] at;
reg [{a}:0] from;
reg [{w}:0] out;
integer i;
initial begin
    for (i = 0; i <= {n}; i = i + 1) words[i] = 0;
    at = 0;
    from = {from};
    out = 0;
    q = 0;
end
always @(posedge clock) begin
    words[at] <= d;
    at <= at + 1'b1;
end
always @(posedge clock) begin
    from <= from + 1'b1;
    out <= words[from];
    q <= out;
end
`endif",
            counters = pairs * A - 1,
            top = tiles.top(),
            ecp5 = tiles.simple_text("1'b1", &pair("at", A), &pair("from", A)),
            w = W - 1,
            n = (1usize << A) - 1,
            a = A - 1,
        ))
    }
}

/// The slice of a row of counters that belongs to a pair of RAMs.
fn pair(name: &str, bits: usize) -> String {
    format!("{name}[tile / 2 * {bits} +: {bits}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn what_goes_in_comes_out_after_its_delay() {
        let mut line = DelayLine::<16, 4, 7>::default();
        line.connect_all();
        for clock in 1..100u64 {
            line.d.next = clock.into();
            step!(line);
            assert_eq!(line.q.val().to_u64(), clock.saturating_sub(6));
        }
    }
}
