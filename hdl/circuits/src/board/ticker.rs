//! NIC_TIME for a board: microseconds since its reset, counted out of the core clock.

use rust_hdl::prelude::*;

/// Bits of a number of clocks in a microsecond.
pub const CLOCKS: usize = 9;

/// See the module.
#[derive(LogicBlock)]
pub struct Ticker {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin at 0.
    pub reset: Signal<In, Bit>,
    /// Microseconds.
    pub nic_time: Signal<Out, Bits<64>>,
    part: DFF<Bits<CLOCKS>>,
    micros: DFF<Bits<64>>,
    ticks: DFF<Bit>,
    last: Constant<Bits<CLOCKS>>,
}

impl Ticker {
    /// A clock of so many MHz, 2 to 511.
    pub fn new(clock_mhz: u32) -> Self {
        assert!((2..1 << CLOCKS).contains(&clock_mhz), "a core clock has 2 to 511 MHz, not {clock_mhz}");
        Ticker {
            clock: Default::default(),
            reset: Default::default(),
            nic_time: Default::default(),
            part: Default::default(),
            micros: Default::default(),
            ticks: Default::default(),
            last: Constant::new(u64::from(clock_mhz - 1).to_bits()),
        }
    }
}

impl Logic for Ticker {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, part, micros, ticks);
        self.part.d.next = self.part.q.val() + 1;
        self.ticks.d.next = false;
        if self.part.q.val() == self.last.val() {
            self.part.d.next = 0.into();
            self.ticks.d.next = true;
        }
        if self.ticks.q.val() {
            self.micros.d.next = self.micros.q.val() + 1;
        }
        if self.reset.val() {
            self.part.d.next = 0.into();
            self.micros.d.next = 0.into();
            self.ticks.d.next = false;
        }
        self.nic_time.next = self.micros.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Ticker::new(125), "ticker").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn a_microsecond_is_as_many_clocks_as_the_clock_has_megahertz() {
        let mut circuit = Ticker::new(125);
        circuit.connect_all();
        for clocks in 1..=1000u64 {
            step!(circuit);
            assert_eq!(circuit.nic_time.val().to_u64(), (clocks - 1) / 125);
        }
    }
}
