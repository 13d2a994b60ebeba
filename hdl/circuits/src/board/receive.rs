//! The receiving half of a MAC, in the clock of the wire: octets of RGMII to beats, frame check sequence left out.
//!
//! What comes with one carrier (`s_ctl_rise` high without a gap) ends in exactly one last beat, which says what is wrong
//! with it: nothing, its sequence, its length, or its signal (an error of the PHY, or no start of frame). Octets before
//! the start, however many, are taken if they are preamble. Bytes of a last beat behind `m_last_byte` mean nothing. Where
//! a frame is longer than [`LONGEST`] the rest is left out. Carrier extension and what RGMII says between frames are not
//! looked at.
//!
//! Latency: a beat leaves two clocks after the fifth octet behind it, the last one two clocks after its carrier has ended.
//! Two beats are eight clocks apart or more, but the last may follow the one before it at once.

use rust_hdl::prelude::*;
use weir_spec::frame::MIN_FRAME;

use super::crc::{Crc, RESIDUE};

/// Bytes of the longest frame, without its check sequence: a jumbo frame.
pub const LONGEST: usize = 9216;
/// Bytes of a check sequence.
pub const SEQUENCE: usize = 4;

/// What is wrong with a frame, in the order in which it counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// The check sequence does not fit.
    Sequence,
    /// Shorter than a frame may be, or longer than [`LONGEST`].
    Length,
    /// The PHY told of an error, or no frame started.
    Signal,
}

/// See the module.
#[derive(LogicBlock)]
pub struct Receive {
    /// Clock of the wire; an octet each.
    pub clock: Signal<In, Clock>,
    /// Forget the frame under way, without a last beat.
    pub reset: Signal<In, Bit>,
    /// Octet, its half of the rising edge in bits 3:0.
    pub s_octet: Signal<In, Bits<8>>,
    /// RX_CTL at the rising edge: carrier.
    pub s_ctl_rise: Signal<In, Bit>,
    /// RX_CTL at the falling edge; other than at the rising one: an error.
    pub s_ctl_fall: Signal<In, Bit>,

    /// A beat, in this clock alone.
    pub m_valid: Signal<Out, Bit>,
    /// It.
    pub m_data: Signal<Out, Bits<64>>,
    /// Number of its last byte.
    pub m_last_byte: Signal<Out, Bits<3>>,
    /// It is the first of its carrier.
    pub m_first: Signal<Out, Bit>,
    /// It is the last.
    pub m_last: Signal<Out, Bit>,
    /// [`Fault`] by number; 0 but in a last beat.
    pub m_fault: Signal<Out, Bits<2>>,

    octet: DFF<Bits<8>>,
    carrier: DFF<Bit>,
    error: DFF<Bit>,
    carried: DFF<Bit>,
    // Of this carrier: behind the start of its frame; without one; with an error.
    body: DFF<Bit>,
    waste: DFF<Bit>,
    spoiled: DFF<Bit>,
    // Octets behind the start, its check sequence among them, and what they are enough for.
    octets: DFF<Bits<14>>,
    behind: DFF<Bit>,
    enough: DFF<Bit>,
    over: DFF<Bit>,
    crc: DFF<Bits<32>>,
    sum: Crc,
    // The last four octets: the sequence, as long as nothing follows them.
    tail: DFF<Bits<32>>,
    // The beat that is filled: the lane that is next, one-hot, and the number of the lane before it.
    bytes: [DFF<Bits<8>>; 8],
    lane: DFF<Bits<8>>,
    last_byte: DFF<Bits<3>>,
    filled: DFF<Bit>,
    begun: DFF<Bit>,
    // Out.
    valid: DFF<Bit>,
    data: DFF<Bits<64>>,
    count: DFF<Bits<3>>,
    first: DFF<Bit>,
    last: DFF<Bit>,
    fault: DFF<Bits<2>>,

    residue: Constant<Bits<32>>,
    ones: Constant<Bits<32>>,
    shortest: Constant<Bits<14>>,
    longest: Constant<Bits<14>>,
    takes: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    puts: Signal<Local, Bit>,
    flushes: Signal<Local, Bit>,
    oldest: Signal<Local, Bits<8>>,
    lane_after: Signal<Local, Bits<8>>,
    joined: Signal<Local, Bits<64>>,
    verdict: Signal<Local, Bits<2>>,
}

impl Default for Receive {
    fn default() -> Self {
        Receive {
            clock: Default::default(),
            reset: Default::default(),
            s_octet: Default::default(),
            s_ctl_rise: Default::default(),
            s_ctl_fall: Default::default(),
            m_valid: Default::default(),
            m_data: Default::default(),
            m_last_byte: Default::default(),
            m_first: Default::default(),
            m_last: Default::default(),
            m_fault: Default::default(),
            octet: Default::default(),
            carrier: Default::default(),
            error: Default::default(),
            carried: Default::default(),
            body: Default::default(),
            waste: Default::default(),
            spoiled: Default::default(),
            octets: Default::default(),
            behind: Default::default(),
            enough: Default::default(),
            over: Default::default(),
            crc: Default::default(),
            sum: Default::default(),
            tail: Default::default(),
            bytes: Default::default(),
            lane: Default::default(),
            last_byte: Default::default(),
            filled: Default::default(),
            begun: Default::default(),
            valid: Default::default(),
            data: Default::default(),
            count: Default::default(),
            first: Default::default(),
            last: Default::default(),
            fault: Default::default(),
            residue: Constant::new(u64::from(RESIDUE).to_bits()),
            ones: Constant::new(u64::from(u32::MAX).to_bits()),
            shortest: Constant::new((MIN_FRAME + SEQUENCE - 1).to_bits()),
            longest: Constant::new((LONGEST + SEQUENCE).to_bits()),
            takes: Default::default(),
            ends: Default::default(),
            puts: Default::default(),
            flushes: Default::default(),
            oldest: Default::default(),
            lane_after: Default::default(),
            joined: Default::default(),
            verdict: Default::default(),
        }
    }
}

impl Logic for Receive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, octet, carrier, error, carried, body, waste, spoiled, octets, behind, enough, over);
        dff_setup!(self, clock, crc, tail, lane, last_byte, filled, begun);
        dff_setup!(self, clock, valid, data, count, first, last, fault);
        for i in 0..8 {
            self.bytes[i].clock.next = self.clock.val();
            self.bytes[i].d.next = self.bytes[i].q.val();
        }

        self.octet.d.next = self.s_octet.val();
        self.carrier.d.next = self.s_ctl_rise.val() & !self.reset.val();
        self.error.d.next = self.s_ctl_rise.val() ^ self.s_ctl_fall.val();
        self.carried.d.next = self.carrier.q.val() & !self.reset.val();
        self.takes.next = self.carrier.q.val() & self.body.q.val();
        self.ends.next = self.carried.q.val() & !self.carrier.q.val();

        // The check sequence and the length of what is behind the start.
        self.sum.s_crc.next = self.crc.q.val();
        self.sum.s_octet.next = self.octet.q.val();
        if self.takes.val() {
            self.crc.d.next = self.sum.m_crc.val();
            self.tail.d.next =
                (bit_cast::<32, 8>(self.octet.q.val()) << 24) | bit_cast::<32, 24>(self.tail.q.val().get_bits::<24>(8));
            if !self.over.q.val() {
                self.octets.d.next = self.octets.q.val() + 1;
            }
            if self.octets.q.val() == 3 {
                self.behind.d.next = true;
            }
            if self.octets.q.val() == self.shortest.val() {
                self.enough.d.next = true;
            }
            if self.octets.q.val() == self.longest.val() {
                self.over.d.next = true;
            }
        }

        // An octet that four others have followed is one of the frame; a full beat leaves when it is not the last.
        self.puts.next = self.takes.val() & self.behind.q.val() & !self.over.q.val();
        self.flushes.next = self.puts.val() & self.filled.q.val() & self.lane.q.val().get_bit(0);
        self.oldest.next = self.tail.q.val().get_bits::<8>(0);
        self.lane_after.next = self.lane.q.val() << 1;
        if self.lane.q.val().get_bit(7) {
            self.lane_after.next = 1.into();
        }
        if self.puts.val() {
            for i in 0..8 {
                if self.lane.q.val().get_bit(i) {
                    self.bytes[i].d.next = self.oldest.val();
                }
            }
            self.lane.d.next = self.lane_after.val();
            self.last_byte.d.next = self.last_byte.q.val() + 1;
            self.filled.d.next = true;
        }
        if self.flushes.val() {
            self.begun.d.next = true;
        }

        // What the carrier brings before its frame; an error anywhere in it.
        if self.carrier.q.val() {
            if !self.body.q.val() {
                if self.octet.q.val() == 0xd5 {
                    self.body.d.next = !self.waste.q.val();
                }
                if (self.octet.q.val() != 0xd5) & (self.octet.q.val() != 0x55) {
                    self.waste.d.next = true;
                }
            }
            if self.error.q.val() {
                self.spoiled.d.next = true;
            }
        } else {
            self.body.d.next = false;
            self.waste.d.next = false;
            self.spoiled.d.next = false;
            self.octets.d.next = 0.into();
            self.behind.d.next = false;
            self.enough.d.next = false;
            self.over.d.next = false;
            self.crc.d.next = self.ones.val();
            self.lane.d.next = 1.into();
            self.last_byte.d.next = 7.into();
            self.filled.d.next = false;
            self.begun.d.next = false;
        }

        self.verdict.next = 0.into();
        if self.crc.q.val() != self.residue.val() {
            self.verdict.next = 1.into();
        }
        if self.over.q.val() | !self.enough.q.val() {
            self.verdict.next = 2.into();
        }
        if self.spoiled.q.val() | !self.body.q.val() {
            self.verdict.next = 3.into();
        }
        self.joined.next = bit_cast::<64, 8>(self.bytes[0].q.val())
            | (bit_cast::<64, 8>(self.bytes[1].q.val()) << 8)
            | (bit_cast::<64, 8>(self.bytes[2].q.val()) << 16)
            | (bit_cast::<64, 8>(self.bytes[3].q.val()) << 24)
            | (bit_cast::<64, 8>(self.bytes[4].q.val()) << 32)
            | (bit_cast::<64, 8>(self.bytes[5].q.val()) << 40)
            | (bit_cast::<64, 8>(self.bytes[6].q.val()) << 48)
            | (bit_cast::<64, 8>(self.bytes[7].q.val()) << 56);
        self.valid.d.next = (self.flushes.val() | self.ends.val()) & !self.reset.val();
        self.data.d.next = self.joined.val();
        self.count.d.next = self.last_byte.q.val();
        self.first.d.next = !self.begun.q.val();
        self.last.d.next = self.ends.val();
        self.fault.d.next = 0.into();
        if self.ends.val() {
            self.fault.d.next = self.verdict.val();
        }

        self.m_valid.next = self.valid.q.val();
        self.m_data.next = self.data.q.val();
        self.m_last_byte.next = self.count.q.val();
        self.m_first.next = self.first.q.val();
        self.m_last.next = self.last.q.val();
        self.m_fault.next = self.fault.q.val();
    }
}

#[cfg(test)]
mod tests;
