//! Brings a PHY up: resets it, finds it, has it advertise 1000BASE-T full duplex alone, and goes on asking for its link.
//!
//! The pin `phy_reset_n` is low for `2^W` clocks; the PHY is first asked seven times that later. Addresses are asked from 0
//! up until one answers; where two PHYs share a wire the address has to be known. A transaction is begun in a clock of
//! `turn` alone, so that two of these can take turns on one wire. What is written, by clause 22: register 4, no 10 and no 100 Mb/s, no pause; 9, 1000 full and not
//! half; 7.60 by way of 13 and 14, no Energy Efficient Ethernet; 0, negotiate anew. A PHY that no longer answers is sought
//! again. While `down` is set the PHY is powered down, so that the other end of its wire sees a link go: this is how the
//! loss of the link at one port shows at the other. The delay that RGMII wants on its clocks is set in registers of the
//! maker, which nobody can write before it is known whose PHY it is: it is not written.

use rust_hdl::prelude::*;

use super::mdio::Mdio;

/// What it is at.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
enum Step {
    /// The PHY wakes up.
    Wake,
    /// Identifier, upper and lower half.
    Seek,
    Identify,
    /// Advertisement of 10 and 100 Mb/s and pause; of 1000 Mb/s.
    Slow,
    Fast,
    /// EEE: the MMD, the register in it, that data follow, the data.
    EeeDevice,
    EeeRegister,
    EeeData,
    EeeNone,
    /// Negotiate anew, or power down.
    Control,
    /// The link, for ever.
    Poll,
}

/// See the module. `mdc` is the clock divided by `2^D`.
#[derive(LogicBlock)]
pub struct Phy<const D: usize, const W: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin anew.
    pub reset: Signal<In, Bit>,
    /// A transaction may begin in this clock: nobody else will have one on the wire within the next `2^D * 66` clocks.
    pub turn: Signal<In, Bit>,
    /// Have no link.
    pub down: Signal<In, Bit>,
    /// The PHY has a link, and may have one.
    pub link: Signal<Out, Bit>,
    /// It was found.
    pub found: Signal<Out, Bit>,
    /// Its address.
    pub address: Signal<Out, Bits<5>>,
    /// Its identifier, registers 2 and 3.
    pub identifier: Signal<Out, Bits<32>>,

    /// Reset of the PHY.
    pub phy_reset_n: Signal<Out, Bit>,
    /// See [`Mdio`].
    pub mdc: Signal<Out, Bit>,
    /// See [`Mdio`].
    pub mdio_out: Signal<Out, Bit>,
    /// See [`Mdio`].
    pub mdio_drive: Signal<Out, Bit>,
    /// See [`Mdio`].
    pub mdio_in: Signal<In, Bit>,

    mdio: Mdio<D>,
    step: DFF<Step>,
    asked: DFF<Bit>,
    sleep: DFF<Bits<W>>,
    rounds: DFF<Bits<3>>,
    at: DFF<Bits<5>>,
    upper: DFF<Bits<16>>,
    lower: DFF<Bits<16>>,
    known: DFF<Bit>,
    has_link: DFF<Bit>,
    // What Control has written last, or is about to.
    is_down: DFF<Bit>,
    // A transaction is over, and whether the PHY took part in it; a clock late.
    done: DFF<Bit>,
    answered: DFF<Bit>,

    round_ends: Constant<Bits<W>>,
    first: Constant<Bits<5>>,
    seeks: Constant<Bit>,
    goes: Signal<Local, Bit>,
    write: Signal<Local, Bit>,
    register: Signal<Local, Bits<5>>,
    word: Signal<Local, Bits<16>>,
}

impl<const D: usize, const W: usize> Phy<D, W> {
    /// The PHY of an address up to 31, or the first that is found.
    pub fn new(address: Option<u8>) -> Self {
        assert!(address.is_none_or(|address| address < 32), "an address of MDIO is 0 to 31, not {address:?}");
        Phy {
            clock: Default::default(),
            reset: Default::default(),
            turn: Default::default(),
            down: Default::default(),
            link: Default::default(),
            found: Default::default(),
            address: Default::default(),
            identifier: Default::default(),
            phy_reset_n: Default::default(),
            mdc: Default::default(),
            mdio_out: Default::default(),
            mdio_drive: Default::default(),
            mdio_in: Default::default(),
            mdio: Default::default(),
            step: Default::default(),
            asked: Default::default(),
            sleep: Default::default(),
            rounds: Default::default(),
            at: Default::default(),
            upper: Default::default(),
            lower: Default::default(),
            known: Default::default(),
            has_link: Default::default(),
            is_down: Default::default(),
            done: Default::default(),
            answered: Default::default(),
            round_ends: Constant::new(((1u64 << W) - 1).to_bits()),
            first: Constant::new(u64::from(address.unwrap_or(0)).to_bits()),
            seeks: Constant::new(address.is_none()),
            goes: Default::default(),
            write: Default::default(),
            register: Default::default(),
            word: Default::default(),
        }
    }
}

impl<const D: usize, const W: usize> Logic for Phy<D, W> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, step, asked, sleep, rounds, at, upper, lower, known, has_link, is_down);
        dff_setup!(self, clock, done, answered);
        clock!(self, clock, mdio);
        self.mdio.reset.next = self.reset.val();
        self.mdio.mdio_in.next = self.mdio_in.val();

        // What each step asks for.
        self.write.next = true;
        self.register.next = 0.into();
        self.word.next = 0.into();
        match self.step.q.val() {
            Step::Seek => {
                self.write.next = false;
                self.register.next = 2.into();
            }
            Step::Identify => {
                self.write.next = false;
                self.register.next = 3.into();
            }
            Step::Slow => {
                self.register.next = 4.into();
                self.word.next = 0x0001.into();
            }
            Step::Fast => {
                self.register.next = 9.into();
                self.word.next = 0x0200.into();
            }
            Step::EeeDevice => {
                self.register.next = 13.into();
                self.word.next = 0x0007.into();
            }
            Step::EeeRegister => {
                self.register.next = 14.into();
                self.word.next = 60.into();
            }
            Step::EeeData => {
                self.register.next = 13.into();
                self.word.next = 0x4007.into();
            }
            Step::EeeNone => {
                self.register.next = 14.into();
            }
            Step::Control => {
                self.word.next = 0x1200.into();
                if self.is_down.q.val() {
                    self.word.next = 0x0800.into();
                }
            }
            Step::Poll => {
                self.write.next = false;
                self.register.next = 1.into();
            }
            _ => {}
        }
        self.goes.next = (self.step.q.val() != Step::Wake) & !self.asked.q.val() & self.turn.val();
        self.mdio.s_go.next = self.goes.val();
        self.mdio.s_write.next = self.write.val();
        self.mdio.s_phy.next = self.at.q.val();
        self.mdio.s_register.next = self.register.val();
        self.mdio.s_word.next = self.word.val();
        self.done.d.next = self.mdio.m_done.val();
        self.answered.d.next = self.mdio.m_answered.val() & (self.mdio.m_word.val() != 0xffff);

        if self.goes.val() {
            self.asked.d.next = true;
        }
        if self.done.q.val() {
            self.asked.d.next = false;
        }
        match self.step.q.val() {
            Step::Wake => {
                self.asked.d.next = false;
                self.sleep.d.next = self.sleep.q.val() + 1;
                if self.sleep.q.val() == self.round_ends.val() {
                    self.rounds.d.next = self.rounds.q.val() + 1;
                    if self.rounds.q.val() == 7 {
                        self.step.d.next = Step::Seek;
                    }
                }
            }
            Step::Seek => {
                if self.done.q.val() {
                    if self.answered.q.val() {
                        self.upper.d.next = self.mdio.m_word.val();
                        self.step.d.next = Step::Identify;
                    } else {
                        if self.seeks.val() {
                            self.at.d.next = self.at.q.val() + 1;
                        }
                    }
                }
            }
            Step::Identify => {
                if self.done.q.val() {
                    self.lower.d.next = self.mdio.m_word.val();
                    self.known.d.next = self.answered.q.val();
                    self.step.d.next = Step::Slow;
                }
            }
            Step::Slow => {
                if self.done.q.val() {
                    self.step.d.next = Step::Fast;
                }
            }
            Step::Fast => {
                if self.done.q.val() {
                    self.step.d.next = Step::EeeDevice;
                }
            }
            Step::EeeDevice => {
                if self.done.q.val() {
                    self.step.d.next = Step::EeeRegister;
                }
            }
            Step::EeeRegister => {
                if self.done.q.val() {
                    self.step.d.next = Step::EeeData;
                }
            }
            Step::EeeData => {
                if self.done.q.val() {
                    self.step.d.next = Step::EeeNone;
                }
            }
            Step::EeeNone => {
                if self.done.q.val() {
                    self.is_down.d.next = self.down.val();
                    self.step.d.next = Step::Control;
                }
            }
            Step::Control => {
                self.has_link.d.next = false;
                if self.done.q.val() {
                    self.step.d.next = Step::Poll;
                }
            }
            Step::Poll => {
                if self.done.q.val() {
                    self.has_link.d.next =
                        self.answered.q.val() & self.mdio.m_word.val().get_bit(2) & !self.is_down.q.val();
                    if !self.answered.q.val() {
                        self.known.d.next = false;
                        self.step.d.next = Step::Seek;
                    } else {
                        if self.is_down.q.val() != self.down.val() {
                            self.is_down.d.next = self.down.val();
                            self.step.d.next = Step::Control;
                        }
                    }
                }
            }
        }

        if self.reset.val() {
            self.step.d.next = Step::Wake;
            self.asked.d.next = false;
            self.done.d.next = false;
            self.sleep.d.next = 0.into();
            self.rounds.d.next = 0.into();
            self.at.d.next = self.first.val();
            self.known.d.next = false;
            self.has_link.d.next = false;
            self.is_down.d.next = false;
        }
        self.link.next = self.has_link.q.val();
        self.found.next = self.known.q.val();
        self.address.next = self.at.q.val();
        self.identifier.next = (bit_cast::<32, 16>(self.upper.q.val()) << 16) | bit_cast::<32, 16>(self.lower.q.val());
        self.phy_reset_n.next = (self.step.q.val() != Step::Wake) | (self.rounds.q.val() != 0);
        self.mdc.next = self.mdio.mdc.val();
        self.mdio_out.next = self.mdio.mdio_out.val();
        self.mdio_drive.next = self.mdio.mdio_drive.val();
    }
}

#[cfg(test)]
mod tests;
