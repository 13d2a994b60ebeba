//! The wire to the registers of a PHY: MDIO as of IEEE 802.3 clause 22, one transaction at a time.
//!
//! `mdc` is the core clock divided by `2^D`: with 6 bits and 125 MHz 1.95 MHz, below the 2.5 MHz that every PHY takes. What is
//! driven changes at its falling edge, what is read is sampled just before its rising one. A transaction is 64 bits, 32 of
//! preamble among them, and takes `2^D * 64` clocks and up to `2^D` more. Between transactions `mdc` goes on. Behind a reset that
//! cuts one, a PHY needs the time of another until it listens.

use rust_hdl::prelude::*;

use crate::cell::crossing::Crossing;

/// See the module.
#[derive(LogicBlock)]
pub struct Mdio<const D: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Drop the transaction.
    pub reset: Signal<In, Bit>,
    /// Begin one, if none is under way.
    pub s_go: Signal<In, Bit>,
    /// It writes, else it reads.
    pub s_write: Signal<In, Bit>,
    /// Address of the PHY.
    pub s_phy: Signal<In, Bits<5>>,
    /// Its register.
    pub s_register: Signal<In, Bits<5>>,
    /// Word to write.
    pub s_word: Signal<In, Bits<16>>,
    /// The transaction is over, in this clock.
    pub m_done: Signal<Out, Bit>,
    /// Word that was read.
    pub m_word: Signal<Out, Bits<16>>,
    /// A PHY answered the read.
    pub m_answered: Signal<Out, Bit>,

    /// Clock of the PHY.
    pub mdc: Signal<Out, Bit>,
    /// Level to drive.
    pub mdio_out: Signal<Out, Bit>,
    /// Drive it.
    pub mdio_drive: Signal<Out, Bit>,
    /// Level of the pin, which is pulled up.
    pub mdio_in: Signal<In, Bit>,

    level: Crossing,
    divider: DFF<Bits<D>>,
    wanted: DFF<Bit>,
    busy: DFF<Bit>,
    at: DFF<Bits<6>>,
    writes: DFF<Bit>,
    frame: DFF<Bits<32>>,
    out: DFF<Bit>,
    drive: DFF<Bit>,
    word: DFF<Bits<16>>,
    answered: DFF<Bit>,
    done: DFF<Bit>,

    falls_at: Constant<Bits<D>>,
    rises_at: Constant<Bits<D>>,
    mdc_bit: Constant<Bits<8>>,
    falls: Signal<Local, Bit>,
    rises: Signal<Local, Bit>,
    starts: Signal<Local, Bits<32>>,
}

impl<const D: usize> Default for Mdio<D> {
    fn default() -> Self {
        assert!(D >= 2 && D <= 16, "mdc is 2^2 to 2^16 clocks, not 2^{D}");
        Mdio {
            clock: Default::default(),
            reset: Default::default(),
            s_go: Default::default(),
            s_write: Default::default(),
            s_phy: Default::default(),
            s_register: Default::default(),
            s_word: Default::default(),
            m_done: Default::default(),
            m_word: Default::default(),
            m_answered: Default::default(),
            mdc: Default::default(),
            mdio_out: Default::default(),
            mdio_drive: Default::default(),
            mdio_in: Default::default(),
            level: Default::default(),
            divider: Default::default(),
            wanted: Default::default(),
            busy: Default::default(),
            at: Default::default(),
            writes: Default::default(),
            frame: Default::default(),
            out: Default::default(),
            drive: Default::default(),
            word: Default::default(),
            answered: Default::default(),
            done: Default::default(),
            falls_at: Constant::new(((1u64 << D) - 1).to_bits()),
            rises_at: Constant::new(((1u64 << (D - 1)) - 1).to_bits()),
            mdc_bit: Constant::new((D - 1).to_bits()),
            falls: Default::default(),
            rises: Default::default(),
            starts: Default::default(),
        }
    }
}

impl<const D: usize> Logic for Mdio<D> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, divider, wanted, busy, at, writes, frame, out, drive, word, answered, done);
        clock!(self, clock, level);
        self.level.d.next = self.mdio_in.val();
        self.divider.d.next = self.divider.q.val() + 1;
        self.falls.next = self.divider.q.val() == self.falls_at.val();
        self.rises.next = self.divider.q.val() == self.rises_at.val();

        // Start 01, operation 10 to read or 01 to write, addresses, turnaround 10, word.
        self.starts.next = bit_cast::<32, 16>(self.s_word.val())
            | (bit_cast::<32, 5>(self.s_register.val()) << 18)
            | (bit_cast::<32, 5>(self.s_phy.val()) << 23)
            | 0x6002_0000;
        if self.s_write.val() {
            self.starts.next = bit_cast::<32, 16>(self.s_word.val())
                | (bit_cast::<32, 5>(self.s_register.val()) << 18)
                | (bit_cast::<32, 5>(self.s_phy.val()) << 23)
                | 0x5002_0000;
        }
        if self.s_go.val() & !self.wanted.q.val() & !self.busy.q.val() {
            self.wanted.d.next = true;
            self.writes.d.next = self.s_write.val();
            self.frame.d.next = self.starts.val();
        }

        self.done.d.next = false;
        if self.falls.val() {
            if self.busy.q.val() {
                self.at.d.next = self.at.q.val() + 1;
                if self.at.q.val() >= 31 {
                    self.out.d.next = self.frame.q.val().get_bit(31);
                    self.frame.d.next = self.frame.q.val() << 1;
                }
                // Behind the addresses of a read the PHY speaks.
                if (self.at.q.val() == 45) & !self.writes.q.val() {
                    self.drive.d.next = false;
                }
                if self.at.q.val() == 63 {
                    self.busy.d.next = false;
                    self.drive.d.next = false;
                    self.out.d.next = true;
                    self.done.d.next = true;
                }
            } else {
                if self.wanted.q.val() {
                    self.wanted.d.next = false;
                    self.busy.d.next = true;
                    self.at.d.next = 0.into();
                    self.out.d.next = true;
                    self.drive.d.next = true;
                }
            }
        }
        if self.rises.val() & self.busy.q.val() {
            if self.at.q.val() == 47 {
                self.answered.d.next = !self.level.q.val();
            }
            if self.at.q.val() >= 48 {
                self.word.d.next = (self.word.q.val() << 1) | bit_cast::<16, 1>(self.level.q.val().into());
            }
        }

        if self.reset.val() {
            self.wanted.d.next = false;
            self.busy.d.next = false;
            self.drive.d.next = false;
            self.out.d.next = true;
            self.done.d.next = false;
        }
        self.m_done.next = self.done.q.val();
        self.m_word.next = self.word.q.val();
        self.m_answered.next = self.answered.q.val();
        self.mdc.next = self.divider.q.val().get_bit(self.mdc_bit.val().index());
        self.mdio_out.next = self.out.q.val();
        self.mdio_drive.next = self.drive.q.val();
    }
}

/// A PHY as the standard has it, for the benches.
#[cfg(test)]
pub(super) mod model;

#[cfg(test)]
mod tests {
    use super::model::Phy;
    use super::*;
    use crate::bench::step;

    type Fast = Mdio<3>;

    fn fresh() -> Fast {
        let mut circuit = Fast::default();
        circuit.connect_all();
        circuit.mdio_in.next = true;
        circuit.reset.next = true;
        step!(circuit);
        circuit.reset.next = false;
        circuit
    }

    /// A transaction to its end; what was read, if a PHY answered.
    fn transact(circuit: &mut Fast, phy: &mut Phy, address: u64, register: u64, word: Option<u64>) -> Option<u64> {
        circuit.s_go.next = true;
        circuit.s_write.next = word.is_some();
        circuit.s_phy.next = address.into();
        circuit.s_register.next = register.into();
        circuit.s_word.next = word.unwrap_or_default().into();
        for clock in 0..8 * 66 {
            circuit.mdio_in.next = phy.pin(circuit.mdc.val(), circuit.mdio_drive.val(), circuit.mdio_out.val());
            step!(*circuit);
            circuit.s_go.next = false;
            if circuit.m_done.val() {
                assert!(clock >= 8 * 64, "preamble and frame are 64 bits");
                return circuit.m_answered.val().then(|| circuit.m_word.val().to_u64());
            }
        }
        panic!("the transaction does not end")
    }

    #[test]
    fn it_emits_clean_verilog() {
        crate::emit(&mut Mdio::<6>::default(), "mdio").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn what_is_written_to_a_phy_is_read_from_it_and_from_no_other() {
        let (mut circuit, mut phy) = (fresh(), Phy::new(5));
        for (register, word) in [(0u64, 0x1234u64), (4, 0x8001), (9, 0x0200), (31, 0xffff), (17, 0)] {
            transact(&mut circuit, &mut phy, 5, register, Some(word));
            assert_eq!(u64::from(phy.registers[register as usize]), word);
            assert_eq!(transact(&mut circuit, &mut phy, 5, register, None), Some(word));
            transact(&mut circuit, &mut phy, 4, register, Some(0x5555));
            assert_eq!(transact(&mut circuit, &mut phy, 5, register, None), Some(word), "another was written");
            assert_eq!(transact(&mut circuit, &mut phy, 21, register, None), None, "another was asked");
        }
        assert_eq!(phy.written.len(), 5);
    }

    #[test]
    fn a_reset_lets_go_and_the_next_transaction_is_whole() {
        let (mut circuit, mut phy) = (fresh(), Phy::new(1));
        for clocks in [5, 100, 300, 380, 450] {
            circuit.s_go.next = true;
            circuit.s_write.next = true;
            circuit.s_phy.next = 1u64.into();
            for _ in 0..clocks {
                circuit.mdio_in.next = phy.pin(circuit.mdc.val(), circuit.mdio_drive.val(), circuit.mdio_out.val());
                step!(circuit);
                circuit.s_go.next = false;
            }
            circuit.reset.next = true;
            step!(circuit);
            circuit.reset.next = false;
            assert!(!circuit.mdio_drive.val());
            for _ in 0..8 * 64 {
                circuit.mdio_in.next = phy.pin(circuit.mdc.val(), false, true);
                step!(circuit);
            }
            phy.registers[3] = 0xbeef;
            assert_eq!(transact(&mut circuit, &mut phy, 1, 3, None), Some(0xbeef), "reset after {clocks}");
        }
    }
}
