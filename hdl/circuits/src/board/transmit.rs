//! The sending half of a MAC, in the core clock: beats to octets of RGMII, with preamble, padding, check sequence and gap.
//!
//! A frame starts when its first beat is there, and its other beats have to be there in time, one in eight clocks: who
//! feeds this has the frame, or is faster. If a beat is not there the frame is cut: its next octet is marked as an error, the
//! carrier ends, and what is left of the frame is taken and dropped. The gap between frames is [`GAP`] octets; while `hurry`
//! is set, as soon as a frame is there from [`SHORT_GAP`] on, so that a sender whose clock is slower than that of the wire it
//! forwards from does not fall behind.
//!
//! Latency: the first octet of the preamble leaves two clocks after the first beat is there, if the gap is over.

use rust_hdl::prelude::*;
use weir_spec::frame::MIN_FRAME;

use super::crc::Crc;

/// Octets between two frames, at the least.
pub const GAP: usize = 12;
/// The same in a hurry.
pub const SHORT_GAP: usize = 8;

/// See the module.
#[derive(LogicBlock)]
pub struct Transmit {
    /// Core clock; an octet each.
    pub clock: Signal<In, Clock>,
    /// Drop the carrier.
    pub reset: Signal<In, Bit>,
    /// More waits than should.
    pub hurry: Signal<In, Bit>,
    /// A beat is there; it stays until it is taken.
    pub s_valid: Signal<In, Bit>,
    /// It.
    pub s_data: Signal<In, Bits<64>>,
    /// Number of its last byte; read in the last beat of a frame alone.
    pub s_last_byte: Signal<In, Bits<3>>,
    /// It ends its frame.
    pub s_last: Signal<In, Bit>,
    /// It is taken in this clock.
    pub s_taken: Signal<Out, Bit>,

    /// Octet, its half of the rising edge in bits 3:0.
    pub m_octet: Signal<Out, Bits<8>>,
    /// TX_CTL at the rising edge: carrier.
    pub m_ctl_rise: Signal<Out, Bit>,
    /// TX_CTL at the falling edge; other than at the rising one: an error.
    pub m_ctl_fall: Signal<Out, Bit>,
    /// A frame is cut, in this clock.
    pub stat_cut: Signal<Out, Bit>,

    // What this clock's octet is part of: one of these.
    preamble: DFF<Bit>,
    body: DFF<Bit>,
    padding: DFF<Bit>,
    trailer: DFF<Bit>,
    cut: DFF<Bit>,
    gap: DFF<Bit>,
    // Its number in preamble, sequence or gap; of the gap as far as it counts.
    turn: DFF<Bits<4>>,
    // The rest of a frame that was cut is awaited.
    drains: DFF<Bit>,
    beat: DFF<Bits<64>>,
    lane: DFF<Bits<3>>,
    last_byte: DFF<Bits<3>>,
    last: DFF<Bit>,
    // Octets that are missing behind this one to make a frame.
    missing: DFF<Bits<6>>,
    crc: DFF<Bits<32>>,
    sum: Crc,
    octet: DFF<Bits<8>>,
    rise: DFF<Bit>,
    fall: DFF<Bit>,

    ones: Constant<Bits<32>>,
    shortest: Constant<Bits<6>>,
    gap_ends: Constant<Bits<4>>,
    short_gap_ends: Constant<Bits<4>>,
    loads: Signal<Local, Bit>,
    counts: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    enough: Signal<Local, Bit>,
    ripe: Signal<Local, Bit>,
    data: Signal<Local, Bits<8>>,
    inverted: Signal<Local, Bits<8>>,
    out: Signal<Local, Bits<8>>,
}

impl Default for Transmit {
    fn default() -> Self {
        const _: () = assert!(MIN_FRAME <= 64 && GAP <= 16 && SHORT_GAP <= GAP);
        Transmit {
            clock: Default::default(),
            reset: Default::default(),
            hurry: Default::default(),
            s_valid: Default::default(),
            s_data: Default::default(),
            s_last_byte: Default::default(),
            s_last: Default::default(),
            s_taken: Default::default(),
            m_octet: Default::default(),
            m_ctl_rise: Default::default(),
            m_ctl_fall: Default::default(),
            stat_cut: Default::default(),
            preamble: Default::default(),
            body: Default::default(),
            padding: Default::default(),
            trailer: Default::default(),
            cut: Default::default(),
            gap: Default::default(),
            turn: Default::default(),
            drains: Default::default(),
            beat: Default::default(),
            lane: Default::default(),
            last_byte: Default::default(),
            last: Default::default(),
            missing: Default::default(),
            crc: Default::default(),
            sum: Default::default(),
            octet: Default::default(),
            rise: Default::default(),
            fall: Default::default(),
            ones: Constant::new(u64::from(u32::MAX).to_bits()),
            shortest: Constant::new((MIN_FRAME - 1).to_bits()),
            gap_ends: Constant::new((GAP - 1).to_bits()),
            short_gap_ends: Constant::new((SHORT_GAP - 1).to_bits()),
            loads: Default::default(),
            counts: Default::default(),
            ends: Default::default(),
            enough: Default::default(),
            ripe: Default::default(),
            data: Default::default(),
            inverted: Default::default(),
            out: Default::default(),
        }
    }
}

impl Logic for Transmit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, preamble, body, padding, trailer, cut, gap, turn, drains);
        dff_setup!(self, clock, beat, lane, last_byte, last, missing, crc, octet, rise, fall);

        self.data.next = 0.into();
        if self.body.q.val() {
            self.data.next = self.beat.q.val().get_bits::<8>(0);
        }
        self.sum.s_crc.next = self.crc.q.val();
        self.sum.s_octet.next = self.data.val();
        self.counts.next = self.body.q.val() | self.padding.q.val();
        self.ends.next = self.body.q.val() & (self.lane.q.val() == self.last_byte.q.val());
        self.enough.next = self.missing.q.val() == 0;
        self.inverted.next = !self.crc.q.val().get_bits::<8>(0);
        self.ripe.next = (self.turn.q.val() == self.gap_ends.val())
            | (self.hurry.val() & (self.turn.q.val() >= self.short_gap_ends.val()));
        self.out.next = self.data.val();
        self.loads.next = false;
        self.turn.d.next = self.turn.q.val() + 1;

        if self.preamble.q.val() {
            self.out.next = 0x55.into();
            self.crc.d.next = self.ones.val();
            self.missing.d.next = self.shortest.val();
            if self.turn.q.val() == 7 {
                self.out.next = 0xd5.into();
                self.preamble.d.next = false;
                self.body.d.next = true;
                self.loads.next = true;
            }
        }
        if self.counts.val() {
            self.crc.d.next = self.sum.m_crc.val();
            if !self.enough.val() {
                self.missing.d.next = self.missing.q.val() - 1;
            }
            self.lane.d.next = self.lane.q.val() + 1;
            self.beat.d.next = self.beat.q.val() >> 8;
        }
        if self.ends.val() {
            self.body.d.next = !self.last.q.val() & self.s_valid.val();
            self.loads.next = !self.last.q.val() & self.s_valid.val();
            self.cut.d.next = !self.last.q.val() & !self.s_valid.val();
            self.padding.d.next = self.last.q.val() & !self.enough.val();
            self.trailer.d.next = self.last.q.val() & self.enough.val();
            self.turn.d.next = 0.into();
        }
        if self.padding.q.val() & self.enough.val() {
            self.padding.d.next = false;
            self.trailer.d.next = true;
            self.turn.d.next = 0.into();
        }
        if self.trailer.q.val() {
            self.out.next = self.inverted.val();
            self.crc.d.next = bit_cast::<32, 24>(self.crc.q.val().get_bits::<24>(8));
            if self.turn.q.val() == 3 {
                self.trailer.d.next = false;
                self.gap.d.next = true;
                self.turn.d.next = 0.into();
            }
        }
        if self.cut.q.val() {
            self.cut.d.next = false;
            self.drains.d.next = true;
            self.gap.d.next = true;
            self.turn.d.next = 0.into();
        }
        if self.drains.q.val() & self.s_valid.val() & self.s_last.val() {
            self.drains.d.next = false;
        }
        if self.gap.q.val() {
            if self.turn.q.val() == self.gap_ends.val() {
                self.turn.d.next = self.turn.q.val();
            }
            if self.ripe.val() & self.s_valid.val() & !self.drains.q.val() {
                self.gap.d.next = false;
                self.preamble.d.next = true;
                self.turn.d.next = 0.into();
            }
        }
        if self.loads.val() {
            self.beat.d.next = self.s_data.val();
            self.lane.d.next = 0.into();
            self.last.d.next = self.s_last.val();
            self.last_byte.d.next = 7.into();
            if self.s_last.val() {
                self.last_byte.d.next = self.s_last_byte.val();
            }
        }
        self.s_taken.next = self.loads.val() | (self.drains.q.val() & self.s_valid.val());

        self.octet.d.next = self.out.val();
        self.rise.d.next = !self.gap.q.val();
        self.fall.d.next = !self.gap.q.val() & !self.cut.q.val();
        if self.reset.val() {
            self.preamble.d.next = false;
            self.body.d.next = false;
            self.padding.d.next = false;
            self.trailer.d.next = false;
            self.cut.d.next = false;
            self.gap.d.next = true;
            self.turn.d.next = 0.into();
            self.drains.d.next = false;
            self.rise.d.next = false;
            self.fall.d.next = false;
        }
        self.m_octet.next = self.octet.q.val();
        self.m_ctl_rise.next = self.rise.q.val();
        self.m_ctl_fall.next = self.fall.q.val();
        self.stat_cut.next = self.cut.q.val();
    }
}

#[cfg(test)]
mod tests;
