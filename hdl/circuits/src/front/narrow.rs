//! The front at 64 bit.
//!
//! [`Pairs`](pairs::Pairs) steps over the VLAN tags, [`Fields`](fields::Fields) captures, [`Judge`](judge::Judge) says what
//! it is worth. A frame fires with its last beat, with beat 15 or [`HEADER_CLOCKS`] clocks after its first beat, whichever
//! comes first; [`LATENCY`] clocks later its fields are there, [`CLOCKS`](judge::CLOCKS) after that its kind. A header
//! that is complete by then counts; one that is not, and might have become so, is late. Twin: `weir_spec::frame::parse`.

use rust_hdl::prelude::*;

pub mod fields;
pub mod judge;
pub mod next;
pub mod pairs;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// Clocks after its first beat in which a frame's header must be complete; a beat in the last of them counts.
pub const HEADER_CLOCKS: usize = 20;
/// Clocks from the beat that fires, at the pins, to `a_valid`.
pub const LATENCY: usize = 3;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Narrow {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget all frames under way.
    pub reset: Signal<In, Bit>,
    /// Beat in, first octet in bits 7:0.
    pub tdata: Signal<In, Bits<64>>,
    /// Its bytes, contiguous from bit 0; read in the last beat of a frame alone.
    pub tkeep: Signal<In, Bits<8>>,
    /// There is a beat.
    pub tvalid: Signal<In, Bit>,
    /// It ends a frame.
    pub tlast: Signal<In, Bit>,

    /// The fields of a frame of at least 60 bytes, in this clock; not for later ones. Of a frame whose kind turns out to be
    /// no packet they say nothing.
    pub a_valid: Signal<Out, Bit>,
    /// IPv6, else IPv4.
    pub a_ipv6: Signal<Out, Bit>,
    /// Source address, first octet on top; IPv4 in the upper 32 bits, zero below.
    pub a_source: Signal<Out, Bits<128>>,
    /// Destination address, likewise.
    pub a_destination: Signal<Out, Bits<128>>,
    /// Ports, in the clock of `a_valid`.
    pub p_valid: Signal<Out, Bit>,
    /// Source port above, destination port below.
    pub p_ports: Signal<Out, Bits<32>>,
    /// TCP, else UDP.
    pub p_tcp: Signal<Out, Bit>,
    /// A later fragment: no ports.
    pub p_no_port: Signal<Out, Bit>,
    /// A judgement, one for every frame, in their order.
    pub k_valid: Signal<Out, Bit>,
    /// [`HeaderKind`](super::kind::HeaderKind).
    pub k_kind: Signal<Out, Bits<4>>,
    /// Malformed because it was not complete in time.
    pub k_late: Signal<Out, Bit>,
    /// Source MAC, first octet on top, with `k_valid`.
    pub k_mac: Signal<Out, Bits<48>>,
    /// The frame had all of it.
    pub k_mac_valid: Signal<Out, Bit>,

    pairs: pairs::Pairs,
    fields: fields::Fields,
    judge: judge::Judge,
    // A MAC is complete in the second beat at the earliest, so two frames that have one fire two clocks apart or more.
    mac_early: DFF<Bits<48>>,
    mac: DFF<Bits<48>>,
}

impl Logic for Narrow {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, mac_early, mac);
        clock!(self, clock, pairs, fields, judge);
        self.pairs.reset.next = self.reset.val();
        self.pairs.tdata.next = self.tdata.val();
        self.pairs.tkeep.next = self.tkeep.val();
        self.pairs.tvalid.next = self.tvalid.val();
        self.pairs.tlast.next = self.tlast.val();

        self.fields.s_ipv4.next = self.pairs.m_ipv4.val();
        self.fields.s_ipv6.next = self.pairs.m_ipv6.val();
        self.fields.s_pair.next = self.pairs.m_pair.val();
        self.fields.s_whole.next = self.pairs.m_whole.val();
        self.fields.s_half.next = self.pairs.m_half.val();
        self.fields.s_step.next = self.pairs.m_step.val();
        self.fields.s_pair0.next = self.pairs.m_pair0.val();
        self.fields.s_pair1_ipv4.next = self.pairs.m_pair1_ipv4.val();
        self.fields.s_pair1_ipv6.next = self.pairs.m_pair1_ipv6.val();
        self.fields.s_pair2_ipv4.next = self.pairs.m_pair2_ipv4.val();
        self.fields.s_pair2_ipv6.next = self.pairs.m_pair2_ipv6.val();
        self.fields.s_destination.next = self.pairs.m_destination.val();
        self.fields.s_pair4_ipv4.next = self.pairs.m_pair4_ipv4.val();
        self.fields.s_pair4_ipv6.next = self.pairs.m_pair4_ipv6.val();
        self.fields.s_high.next = self.pairs.m_high.val();
        self.fields.s_low.next = self.pairs.m_low.val();
        self.fields.s_next.next = self.pairs.m_next.val();
        self.fields.s_single.next = self.pairs.m_single.val();
        self.fields.s_far.next = self.pairs.m_far.val();
        self.fields.s_offset.next = self.pairs.m_offset.val();

        self.judge.reset.next = self.reset.val();
        self.judge.s_fire.next = self.pairs.m_fire.val();
        self.judge.s_long.next = self.pairs.m_long.val();
        self.judge.s_window.next = self.pairs.m_window.val();
        self.judge.s_expired.next = self.pairs.m_expired.val();
        self.judge.s_mac_valid.next = self.pairs.m_mac_valid.val();
        self.judge.s_ipv4.next = self.pairs.m_ipv4.val();
        self.judge.s_ipv6.next = self.pairs.m_ipv6.val();
        self.judge.s_type.next = self.fields.m_ports.val().get_bits::<8>(24);
        self.judge.s_syn.next = self.fields.m_syn.val();
        self.judge.s_means.next = self.fields.m_means.val();
        self.judge.s_follow.next = self.fields.m_follow.val();
        self.judge.s_later.next = self.fields.m_later.val();
        self.judge.s_version.next = self.fields.m_version.val();
        self.judge.s_low_ihl.next = self.fields.m_low_ihl.val();
        self.judge.s_ihl.next = self.fields.m_ihl.val();
        self.judge.s_length.next = self.fields.m_length.val();
        self.judge.s_base.next = self.fields.m_base.val();
        self.judge.s_place.next = self.fields.m_place.val();
        self.judge.s_size.next = self.fields.m_size.val();
        self.judge.s_mark.next = self.fields.m_mark.val();
        self.judge.s_words.next = self.fields.m_words.val();

        if self.judge.m_fired.val() {
            self.mac_early.d.next = self.pairs.m_mac.val();
        }
        if self.judge.m_half.val() {
            self.mac.d.next = self.mac_early.q.val();
        }

        self.a_valid.next = self.judge.a_valid.val();
        self.a_ipv6.next = self.pairs.m_ipv6.val();
        self.a_source.next = self.fields.m_source.val();
        self.a_destination.next = self.fields.m_destination.val();
        self.p_valid.next = self.judge.a_valid.val();
        self.p_ports.next = self.fields.m_ports.val();
        self.p_tcp.next = self.fields.m_means.val().get_bit(0);
        self.p_no_port.next = self.fields.m_later.val();
        self.k_valid.next = self.judge.k_valid.val();
        self.k_kind.next = self.judge.k_kind.val();
        self.k_late.next = self.judge.k_late.val();
        self.k_mac.next = self.mac.q.val();
        self.k_mac_valid.next = self.judge.k_mac_valid.val();
    }
}
