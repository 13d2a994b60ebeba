//! The front at 512 bit: beats to one header record a frame, a frame a clock.
//!
//! The header window is two beats. A frame's record leaves its last beat, its second or
//! [`SECOND_CLOCKS`](window::SECOND_CLOCKS) after its first, whichever comes first, and is then at the same place in every
//! clock: 1 the beat, 2 the window and layer 2, 3 layer 3 (`a_`), 4 to 8 a slot table and five extension headers, one a
//! clock, 9 and 10 layer 4 (`p_`), 11 the kind (`k_`). What has come by then is judged: a header that is complete counts.
//! Twin: `weir_spec::frame::parse`, but for frames that stop after their first beat.

use rust_hdl::prelude::*;

pub mod align;
pub mod four;
pub mod hop;
pub mod judge;
pub mod lane;
pub mod protocol;
pub mod shift;
pub mod slots;
pub mod swap;
pub mod window;

use align::Align;
use four::Four;
use hop::Hop;
use judge::Judge;
use shift::Shift;
use slots::Slots;
use window::Window;

/// Clocks from the beat that ends the header window of a frame to `a_valid`.
pub const ADDRESSES: usize = 3;
/// Clocks from `a_valid` to `p_valid`.
pub const PORTS: usize = 7;
/// Clocks from `a_valid`, or its place, to `k_valid`.
pub const KIND: usize = 8;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Wide {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget the frame under way and all records.
    pub reset: Signal<In, Bit>,
    /// Beat in; byte 0 of the frame is bits 7:0.
    pub tdata: Signal<In, Bits<512>>,
    /// Its bytes, contiguous; counts in the last beat only.
    pub tkeep: Signal<In, Bits<64>>,
    /// There is a beat.
    pub tvalid: Signal<In, Bit>,
    /// It ends a frame.
    pub tlast: Signal<In, Bit>,

    /// The addresses of a frame of 60 bytes and more are here; of a frame that is not IP, anything.
    pub a_valid: Signal<Out, Bit>,
    /// IPv6, else IPv4.
    pub a_ipv6: Signal<Out, Bit>,
    /// Source address, first octet on top; IPv4 in the upper 32 bits, zero below.
    pub a_source: Signal<Out, Bits<128>>,
    /// Destination address, likewise.
    pub a_destination: Signal<Out, Bits<128>>,
    /// [`PORTS`] after `a_valid`: the ports are here; anything in a frame that has none.
    pub p_valid: Signal<Out, Bit>,
    /// Source port above, destination port below.
    pub p_ports: Signal<Out, Bits<32>>,
    /// TCP, else UDP.
    pub p_tcp: Signal<Out, Bit>,
    /// Later fragment: no ports, every range matches.
    pub p_no_port: Signal<Out, Bit>,
    /// For every frame: [`KIND`] after the place of `a_valid`.
    pub k_valid: Signal<Out, Bit>,
    /// [`HeaderKind`](super::kind::HeaderKind).
    pub k_kind: Signal<Out, Bits<4>>,
    /// Malformed, because the header was not complete in time.
    pub k_late: Signal<Out, Bit>,
    /// With `k_valid`: source MAC, first octet on top.
    pub k_mac: Signal<Out, Bits<48>>,
    /// The source MAC is all there.
    pub k_mac_valid: Signal<Out, Bit>,

    window: Window,
    align: Align,
    four: Four,
    slots: Slots,
    hop2: Hop<1>,
    hop3: Hop<2>,
    hop4: Hop<3>,
    hop5: Hop<4>,
    judge: Judge,

    // Where records are: bit 0 at the addresses, bit 8 at the kind; and those of 60 bytes.
    valid: DFF<Bits<9>>,
    long: DFF<Bits<8>>,
    // At the addresses, from other lanes, for more registers than one should drive.
    again: [DFF<Bit>; 3],
    // What the judge wants of earlier clocks.
    flags: Shift<3, 6>,
    family: Shift<2, 5>,
    slot: [Shift<32, 5>; 9],
    opening: Shift<9, 5>,
    twenty: Shift<9, 5>,
    payload: Shift<22, 4>,
    four_word: Shift<32, 4>,
    four_found: Shift<7, 3>,
    mac: Shift<49, 9>,

    moved: Signal<Local, Bits<9>>,
    moved_long: Signal<Local, Bits<8>>,
    opens: Signal<Local, Bits<9>>,
    twenties: Signal<Local, Bits<9>>,
    mac_in: Signal<Local, Bits<49>>,
    found: Signal<Local, Bits<7>>,
    room: Signal<Local, Bits<22>>,
    fate: Signal<Local, Bits<3>>,
    version: Signal<Local, Bits<2>>,
}

impl Logic for Wide {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, long);
        for i in 0..3 {
            self.again[i].clock.next = self.clock.val();
            self.again[i].d.next = self.window.m_record[i].val();
        }

        // First and second clock: the window.
        self.window.clock.next = self.clock.val();
        self.window.reset.next = self.reset.val();
        self.window.tdata.next = self.tdata.val();
        self.window.tkeep.next = self.tkeep.val();
        self.window.tvalid.next = self.tvalid.val();
        self.window.tlast.next = self.tlast.val();
        self.moved.next = self.valid.q.val() << 1;
        self.moved_long.next = self.long.q.val() << 1;
        self.valid.d.next = self.moved.val().replace_bit(0, self.window.m_valid.val());
        self.long.d.next = self.moved_long.val().replace_bit(0, self.window.m_valid.val() & self.window.m_long.val());
        if self.reset.val() {
            self.valid.d.next = 0.into();
            self.long.d.next = 0.into();
        }

        // Third: layer 3 in its place.
        self.align.clock.next = self.clock.val();
        for i in 0..28 {
            self.align.s_word[i].next = self.window.m_word[i].val();
        }
        self.align.s_there.next = self.window.m_there.val();
        self.align.s_opening.next = self.window.m_opening.val();
        for i in 0..3 {
            self.align.s_next[i].next = self.window.m_next[i].val();
        }
        self.align.s_six.next = self.window.m_six.val();
        for i in 0..16 {
            self.align.s_record[i].next = self.window.m_record[i].val();
            self.align.s_one[i].next = self.window.m_one[i].val();
            self.align.s_two[i].next = self.window.m_two[i].val();
            self.align.s_four[i].next = self.window.m_four[i].val();
        }
        self.a_valid.next = self.long.q.val().get_bit(0);
        self.a_ipv6.next = self.align.m_six.val();
        self.a_source.next = self.align.m_source.val();
        self.a_destination.next = self.align.m_destination.val();

        // Fourth and fifth: layer 4 behind IPv4.
        self.four.clock.next = self.clock.val();
        self.four.s_valid.next = self.again[0].q.val();
        self.four.s_four.next = self.align.m_four.val();
        self.four.s_version.next = self.align.m_version.val();
        self.four.s_header.next = self.align.m_header.val();
        self.four.s_header_words.next = self.align.m_header_words.val();
        self.four.s_total.next = self.align.m_total.val();
        self.four.s_offset.next = self.align.m_offset.val();
        self.four.s_protocol.next = self.align.m_protocol.val();
        for i in 0..11 {
            self.four.s_low[i].next = self.align.m_low[i].val();
        }
        self.four.s_there.next = self.align.m_there.val();
        self.four.s_opening.next = self.align.m_opening.val();

        // Fourth to eighth: the extension headers of IPv6.
        self.slots.clock.next = self.clock.val();
        self.slots.s_valid.next = self.valid.q.val().get_bit(0);
        self.slots.s_leads.next = self.again[1].q.val();
        self.slots.s_follows.next = self.again[2].q.val();
        self.slots.s_six.next = self.align.m_six.val();
        self.slots.s_version.next = self.align.m_version.val();
        self.slots.s_next.next = self.align.m_next.val();
        self.slots.s_payload.next = self.align.m_payload.val();
        self.slots.s_there.next = self.align.m_there.val();
        for i in 0..3 {
            self.slots.s_slot[i].next = self.align.m_low[i * 2 + 5].val();
            self.slot[i].d.next = self.align.m_low[i * 2 + 5].val();
        }
        for i in 0..6 {
            self.slots.s_slot[i + 3].next = self.align.m_high[i].val();
            self.slot[i + 3].d.next = self.align.m_high[i].val();
        }
        self.hop2.s_valid.next = self.valid.q.val().get_bit(1);
        self.hop3.s_valid.next = self.valid.q.val().get_bit(2);
        self.hop4.s_valid.next = self.valid.q.val().get_bit(3);
        self.hop5.s_valid.next = self.valid.q.val().get_bit(4);
        self.hop2.clock.next = self.clock.val();
        self.hop2.s_there.next = self.slots.m_there.val();
        self.hop2.s_extension.next = self.slots.m_extension.val();
        self.hop2.s_fragment.next = self.slots.m_fragment.val();
        self.hop2.s_tcp.next = self.slots.m_tcp.val();
        self.hop2.s_udp.next = self.slots.m_udp.val();
        self.hop2.s_icmp.next = self.slots.m_icmp.val();
        self.hop2.s_offset.next = self.slots.m_offset.val();
        self.hop2.s_at.next = self.slots.m_at.val();
        self.hop2.s_at_fragment.next = self.slots.m_at_fragment.val();
        self.hop2.s_place.next = self.slots.m_place.val();
        self.hop2.s_beyond.next = self.slots.m_beyond.val();
        self.hop2.s_by_length.next = self.slots.m_by_length.val();
        self.hop2.s_cut.next = self.slots.m_cut.val();
        self.hop2.s_later.next = self.slots.m_later.val();
        self.hop2.s_is_tcp.next = self.slots.m_is_tcp.val();
        self.hop2.s_is_udp.next = self.slots.m_is_udp.val();
        self.hop2.s_is_icmp.next = self.slots.m_is_icmp.val();
        for i in 0..9 {
            self.hop2.s_jump[i].next = self.slots.m_jump[i].val();
        }
        self.hop3.clock.next = self.clock.val();
        self.hop3.s_there.next = self.hop2.m_there.val();
        self.hop3.s_extension.next = self.hop2.m_extension.val();
        self.hop3.s_fragment.next = self.hop2.m_fragment.val();
        self.hop3.s_tcp.next = self.hop2.m_tcp.val();
        self.hop3.s_udp.next = self.hop2.m_udp.val();
        self.hop3.s_icmp.next = self.hop2.m_icmp.val();
        self.hop3.s_offset.next = self.hop2.m_offset.val();
        self.hop3.s_at.next = self.hop2.m_at.val();
        self.hop3.s_at_fragment.next = self.hop2.m_at_fragment.val();
        self.hop3.s_place.next = self.hop2.m_place.val();
        self.hop3.s_beyond.next = self.hop2.m_beyond.val();
        self.hop3.s_by_length.next = self.hop2.m_by_length.val();
        self.hop3.s_cut.next = self.hop2.m_cut.val();
        self.hop3.s_later.next = self.hop2.m_later.val();
        self.hop3.s_is_tcp.next = self.hop2.m_is_tcp.val();
        self.hop3.s_is_udp.next = self.hop2.m_is_udp.val();
        self.hop3.s_is_icmp.next = self.hop2.m_is_icmp.val();
        for i in 0..9 {
            self.hop3.s_jump[i].next = self.hop2.m_jump[i].val();
        }
        self.hop4.clock.next = self.clock.val();
        self.hop4.s_there.next = self.hop3.m_there.val();
        self.hop4.s_extension.next = self.hop3.m_extension.val();
        self.hop4.s_fragment.next = self.hop3.m_fragment.val();
        self.hop4.s_tcp.next = self.hop3.m_tcp.val();
        self.hop4.s_udp.next = self.hop3.m_udp.val();
        self.hop4.s_icmp.next = self.hop3.m_icmp.val();
        self.hop4.s_offset.next = self.hop3.m_offset.val();
        self.hop4.s_at.next = self.hop3.m_at.val();
        self.hop4.s_at_fragment.next = self.hop3.m_at_fragment.val();
        self.hop4.s_place.next = self.hop3.m_place.val();
        self.hop4.s_beyond.next = self.hop3.m_beyond.val();
        self.hop4.s_by_length.next = self.hop3.m_by_length.val();
        self.hop4.s_cut.next = self.hop3.m_cut.val();
        self.hop4.s_later.next = self.hop3.m_later.val();
        self.hop4.s_is_tcp.next = self.hop3.m_is_tcp.val();
        self.hop4.s_is_udp.next = self.hop3.m_is_udp.val();
        self.hop4.s_is_icmp.next = self.hop3.m_is_icmp.val();
        for i in 0..9 {
            self.hop4.s_jump[i].next = self.hop3.m_jump[i].val();
        }
        self.hop5.clock.next = self.clock.val();
        self.hop5.s_there.next = self.hop4.m_there.val();
        self.hop5.s_extension.next = self.hop4.m_extension.val();
        self.hop5.s_fragment.next = self.hop4.m_fragment.val();
        self.hop5.s_tcp.next = self.hop4.m_tcp.val();
        self.hop5.s_udp.next = self.hop4.m_udp.val();
        self.hop5.s_icmp.next = self.hop4.m_icmp.val();
        self.hop5.s_offset.next = self.hop4.m_offset.val();
        self.hop5.s_at.next = self.hop4.m_at.val();
        self.hop5.s_at_fragment.next = self.hop4.m_at_fragment.val();
        self.hop5.s_place.next = self.hop4.m_place.val();
        self.hop5.s_beyond.next = self.hop4.m_beyond.val();
        self.hop5.s_by_length.next = self.hop4.m_by_length.val();
        self.hop5.s_cut.next = self.hop4.m_cut.val();
        self.hop5.s_later.next = self.hop4.m_later.val();
        self.hop5.s_is_tcp.next = self.hop4.m_is_tcp.val();
        self.hop5.s_is_udp.next = self.hop4.m_is_udp.val();
        self.hop5.s_is_icmp.next = self.hop4.m_is_icmp.val();
        for i in 0..9 {
            self.hop5.s_jump[i].next = self.hop4.m_jump[i].val();
        }

        // What skips those clocks.
        for i in 0..9 {
            self.slot[i].clock.next = self.clock.val();
            self.judge.s_slot[i].next = self.slot[i].q.val();
        }
        self.flags.clock.next = self.clock.val();
        self.family.clock.next = self.clock.val();
        self.opening.clock.next = self.clock.val();
        self.twenty.clock.next = self.clock.val();
        self.payload.clock.next = self.clock.val();
        self.four_word.clock.next = self.clock.val();
        self.four_found.clock.next = self.clock.val();
        self.mac.clock.next = self.clock.val();
        self.fate.next = 0.into();
        self.fate.next = self.fate.val().replace_bit(0, self.window.m_long.val());
        self.fate.next = self.fate.val().replace_bit(1, self.window.m_full.val());
        self.fate.next = self.fate.val().replace_bit(2, self.window.m_late.val());
        self.flags.d.next = self.fate.val();
        self.version.next = 0.into();
        self.version.next = self.version.val().replace_bit(0, self.align.m_four.val());
        self.version.next = self.version.val().replace_bit(1, self.align.m_six.val());
        self.family.d.next = self.version.val();
        // A slot's flags of TCP are in the fourth word from its first; its twentieth byte ends the fifth.
        self.opens.next = 0.into();
        for i in 0..8 {
            self.opens.next = self.opens.val().replace_bit(i, self.align.m_opening.val().get_bit(5 + i * 2));
        }
        self.opening.d.next = self.opens.val();
        self.twenties.next = 0.into();
        for i in 0..7 {
            self.twenties.next = self.twenties.val().replace_bit(i, self.align.m_there.val().get_bit(5 + i * 2));
        }
        self.twenty.d.next = self.twenties.val();
        self.room.next =
            (bit_cast::<22, 10>(self.slots.m_left_tcp.val()) << 10) | bit_cast::<22, 10>(self.slots.m_left_udp.val());
        self.room.next = self.room.val().replace_bit(20, self.slots.m_roomy.val());
        self.room.next = self.room.val().replace_bit(21, self.slots.m_bad.val());
        self.payload.d.next = self.room.val();
        self.found.next = 0.into();
        self.found.next = self.found.val().replace_bit(0, self.four.m_opening.val());
        self.found.next = self.found.val().replace_bit(1, self.four.m_tcp.val());
        self.found.next = self.found.val().replace_bit(2, self.four.m_udp.val());
        self.found.next = self.found.val().replace_bit(3, self.four.m_icmp.val());
        self.found.next = self.found.val().replace_bit(4, self.four.m_later.val());
        self.found.next = self.found.val().replace_bit(5, self.four.m_cut.val());
        self.found.next = self.found.val().replace_bit(6, self.four.m_bad.val());
        self.four_found.d.next = self.found.val();
        self.four_word.d.next = self.four.m_word.val();
        self.mac_in.next = bit_cast::<49, 48>(self.window.m_mac.val());
        self.mac_in.next = self.mac_in.val().replace_bit(48, self.window.m_mac_whole.val());
        self.mac.d.next = self.mac_in.val();

        // Ninth to eleventh: ports and kind.
        self.judge.clock.next = self.clock.val();
        self.judge.s_valid.next = self.valid.q.val().get_bit(5);
        self.judge.s_long.next = self.flags.q.val().get_bit(0);
        self.judge.s_full.next = self.flags.q.val().get_bit(1);
        self.judge.s_late.next = self.flags.q.val().get_bit(2);
        self.judge.s_four.next = self.family.q.val().get_bit(0);
        self.judge.s_six.next = self.family.q.val().get_bit(1);
        self.judge.s_word.next = self.four_word.q.val();
        self.judge.s_found.next = self.four_found.q.val();
        self.judge.s_there.next = self.hop5.m_there.val();
        self.judge.s_twenty.next = self.twenty.q.val();
        self.judge.s_opening.next = self.opening.q.val();
        self.judge.s_at.next = self.hop5.m_at.val();
        self.judge.s_place.next = self.hop5.m_place.val();
        self.judge.s_beyond.next = self.hop5.m_beyond.val();
        self.judge.s_by_length.next = self.hop5.m_by_length.val();
        self.judge.s_cut.next = self.hop5.m_cut.val();
        self.judge.s_later.next = self.hop5.m_later.val();
        self.judge.s_tcp.next = self.hop5.m_is_tcp.val();
        self.judge.s_udp.next = self.hop5.m_is_udp.val();
        self.judge.s_icmp.next = self.hop5.m_is_icmp.val();
        self.judge.s_bad.next = self.payload.q.val().get_bit(21);
        self.judge.s_roomy.next = self.payload.q.val().get_bit(20);
        self.judge.s_left_tcp.next = self.payload.q.val().get_bits::<10>(10);
        self.judge.s_left_udp.next = self.payload.q.val().get_bits::<10>(0);
        self.p_valid.next = self.long.q.val().get_bit(7);
        self.p_ports.next = self.judge.p_ports.val();
        self.p_tcp.next = self.judge.p_tcp.val();
        self.p_no_port.next = self.judge.p_no_port.val();
        self.k_valid.next = self.valid.q.val().get_bit(8);
        self.k_kind.next = self.judge.k_kind.val();
        self.k_late.next = self.judge.k_late.val();
        self.k_mac.next = self.mac.q.val().get_bits::<48>(0);
        self.k_mac_valid.next = self.mac.q.val().get_bit(48);
    }
}

#[cfg(test)]
mod tests;
