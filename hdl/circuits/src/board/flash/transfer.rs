//! A transaction with the flash: opcode, address, octets out, octets in, between a fall and a rise of chip select.
//!
//! Who asks holds what it asks until the transaction is done, and shows the octet of the number that is asked for within
//! four clocks. Behind a transaction chip select is high for 16 clocks at the least. Numbers are 0 between transactions.

use rust_hdl::prelude::*;

use super::spi::Spi;

/// What it is at.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    Rest,
    Select,
    Opcode,
    Address,
    Out,
    In,
    Release,
}

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Transfer<const D: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Stop, whatever is under way.
    pub reset: Signal<In, Bit>,
    /// Begin; only while it is idle.
    pub s_go: Signal<In, Bit>,
    /// Do not select the flash: clocks alone.
    pub s_blind: Signal<In, Bit>,
    /// First octet.
    pub s_opcode: Signal<In, Bits<8>>,
    /// An address follows it.
    pub s_addressed: Signal<In, Bit>,
    /// The address.
    pub s_address: Signal<In, Bits<24>>,
    /// Octets to go out behind that.
    pub s_out: Signal<In, Bits<9>>,
    /// Octets to come in behind that.
    pub s_in: Signal<In, Bits<17>>,
    /// Number of the octet that goes out, or came in.
    pub m_at: Signal<Out, Bits<17>>,
    /// The octet of this number to go out.
    pub s_octet: Signal<In, Bits<8>>,
    /// The octet of this number is there, in this clock.
    pub m_came: Signal<Out, Bit>,
    /// It.
    pub m_octet: Signal<Out, Bits<8>>,
    /// It is over, in this clock.
    pub m_done: Signal<Out, Bit>,
    /// Nothing is under way.
    pub m_idle: Signal<Out, Bit>,

    /// Chip select, low.
    pub spi_cs_n: Signal<Out, Bit>,
    /// Clock of the flash.
    pub spi_clock: Signal<Out, Bit>,
    /// To the flash.
    pub spi_mosi: Signal<Out, Bit>,
    /// From the flash.
    pub spi_miso: Signal<In, Bit>,

    spi: Spi<D>,
    step: DFF<Step>,
    clocks: DFF<Bits<4>>,
    // The octet is under way.
    asked: DFF<Bit>,
    place: DFF<Bits<2>>,
    at: DFF<Bits<17>>,
    selected: DFF<Bit>,
    came: DFF<Bit>,
    done: DFF<Bit>,
    // The octet that is begun, a clock after it was decided.
    goes: DFF<Bit>,
    octet: DFF<Bits<8>>,
    // What is asked, which holds, and the number, which holds for the time of an octet: each known a clock later.
    out_left: DFF<Bit>,
    in_left: DFF<Bit>,
    is_last_out: DFF<Bit>,
    is_last_in: DFF<Bit>,
    works: Signal<Local, Bit>,
    at_next: Signal<Local, Bits<17>>,
}

impl<const D: usize> Logic for Transfer<D> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, clocks, asked, place, at, selected, came, done);
        dff_setup!(self, clock, goes, octet, out_left, in_left, is_last_out, is_last_in);
        clock!(self, clock, spi);
        self.spi.reset.next = self.reset.val();
        self.spi.spi_miso.next = self.spi_miso.val();
        self.spi_clock.next = self.spi.spi_clock.val();
        self.spi_mosi.next = self.spi.spi_mosi.val();
        self.spi_cs_n.next = !self.selected.q.val();

        self.octet.d.next = 0.into();
        self.works.next = false;
        self.came.d.next = false;
        self.done.d.next = false;
        self.clocks.d.next = self.clocks.q.val() + 1;
        self.at_next.next = self.at.q.val() + 1;
        self.out_left.d.next = self.s_out.val() != 0;
        self.in_left.d.next = self.s_in.val() != 0;
        self.is_last_out.d.next = self.at_next.val() == bit_cast::<17, 9>(self.s_out.val());
        self.is_last_in.d.next = self.at_next.val() == self.s_in.val();
        match self.step.q.val() {
            Step::Rest => {
                self.clocks.d.next = 0.into();
                if self.s_go.val() {
                    self.step.d.next = Step::Select;
                }
            }
            Step::Select => {
                self.place.d.next = 2.into();
                if self.clocks.q.val() == 15 {
                    self.selected.d.next = !self.s_blind.val();
                    self.step.d.next = Step::Opcode;
                }
            }
            Step::Opcode => {
                self.works.next = true;
                self.octet.d.next = self.s_opcode.val();
                self.at.d.next = 0.into();
                if self.spi.m_done.val() {
                    self.step.d.next = Step::Release;
                    if self.in_left.q.val() {
                        self.step.d.next = Step::In;
                    }
                    if self.out_left.q.val() {
                        self.step.d.next = Step::Out;
                    }
                    if self.s_addressed.val() {
                        self.step.d.next = Step::Address;
                    }
                }
            }
            Step::Address => {
                self.works.next = true;
                self.octet.d.next = self.s_address.val().get_bits::<8>(0);
                if self.place.q.val() == 2 {
                    self.octet.d.next = self.s_address.val().get_bits::<8>(16);
                }
                if self.place.q.val() == 1 {
                    self.octet.d.next = self.s_address.val().get_bits::<8>(8);
                }
                if self.spi.m_done.val() {
                    self.place.d.next = self.place.q.val() - 1;
                    if self.place.q.val() == 0 {
                        self.step.d.next = Step::Release;
                        if self.in_left.q.val() {
                            self.step.d.next = Step::In;
                        }
                        if self.out_left.q.val() {
                            self.step.d.next = Step::Out;
                        }
                    }
                }
            }
            Step::Out => {
                self.works.next = true;
                self.octet.d.next = self.s_octet.val();
                if self.spi.m_done.val() {
                    self.at.d.next = self.at_next.val();
                    if self.is_last_out.q.val() {
                        self.step.d.next = Step::Release;
                        if self.in_left.q.val() {
                            self.at.d.next = 0.into();
                            self.step.d.next = Step::In;
                        }
                    }
                }
            }
            Step::In => {
                self.works.next = true;
                if self.spi.m_done.val() {
                    self.came.d.next = true;
                }
                if self.came.q.val() {
                    self.at.d.next = self.at_next.val();
                    if self.is_last_in.q.val() {
                        self.works.next = false;
                        self.step.d.next = Step::Release;
                    }
                }
            }
            Step::Release => {
                self.selected.d.next = false;
                if self.clocks.q.val() == 15 {
                    self.at.d.next = 0.into();
                    self.done.d.next = true;
                    self.step.d.next = Step::Rest;
                }
            }
        }
        // The next octet begins some clocks after the last: what is to go out is asked for by its number before.
        self.goes.d.next = false;
        if self.works.val() & !self.asked.q.val() & (self.clocks.q.val() == 15) {
            self.asked.d.next = true;
            self.goes.d.next = true;
        }
        self.spi.s_go.next = self.goes.q.val();
        self.spi.s_octet.next = self.octet.q.val();
        if self.spi.m_done.val() {
            self.asked.d.next = false;
            self.clocks.d.next = 8.into();
        }
        if self.reset.val() {
            self.step.d.next = Step::Rest;
            self.asked.d.next = false;
            self.goes.d.next = false;
            self.selected.d.next = false;
            self.came.d.next = false;
            self.done.d.next = false;
        }
        self.m_at.next = self.at.q.val();
        self.m_came.next = self.came.q.val();
        self.m_octet.next = self.spi.m_octet.val();
        self.m_done.next = self.done.q.val();
        self.m_idle.next = self.step.q.val() == Step::Rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Transfer::<3>::default(), "transfer").expect("nothing that Verilog takes otherwise");
    }
}
