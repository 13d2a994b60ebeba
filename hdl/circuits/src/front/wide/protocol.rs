//! What a next-header byte of IPv6 means, one bit a meaning. No clock.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Protocol {
    /// The byte.
    pub number: Signal<In, Bits<8>>,
    /// Bit 0 an extension header with a length, 1 a fragment header, 2 TCP, 3 UDP, 4 ICMPv6; none of them: another.
    pub meaning: Signal<Out, Bits<5>>,
}

impl Logic for Protocol {
    #[hdl_gen]
    fn update(&mut self) {
        self.meaning.next = 0.into();
        if (self.number.val() == 0) | (self.number.val() == 43) | (self.number.val() == 60) {
            self.meaning.next = 1.into();
        }
        if self.number.val() == 44 {
            self.meaning.next = 2.into();
        }
        if self.number.val() == 6 {
            self.meaning.next = 4.into();
        }
        if self.number.val() == 17 {
            self.meaning.next = 8.into();
        }
        if self.number.val() == 58 {
            self.meaning.next = 16.into();
        }
    }
}
