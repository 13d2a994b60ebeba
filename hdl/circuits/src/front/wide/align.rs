//! The header window to the words of layer 3, whatever the tags before it. One clock.
//!
//! Layer 3 starts at word 0, 1 or 2. The addresses end here; the words in which layer 4 or an extension header may begin
//! go on: 5 to 15 behind IPv4, the even ones from 10 behind IPv6.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Align {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// From [`Window`](super::window::Window), as all `s_` here: its words.
    pub s_word: [Signal<In, Bits<32>>; 28],
    /// Words 11 to 27 that are whole.
    pub s_there: Signal<In, Bits<17>>,
    /// Words 8 to 27 that would open TCP.
    pub s_opening: Signal<In, Bits<20>>,
    /// Next header of IPv6, by tags.
    pub s_next: [Signal<In, Bits<5>>; 3],
    /// IPv6.
    pub s_six: Signal<In, Bit>,
    /// A record is here.
    pub s_record: [Signal<In, Bit>; 16],
    /// One tag.
    pub s_one: [Signal<In, Bit>; 16],
    /// Two tags.
    pub s_two: [Signal<In, Bit>; 16],
    /// IPv4.
    pub s_four: [Signal<In, Bit>; 16],

    /// Source address, first octet on top; IPv4 in the upper 32 bits, zero below.
    pub m_source: Signal<Out, Bits<128>>,
    /// Destination address, likewise.
    pub m_destination: Signal<Out, Bits<128>>,
    /// IPv4.
    pub m_four: Signal<Out, Bit>,
    /// IPv6.
    pub m_six: Signal<Out, Bit>,
    /// The version is that of the EtherType.
    pub m_version: Signal<Out, Bit>,
    /// Words of the IPv4 header, one-hot from 5; none if fewer, or not IPv4.
    pub m_header: Signal<Out, Bits<11>>,
    /// Likewise, in binary.
    pub m_header_words: Signal<Out, Bits<4>>,
    /// Total length of IPv4.
    pub m_total: Signal<Out, Bits<16>>,
    /// Fragment offset of IPv4.
    pub m_offset: Signal<Out, Bits<13>>,
    /// Protocol of IPv4.
    pub m_protocol: Signal<Out, Bits<8>>,
    /// Payload length of IPv6.
    pub m_payload: Signal<Out, Bits<16>>,
    /// [`Protocol::meaning`](super::protocol::Protocol) of the next header of IPv6.
    pub m_next: Signal<Out, Bits<5>>,
    /// Words 5 to 15 of layer 3.
    pub m_low: [Signal<Out, Bits<32>>; 11],
    /// Words 16, 18 .. 26.
    pub m_high: [Signal<Out, Bits<32>>; 6],
    /// Words 9 to 27 that are whole, word 9 at bit 0.
    pub m_there: Signal<Out, Bits<19>>,
    /// Words 8 to 27 that would open TCP.
    pub m_opening: Signal<Out, Bits<20>>,

    low: [DFF<Bits<32>>; 11],
    high: [DFF<Bits<32>>; 6],
    source: [DFF<Bits<32>>; 4],
    destination: [DFF<Bits<32>>; 4],
    four: DFF<Bit>,
    six: DFF<Bit>,
    version: DFF<Bit>,
    header: DFF<Bits<11>>,
    header_words: DFF<Bits<4>>,
    total: DFF<Bits<16>>,
    offset: DFF<Bits<13>>,
    protocol: DFF<Bits<8>>,
    payload: DFF<Bits<16>>,
    next: DFF<Bits<5>>,
    there: DFF<Bits<19>>,
    opening: DFF<Bits<20>>,

    top: [Signal<Local, Bits<32>>; 4],
    word0: Signal<Local, Bits<32>>,
    word1: Signal<Local, Bits<32>>,
    word2: Signal<Local, Bits<32>>,
    nibble: Signal<Local, Bits<4>>,
    words: Signal<Local, Bits<4>>,
    unit: Signal<Local, Bits<16>>,
    hot: Signal<Local, Bits<16>>,
    all_there: Signal<Local, Bits<19>>,
}

impl Logic for Align {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, four, six, version, header, header_words, total, offset, protocol, payload, next);
        dff_setup!(self, clock, there, opening);
        for i in 0..11 {
            self.low[i].clock.next = self.clock.val();
            self.low[i].d.next = self.low[i].q.val();
        }
        for i in 0..6 {
            self.high[i].clock.next = self.clock.val();
            self.high[i].d.next = self.high[i].q.val();
        }
        for i in 0..4 {
            self.source[i].clock.next = self.clock.val();
            self.source[i].d.next = self.source[i].q.val();
            self.destination[i].clock.next = self.clock.val();
            self.destination[i].d.next = self.destination[i].q.val();
            self.top[i].next = 0.into();
        }
        self.word0.next = 0.into();
        self.word1.next = 0.into();
        self.word2.next = 0.into();
        self.nibble.next = 0.into();
        self.words.next = 0.into();
        self.unit.next = 1.into();
        self.hot.next = 0.into();
        self.all_there.next = 0.into();

        // Two words a lane: 5 to 14, then 15 alone, then the even ones.
        for l in 0..5 {
            if self.s_record[l].val() {
                for j in 0..2 {
                    self.low[l * 2 + j].d.next = self.s_word[l * 2 + j + 5].val();
                    if self.s_one[l].val() {
                        self.low[l * 2 + j].d.next = self.s_word[l * 2 + j + 6].val();
                    }
                    if self.s_two[l].val() {
                        self.low[l * 2 + j].d.next = self.s_word[l * 2 + j + 7].val();
                    }
                }
            }
        }
        if self.s_record[5].val() {
            self.low[10].d.next = self.s_word[15].val();
            if self.s_one[5].val() {
                self.low[10].d.next = self.s_word[16].val();
            }
            if self.s_two[5].val() {
                self.low[10].d.next = self.s_word[17].val();
            }
        }
        for l in 0..3 {
            if self.s_record[l + 6].val() {
                for j in 0..2 {
                    self.high[l * 2 + j].d.next = self.s_word[l * 4 + j * 2 + 16].val();
                    if self.s_one[l + 6].val() {
                        self.high[l * 2 + j].d.next = self.s_word[l * 4 + j * 2 + 17].val();
                    }
                }
            }
        }
        // Two tags put word 26 of layer 3 behind the window.
        for l in 0..2 {
            if self.s_record[l + 6].val() & self.s_two[l + 6].val() {
                for j in 0..2 {
                    self.high[l * 2 + j].d.next = self.s_word[l * 4 + j * 2 + 18].val();
                }
            }
        }
        if self.s_record[8].val() & self.s_two[8].val() {
            self.high[4].d.next = self.s_word[26].val();
        }

        // The first four octets of an address are elsewhere in IPv4 and in IPv6.
        if self.s_record[9].val() {
            self.top[0].next = self.s_word[2].val();
            self.top[1].next = self.s_word[3].val();
            if self.s_one[9].val() {
                self.top[0].next = self.s_word[3].val();
                self.top[1].next = self.s_word[4].val();
            }
            if self.s_two[9].val() {
                self.top[0].next = self.s_word[4].val();
                self.top[1].next = self.s_word[5].val();
            }
            self.source[0].d.next = self.top[0].val();
            if self.s_four[9].val() {
                self.source[0].d.next = self.top[1].val();
            }
        }
        if self.s_record[10].val() {
            for j in 1..3 {
                self.source[j].d.next = self.s_word[j + 2].val();
                if self.s_one[10].val() {
                    self.source[j].d.next = self.s_word[j + 3].val();
                }
                if self.s_two[10].val() {
                    self.source[j].d.next = self.s_word[j + 4].val();
                }
                if self.s_four[10].val() {
                    self.source[j].d.next = 0.into();
                }
            }
        }
        if self.s_record[11].val() {
            self.source[3].d.next = self.s_word[5].val();
            self.destination[3].d.next = self.s_word[9].val();
            if self.s_one[11].val() {
                self.source[3].d.next = self.s_word[6].val();
                self.destination[3].d.next = self.s_word[10].val();
            }
            if self.s_two[11].val() {
                self.source[3].d.next = self.s_word[7].val();
                self.destination[3].d.next = self.s_word[11].val();
            }
            if self.s_four[11].val() {
                self.source[3].d.next = 0.into();
                self.destination[3].d.next = 0.into();
            }
        }
        if self.s_record[12].val() {
            self.top[2].next = self.s_word[6].val();
            self.top[3].next = self.s_word[4].val();
            if self.s_one[12].val() {
                self.top[2].next = self.s_word[7].val();
                self.top[3].next = self.s_word[5].val();
            }
            if self.s_two[12].val() {
                self.top[2].next = self.s_word[8].val();
                self.top[3].next = self.s_word[6].val();
            }
            self.destination[0].d.next = self.top[2].val();
            if self.s_four[12].val() {
                self.destination[0].d.next = self.top[3].val();
            }
        }
        if self.s_record[13].val() {
            for j in 1..3 {
                self.destination[j].d.next = self.s_word[j + 6].val();
                if self.s_one[13].val() {
                    self.destination[j].d.next = self.s_word[j + 7].val();
                }
                if self.s_two[13].val() {
                    self.destination[j].d.next = self.s_word[j + 8].val();
                }
                if self.s_four[13].val() {
                    self.destination[j].d.next = 0.into();
                }
            }
        }

        // What the fixed headers say.
        if self.s_record[14].val() {
            self.word0.next = self.s_word[0].val();
            self.word2.next = self.s_word[2].val();
            self.next.d.next = self.s_next[0].val();
            if self.s_one[14].val() {
                self.word0.next = self.s_word[1].val();
                self.word2.next = self.s_word[3].val();
                self.next.d.next = self.s_next[1].val();
            }
            if self.s_two[14].val() {
                self.word0.next = self.s_word[2].val();
                self.word2.next = self.s_word[4].val();
                self.next.d.next = self.s_next[2].val();
            }
            self.nibble.next = self.word0.val().get_bits::<4>(28);
            self.words.next = self.word0.val().get_bits::<4>(24);
            self.hot.next = self.unit.val() << self.words.val();
            self.four.d.next = self.s_four[14].val();
            self.six.d.next = self.s_six.val();
            self.version.d.next = (self.s_four[14].val() & (self.nibble.val() == 4))
                | (!self.s_four[14].val() & (self.nibble.val() == 6));
            self.header_words.d.next = self.words.val();
            self.header.d.next = 0.into();
            if self.s_four[14].val() {
                self.header.d.next = self.hot.val().get_bits::<11>(5);
            }
            self.total.d.next = self.word0.val().get_bits::<16>(0);
            self.protocol.d.next = self.word2.val().get_bits::<8>(16);
        }
        if self.s_record[15].val() {
            self.word1.next = self.s_word[1].val();
            self.all_there.next = (bit_cast::<19, 17>(self.s_there.val()) << 2) | 3;
            self.there.d.next = self.all_there.val();
            self.opening.d.next = self.s_opening.val();
            if self.s_one[15].val() {
                self.word1.next = self.s_word[2].val();
                self.there.d.next = self.all_there.val() >> 1;
                self.opening.d.next = self.s_opening.val() >> 1;
            }
            if self.s_two[15].val() {
                self.word1.next = self.s_word[3].val();
                self.there.d.next = self.all_there.val() >> 2;
                self.opening.d.next = self.s_opening.val() >> 2;
            }
            self.offset.d.next = self.word1.val().get_bits::<13>(0);
            self.payload.d.next = self.word1.val().get_bits::<16>(16);
        }

        for i in 0..11 {
            self.m_low[i].next = self.low[i].q.val();
        }
        for i in 0..6 {
            self.m_high[i].next = self.high[i].q.val();
        }
        self.m_source.next = (bit_cast::<128, 32>(self.source[0].q.val()) << 96)
            | (bit_cast::<128, 32>(self.source[1].q.val()) << 64)
            | (bit_cast::<128, 32>(self.source[2].q.val()) << 32)
            | bit_cast::<128, 32>(self.source[3].q.val());
        self.m_destination.next = (bit_cast::<128, 32>(self.destination[0].q.val()) << 96)
            | (bit_cast::<128, 32>(self.destination[1].q.val()) << 64)
            | (bit_cast::<128, 32>(self.destination[2].q.val()) << 32)
            | bit_cast::<128, 32>(self.destination[3].q.val());
        self.m_four.next = self.four.q.val();
        self.m_six.next = self.six.q.val();
        self.m_version.next = self.version.q.val();
        self.m_header.next = self.header.q.val();
        self.m_header_words.next = self.header_words.q.val();
        self.m_total.next = self.total.q.val();
        self.m_offset.next = self.offset.q.val();
        self.m_protocol.next = self.protocol.q.val();
        self.m_payload.next = self.payload.q.val();
        self.m_next.next = self.next.q.val();
        self.m_there.next = self.there.q.val();
        self.m_opening.next = self.opening.q.val();
    }
}
