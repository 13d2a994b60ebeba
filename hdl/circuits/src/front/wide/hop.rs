//! One IPv6 extension header: from its slot to the slot of the next header. One clock.
//!
//! `FROM` is the first slot in which it can be; slots before need no table any more.

use rust_hdl::prelude::*;

/// See the module. The ports are those of [`Slots`](super::slots::Slots), in and out.
#[derive(LogicBlock, Default)]
pub struct Hop<const FROM: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A record is here.
    pub s_valid: Signal<In, Bit>,
    /// Slots that are whole.
    pub s_there: Signal<In, Bits<9>>,
    /// Where they would lead.
    pub s_jump: [Signal<In, Bits<10>>; 9],
    /// Slots followed by an extension header with a length.
    pub s_extension: Signal<In, Bits<9>>,
    /// By a fragment header.
    pub s_fragment: Signal<In, Bits<9>>,
    /// By TCP.
    pub s_tcp: Signal<In, Bits<9>>,
    /// By UDP.
    pub s_udp: Signal<In, Bits<9>>,
    /// By ICMPv6.
    pub s_icmp: Signal<In, Bits<9>>,
    /// Slots of a later fragment.
    pub s_offset: Signal<In, Bits<9>>,
    /// Where this header is.
    pub s_at: Signal<In, Bits<10>>,
    /// It is a fragment header.
    pub s_at_fragment: Signal<In, Bit>,
    /// Where layer 4 is.
    pub s_place: Signal<In, Bits<9>>,
    /// Beyond the window.
    pub s_beyond: Signal<In, Bit>,
    /// Behind a header with a length.
    pub s_by_length: Signal<In, Bit>,
    /// A header is not all there.
    pub s_cut: Signal<In, Bit>,
    /// Not the first fragment.
    pub s_later: Signal<In, Bit>,
    /// Layer 4 is TCP.
    pub s_is_tcp: Signal<In, Bit>,
    /// UDP.
    pub s_is_udp: Signal<In, Bit>,
    /// ICMPv6.
    pub s_is_icmp: Signal<In, Bit>,

    /// As it came, as are the rest of the table's.
    pub m_there: Signal<Out, Bits<9>>,
    /// Where slots would lead.
    pub m_jump: [Signal<Out, Bits<10>>; 9],
    /// Slots followed by an extension header with a length.
    pub m_extension: Signal<Out, Bits<9>>,
    /// By a fragment header.
    pub m_fragment: Signal<Out, Bits<9>>,
    /// By TCP.
    pub m_tcp: Signal<Out, Bits<9>>,
    /// By UDP.
    pub m_udp: Signal<Out, Bits<9>>,
    /// By ICMPv6.
    pub m_icmp: Signal<Out, Bits<9>>,
    /// Slots of a later fragment.
    pub m_offset: Signal<Out, Bits<9>>,
    /// Where the next extension header is.
    pub m_at: Signal<Out, Bits<10>>,
    /// It is a fragment header.
    pub m_at_fragment: Signal<Out, Bit>,
    /// Where layer 4 is.
    pub m_place: Signal<Out, Bits<9>>,
    /// Beyond the window.
    pub m_beyond: Signal<Out, Bit>,
    /// Behind a header with a length.
    pub m_by_length: Signal<Out, Bit>,
    /// A header is not all there.
    pub m_cut: Signal<Out, Bit>,
    /// Not the first fragment.
    pub m_later: Signal<Out, Bit>,
    /// Layer 4 is TCP.
    pub m_is_tcp: Signal<Out, Bit>,
    /// UDP.
    pub m_is_udp: Signal<Out, Bit>,
    /// ICMPv6.
    pub m_is_icmp: Signal<Out, Bit>,

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

    here: Signal<Local, Bits<9>>,
    whole: Signal<Local, Bits<10>>,
    missing: Signal<Local, Bits<10>>,
    masked: [Signal<Local, Bits<10>>; 9],
    land: Signal<Local, Bits<10>>,
    away: Signal<Local, Bits<9>>,
    stay: Signal<Local, Bits<9>>,
    hit_extension: Signal<Local, Bits<9>>,
    hit_fragment: Signal<Local, Bits<9>>,
    hit_tcp: Signal<Local, Bits<9>>,
    hit_udp: Signal<Local, Bits<9>>,
    hit_icmp: Signal<Local, Bits<9>>,
    hit_offset: Signal<Local, Bits<9>>,
    to_fragment: Signal<Local, Bit>,
    on: Signal<Local, Bit>,
    layer4: Signal<Local, Bit>,
    is_later: Signal<Local, Bit>,
}

impl<const FROM: usize> Logic for Hop<FROM> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, there, extension, fragment, tcp, udp, icmp, offset, at, at_fragment, place);
        dff_setup!(self, clock, beyond, by_length, cut, later, is_tcp, is_udp, is_icmp);
        for i in 0..9 {
            self.jump[i].clock.next = self.clock.val();
            self.jump[i].d.next = self.s_jump[i].val();
            self.masked[i].next = 0.into();
        }
        self.here.next = 0.into();
        self.whole.next = 0.into();
        self.missing.next = 0.into();
        self.land.next = 0.into();
        self.away.next = 0.into();
        self.stay.next = 0.into();
        self.hit_extension.next = 0.into();
        self.hit_fragment.next = 0.into();
        self.hit_tcp.next = 0.into();
        self.hit_udp.next = 0.into();
        self.hit_icmp.next = 0.into();
        self.hit_offset.next = 0.into();
        self.to_fragment.next = false;
        self.on.next = false;
        self.layer4.next = false;
        self.is_later.next = false;

        // The table goes on in any case: an enable for all of it would cost more than it saves.
        self.there.d.next = self.s_there.val();
        self.extension.d.next = self.s_extension.val();
        self.fragment.d.next = self.s_fragment.val();
        self.tcp.d.next = self.s_tcp.val();
        self.udp.d.next = self.s_udp.val();
        self.icmp.d.next = self.s_icmp.val();
        self.offset.d.next = self.s_offset.val();

        if self.s_valid.val() {
            self.at.d.next = 0.into();
            self.at_fragment.d.next = false;
            self.place.d.next = self.s_place.val();
            self.beyond.d.next = self.s_beyond.val();
            self.by_length.d.next = self.s_by_length.val();
            self.cut.d.next = self.s_cut.val();
            self.later.d.next = self.s_later.val();
            self.is_tcp.d.next = self.s_is_tcp.val();
            self.is_udp.d.next = self.s_is_udp.val();
            self.is_icmp.d.next = self.s_is_icmp.val();

            self.here.next = self.s_at.val().get_bits::<9>(0);
            for i in FROM..9 {
                self.away.next = self.away.val().replace_bit(i, self.s_jump[i].val().get_bit(9));
                if self.here.val().get_bit(i) {
                    self.masked[i].next = self.s_jump[i].val();
                }
                self.land.next = self.land.val() | self.masked[i].val();
            }
            // A fragment header has one slot, whatever its second byte says.
            self.stay.next = self.here.val() & self.away.val();
            if self.s_at_fragment.val() {
                self.land.next = self.s_at.val() << 1;
                self.stay.next = self.here.val() & 0x100;
            }

            self.hit_extension.next = self.here.val() & self.s_extension.val();
            self.hit_fragment.next = self.here.val() & self.s_fragment.val();
            self.hit_tcp.next = self.here.val() & self.s_tcp.val();
            self.hit_udp.next = self.here.val() & self.s_udp.val();
            self.hit_icmp.next = self.here.val() & self.s_icmp.val();
            self.hit_offset.next = self.here.val() & self.s_offset.val();
            self.to_fragment.next = self.hit_fragment.val().any();
            self.is_later.next = self.s_at_fragment.val() & self.hit_offset.val().any();
            self.on.next = (self.hit_extension.val().any() | self.to_fragment.val()) & !self.is_later.val();
            self.layer4.next = self.hit_tcp.val().any() | self.hit_udp.val().any() | self.hit_icmp.val().any();

            // Bit 9, beyond the window, is never there.
            self.whole.next = bit_cast::<10, 9>(self.s_there.val());
            self.missing.next = !self.whole.val();
            self.missing.next = self.missing.val() & self.s_at.val();
            if self.missing.val().any() {
                self.cut.d.next = true;
            }
            if self.is_later.val() {
                self.later.d.next = true;
            }
            if self.on.val() {
                self.at.d.next = self.land.val();
                self.at_fragment.d.next = self.to_fragment.val();
            }
            if self.hit_tcp.val().any() {
                self.is_tcp.d.next = true;
            }
            if self.hit_udp.val().any() {
                self.is_udp.d.next = true;
            }
            if self.hit_icmp.val().any() {
                self.is_icmp.d.next = true;
            }
            if self.layer4.val() {
                self.place.d.next = self.land.val().get_bits::<9>(0) | self.stay.val();
                self.beyond.d.next = self.stay.val().any();
                self.by_length.d.next = !self.s_at_fragment.val();
            }
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
    }
}
