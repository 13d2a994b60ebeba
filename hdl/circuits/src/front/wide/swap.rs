//! Four bytes as they lie in a beat to a word in network order. No clock.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Swap {
    /// First byte at the bottom.
    pub s: Signal<In, Bits<32>>,
    /// First byte on top.
    pub m: Signal<Out, Bits<32>>,
}

impl Logic for Swap {
    #[hdl_gen]
    fn update(&mut self) {
        self.m.next = (bit_cast::<32, 8>(self.s.val().get_bits::<8>(0)) << 24)
            | (bit_cast::<32, 8>(self.s.val().get_bits::<8>(8)) << 16)
            | (bit_cast::<32, 8>(self.s.val().get_bits::<8>(16)) << 8)
            | bit_cast::<32, 8>(self.s.val().get_bits::<8>(24));
    }
}
