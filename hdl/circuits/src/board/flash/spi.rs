//! An octet over SPI, mode 0, the top bit first: out by MOSI, and in by MISO.
//!
//! A bit takes `2^D` clocks, the clock of the flash is high in the second half of them. MISO goes through a register and
//! is looked at in the last clock: all of a bit but two clocks is there for the ways to the flash and back, which no tool
//! checks. Chip select is somebody else's.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock)]
pub struct Spi<const D: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Stop.
    pub reset: Signal<In, Bit>,
    /// Begin; not while it is busy.
    pub s_go: Signal<In, Bit>,
    /// Octet to go out.
    pub s_octet: Signal<In, Bits<8>>,
    /// It is over, in this clock.
    pub m_done: Signal<Out, Bit>,
    /// Octet that came in; until the next begins.
    pub m_octet: Signal<Out, Bits<8>>,

    /// Clock of the flash.
    pub spi_clock: Signal<Out, Bit>,
    /// To the flash.
    pub spi_mosi: Signal<Out, Bit>,
    /// From the flash.
    pub spi_miso: Signal<In, Bit>,

    busy: DFF<Bit>,
    phase: DFF<Bits<D>>,
    number: DFF<Bits<3>>,
    out: DFF<Bits<8>>,
    octet: DFF<Bits<8>>,
    pin: DFF<Bit>,
    high: DFF<Bit>,
    done: DFF<Bit>,
    ends: Constant<Bits<D>>,
    middle: Constant<Bits<D>>,
}

impl<const D: usize> Default for Spi<D> {
    fn default() -> Self {
        assert!((1..=6).contains(&D), "a bit of 2^{D} clocks has two halves and an end");
        Spi {
            clock: Default::default(),
            reset: Default::default(),
            s_go: Default::default(),
            s_octet: Default::default(),
            m_done: Default::default(),
            m_octet: Default::default(),
            spi_clock: Default::default(),
            spi_mosi: Default::default(),
            spi_miso: Default::default(),
            busy: Default::default(),
            phase: Default::default(),
            number: Default::default(),
            out: Default::default(),
            octet: Default::default(),
            pin: Default::default(),
            high: Default::default(),
            done: Default::default(),
            ends: Constant::new(((1u64 << D) - 1).to_bits()),
            middle: Constant::new(((1u64 << (D - 1)) - 1).to_bits()),
        }
    }
}

impl<const D: usize> Logic for Spi<D> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, phase, number, out, octet, pin, high, done);
        self.pin.d.next = self.spi_miso.val();
        self.done.d.next = false;
        if self.busy.q.val() {
            self.phase.d.next = self.phase.q.val() + 1;
            if self.phase.q.val() == self.middle.val() {
                self.high.d.next = true;
            }
            if self.phase.q.val() == self.ends.val() {
                self.high.d.next = false;
                self.number.d.next = self.number.q.val() + 1;
                self.out.d.next = self.out.q.val() << 1;
                self.octet.d.next = (self.octet.q.val() << 1) | bit_cast::<8, 1>(self.pin.q.val().into());
                if self.number.q.val() == 7 {
                    self.busy.d.next = false;
                    self.done.d.next = true;
                }
            }
        }
        if self.s_go.val() {
            self.busy.d.next = true;
            self.out.d.next = self.s_octet.val();
            self.phase.d.next = 0.into();
            self.number.d.next = 0.into();
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.high.d.next = false;
            self.done.d.next = false;
        }
        self.m_done.next = self.done.q.val();
        self.m_octet.next = self.octet.q.val();
        self.spi_clock.next = self.high.q.val();
        self.spi_mosi.next = self.out.q.val().get_bit(7);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Spi::<3>::default(), "spi").expect("nothing that Verilog takes otherwise");
    }
}
