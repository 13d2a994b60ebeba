//! A port: what comes in at its pins as whole frames, and whole frames out at them.

use rust_hdl::prelude::*;

use super::arrival::Arrival;
use super::frame_fifo::FrameFifo;
use super::grade::Grader;
use super::rgmii::{RgmiiIn, RgmiiOut};
use super::transmit::Transmit;
use crate::cell::crossing::Crossing;

/// Beats of a port's queue, as a power of two: 16 KiB.
pub const QUEUE: usize = 11;
/// Bits of a place in it.
pub const PLACE: usize = QUEUE + 1;
/// Beats that the grades from the cheapest up may fill.
pub const LIMITS: [usize; 3] = [1536, 1792, 2048];
/// As many beats are many: above one jumbo frame, below the first limit.
pub const MANY: usize = 1280;

/// The receiving half, from pins to a queue of whole frames that are right.
#[derive(LogicBlock)]
pub struct PortIn {
    /// RXC.
    pub rx_clk: Signal<In, Clock>,
    /// RX_CTL.
    pub rx_ctl: Signal<In, Bit>,
    /// RXD.
    pub rx_data: Signal<In, Bits<4>>,

    /// Core clock, of all that follows.
    pub clock: Signal<In, Clock>,
    /// Forget all frames.
    pub reset: Signal<In, Bit>,
    /// A beat is there; it stays until it is taken.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It ends its frame.
    pub m_last: Signal<Out, Bit>,
    /// Take it in this clock.
    pub m_taken: Signal<In, Bit>,
    /// More waits than should.
    pub high: Signal<Out, Bit>,
    /// A frame was kept, in this clock.
    pub stat_kept: Signal<Out, Bit>,
    /// A frame without fault found no room.
    pub stat_refused: Signal<Out, Bit>,
    /// A frame's check sequence did not fit.
    pub stat_sequence: Signal<Out, Bit>,
    /// A frame was too short or too long.
    pub stat_length: Signal<Out, Bit>,
    /// The PHY told of an error in a frame, or no frame started.
    pub stat_signal: Signal<Out, Bit>,

    pins: RgmiiIn,
    stops: Crossing,
    arrival: Arrival,
    grader: Grader,
    fifo: FrameFifo<QUEUE, PLACE>,
    bad_sequence: DFF<Bit>,
    bad_length: DFF<Bit>,
    bad_signal: DFF<Bit>,
    ends: Signal<Local, Bit>,
}

impl PortIn {
    /// A port whose pins are seen so many steps late, as [`RgmiiIn::new`], and whose frames are worth what this cell says.
    pub fn new(delay: u8, grader: Grader) -> Self {
        PortIn {
            rx_clk: Default::default(),
            rx_ctl: Default::default(),
            rx_data: Default::default(),
            clock: Default::default(),
            reset: Default::default(),
            m_valid: Default::default(),
            m_data: Default::default(),
            m_last_byte: Default::default(),
            m_last: Default::default(),
            m_taken: Default::default(),
            high: Default::default(),
            stat_kept: Default::default(),
            stat_refused: Default::default(),
            stat_sequence: Default::default(),
            stat_length: Default::default(),
            stat_signal: Default::default(),
            pins: RgmiiIn::new(delay),
            stops: Default::default(),
            arrival: Default::default(),
            grader,
            fifo: FrameFifo::new(LIMITS, MANY),
            bad_sequence: Default::default(),
            bad_length: Default::default(),
            bad_signal: Default::default(),
            ends: Default::default(),
        }
    }
}

impl Logic for PortIn {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, bad_sequence, bad_length, bad_signal);
        clock!(self, clock, grader, fifo);
        clock!(self, rx_clk, pins, stops);
        self.arrival.wire_clock.next = self.rx_clk.val();
        self.arrival.core_clock.next = self.clock.val();

        self.pins.rx_ctl.next = self.rx_ctl.val();
        self.pins.rx_data.next = self.rx_data.val();
        self.stops.d.next = self.reset.val();
        self.arrival.wire_reset.next = self.stops.q.val();
        self.arrival.s_octet.next = self.pins.m_octet.val();
        self.arrival.s_ctl_rise.next = self.pins.m_ctl_rise.val();
        self.arrival.s_ctl_fall.next = self.pins.m_ctl_fall.val();

        self.grader.s_valid.next = self.arrival.m_valid.val();
        self.grader.s_data.next = self.arrival.m_data.val();
        self.grader.s_first.next = self.arrival.m_first.val();

        self.fifo.reset.next = self.reset.val();
        self.fifo.s_valid.next = self.arrival.m_valid.val();
        self.fifo.s_data.next = self.arrival.m_data.val();
        self.fifo.s_last_byte.next = self.arrival.m_last_byte.val();
        self.fifo.s_first.next = self.arrival.m_first.val();
        self.fifo.s_last.next = self.arrival.m_last.val();
        self.fifo.s_fault.next = self.arrival.m_fault.val();
        self.fifo.s_grade.next = self.grader.m_grade.val();

        self.m_valid.next = self.fifo.m_valid.val();
        self.m_data.next = self.fifo.m_data.val();
        self.m_last_byte.next = self.fifo.m_last_byte.val();
        self.m_last.next = self.fifo.m_last.val();
        self.fifo.m_taken.next = self.m_taken.val();
        self.high.next = self.fifo.high.val();

        self.ends.next = self.arrival.m_valid.val() & self.arrival.m_last.val() & !self.reset.val();
        self.bad_sequence.d.next = self.ends.val() & (self.arrival.m_fault.val() == 1);
        self.bad_length.d.next = self.ends.val() & (self.arrival.m_fault.val() == 2);
        self.bad_signal.d.next = self.ends.val() & (self.arrival.m_fault.val() == 3);
        self.stat_kept.next = self.fifo.stat_kept.val();
        self.stat_refused.next = self.fifo.stat_refused.val();
        self.stat_sequence.next = self.bad_sequence.q.val();
        self.stat_length.next = self.bad_length.q.val();
        self.stat_signal.next = self.bad_signal.q.val();
    }
}

/// The sending half.
#[derive(LogicBlock, Default)]
pub struct PortOut {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The same a quarter later.
    pub late_clock: Signal<In, Clock>,
    /// Drop the carrier.
    pub reset: Signal<In, Bit>,
    /// More waits than should.
    pub hurry: Signal<In, Bit>,
    /// A beat is there; it stays until it is taken.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub s_taken: Signal<Out, Bit>,
    /// TXC.
    pub tx_clk: Signal<Out, Bit>,
    /// TX_CTL.
    pub tx_ctl: Signal<Out, Bit>,
    /// TXD.
    pub tx_data: Signal<Out, Bits<4>>,
    /// A frame is cut, in this clock.
    pub stat_cut: Signal<Out, Bit>,

    transmit: Transmit,
    pins: RgmiiOut,
}

impl Logic for PortOut {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, transmit, pins);
        self.pins.late_clock.next = self.late_clock.val();
        self.transmit.reset.next = self.reset.val();
        self.transmit.hurry.next = self.hurry.val();
        self.transmit.s_valid.next = self.s_valid.val();
        self.transmit.s_data.next = self.s_data.val();
        self.transmit.s_last_byte.next = self.s_last_byte.val();
        self.transmit.s_last.next = self.s_last.val();
        self.s_taken.next = self.transmit.s_taken.val();
        self.stat_cut.next = self.transmit.stat_cut.val();
        self.pins.s_octet.next = self.transmit.m_octet.val();
        self.pins.s_ctl_rise.next = self.transmit.m_ctl_rise.val();
        self.pins.s_ctl_fall.next = self.transmit.m_ctl_fall.val();
        self.tx_clk.next = self.pins.tx_clk.val();
        self.tx_ctl.next = self.pins.tx_ctl.val();
        self.tx_data.next = self.pins.tx_data.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_emit_clean_verilog() {
        crate::emit(&mut PortIn::new(40, Grader::default()), "port_in").expect("nothing that Verilog takes otherwise");
        crate::emit(&mut PortOut::default(), "port_out").expect("nothing that Verilog takes otherwise");
    }
}
