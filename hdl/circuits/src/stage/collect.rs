//! Beats of 64 bit to pairs of 32-bit words as layer 3 counts them.
//!
//! Layer 3 starts at byte 14 + 4 a VLAN tag. From the third beat on each beat completes two words (counted from byte 14);
//! with one tag the pairs that layer 3 wants lie across beats. This stage steps over the tags and gives pair 0 of
//! layer 3, then pair 1 and so on, at most one a clock. Latency: two clocks. Part of the twin of `weir_spec::frame::parse`.
//!
//! `tkeep` counts in the last beat only; it is contiguous.

use rust_hdl::prelude::*;

/// Beats of a window of 128 bytes.
pub const WINDOW_BEATS: u32 = (weir_spec::frame::WINDOW / 8) as u32;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Collect {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget the frame under way.
    pub reset: Signal<In, Bit>,
    /// Beat in.
    pub tdata: Signal<In, Bits<64>>,
    /// Its bytes.
    pub tkeep: Signal<In, Bits<8>>,
    /// There is a beat.
    pub tvalid: Signal<In, Bit>,
    /// It ends a frame.
    pub tlast: Signal<In, Bit>,

    /// A beat was taken in; all below is about it and the frame up to it.
    pub m_beat: Signal<Out, Bit>,
    /// It is the first of its frame.
    pub m_first: Signal<Out, Bit>,
    /// It is the last of its frame or of the header window.
    pub m_end: Signal<Out, Bit>,
    /// The frame fills the header window.
    pub m_window: Signal<Out, Bit>,
    /// The frame has the 60 bytes that Ethernet asks for.
    pub m_long: Signal<Out, Bit>,
    /// Complete words so far, counted from byte 14; 28 at most.
    pub m_words: Signal<Out, Bits<6>>,
    /// VLAN tags.
    pub m_tags: Signal<Out, Bits<2>>,
    /// IPv4 behind the tags.
    pub m_ipv4: Signal<Out, Bit>,
    /// IPv6 behind the tags.
    pub m_ipv6: Signal<Out, Bit>,
    /// Source MAC, first octet on top; complete from the second beat on.
    pub m_source_mac: Signal<Out, Bits<48>>,
    /// The source MAC is all there.
    pub m_source_mac_valid: Signal<Out, Bit>,
    /// `m_high` and `m_low` hold a pair of layer 3; its words may be cut, `m_words` tells.
    pub m_pair: Signal<Out, Bit>,
    /// Both of its words are complete.
    pub m_whole: Signal<Out, Bit>,
    /// Which pair of layer 3.
    pub m_index: Signal<Out, Bits<4>>,
    /// First word, network order.
    pub m_high: Signal<Out, Bits<32>>,
    /// Second word, network order.
    pub m_low: Signal<Out, Bits<32>>,

    in_frame: DFF<Bit>,
    // First clock: the beat in network order, and its number.
    beat: DFF<Bit>,
    first: DFF<Bit>,
    last: DFF<Bit>,
    keep: DFF<Bits<8>>,
    bytes: DFF<Bits<64>>,
    number: DFF<Bits<5>>,
    // Second clock: what is known of the frame.
    carry: DFF<Bits<16>>,
    odd_word: DFF<Bits<32>>,
    has_tag: DFF<Bit>,
    tags: DFF<Bits<2>>,
    ipv4: DFF<Bit>,
    ipv6: DFF<Bit>,
    mac: DFF<Bits<48>>,
    mac_valid: DFF<Bit>,
    out_beat: DFF<Bit>,
    out_first: DFF<Bit>,
    out_end: DFF<Bit>,
    out_window: DFF<Bit>,
    out_long: DFF<Bit>,
    out_words: DFF<Bits<6>>,
    out_pair: DFF<Bit>,
    out_whole: DFF<Bit>,
    out_index: DFF<Bits<4>>,
    out_high: DFF<Bits<32>>,
    out_low: DFF<Bits<32>>,

    b: Signal<Local, Bits<64>>,
    word_a: Signal<Local, Bits<32>>,
    word_b: Signal<Local, Bits<32>>,
    kind: Signal<Local, Bits<16>>,
    vlan: Signal<Local, Bit>,
    inner_vlan: Signal<Local, Bit>,
    know: Signal<Local, Bit>,
    words: Signal<Local, Bits<6>>,
    full: Signal<Local, Bit>,
    start: Signal<Local, Bits<5>>,
    index: Signal<Local, Bits<5>>,
}

impl Logic for Collect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, beat, first, last, keep, bytes, number);
        dff_setup!(self, clock, carry, odd_word, has_tag, tags, ipv4, ipv6, mac, mac_valid);
        dff_setup!(self, clock, out_beat, out_first, out_end, out_window, out_long, out_words);
        dff_setup!(self, clock, out_pair, out_whole, out_index, out_high, out_low);

        self.beat.d.next = self.tvalid.val();
        if self.tvalid.val() {
            self.in_frame.d.next = !self.tlast.val();
            self.first.d.next = !self.in_frame.q.val();
            self.last.d.next = self.tlast.val();
            self.keep.d.next = self.tkeep.val();
            self.bytes.d.next = (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(0)) << 56)
                | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(8)) << 48)
                | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(16)) << 40)
                | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(24)) << 32)
                | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(32)) << 24)
                | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(40)) << 16)
                | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(48)) << 8)
                | bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(56));
            if !self.in_frame.q.val() {
                self.number.d.next = 0.into();
            } else if !self.number.q.val().get_bit(4) {
                self.number.d.next = self.number.q.val() + 1;
            }
        }

        self.b.next = self.bytes.q.val();
        self.word_a.next =
            (bit_cast::<32, 16>(self.carry.q.val()) << 16) | bit_cast::<32, 16>(self.b.val().get_bits::<16>(48));
        self.word_b.next = self.b.val().get_bits::<32>(16);
        self.full.next = !self.last.q.val() | self.keep.q.val().get_bit(7);
        self.kind.next = 0.into();
        self.vlan.next = false;
        self.inner_vlan.next = false;
        self.know.next = false;
        self.words.next = 0.into();
        self.start.next = 0.into();
        self.index.next = 0.into();

        self.out_beat.d.next = self.beat.q.val();
        self.out_pair.d.next = false;
        if self.beat.q.val() {
            self.carry.d.next = self.b.val().get_bits::<16>(0);
            self.odd_word.d.next = self.word_b.val();
            if self.first.q.val() {
                self.mac.d.next = bit_cast::<48, 16>(self.b.val().get_bits::<16>(0)) << 32;
                self.mac_valid.d.next = false;
                self.has_tag.d.next = false;
                self.tags.d.next = 0.into();
                self.ipv4.d.next = false;
                self.ipv6.d.next = false;
            }
            // EtherType: in the second beat, or behind the tags in the third.
            if self.number.q.val() == 1 {
                self.kind.next = self.b.val().get_bits::<16>(16);
                self.mac.d.next = self.mac.q.val() | bit_cast::<48, 32>(self.b.val().get_bits::<32>(32));
                self.mac_valid.d.next = !self.last.q.val() | self.keep.q.val().get_bit(3);
                self.vlan.next = (self.kind.val() == 0x8100) | (self.kind.val() == 0x88a8);
                self.has_tag.d.next = self.vlan.val();
                self.know.next = true;
            }
            if (self.number.q.val() == 2) & self.has_tag.q.val() {
                self.kind.next = self.word_a.val().get_bits::<16>(0);
                self.inner_vlan.next = (self.kind.val() == 0x8100) | (self.kind.val() == 0x88a8);
                self.tags.d.next = 1.into();
                if self.inner_vlan.val() {
                    self.kind.next = self.word_b.val().get_bits::<16>(0);
                    self.tags.d.next = 2.into();
                }
                self.know.next = true;
            }
            if self.know.val() {
                self.ipv4.d.next = self.kind.val() == 0x0800;
                self.ipv6.d.next = self.kind.val() == 0x86dd;
            }

            // How far the frame has come.
            if self.number.q.val() >= 2 {
                self.words.next = (bit_cast::<6, 5>(self.number.q.val()) << 1) - 4;
                if !self.last.q.val() | self.keep.q.val().get_bit(5) {
                    self.words.next = self.words.val() + 2;
                } else if self.keep.q.val().get_bit(1) {
                    self.words.next = self.words.val() + 1;
                }
            }
            self.out_words.d.next = self.words.val();
            self.out_first.d.next = self.first.q.val();
            self.out_window.d.next = (self.number.q.val() == 15) & self.full.val();
            self.out_end.d.next = self.last.q.val() | (self.number.q.val() == 15);
            self.out_long.d.next = (self.number.q.val() > 7)
                | ((self.number.q.val() == 7) & (!self.last.q.val() | self.keep.q.val().get_bit(3)));

            // The pair of layer 3 that this beat completes.
            self.start.next = 2.into();
            if self.has_tag.q.val() {
                self.start.next = 3.into();
            }
            self.index.next = self.number.q.val() - self.start.val();
            self.out_index.d.next = self.index.val().get_bits::<4>(0);
            self.out_pair.d.next = (self.number.q.val() >= self.start.val()) & !self.number.q.val().get_bit(4);
            if self.tags.q.val() == 1 {
                self.out_high.d.next = self.odd_word.q.val();
                self.out_low.d.next = self.word_a.val();
                self.out_whole.d.next = !self.last.q.val() | self.keep.q.val().get_bit(1);
            } else {
                self.out_high.d.next = self.word_a.val();
                self.out_low.d.next = self.word_b.val();
                self.out_whole.d.next = !self.last.q.val() | self.keep.q.val().get_bit(5);
            }
        }

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.beat.d.next = false;
            self.out_beat.d.next = false;
            self.out_pair.d.next = false;
        }

        self.m_beat.next = self.out_beat.q.val();
        self.m_first.next = self.out_first.q.val();
        self.m_end.next = self.out_end.q.val();
        self.m_window.next = self.out_window.q.val();
        self.m_long.next = self.out_long.q.val();
        self.m_words.next = self.out_words.q.val();
        self.m_tags.next = self.tags.q.val();
        self.m_ipv4.next = self.ipv4.q.val();
        self.m_ipv6.next = self.ipv6.q.val();
        self.m_source_mac.next = self.mac.q.val();
        self.m_source_mac_valid.next = self.mac_valid.q.val();
        self.m_pair.next = self.out_pair.q.val();
        self.m_whole.next = self.out_whole.q.val();
        self.m_index.next = self.out_index.q.val();
        self.m_high.next = self.out_high.q.val();
        self.m_low.next = self.out_low.q.val();
    }
}
