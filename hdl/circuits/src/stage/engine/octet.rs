//! What an octet of the input adds to a Toeplitz hash: the XOR of the key windows that its set bits select.
//!
//! No clock; two levels of look-up tables with four inputs.

use rust_hdl::prelude::*;

/// Bit `k` of the octet selects bits `k..k + W` of the window. Derived: `KEYS` is `W + 7`.
#[derive(LogicBlock)]
pub struct Octet<const W: usize, const KEYS: usize> {
    /// Octet.
    pub s_octet: Signal<In, Bits<8>>,
    /// Key bits.
    pub s_window: Signal<In, Bits<KEYS>>,
    /// Their sum.
    pub m_sum: Signal<Out, Bits<W>>,
    pairs: [Signal<Local, Bits<W>>; 4],
}

impl<const W: usize, const KEYS: usize> Default for Octet<W, KEYS> {
    fn default() -> Self {
        assert!(KEYS == W + 7, "an octet selects {} bits of key", W + 7);
        Octet {
            s_octet: Default::default(),
            s_window: Default::default(),
            m_sum: Default::default(),
            pairs: Default::default(),
        }
    }
}

impl<const W: usize, const KEYS: usize> Logic for Octet<W, KEYS> {
    #[hdl_gen]
    fn update(&mut self) {
        // Two terms fill a table.
        for i in 0..4 {
            self.pairs[i].next = 0.into();
            if self.s_octet.val().get_bit(2 * i) {
                self.pairs[i].next = self.s_window.val().get_bits::<W>(2 * i);
            }
            if self.s_octet.val().get_bit(2 * i + 1) {
                self.pairs[i].next = self.pairs[i].val() ^ self.s_window.val().get_bits::<W>(2 * i + 1);
            }
        }
        self.m_sum.next = self.pairs[0].val() ^ self.pairs[1].val() ^ self.pairs[2].val() ^ self.pairs[3].val();
    }
}
