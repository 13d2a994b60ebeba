//! A port's way in: from RGMII in the clock of the wire to beats in the core clock.
//!
//! [`Receive`], and the queue between the clocks. The core takes every beat, and has eight clocks for each; the queue is full
//! only while the core clock stands still. A frame of which a beat found no place ends with [`Fault::Signal`], or, if that was
//! its last beat, with the first beat of another.
//!
//! [`Fault::Signal`]: super::receive::Fault::Signal

use rust_hdl::prelude::*;

use super::async_fifo::AsyncFifo;
use super::receive::Receive;

/// See the module; ports as those of [`Receive`], `s_` in the clock of the wire and `m_` in the core clock.
#[derive(LogicBlock, Default)]
pub struct Arrival {
    /// Clock of the wire.
    pub wire_clock: Signal<In, Clock>,
    /// Forget the frame under way; in the clock of the wire.
    pub wire_reset: Signal<In, Bit>,
    /// Octet.
    pub s_octet: Signal<In, Bits<8>>,
    /// RX_CTL at the rising edge.
    pub s_ctl_rise: Signal<In, Bit>,
    /// RX_CTL at the falling edge.
    pub s_ctl_fall: Signal<In, Bit>,
    /// Core clock.
    pub core_clock: Signal<In, Clock>,
    /// A beat, in this clock alone.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte, in a last beat.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It is the first of its carrier.
    pub m_first: Signal<Out, Bit>,
    /// It is the last.
    pub m_last: Signal<Out, Bit>,
    /// [`Fault`](super::receive::Fault) by number, in a last beat.
    pub m_fault: Signal<Out, Bits<2>>,

    receive: Receive,
    queue: AsyncFifo<71, 4, 5>,
    broken: DFF<Bit>,
    fault: Signal<Local, Bits<2>>,
    word: Signal<Local, Bits<71>>,
    out: Signal<Local, Bits<71>>,
}

impl Logic for Arrival {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, wire_clock, broken);
        clock!(self, wire_clock, receive);
        self.queue.write_clock.next = self.wire_clock.val();
        self.queue.read_clock.next = self.core_clock.val();
        self.receive.reset.next = self.wire_reset.val();
        self.receive.s_octet.next = self.s_octet.val();
        self.receive.s_ctl_rise.next = self.s_ctl_rise.val();
        self.receive.s_ctl_fall.next = self.s_ctl_fall.val();

        self.fault.next = self.receive.m_fault.val();
        if self.broken.q.val() & self.receive.m_last.val() {
            self.fault.next = 3.into();
        }
        if self.receive.m_valid.val() {
            self.broken.d.next = (self.broken.q.val() | self.queue.s_full.val()) & !self.receive.m_last.val();
        }
        self.word.next = bit_cast::<71, 64>(self.receive.m_data.val())
            | (bit_cast::<71, 3>(self.receive.m_last_byte.val()) << 64)
            | (bit_cast::<71, 1>(self.receive.m_first.val().into()) << 67)
            | (bit_cast::<71, 1>(self.receive.m_last.val().into()) << 68)
            | (bit_cast::<71, 2>(self.fault.val()) << 69);
        self.queue.s_valid.next = self.receive.m_valid.val();
        self.queue.s_word.next = self.word.val();

        self.out.next = self.queue.m_word.val();
        self.m_valid.next = self.queue.m_valid.val();
        self.m_data.next = self.out.val().get_bits::<64>(0);
        self.m_last_byte.next = self.out.val().get_bits::<3>(64);
        self.m_first.next = self.out.val().get_bit(67);
        self.m_last.next = self.out.val().get_bit(68);
        self.m_fault.next = self.out.val().get_bits::<2>(69);
    }
}

#[cfg(test)]
mod tests;
