//! The source MAC of a frame on its way out, replaced in the beats that hold it: octets 6 to 11.

use std::fmt::Write;

use rust_hdl::prelude::*;

/// First octet of the source MAC in a frame.
const SOURCE: usize = 6;

/// A beat of `W` bits, octet 0 of the frame lowest; at once.
#[derive(LogicBlock, Default)]
pub struct Remask<const W: usize> {
    /// Beat.
    pub data: Signal<In, Bits<W>>,
    /// It is the first of its frame and its source is replaced.
    pub first: Signal<In, Bit>,
    /// It is the second, likewise.
    pub second: Signal<In, Bit>,
    /// The source that leaves, first octet in bits 7:0.
    pub mac: Signal<In, Bits<48>>,
    /// Beat, replaced.
    pub masked: Signal<Out, Bits<W>>,
}

impl<const W: usize> Logic for Remask<W> {
    fn update(&mut self) {
        let mut data = self.data.val();
        for octet in 0..6 {
            let (beat, lane) = ((SOURCE + octet) / (W / 8), (SOURCE + octet) % (W / 8));
            if (beat == 0 && self.first.val()) || (beat == 1 && self.second.val()) {
                for bit in 0..8 {
                    data = data.replace_bit(lane * 8 + bit, self.mac.val().get_bit(octet * 8 + bit));
                }
            }
        }
        self.masked.next = data;
    }

    fn connect(&mut self) {
        self.masked.connect();
    }

    fn hdl(&self) -> Verilog {
        let mut text = format!("// cell remask_{W}\nalways @(*) begin\n    masked = data;\n");
        for octet in 0..6 {
            let (beat, lane) = ((SOURCE + octet) / (W / 8), (SOURCE + octet) % (W / 8));
            let when = ["first", "second"][beat];
            writeln!(text, "    if ({when}) masked[{}+:8] = mac[{}+:8];", lane * 8, octet * 8)
                .expect("a string takes what is written");
        }
        Verilog::Custom(text + "end")
    }
}
