//! The clock of the configuration flash: no pin of its own, but a way out of the fabric that ECP5 has once.
//!
//! As the block RAM, it writes two texts: the primitive under `WEIR_ECP5`, and nothing but a wire to everyone else. The
//! primitive lets some clocks pass unheard after the board was configured: who uses it makes some before it selects the flash.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Usrmclk {
    /// Clock for the flash.
    pub d: Signal<In, Bit>,
    /// It, for benches and boards where it is a pin.
    pub q: Signal<Out, Bit>,
}

impl Logic for Usrmclk {
    fn update(&mut self) {
        self.q.next = self.d.val();
    }

    fn connect(&mut self) {
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(
            "// cell usrmclk
`ifdef WEIR_ECP5
(* keep *) USRMCLK mclk (.USRMCLKI(d), .USRMCLKTS(1'b0));
`endif
always @(*) q = d;"
                .to_string(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        let text = crate::emit(&mut Usrmclk::default(), "usrmclk").expect("nothing that Verilog takes otherwise");
        assert!(text.contains("USRMCLK mclk"));
    }
}
