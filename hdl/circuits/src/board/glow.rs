//! A light for what is over in a clock: lit for `2^W` clocks behind each event.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Glow<const W: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// It happens in this clock.
    pub s_event: Signal<In, Bit>,
    /// Be lit.
    pub lit: Signal<Out, Bit>,
    glows: DFF<Bit>,
    left: DFF<Bits<W>>,
}

impl<const W: usize> Logic for Glow<W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, glows, left);
        if self.glows.q.val() {
            self.left.d.next = self.left.q.val() - 1;
            if self.left.q.val() == 1 {
                self.glows.d.next = false;
            }
        }
        if self.s_event.val() {
            self.glows.d.next = true;
            self.left.d.next = 0.into();
        }
        self.lit.next = self.glows.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Glow::<24>::default(), "glow").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn it_is_lit_for_its_time_and_anew_with_each_event() {
        let mut circuit = Glow::<3>::default();
        circuit.connect_all();
        let mut lit = Vec::new();
        for clock in 0..40 {
            circuit.s_event.next = [2, 20, 24].contains(&clock);
            step!(circuit);
            if circuit.lit.val() {
                lit.push(clock);
            }
        }
        assert_eq!(lit, (2..10).chain(20..32).collect::<Vec<_>>());
    }
}
