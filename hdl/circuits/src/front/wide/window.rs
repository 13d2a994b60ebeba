//! Beats of 512 bit to the header window of a frame, in words as layer 3 counts them.
//!
//! Behind byte 14 a frame is a row of aligned 32-bit words: word 0 at byte 14, word 27 the last whole one of 128 bytes. The
//! first beat ends in the middle of word 12. Its words are held until the frame's record is due: with its last beat, its
//! second, or [`SECOND_CLOCKS`] after the first, whichever comes first. Latency: two clocks behind that beat; a record a
//! clock. Part of the twin of `weir_spec::frame::parse`.
//!
//! `tkeep` counts in the last beat only; it is contiguous.

use rust_hdl::prelude::*;

use super::lane::Lane;
use super::protocol::Protocol;
use super::swap::Swap;

/// Clocks after its first beat in which a frame's second beat must come to be looked at.
pub const SECOND_CLOCKS: u32 = 6;
/// Lanes of [`Lane`] that steer the record.
pub const LANES: usize = 16;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Window {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Forget the frame under way.
    pub reset: Signal<In, Bit>,
    /// Beat in.
    pub tdata: Signal<In, Bits<512>>,
    /// Its bytes.
    pub tkeep: Signal<In, Bits<64>>,
    /// There is a beat.
    pub tvalid: Signal<In, Bit>,
    /// It ends a frame.
    pub tlast: Signal<In, Bit>,

    /// A record is here: all below is about its frame.
    pub m_valid: Signal<Out, Bit>,
    /// Its second beat did not come in time.
    pub m_late: Signal<Out, Bit>,
    /// It has the 60 bytes that Ethernet asks for.
    pub m_long: Signal<Out, Bit>,
    /// It fills the window.
    pub m_full: Signal<Out, Bit>,
    /// IPv6 behind the tags.
    pub m_six: Signal<Out, Bit>,
    /// Words from byte 14, network order.
    pub m_word: [Signal<Out, Bits<32>>; 28],
    /// Words 11 to 27 that are whole, word 11 at bit 0; those before are, in a frame of 60 bytes.
    pub m_there: Signal<Out, Bits<17>>,
    /// Words 8 to 27 whose second byte would be the flags of an opening TCP segment.
    pub m_opening: Signal<Out, Bits<20>>,
    /// [`Protocol::meaning`] of the next header of IPv6 behind no, one and two tags.
    pub m_next: [Signal<Out, Bits<5>>; 3],
    /// Source MAC, first octet on top.
    pub m_mac: Signal<Out, Bits<48>>,
    /// The source MAC is all there.
    pub m_mac_whole: Signal<Out, Bit>,
    /// For lane after lane: a record is here.
    pub m_record: [Signal<Out, Bit>; 16],
    /// It has one VLAN tag.
    pub m_one: [Signal<Out, Bit>; 16],
    /// It has two.
    pub m_two: [Signal<Out, Bit>; 16],
    /// It is IPv4.
    pub m_four: [Signal<Out, Bit>; 16],

    lane: [Lane; 16],
    // When the record is due: one bit a clock since the first beat, none when nothing is.
    in_frame: DFF<Bit>,
    age: DFF<Bits<6>>,
    // First clock: the beat as it came.
    beat: DFF<Bits<512>>,
    keep: DFF<Bits<64>>,
    last: DFF<Bit>,
    second: DFF<Bit>,
    fire: DFF<Bit>,
    timed: DFF<Bit>,
    // Second clock: the first beat, held.
    early: [DFF<Bits<32>>; 12],
    early_half: DFF<Bits<16>>,
    early_opening: DFF<Bits<5>>,
    long: DFF<Bit>,
    eleven: DFF<Bit>,
    six: DFF<Bit>,
    next: [DFF<Bits<5>>; 3],
    mac: DFF<Bits<48>>,
    mac_whole: DFF<Bit>,
    // The second beat.
    late_half: DFF<Bits<16>>,
    late: [DFF<Bits<32>>; 15],
    late_opening: DFF<Bits<15>>,
    late_there: DFF<Bits<16>>,
    full: DFF<Bit>,
    valid: DFF<Bit>,
    timed_q: DFF<Bit>,

    protocol: [Protocol; 3],
    swap: [Swap; 28],
    straddle: Signal<Local, Bits<32>>,
    begins: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    due: Signal<Local, Bit>,
    fires: Signal<Local, Bit>,
    opens: Signal<Local, Bit>,
    older: Signal<Local, Bits<6>>,
    kind0: Signal<Local, Bits<16>>,
    kind1: Signal<Local, Bits<16>>,
    kind2: Signal<Local, Bits<16>>,
    tag0: Signal<Local, Bit>,
    tag1: Signal<Local, Bit>,
    one: Signal<Local, Bit>,
    two: Signal<Local, Bit>,
    is_four: Signal<Local, Bit>,
    is_six: Signal<Local, Bit>,
    fresh: [Signal<Local, Bits<32>>; 28],
    opening: Signal<Local, Bits<28>>,
    goes_on: Signal<Local, Bit>,
    whole: Signal<Local, Bits<16>>,
    there: Signal<Local, Bits<17>>,
}

impl Logic for Window {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, age, beat, keep, last, second, fire, timed);
        dff_setup!(self, clock, early_half, early_opening, long, eleven, six, mac, mac_whole);
        dff_setup!(self, clock, late_half, late_opening, late_there, full, valid, timed_q);
        for i in 0..12 {
            self.early[i].clock.next = self.clock.val();
            self.early[i].d.next = self.early[i].q.val();
        }
        for i in 0..15 {
            self.late[i].clock.next = self.clock.val();
        }
        for i in 0..3 {
            self.next[i].clock.next = self.clock.val();
            self.next[i].d.next = self.next[i].q.val();
        }

        // When a record is due.
        self.due.next = self.age.q.val().get_bit(5);
        self.begins.next = self.tvalid.val() & !self.in_frame.q.val();
        self.takes.next = self.tvalid.val() & self.age.q.val().any();
        self.fires.next = (self.begins.val() & self.tlast.val()) | self.takes.val() | self.due.val();
        if self.tvalid.val() {
            self.in_frame.d.next = !self.tlast.val();
        }
        self.older.next = self.age.q.val() << 1;
        self.opens.next = self.begins.val() & !self.tlast.val();
        self.age.d.next = self.older.val().replace_bit(0, self.opens.val());
        if self.fires.val() {
            self.age.d.next = 0.into();
        }
        self.fire.d.next = self.fires.val();
        self.timed.d.next = self.due.val() & !self.tvalid.val();
        self.beat.d.next = self.tdata.val();
        self.keep.d.next = self.tkeep.val();
        self.last.d.next = self.tlast.val();
        self.second.d.next = self.takes.val();

        // Layer 2.
        self.kind0.next = (bit_cast::<16, 8>(self.beat.q.val().get_bits::<8>(96)) << 8)
            | bit_cast::<16, 8>(self.beat.q.val().get_bits::<8>(104));
        self.kind1.next = (bit_cast::<16, 8>(self.beat.q.val().get_bits::<8>(128)) << 8)
            | bit_cast::<16, 8>(self.beat.q.val().get_bits::<8>(136));
        self.kind2.next = (bit_cast::<16, 8>(self.beat.q.val().get_bits::<8>(160)) << 8)
            | bit_cast::<16, 8>(self.beat.q.val().get_bits::<8>(168));
        self.tag0.next = (self.kind0.val() == 0x8100) | (self.kind0.val() == 0x88a8);
        self.tag1.next = (self.kind1.val() == 0x8100) | (self.kind1.val() == 0x88a8);
        self.one.next = self.tag0.val() & !self.tag1.val();
        self.two.next = self.tag0.val() & self.tag1.val();
        self.is_four.next = (!self.tag0.val() & (self.kind0.val() == 0x0800))
            | (self.one.val() & (self.kind1.val() == 0x0800))
            | (self.two.val() & (self.kind2.val() == 0x0800));
        self.is_six.next = (!self.tag0.val() & (self.kind0.val() == 0x86dd))
            | (self.one.val() & (self.kind1.val() == 0x86dd))
            | (self.two.val() & (self.kind2.val() == 0x86dd));
        for i in 0..16 {
            self.lane[i].clock.next = self.clock.val();
            self.lane[i].reset.next = self.reset.val();
            self.lane[i].tvalid.next = self.tvalid.val();
            self.lane[i].tlast.next = self.tlast.val();
            self.lane[i].due.next = self.due.val();
            self.lane[i].s_one.next = self.one.val();
            self.lane[i].s_two.next = self.two.val();
            self.lane[i].s_four.next = self.is_four.val();
            self.m_record[i].next = self.lane[i].record.val();
            self.m_one[i].next = self.lane[i].one.val();
            self.m_two[i].next = self.lane[i].two.val();
            self.m_four[i].next = self.lane[i].four.val();
        }

        // The beat in network order: as a first beat it holds words 0 to 12, as a second 12 to 27.
        for i in 0..12 {
            self.swap[i].s.next = self.beat.q.val().get_bits::<32>(112 + i * 32);
        }
        self.straddle.next = bit_cast::<32, 16>(self.beat.q.val().get_bits::<16>(0)) << 16;
        self.swap[12].s.next = self.straddle.val() | bit_cast::<32, 16>(self.beat.q.val().get_bits::<16>(496));
        for i in 0..15 {
            self.swap[i + 13].s.next = self.beat.q.val().get_bits::<32>(16 + i * 32);
        }
        for i in 0..28 {
            self.fresh[i].next = self.swap[i].m.val();
        }
        self.opening.next = 0.into();
        for i in 8..28 {
            self.opening.next = self.opening.val().replace_bit(i, (self.fresh[i].val().get_bits::<5>(16) & 0x17) == 2);
        }
        for l in 0..6 {
            if self.lane[l].first.val() {
                for j in 0..2 {
                    self.early[l * 2 + j].d.next = self.fresh[l * 2 + j].val();
                }
            }
        }
        for i in 0..3 {
            self.protocol[i].number.next = self.beat.q.val().get_bits::<8>(160 + i * 32);
        }
        if self.lane[6].first.val() {
            self.early_half.d.next = self.fresh[12].val().get_bits::<16>(16);
            self.early_opening.d.next = self.opening.val().get_bits::<5>(8);
            self.long.d.next = !self.last.q.val() | self.keep.q.val().get_bit(59);
            self.eleven.d.next = !self.last.q.val() | self.keep.q.val().get_bit(61);
            self.six.d.next = self.is_six.val();
            for i in 0..3 {
                self.next[i].d.next = self.protocol[i].meaning.val();
            }
        }
        if self.lane[7].first.val() {
            self.mac.d.next = (bit_cast::<48, 8>(self.beat.q.val().get_bits::<8>(48)) << 40)
                | (bit_cast::<48, 8>(self.beat.q.val().get_bits::<8>(56)) << 32)
                | (bit_cast::<48, 8>(self.beat.q.val().get_bits::<8>(64)) << 24)
                | (bit_cast::<48, 8>(self.beat.q.val().get_bits::<8>(72)) << 16)
                | (bit_cast::<48, 8>(self.beat.q.val().get_bits::<8>(80)) << 8)
                | bit_cast::<48, 8>(self.beat.q.val().get_bits::<8>(88));
            self.mac_whole.d.next = !self.last.q.val() | self.keep.q.val().get_bit(11);
        }

        // The second beat; without one, nothing of it is there.
        self.late_half.d.next = self.fresh[12].val().get_bits::<16>(0);
        for i in 0..15 {
            self.late[i].d.next = self.fresh[i + 13].val();
        }
        self.late_opening.d.next = self.opening.val().get_bits::<15>(13);
        self.whole.next = 0.into();
        self.goes_on.next = !self.last.q.val();
        for i in 0..16 {
            self.whole.next = self
                .whole
                .val()
                .replace_bit(i, self.second.q.val() & (self.goes_on.val() | self.keep.q.val().get_bit(1 + i * 4)));
        }
        self.late_there.d.next = self.whole.val();
        self.full.d.next = self.second.q.val() & (!self.last.q.val() | self.keep.q.val().get_bit(63));
        self.valid.d.next = self.fire.q.val();
        self.timed_q.d.next = self.timed.q.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.age.d.next = 0.into();
            self.fire.d.next = false;
            self.valid.d.next = false;
        }

        self.m_valid.next = self.valid.q.val();
        self.m_late.next = self.timed_q.q.val();
        self.m_long.next = self.long.q.val();
        self.m_full.next = self.full.q.val();
        self.m_six.next = self.six.q.val();
        for i in 0..12 {
            self.m_word[i].next = self.early[i].q.val();
        }
        self.m_word[12].next =
            (bit_cast::<32, 16>(self.early_half.q.val()) << 16) | bit_cast::<32, 16>(self.late_half.q.val());
        for i in 0..15 {
            self.m_word[i + 13].next = self.late[i].q.val();
        }
        self.there.next = bit_cast::<17, 16>(self.late_there.q.val()) << 1;
        self.m_there.next = self.there.val().replace_bit(0, self.eleven.q.val());
        self.m_opening.next =
            (bit_cast::<20, 15>(self.late_opening.q.val()) << 5) | bit_cast::<20, 5>(self.early_opening.q.val());
        for i in 0..3 {
            self.m_next[i].next = self.next[i].q.val();
        }
        self.m_mac.next = self.mac.q.val();
        self.m_mac_whole.next = self.mac_whole.q.val();
    }
}
