//! One bit from another clock: two registers in a row, kept together and free of logic.
//!
//! Not for words: bits that change together may come a clock apart. A level must last for more than one period of `clock`.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Crossing {
    /// Clock of `q`.
    pub clock: Signal<In, Clock>,
    /// From a register of any clock.
    pub d: Signal<In, Bit>,
    /// It, two clocks later.
    pub q: Signal<Out, Bit>,
    _first: bool,
}

impl Logic for Crossing {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self._first;
            self._first = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(
            "// cell crossing
(* ASYNC_REG = \"TRUE\" *) reg [1:0] way;
initial way = 0;
always @(posedge clock) way <= {way[0], d};
always @(*) q = way[1];"
                .to_string(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn a_level_arrives_two_clocks_later() {
        let mut crossing = Crossing::default();
        crossing.connect_all();
        let mut seen = Vec::new();
        for level in [true, true, true, false, false, false] {
            crossing.d.next = level;
            step!(crossing);
            seen.push(crossing.q.val());
        }
        assert_eq!(seen, [false, true, true, true, false, false]);
    }
}
