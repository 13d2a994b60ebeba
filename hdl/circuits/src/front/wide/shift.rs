//! A fixed delay of a few clocks for data: registers in a row, without reset and without enable, so that a tool may take
//! a shift register.

use rust_hdl::prelude::*;

/// `W` bits, `L` clocks from `d` to `q`.
#[derive(LogicBlock)]
pub struct Shift<const W: usize, const L: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// In.
    pub d: Signal<In, Bits<W>>,
    /// Out, `L` clocks later.
    pub q: Signal<Out, Bits<W>>,
    place: [DFF<Bits<W>>; L],
}

impl<const W: usize, const L: usize> Default for Shift<W, L> {
    fn default() -> Self {
        assert!(L >= 1, "a delay of no clock is a wire");
        Shift {
            clock: Default::default(),
            d: Default::default(),
            q: Default::default(),
            place: std::array::from_fn(|_| DFF::default()),
        }
    }
}

impl<const W: usize, const L: usize> Logic for Shift<W, L> {
    #[hdl_gen]
    fn update(&mut self) {
        // Each place takes from the next, the last from outside.
        for i in 0..L {
            self.place[i].clock.next = self.clock.val();
            self.place[i].d.next = self.d.val();
        }
        for i in 1..L {
            self.place[i - 1].d.next = self.place[i].q.val();
        }
        self.q.next = self.place[0].q.val();
    }
}
