//! The pins of an RGMII port: four bits of data and one of control, twice a clock, the lower half of an octet first.
//!
//! Out, the clock pin is driven as data are, from a clock a quarter later: the 2 ns that RGMII wants between data and clock. In,
//! they come from the PHY, or from the delay before the pins. The tools check none of this.

use rust_hdl::prelude::*;

use super::ddr::{DdrIn, DdrOut};

/// From the pins, to [`Receive`](super::receive::Receive).
#[derive(LogicBlock)]
pub struct RgmiiIn {
    /// RXC.
    pub clock: Signal<In, Clock>,
    /// RXD.
    pub rx_data: Signal<In, Bits<4>>,
    /// RX_CTL.
    pub rx_ctl: Signal<In, Bit>,
    /// Octet.
    pub m_octet: Signal<Out, Bits<8>>,
    /// RX_CTL at the rising edge.
    pub m_ctl_rise: Signal<Out, Bit>,
    /// RX_CTL at the falling edge.
    pub m_ctl_fall: Signal<Out, Bit>,
    pins: DdrIn<5>,
    rise: Signal<Local, Bits<5>>,
    fall: Signal<Local, Bits<5>>,
}

impl RgmiiIn {
    /// Pins that are seen so many steps late, as [`DdrIn::new`].
    pub fn new(delay: u8) -> Self {
        RgmiiIn {
            clock: Default::default(),
            rx_data: Default::default(),
            rx_ctl: Default::default(),
            m_octet: Default::default(),
            m_ctl_rise: Default::default(),
            m_ctl_fall: Default::default(),
            pins: DdrIn::new(delay),
            rise: Default::default(),
            fall: Default::default(),
        }
    }
}

impl Logic for RgmiiIn {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, pins);
        self.pins.d.next = bit_cast::<5, 4>(self.rx_data.val()) | (bit_cast::<5, 1>(self.rx_ctl.val().into()) << 4);
        self.rise.next = self.pins.q_rise.val();
        self.fall.next = self.pins.q_fall.val();
        self.m_octet.next = bit_cast::<8, 4>(self.rise.val().get_bits::<4>(0))
            | (bit_cast::<8, 4>(self.fall.val().get_bits::<4>(0)) << 4);
        self.m_ctl_rise.next = self.rise.val().get_bit(4);
        self.m_ctl_fall.next = self.fall.val().get_bit(4);
    }
}

/// From [`Transmit`](super::transmit::Transmit), to the pins.
#[derive(LogicBlock, Default)]
pub struct RgmiiOut {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The same a quarter later.
    pub late_clock: Signal<In, Clock>,
    /// Octet.
    pub s_octet: Signal<In, Bits<8>>,
    /// TX_CTL at the rising edge.
    pub s_ctl_rise: Signal<In, Bit>,
    /// TX_CTL at the falling edge.
    pub s_ctl_fall: Signal<In, Bit>,
    /// TXC.
    pub tx_clk: Signal<Out, Bit>,
    /// TXD.
    pub tx_data: Signal<Out, Bits<4>>,
    /// TX_CTL.
    pub tx_ctl: Signal<Out, Bit>,
    pins: DdrOut<5>,
    clock_pin: DdrOut<2>,
    out: Signal<Local, Bits<5>>,
    beat: Signal<Local, Bits<2>>,
}

impl Logic for RgmiiOut {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, pins);
        self.clock_pin.clock.next = self.late_clock.val();
        self.clock_pin.d_rise.next = 1.into();
        self.clock_pin.d_fall.next = 0.into();
        self.pins.d_rise.next = bit_cast::<5, 4>(self.s_octet.val().get_bits::<4>(0))
            | (bit_cast::<5, 1>(self.s_ctl_rise.val().into()) << 4);
        self.pins.d_fall.next = bit_cast::<5, 4>(self.s_octet.val().get_bits::<4>(4))
            | (bit_cast::<5, 1>(self.s_ctl_fall.val().into()) << 4);
        self.out.next = self.pins.q.val();
        self.beat.next = self.clock_pin.q.val();
        self.tx_data.next = self.out.val().get_bits::<4>(0);
        self.tx_ctl.next = self.out.val().get_bit(4);
        self.tx_clk.next = self.beat.val().get_bit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_emit_clean_verilog() {
        crate::emit(&mut RgmiiIn::new(40), "rgmii_in").expect("nothing that Verilog takes otherwise");
        crate::emit(&mut RgmiiOut::default(), "rgmii_out").expect("nothing that Verilog takes otherwise");
    }

    #[test]
    fn octets_with_carrier_and_errors_go_through_the_pins_of_two_ports() {
        let (mut out, mut pins) = (RgmiiOut::default(), RgmiiIn::new(0));
        out.connect_all();
        pins.connect_all();
        let word = |number: u64| (number * 37 % 256, !number.is_multiple_of(3), !number.is_multiple_of(5));
        let mut seen = Vec::new();
        for number in 0..64 {
            let (octet, rise, fall) = word(number);
            out.s_octet.next = octet.into();
            (out.s_ctl_rise.next, out.s_ctl_fall.next) = (rise, fall);
            for clk in [true, false] {
                out.clock.next = Clock { clk };
                assert!(simulate(&mut out, 10));
                pins.rx_data.next = out.tx_data.val();
                pins.rx_ctl.next = out.tx_ctl.val();
                assert!(simulate(&mut pins, 10));
                // A quarter later: what the clock pin does is the clock of the other port.
                out.late_clock.next = Clock { clk };
                assert!(simulate(&mut out, 10));
                assert_eq!(out.tx_clk.val(), clk);
                pins.clock.next = Clock { clk: out.tx_clk.val() };
                assert!(simulate(&mut pins, 10));
            }
            seen.push((pins.m_octet.val().to_u64(), pins.m_ctl_rise.val(), pins.m_ctl_fall.val()));
        }
        assert_eq!(seen[1..], (0..63).map(word).collect::<Vec<_>>());
    }
}
