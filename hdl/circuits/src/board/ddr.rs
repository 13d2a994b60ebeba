//! Pins that carry two bits a clock: the registers of ECP5's pads, IDDRX1F and ODDRX1F, and the delay before the former.
//!
//! As the block RAM, each writes two texts: the primitive under `WEIR_ECP5`, and what it means to everyone else. The meaning is
//! taken from Lattice's usage guide (FPGA-TN-02035) and has been compared with no silicon.

use rust_hdl::prelude::*;

/// `N` pins in, some steps of DELAYG late.
#[derive(LogicBlock)]
pub struct DdrIn<const N: usize> {
    /// Clock of the pins.
    pub clock: Signal<In, Clock>,
    /// Pins.
    pub d: Signal<In, Bits<N>>,
    /// What they were at the rising edge before.
    pub q_rise: Signal<Out, Bits<N>>,
    /// What they were at the falling edge behind that.
    pub q_fall: Signal<Out, Bits<N>>,
    _risen: Bits<N>,
    _fallen: Bits<N>,
    _delay: u8,
}

/// Steps of DELAYG that there are, some 25 ps each.
pub const MOST_DELAY: u8 = 127;

impl<const N: usize> DdrIn<N> {
    /// Pins that are seen so many steps late, [`MOST_DELAY`] at the most.
    pub fn new(delay: u8) -> Self {
        assert!(delay <= MOST_DELAY, "DELAYG has {MOST_DELAY} steps, not {delay}");
        DdrIn {
            clock: Default::default(),
            d: Default::default(),
            q_rise: Default::default(),
            q_fall: Default::default(),
            _risen: Default::default(),
            _fallen: Default::default(),
            _delay: delay,
        }
    }
}

impl<const N: usize> Logic for DdrIn<N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q_rise.next = self._risen;
            self.q_fall.next = self._fallen;
            self._risen = self.d.val();
        }
        if self.clock.neg_edge() {
            self._fallen = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.q_rise.connect();
        self.q_fall.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "// cell ddr_in_{N}x{delay}
`ifdef WEIR_ECP5
wire [{top}:0] late, rise, fall;
genvar pin;
generate for (pin = 0; pin < {N}; pin = pin + 1) begin : pins
    DELAYG #(.DEL_MODE(\"USER_DEFINED\"), .DEL_VALUE({delay})) delay (.A(d[pin]), .Z(late[pin]));
    IDDRX1F ddr (.D(late[pin]), .SCLK(clock), .RST(1'b0), .Q0(rise[pin]), .Q1(fall[pin]));
end endgenerate
always @(*) q_rise = rise;
always @(*) q_fall = fall;
`else
reg [{top}:0] risen;
reg [{top}:0] fallen;
initial begin
    risen = 0;
    fallen = 0;
    q_rise = 0;
    q_fall = 0;
end
always @(negedge clock) fallen <= d;
always @(posedge clock) begin
    risen <= d;
    q_rise <= risen;
    q_fall <= fallen;
end
`endif",
            top = N - 1,
            delay = self._delay,
        ))
    }
}

/// `N` pins out.
#[derive(LogicBlock, Default)]
pub struct DdrOut<const N: usize> {
    /// Clock of the pins.
    pub clock: Signal<In, Clock>,
    /// What they are to be while the clock is high.
    pub d_rise: Signal<In, Bits<N>>,
    /// What they are to be while it is low after that.
    pub d_fall: Signal<In, Bits<N>>,
    /// Pins.
    pub q: Signal<Out, Bits<N>>,
    _low: Bits<N>,
}

impl<const N: usize> Logic for DdrOut<N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.q.next = self.d_rise.val();
            self._low = self.d_fall.val();
        }
        if self.clock.neg_edge() {
            self.q.next = self._low;
        }
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "// cell ddr_out_{N}
`ifdef WEIR_ECP5
wire [{top}:0] pads;
genvar pin;
generate for (pin = 0; pin < {N}; pin = pin + 1) begin : pins
    ODDRX1F ddr (.D0(d_rise[pin]), .D1(d_fall[pin]), .SCLK(clock), .RST(1'b0), .Q(pads[pin]));
end endgenerate
always @(*) q = pads;
`else
reg [{top}:0] high;
reg [{top}:0] low;
initial begin
    high = 0;
    low = 0;
end
always @(posedge clock) begin
    high <= d_rise;
    low <= d_fall;
end
always @(*) q = clock ? high : low;
`endif",
            top = N - 1,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_emit_clean_verilog() {
        crate::emit(&mut DdrIn::<5>::new(40), "ddr_in").expect("nothing that Verilog takes otherwise");
        crate::emit(&mut DdrOut::<5>::default(), "ddr_out").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn what_goes_out_comes_in_as_the_same_two_words() {
        let (mut out, mut pins) = (DdrOut::<5>::default(), DdrIn::<5>::new(0));
        out.connect_all();
        pins.connect_all();
        let mut seen = Vec::new();
        for word in 0..16u64 {
            out.d_rise.next = word.into();
            out.d_fall.next = (31 - word).into();
            for clk in [true, false] {
                out.clock.next = Clock { clk };
                assert!(simulate(&mut out, 10));
                // The pins are looked at a quarter of a clock later.
                pins.d.next = out.q.val();
                assert!(simulate(&mut pins, 10));
                pins.clock.next = Clock { clk };
                assert!(simulate(&mut pins, 10));
            }
            seen.push((pins.q_rise.val().to_u64(), pins.q_fall.val().to_u64()));
        }
        let expected: Vec<_> = (0..15).map(|word| (word, 31 - word)).collect();
        assert_eq!(seen[1..], expected);
    }
}
