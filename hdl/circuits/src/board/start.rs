//! The reset of a board: over `2^W` clocks after the PLL has locked and the button is not pressed.

use rust_hdl::prelude::*;

use crate::cell::crossing::Crossing;

/// See the module.
#[derive(LogicBlock)]
pub struct Start<const W: usize> {
    /// Core clock; it need not run until `ready`.
    pub clock: Signal<In, Clock>,
    /// Clocks are as they should be and nobody wants a reset; of any clock.
    pub ready: Signal<In, Bit>,
    /// Reset, from power-on.
    pub reset: Signal<Out, Bit>,
    is_ready: Crossing,
    waited: DFF<Bits<W>>,
    runs: DFF<Bit>,
    long: Constant<Bits<W>>,
}

impl<const W: usize> Default for Start<W> {
    fn default() -> Self {
        Start {
            clock: Default::default(),
            ready: Default::default(),
            reset: Default::default(),
            is_ready: Default::default(),
            waited: Default::default(),
            runs: Default::default(),
            long: Constant::new(((1u64 << W) - 1).to_bits()),
        }
    }
}

impl<const W: usize> Logic for Start<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waited, runs);
        clock!(self, clock, is_ready);
        self.is_ready.d.next = self.ready.val();
        self.waited.d.next = self.waited.q.val() + 1;
        if self.waited.q.val() == self.long.val() {
            self.runs.d.next = true;
        }
        if !self.is_ready.q.val() {
            self.waited.d.next = 0.into();
            self.runs.d.next = false;
        }
        self.reset.next = !self.runs.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Start::<16>::default(), "start").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn a_reset_lasts_until_all_was_ready_for_long() {
        let mut circuit = Start::<3>::default();
        circuit.connect_all();
        let mut ends = Vec::new();
        let mut before = true;
        for clock in 0..60 {
            circuit.ready.next = !(clock < 5 || clock == 8 || clock == 40);
            step!(circuit);
            if circuit.reset.val() != before {
                before = circuit.reset.val();
                ends.push((clock, before));
            }
        }
        // Two clocks to cross, eight to wait, and one to tell.
        assert_eq!(ends, [(18, false), (42, true), (50, false)]);
    }
}
