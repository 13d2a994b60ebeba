//! Layer 4 behind IPv4: its first word, by the header length, and whether all of it is there. Two clocks.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Four {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A record is here; from [`Align`](super::align::Align), as all `s_` here.
    pub s_valid: Signal<In, Bit>,
    /// IPv4.
    pub s_four: Signal<In, Bit>,
    /// The version is right.
    pub s_version: Signal<In, Bit>,
    /// Words of the header, one-hot from 5.
    pub s_header: Signal<In, Bits<11>>,
    /// Words of the header.
    pub s_header_words: Signal<In, Bits<4>>,
    /// Total length.
    pub s_total: Signal<In, Bits<16>>,
    /// Fragment offset.
    pub s_offset: Signal<In, Bits<13>>,
    /// Protocol.
    pub s_protocol: Signal<In, Bits<8>>,
    /// Words 5 to 15.
    pub s_low: [Signal<In, Bits<32>>; 11],
    /// Words 9 to 27 that are whole.
    pub s_there: Signal<In, Bits<19>>,
    /// Words 8 to 27 that would open TCP.
    pub s_opening: Signal<In, Bits<20>>,

    /// First word of layer 4; zero if not IPv4.
    pub m_word: Signal<Out, Bits<32>>,
    /// The flags, if it is TCP, are those of an opening segment.
    pub m_opening: Signal<Out, Bit>,
    /// The header contradicts itself.
    pub m_bad: Signal<Out, Bit>,
    /// The header is not all there.
    pub m_cut: Signal<Out, Bit>,
    /// Not the first fragment.
    pub m_later: Signal<Out, Bit>,
    /// TCP.
    pub m_tcp: Signal<Out, Bit>,
    /// UDP.
    pub m_udp: Signal<Out, Bit>,
    /// ICMP.
    pub m_icmp: Signal<Out, Bit>,

    // First clock.
    valid: DFF<Bit>,
    part: [DFF<Bits<32>>; 4],
    wrong: DFF<Bit>,
    roomy: DFF<Bit>,
    left: DFF<Bits<6>>,
    options: DFF<Bit>,
    two: DFF<Bit>,
    five: DFF<Bit>,
    opens: DFF<Bit>,
    fragment: DFF<Bit>,
    is_tcp: DFF<Bit>,
    is_udp: DFF<Bit>,
    is_icmp: DFF<Bit>,
    // Second clock.
    word: DFF<Bits<32>>,
    opening: DFF<Bit>,
    bad: DFF<Bit>,
    cut: DFF<Bit>,
    later: DFF<Bit>,
    tcp: DFF<Bit>,
    udp: DFF<Bit>,
    icmp: DFF<Bit>,

    masked: [Signal<Local, Bits<32>>; 11],
    room: Signal<Local, Bits<6>>,
    header_words: Signal<Local, Bits<6>>,
    ends: Signal<Local, Bits<11>>,
    pairs: Signal<Local, Bits<11>>,
    fives: Signal<Local, Bits<11>>,
    opens_at: Signal<Local, Bits<11>>,
    negative: Signal<Local, Bit>,
    broken: Signal<Local, Bit>,
    short: Signal<Local, Bit>,
    lacks: Signal<Local, Bit>,
    layer4: Signal<Local, Bit>,
}

impl Logic for Four {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, wrong, roomy, left, options, two, five, opens);
        dff_setup!(self, clock, fragment, is_tcp, is_udp, is_icmp);
        dff_setup!(self, clock, word, opening, bad, cut, later, tcp, udp, icmp);
        for i in 0..4 {
            self.part[i].clock.next = self.clock.val();
        }
        for i in 0..11 {
            self.masked[i].next = 0.into();
        }
        self.room.next = 0.into();
        self.header_words.next = 0.into();
        self.ends.next = 0.into();
        self.pairs.next = 0.into();
        self.fives.next = 0.into();
        self.opens_at.next = 0.into();
        self.negative.next = false;
        self.broken.next = false;
        self.short.next = false;
        self.lacks.next = false;
        self.layer4.next = false;

        self.valid.d.next = self.s_valid.val() & self.s_four.val();
        for i in 0..11 {
            if self.s_header.val().get_bit(i) {
                self.masked[i].next = self.s_low[i].val();
            }
        }
        for i in 0..3 {
            self.part[i].d.next =
                self.masked[i * 3].val() | self.masked[i * 3 + 1].val() | self.masked[i * 3 + 2].val();
        }
        self.part[3].d.next = self.masked[9].val() | self.masked[10].val();
        if self.s_valid.val() {
            // Where the options, the first two words and the first five of layer 4 end.
            self.ends.next = (bit_cast::<11, 6>(self.s_there.val().get_bits::<6>(0)) << 5) | 0x1f;
            self.pairs.next = (bit_cast::<11, 8>(self.s_there.val().get_bits::<8>(0)) << 3) | 7;
            self.fives.next = self.s_there.val().get_bits::<11>(0);
            self.opens_at.next = self.s_opening.val().get_bits::<11>(0);
            self.ends.next = self.ends.val() & self.s_header.val();
            self.pairs.next = self.pairs.val() & self.s_header.val();
            self.fives.next = self.fives.val() & self.s_header.val();
            self.opens_at.next = self.opens_at.val() & self.s_header.val();
            self.options.d.next = self.ends.val().any();
            self.two.d.next = self.pairs.val().any();
            self.five.d.next = self.fives.val().any();
            self.opens.d.next = self.opens_at.val().any();
            self.wrong.d.next = !self.s_version.val() | !self.s_header.val().any();
            // Words that the total length leaves for layer 4; 32 and more are enough for any header.
            self.room.next = bit_cast::<6, 5>(self.s_total.val().get_bits::<5>(2));
            self.header_words.next = bit_cast::<6, 4>(self.s_header_words.val());
            self.left.d.next = self.room.val() - self.header_words.val();
            self.roomy.d.next = self.s_total.val().get_bits::<9>(7).any();
            self.fragment.d.next = self.s_offset.val().any();
            self.is_tcp.d.next = self.s_protocol.val() == 6;
            self.is_udp.d.next = self.s_protocol.val() == 17;
            self.is_icmp.d.next = self.s_protocol.val() == 1;
        }

        self.word.d.next = self.part[0].q.val() | self.part[1].q.val() | self.part[2].q.val() | self.part[3].q.val();
        self.bad.d.next = false;
        self.cut.d.next = false;
        self.later.d.next = false;
        self.opening.d.next = false;
        self.tcp.d.next = false;
        self.udp.d.next = false;
        self.icmp.d.next = false;
        if self.valid.q.val() {
            self.negative.next = self.left.q.val().get_bit(5) & !self.roomy.q.val();
            self.broken.next = self.wrong.q.val() | self.negative.val();
            self.layer4.next =
                !self.fragment.q.val() & (self.is_tcp.q.val() | self.is_udp.q.val() | self.is_icmp.q.val());
            if self.is_tcp.q.val() {
                self.short.next = !self.roomy.q.val() & (self.left.q.val() < 5);
                self.lacks.next = !self.five.q.val();
            } else {
                self.short.next = !self.roomy.q.val() & (self.left.q.val() < 2);
                self.lacks.next = !self.two.q.val();
            }
            self.bad.d.next = self.broken.val() | (self.options.q.val() & self.layer4.val() & self.short.val());
            self.cut.d.next = !self.options.q.val() | (self.layer4.val() & self.lacks.val());
            self.later.d.next = self.fragment.q.val();
            self.opening.d.next = self.opens.q.val();
            self.tcp.d.next = self.is_tcp.q.val();
            self.udp.d.next = self.is_udp.q.val();
            self.icmp.d.next = self.is_icmp.q.val();
        }

        self.m_word.next = self.word.q.val();
        self.m_opening.next = self.opening.q.val();
        self.m_bad.next = self.bad.q.val();
        self.m_cut.next = self.cut.q.val();
        self.m_later.next = self.later.q.val();
        self.m_tcp.next = self.tcp.q.val();
        self.m_udp.next = self.udp.q.val();
        self.m_icmp.next = self.icmp.q.val();
    }
}
