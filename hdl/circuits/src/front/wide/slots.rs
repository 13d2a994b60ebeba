//! What each of the nine 8-byte slots behind the IPv6 header would say, were it an extension header; and the first such
//! header, which can only be in slot 0. One clock.
//!
//! The table lets the hops behind it choose by one bit a slot: where the next header is, and what it is.

use rust_hdl::prelude::*;

use super::protocol::Protocol;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Slots {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A record is here; from [`Align`](super::align::Align), as all `s_` here.
    pub s_valid: Signal<In, Bit>,
    /// The same for where slots lead, from a register of its own.
    pub s_leads: Signal<In, Bit>,
    /// The same for what follows them.
    pub s_follows: Signal<In, Bit>,
    /// IPv6.
    pub s_six: Signal<In, Bit>,
    /// The version is right.
    pub s_version: Signal<In, Bit>,
    /// [`Protocol::meaning`] of the next header.
    pub s_next: Signal<In, Bits<5>>,
    /// Payload length.
    pub s_payload: Signal<In, Bits<16>>,
    /// First words of the slots.
    pub s_slot: [Signal<In, Bits<32>>; 9],
    /// Words 9 to 27 that are whole.
    pub s_there: Signal<In, Bits<19>>,

    /// Slots that are whole.
    pub m_there: Signal<Out, Bits<9>>,
    /// Slots from which an extension header would lead to slot 1 (bit 1) .. 8, or beyond the window (bit 9).
    pub m_jump: [Signal<Out, Bits<10>>; 9],
    /// Slots that would be followed by an extension header with a length.
    pub m_extension: Signal<Out, Bits<9>>,
    /// .. by a fragment header.
    pub m_fragment: Signal<Out, Bits<9>>,
    /// .. by TCP.
    pub m_tcp: Signal<Out, Bits<9>>,
    /// .. by UDP.
    pub m_udp: Signal<Out, Bits<9>>,
    /// .. by ICMPv6.
    pub m_icmp: Signal<Out, Bits<9>>,
    /// Slots that would be the header of a later fragment.
    pub m_offset: Signal<Out, Bits<9>>,

    /// Where the second extension header is: slot, or bit 9 beyond the window; none if there is none.
    pub m_at: Signal<Out, Bits<10>>,
    /// It is a fragment header.
    pub m_at_fragment: Signal<Out, Bit>,
    /// Where layer 4 is, or the header before it if `m_beyond`.
    pub m_place: Signal<Out, Bits<9>>,
    /// Layer 4 is beyond the window.
    pub m_beyond: Signal<Out, Bit>,
    /// .. and the header before it has a length.
    pub m_by_length: Signal<Out, Bit>,
    /// A header is not all there.
    pub m_cut: Signal<Out, Bit>,
    /// Not the first fragment.
    pub m_later: Signal<Out, Bit>,
    /// Layer 4 is TCP.
    pub m_is_tcp: Signal<Out, Bit>,
    /// .. UDP.
    pub m_is_udp: Signal<Out, Bit>,
    /// .. ICMPv6.
    pub m_is_icmp: Signal<Out, Bit>,
    /// The header contradicts itself.
    pub m_bad: Signal<Out, Bit>,
    /// Payload of at least 4,096 bytes: enough for any chain that ends in the window, or one header behind it.
    pub m_roomy: Signal<Out, Bit>,
    /// Slots that the payload leaves beyond 20 bytes, rounded down; signed.
    pub m_left_tcp: Signal<Out, Bits<10>>,
    /// .. beyond 8 bytes.
    pub m_left_udp: Signal<Out, Bits<10>>,

    there: DFF<Bits<9>>,
    jump: [DFF<Bits<10>>; 9],
    extension: DFF<Bits<9>>,
    fragment: DFF<Bits<9>>,
    tcp: DFF<Bits<9>>,
    udp: DFF<Bits<9>>,
    icmp: DFF<Bits<9>>,
    offset: DFF<Bits<9>>,
    at: DFF<Bits<10>>,
    at_fragment: DFF<Bit>,
    place: DFF<Bits<9>>,
    beyond: DFF<Bit>,
    by_length: DFF<Bit>,
    cut: DFF<Bit>,
    later: DFF<Bit>,
    is_tcp: DFF<Bit>,
    is_udp: DFF<Bit>,
    is_icmp: DFF<Bit>,
    bad: DFF<Bit>,
    roomy: DFF<Bit>,
    left_tcp: DFF<Bits<10>>,
    left_udp: DFF<Bits<10>>,

    protocol: [Protocol; 9],
    unit: Signal<Local, Bits<9>>,
    near: Signal<Local, Bits<9>>,
    whole: Signal<Local, Bits<9>>,
    leads: [Signal<Local, Bits<10>>; 9],
    meaning: Signal<Local, Bits<5>>,
    offsets: Signal<Local, Bits<9>>,
    to_extension: Signal<Local, Bits<9>>,
    to_fragment: Signal<Local, Bits<9>>,
    to_tcp: Signal<Local, Bits<9>>,
    to_udp: Signal<Local, Bits<9>>,
    to_icmp: Signal<Local, Bits<9>>,
    sound: Signal<Local, Bit>,
    from_extension: Signal<Local, Bit>,
    from_fragment: Signal<Local, Bit>,
    from: Signal<Local, Bit>,
    is_later: Signal<Local, Bit>,
    layer4: Signal<Local, Bit>,
    payload: Signal<Local, Bits<13>>,
    less_tcp: Signal<Local, Bits<13>>,
    less_udp: Signal<Local, Bits<13>>,
}

impl Logic for Slots {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, there, extension, fragment, tcp, udp, icmp, offset, at, at_fragment, place);
        dff_setup!(self, clock, beyond, by_length, cut, later, is_tcp, is_udp, is_icmp, bad, roomy);
        dff_setup!(self, clock, left_tcp, left_udp);
        for i in 0..9 {
            self.jump[i].clock.next = self.clock.val();
            self.jump[i].d.next = self.jump[i].q.val();
            self.protocol[i].number.next = self.s_slot[i].val().get_bits::<8>(24);
            self.leads[i].next = 0.into();
        }
        self.unit.next = 2.into();
        self.near.next = 0.into();
        self.whole.next = 0.into();
        self.meaning.next = 0.into();
        self.offsets.next = 0.into();
        self.to_extension.next = 0.into();
        self.to_fragment.next = 0.into();
        self.to_tcp.next = 0.into();
        self.to_udp.next = 0.into();
        self.to_icmp.next = 0.into();
        self.sound.next = false;
        self.from_extension.next = false;
        self.from_fragment.next = false;
        self.from.next = false;
        self.is_later.next = false;
        self.layer4.next = false;
        self.payload.next = 0.into();
        self.less_tcp.next = 0.into();
        self.less_udp.next = 0.into();

        // The table; a slot that is not whole says nothing.
        if self.s_leads.val() {
            for i in 0..9 {
                if self.s_there.val().get_bit(2 + i * 2) {
                    self.near.next = 0.into();
                    if !self.s_slot[i].val().get_bits::<5>(19).any() {
                        self.near.next = self.unit.val() << self.s_slot[i].val().get_bits::<3>(16);
                    }
                    self.leads[i].next = bit_cast::<10, 9>(self.near.val());
                    if !self.near.val().any() {
                        self.leads[i].next = 0x200.into();
                    }
                }
                self.jump[i].d.next = self.leads[i].val();
                self.unit.next = self.unit.val() << 1;
            }
        }
        if self.s_follows.val() {
            for i in 0..9 {
                if self.s_there.val().get_bit(2 + i * 2) {
                    self.whole.next = self.whole.val().replace_bit(i, true);
                    self.meaning.next = self.protocol[i].meaning.val();
                    self.to_extension.next = self.to_extension.val().replace_bit(i, self.meaning.val().get_bit(0));
                    self.to_fragment.next = self.to_fragment.val().replace_bit(i, self.meaning.val().get_bit(1));
                    self.to_tcp.next = self.to_tcp.val().replace_bit(i, self.meaning.val().get_bit(2));
                    self.to_udp.next = self.to_udp.val().replace_bit(i, self.meaning.val().get_bit(3));
                    self.to_icmp.next = self.to_icmp.val().replace_bit(i, self.meaning.val().get_bit(4));
                    self.offsets.next = self.offsets.val().replace_bit(i, self.s_slot[i].val().get_bits::<13>(3).any());
                }
            }
            self.there.d.next = self.whole.val();
            self.offset.d.next = self.offsets.val();
            self.extension.d.next = self.to_extension.val();
            self.fragment.d.next = self.to_fragment.val();
            self.tcp.d.next = self.to_tcp.val();
            self.udp.d.next = self.to_udp.val();
            self.icmp.d.next = self.to_icmp.val();
        }
        if self.s_valid.val() {
            // The fixed header; its first 36 bytes are there in any frame of 60.
            self.sound.next = self.s_six.val() & self.s_version.val() & self.s_there.val().get_bit(0);
            self.bad.d.next = self.s_six.val() & !self.s_version.val() & self.s_there.val().get_bit(0);
            self.from_extension.next = self.sound.val() & self.s_next.val().get_bit(0);
            self.from_fragment.next = self.sound.val() & self.s_next.val().get_bit(1);
            self.from.next = self.from_extension.val() | self.from_fragment.val();
            self.cut.d.next =
                (self.s_six.val() & !self.s_there.val().get_bit(0)) | (self.from.val() & !self.whole.val().get_bit(0));

            // The first extension header, if there is one.
            self.is_later.next = self.from_fragment.val() & self.offsets.val().get_bit(0);
            self.later.d.next = self.is_later.val();
            self.at.d.next = 0.into();
            if self.from.val()
                & !self.is_later.val()
                & (self.to_extension.val().get_bit(0) | self.to_fragment.val().get_bit(0))
            {
                self.at.d.next = self.leads[0].val();
                if self.from_fragment.val() {
                    self.at.d.next = 2.into();
                }
            }
            self.at_fragment.d.next = self.to_fragment.val().get_bit(0);
            self.is_tcp.d.next =
                (self.sound.val() & self.s_next.val().get_bit(2)) | (self.from.val() & self.to_tcp.val().get_bit(0));
            self.is_udp.d.next =
                (self.sound.val() & self.s_next.val().get_bit(3)) | (self.from.val() & self.to_udp.val().get_bit(0));
            self.is_icmp.d.next =
                (self.sound.val() & self.s_next.val().get_bit(4)) | (self.from.val() & self.to_icmp.val().get_bit(0));
            self.layer4.next = self.from.val()
                & (self.to_tcp.val().get_bit(0) | self.to_udp.val().get_bit(0) | self.to_icmp.val().get_bit(0));
            self.place.d.next = 0.into();
            self.beyond.d.next = false;
            self.by_length.d.next = false;
            if self.layer4.val() {
                self.place.d.next = self.leads[0].val().get_bits::<9>(0);
                if self.from_fragment.val() {
                    self.place.d.next = 2.into();
                } else if self.leads[0].val().get_bit(9) {
                    self.place.d.next = 1.into();
                    self.beyond.d.next = true;
                    self.by_length.d.next = true;
                }
            }
            if self.sound.val() & (self.s_next.val().get_bits::<3>(2) != 0) {
                self.place.d.next = 1.into();
            }

            // How much payload there is, less what layer 4 needs.
            self.payload.next = bit_cast::<13, 12>(self.s_payload.val().get_bits::<12>(0));
            self.less_tcp.next = self.payload.val() - 20;
            self.less_udp.next = self.payload.val() - 8;
            self.left_tcp.d.next = self.less_tcp.val().get_bits::<10>(3);
            self.left_udp.d.next = self.less_udp.val().get_bits::<10>(3);
            self.roomy.d.next = self.s_payload.val().get_bits::<4>(12) != 0;
        }

        self.m_there.next = self.there.q.val();
        for i in 0..9 {
            self.m_jump[i].next = self.jump[i].q.val();
        }
        self.m_extension.next = self.extension.q.val();
        self.m_fragment.next = self.fragment.q.val();
        self.m_tcp.next = self.tcp.q.val();
        self.m_udp.next = self.udp.q.val();
        self.m_icmp.next = self.icmp.q.val();
        self.m_offset.next = self.offset.q.val();
        self.m_at.next = self.at.q.val();
        self.m_at_fragment.next = self.at_fragment.q.val();
        self.m_place.next = self.place.q.val();
        self.m_beyond.next = self.beyond.q.val();
        self.m_by_length.next = self.by_length.q.val();
        self.m_cut.next = self.cut.q.val();
        self.m_later.next = self.later.q.val();
        self.m_is_tcp.next = self.is_tcp.q.val();
        self.m_is_udp.next = self.is_udp.q.val();
        self.m_is_icmp.next = self.is_icmp.q.val();
        self.m_bad.next = self.bad.q.val();
        self.m_roomy.next = self.roomy.q.val();
        self.m_left_tcp.next = self.left_tcp.q.val();
        self.m_left_udp.next = self.left_udp.q.val();
    }
}
