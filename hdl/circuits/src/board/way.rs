//! One way through the board without the pipeline: what comes right from one wire leaves on the other, and nothing else.
//!
//! [`Arrival`], [`Grader`], [`FrameFifo`], [`Transmit`]: the cells as they follow each other in a top, which has the pipeline
//! between the last two. It is also what benches measure them with: that no frame is lost at any gap, and that a slower core
//! keeps up by its shorter gaps.

use rust_hdl::prelude::*;

use super::arrival::Arrival;
use super::frame_fifo::FrameFifo;
use super::grade::Grader;
use super::transmit::Transmit;

/// Room for `2^A` beats; `N` is `A + 1`.
#[derive(LogicBlock)]
pub struct Way<const A: usize, const N: usize> {
    /// Clock of the wire that frames come from.
    pub wire_clock: Signal<In, Clock>,
    /// Forget the frame under way; in the clock of the wire.
    pub wire_reset: Signal<In, Bit>,
    /// Octet.
    pub s_octet: Signal<In, Bits<8>>,
    /// RX_CTL at the rising edge.
    pub s_ctl_rise: Signal<In, Bit>,
    /// RX_CTL at the falling edge.
    pub s_ctl_fall: Signal<In, Bit>,

    /// Core clock, of all that follows.
    pub core_clock: Signal<In, Clock>,
    /// Forget all frames.
    pub reset: Signal<In, Bit>,
    /// Octet.
    pub m_octet: Signal<Out, Bits<8>>,
    /// TX_CTL at the rising edge.
    pub m_ctl_rise: Signal<Out, Bit>,
    /// TX_CTL at the falling edge.
    pub m_ctl_fall: Signal<Out, Bit>,
    /// More waits than should.
    pub stat_high: Signal<Out, Bit>,
    /// A frame was kept, in this clock.
    pub stat_kept: Signal<Out, Bit>,
    /// A frame without fault found no room.
    pub stat_refused: Signal<Out, Bit>,
    /// A frame was cut on its way out.
    pub stat_cut: Signal<Out, Bit>,

    arrival: Arrival,
    grader: Grader,
    fifo: FrameFifo<A, N>,
    transmit: Transmit,
}

impl<const A: usize, const N: usize> Way<A, N> {
    /// With the limits of [`FrameFifo::new`].
    pub fn new(limits: [usize; 3], many: usize) -> Self {
        Way {
            wire_clock: Default::default(),
            wire_reset: Default::default(),
            s_octet: Default::default(),
            s_ctl_rise: Default::default(),
            s_ctl_fall: Default::default(),
            core_clock: Default::default(),
            reset: Default::default(),
            m_octet: Default::default(),
            m_ctl_rise: Default::default(),
            m_ctl_fall: Default::default(),
            stat_high: Default::default(),
            stat_kept: Default::default(),
            stat_refused: Default::default(),
            stat_cut: Default::default(),
            arrival: Default::default(),
            grader: Default::default(),
            fifo: FrameFifo::new(limits, many),
            transmit: Default::default(),
        }
    }
}

impl<const A: usize, const N: usize> Logic for Way<A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        self.arrival.wire_clock.next = self.wire_clock.val();
        self.arrival.core_clock.next = self.core_clock.val();
        self.grader.clock.next = self.core_clock.val();
        self.fifo.clock.next = self.core_clock.val();
        self.transmit.clock.next = self.core_clock.val();

        self.arrival.wire_reset.next = self.wire_reset.val();
        self.arrival.s_octet.next = self.s_octet.val();
        self.arrival.s_ctl_rise.next = self.s_ctl_rise.val();
        self.arrival.s_ctl_fall.next = self.s_ctl_fall.val();

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
        self.fifo.m_taken.next = self.transmit.s_taken.val();

        self.transmit.reset.next = self.reset.val();
        self.transmit.hurry.next = self.fifo.high.val();
        self.transmit.s_valid.next = self.fifo.m_valid.val();
        self.transmit.s_data.next = self.fifo.m_data.val();
        self.transmit.s_last_byte.next = self.fifo.m_last_byte.val();
        self.transmit.s_last.next = self.fifo.m_last.val();

        self.m_octet.next = self.transmit.m_octet.val();
        self.m_ctl_rise.next = self.transmit.m_ctl_rise.val();
        self.m_ctl_fall.next = self.transmit.m_ctl_fall.val();
        self.stat_high.next = self.fifo.high.val();
        self.stat_kept.next = self.fifo.stat_kept.val();
        self.stat_refused.next = self.fifo.stat_refused.val();
        self.stat_cut.next = self.transmit.stat_cut.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_emits_clean_verilog() {
        let mut way = Way::<11, 12>::new([1536, 1792, 2048], 1280);
        crate::emit(&mut way, "way").expect("nothing that Verilog takes otherwise");
    }
}
