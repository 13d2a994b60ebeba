//! Beats of 64 bit to pairs of 32-bit words as layer 3 counts them.
//!
//! Layer 3 starts at byte 14 + 4 a VLAN tag. With no tag or two, a pair is the last two bytes of a beat and the first six
//! of the next; with one tag it starts two words earlier in the stream, so it lies across beats the other way. This stage
//! steps over the tags and gives pair 0 of layer 3, then pair 1 and so on, at most one a clock, with one strobe for each
//! place in a header that the fields are read from. Latency: two clocks.
//!
//! What is needed to choose is decided a clock before it is used: EtherTypes are compared at the pins, protocol numbers
//! are read while the beat that holds them waits for the next one. `tkeep` counts in the last beat only; it is contiguous.

use rust_hdl::prelude::*;

use super::next::NextHeader;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Pairs {
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

    /// The header window of a frame is over; the next four are about it.
    pub m_fire: Signal<Out, Bit>,
    /// The frame has the 60 bytes that Ethernet asks for.
    pub m_long: Signal<Out, Bit>,
    /// The frame fills the header window.
    pub m_window: Signal<Out, Bit>,
    /// Its time is up and neither the frame nor the window is.
    pub m_expired: Signal<Out, Bit>,
    /// The source MAC is all there.
    pub m_mac_valid: Signal<Out, Bit>,
    /// Source MAC, first octet on top; until the second beat of the next frame.
    pub m_mac: Signal<Out, Bits<48>>,
    /// IPv4 behind the tags; stands from pair 0 until the second beat of the next frame.
    pub m_ipv4: Signal<Out, Bit>,
    /// IPv6, likewise.
    pub m_ipv6: Signal<Out, Bit>,

    /// `m_high` and `m_low` hold a pair of layer 3; its words may be cut.
    pub m_pair: Signal<Out, Bit>,
    /// Both words are complete.
    pub m_whole: Signal<Out, Bit>,
    /// The word behind the complete pairs is complete too.
    pub m_half: Signal<Out, Bit>,
    /// `m_pair` and `m_whole`.
    pub m_step: Signal<Out, Bit>,
    /// Pair 0.
    pub m_pair0: Signal<Out, Bit>,
    /// Pair 1 of IPv4.
    pub m_pair1_ipv4: Signal<Out, Bit>,
    /// Pair 1, not of IPv4.
    pub m_pair1_ipv6: Signal<Out, Bit>,
    /// Pair 2 of IPv4.
    pub m_pair2_ipv4: Signal<Out, Bit>,
    /// Pair 2, not of IPv4.
    pub m_pair2_ipv6: Signal<Out, Bit>,
    /// The first word is the first one of the destination address.
    pub m_destination: Signal<Out, Bit>,
    /// Pair 4 of IPv4.
    pub m_pair4_ipv4: Signal<Out, Bit>,
    /// Pair 4, not of IPv4.
    pub m_pair4_ipv6: Signal<Out, Bit>,
    /// First word, network order.
    pub m_high: Signal<Out, Bits<32>>,
    /// Second word, network order.
    pub m_low: Signal<Out, Bits<32>>,
    /// What the first octet means as a protocol number; see [`NextHeader`].
    pub m_next: Signal<Out, Bits<5>>,
    /// The second octet is zero: an extension header of eight octets.
    pub m_single: Signal<Out, Bit>,
    /// It is above 15: an extension header that leaves the window.
    pub m_far: Signal<Out, Bit>,
    /// The offset of a fragment header is not zero.
    pub m_offset: Signal<Out, Bit>,

    // From the pins: which frame, which beat of it.
    in_frame: DFF<Bit>,
    open: DFF<Bit>,
    age: DFF<Bits<5>>,
    due: DFF<Bit>,
    beat: DFF<Bit>,
    last: DFF<Bit>,
    expire: DFF<Bit>,
    at: DFF<Bits<16>>,
    from2: DFF<Bit>,
    from3: DFF<Bit>,
    from8: DFF<Bit>,
    // Two, four, six, eight bytes are there.
    full2: DFF<Bit>,
    full4: DFF<Bit>,
    full6: DFF<Bit>,
    full8: DFF<Bit>,
    bytes: DFF<Bits<64>>,
    near_offset: DFF<Bit>,
    // What octets 0 and 1 are as an EtherType: 802.1Q tag, 802.1ad tag, IPv4, IPv6.
    near_tag: DFF<Bit>,
    near_service: DFF<Bit>,
    near_ipv4: DFF<Bit>,
    near_ipv6: DFF<Bit>,
    // Octets 4 and 5.
    far_tag: DFF<Bit>,
    far_service: DFF<Bit>,
    far_ipv4: DFF<Bit>,
    far_ipv6: DFF<Bit>,

    // The beat before.
    held: DFF<Bits<48>>,
    held_offset: DFF<Bit>,
    held_single_a: DFF<Bit>,
    held_single_b: DFF<Bit>,
    held_far_a: DFF<Bit>,
    held_far_b: DFF<Bit>,
    next_a: NextHeader,
    next_b: NextHeader,
    has_tag: DFF<Bit>,
    across: DFF<Bit>,
    ipv4: DFF<Bit>,
    ipv6: DFF<Bit>,
    mac: DFF<Bits<48>>,
    mac_valid: DFF<Bit>,

    fire: DFF<Bit>,
    long: DFF<Bit>,
    window: DFF<Bit>,
    expired: DFF<Bit>,
    pair: DFF<Bit>,
    whole: DFF<Bit>,
    half: DFF<Bit>,
    step: DFF<Bit>,
    pair0: DFF<Bit>,
    pair1_ipv4: DFF<Bit>,
    pair1_ipv6: DFF<Bit>,
    pair2_ipv4: DFF<Bit>,
    pair2_ipv6: DFF<Bit>,
    destination: DFF<Bit>,
    pair4_ipv4: DFF<Bit>,
    pair4_ipv6: DFF<Bit>,
    high: DFF<Bits<32>>,
    low: DFF<Bits<32>>,
    next: DFF<Bits<5>>,
    single: DFF<Bit>,
    leaves: DFF<Bit>,
    offset: DFF<Bit>,

    octets: Signal<Local, Bits<64>>,
    first: Signal<Local, Bit>,
    counted: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    cut: Signal<Local, Bit>,
    moved: Signal<Local, Bits<16>>,
    b: Signal<Local, Bits<64>>,
    prior: Signal<Local, Bits<48>>,
    word_a: Signal<Local, Bits<32>>,
    near_vlan: Signal<Local, Bit>,
    far_vlan: Signal<Local, Bit>,
    near_kind: Signal<Local, Bits<16>>,
    far_kind: Signal<Local, Bits<16>>,
    not_ipv4: Signal<Local, Bit>,
    take_far: Signal<Local, Bit>,
    closes: Signal<Local, Bit>,
    is_pair: Signal<Local, Bit>,
    is_whole: Signal<Local, Bit>,
    is_pair0: Signal<Local, Bit>,
    is_pair1: Signal<Local, Bit>,
    is_pair2: Signal<Local, Bit>,
    is_pair3: Signal<Local, Bit>,
    is_pair4: Signal<Local, Bit>,
}

impl Logic for Pairs {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_frame, open, age, due, beat, last, expire, at, from2, from3, from8);
        dff_setup!(self, clock, full2, full4, full6, full8, bytes, near_offset, near_tag, near_service, near_ipv4);
        dff_setup!(self, clock, near_ipv6, far_tag, far_service, far_ipv4, far_ipv6);
        dff_setup!(self, clock, held, held_offset, held_single_a, held_single_b, held_far_a, held_far_b);
        dff_setup!(self, clock, has_tag, across, ipv4, ipv6, mac, mac_valid, fire, long, window, expired);
        dff_setup!(self, clock, pair, whole, half, step, pair0, pair1_ipv4, pair1_ipv6, pair2_ipv4, pair2_ipv6);
        dff_setup!(self, clock, destination, pair4_ipv4, pair4_ipv6);
        dff_setup!(self, clock, high, low, next, single, leaves, offset);
        clock!(self, clock, next_a, next_b);

        // First clock: the beat in network order, and its number. A beat counts until the window of its frame is over.
        self.octets.next = (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(0)) << 56)
            | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(8)) << 48)
            | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(16)) << 40)
            | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(24)) << 32)
            | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(32)) << 24)
            | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(40)) << 16)
            | (bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(48)) << 8)
            | bit_cast::<64, 8>(self.tdata.val().get_bits::<8>(56));
        self.first.next = self.tvalid.val() & !self.in_frame.q.val();
        self.counted.next = self.tvalid.val() & (!self.in_frame.q.val() | self.open.q.val());
        self.ends.next = self.tvalid.val() & (self.tlast.val() | (self.in_frame.q.val() & self.at.q.val().get_bit(14)));
        self.cut.next = self.tvalid.val() & self.tlast.val();
        if self.tvalid.val() {
            self.in_frame.d.next = !self.tlast.val();
        }
        if self.first.val() | self.ends.val() | self.due.q.val() {
            self.open.d.next = self.first.val() & !self.tlast.val();
        }
        self.age.d.next = self.age.q.val() + 1;
        if self.first.val() {
            self.age.d.next = 0.into();
        }
        self.due.d.next = (self.age.q.val() == 18) & !self.first.val();
        self.beat.d.next = self.counted.val();
        self.last.d.next = self.tlast.val();
        self.expire.d.next = self.open.q.val() & self.due.q.val();
        self.moved.next = self.at.q.val() << 1;
        if self.counted.val() {
            self.at.d.next = self.moved.val();
            self.from2.d.next = self.at.q.val().get_bit(1) | self.from2.q.val();
            self.from3.d.next = self.at.q.val().get_bit(2) | self.from3.q.val();
            self.from8.d.next = self.at.q.val().get_bit(7) | self.from8.q.val();
            if !self.in_frame.q.val() {
                self.at.d.next = 1.into();
                self.from2.d.next = false;
                self.from3.d.next = false;
                self.from8.d.next = false;
            }
        }
        self.full2.d.next = !self.cut.val() | self.tkeep.val().get_bit(1);
        self.full4.d.next = !self.cut.val() | self.tkeep.val().get_bit(3);
        self.full6.d.next = !self.cut.val() | self.tkeep.val().get_bit(5);
        self.full8.d.next = !self.cut.val() | self.tkeep.val().get_bit(7);
        self.bytes.d.next = self.octets.val();
        self.near_offset.d.next = self.octets.val().get_bits::<13>(51) != 0;
        // EtherTypes stand in the second beat and the third.
        self.near_kind.next = self.octets.val().get_bits::<16>(48);
        self.far_kind.next = self.octets.val().get_bits::<16>(16);
        if self.at.q.val().get_bit(0) | self.at.q.val().get_bit(1) {
            self.near_tag.d.next = self.near_kind.val() == 0x8100;
            self.near_service.d.next = self.near_kind.val() == 0x88a8;
            self.near_ipv4.d.next = self.near_kind.val() == 0x0800;
            self.near_ipv6.d.next = self.near_kind.val() == 0x86dd;
            self.far_tag.d.next = self.far_kind.val() == 0x8100;
            self.far_service.d.next = self.far_kind.val() == 0x88a8;
            self.far_ipv4.d.next = self.far_kind.val() == 0x0800;
            self.far_ipv6.d.next = self.far_kind.val() == 0x86dd;
        }

        // Second clock: the pair that this beat completes.
        self.b.next = self.bytes.q.val();
        self.prior.next = self.held.q.val();
        self.word_a.next = (bit_cast::<32, 16>(self.prior.val().get_bits::<16>(0)) << 16)
            | bit_cast::<32, 16>(self.b.val().get_bits::<16>(48));
        self.near_vlan.next = self.near_tag.q.val() | self.near_service.q.val();
        self.far_vlan.next = self.far_tag.q.val() | self.far_service.q.val();

        // EtherType: in the second beat, or behind the tags in the third.
        self.take_far.next = self.at.q.val().get_bit(1) | self.near_vlan.val();
        self.next_a.enable.next = self.beat.q.val() & self.ipv6.q.val();
        self.next_a.s_number.next = self.b.val().get_bits::<8>(8);
        self.next_a.s_ipv4.next = false;
        self.next_b.enable.next = self.beat.q.val() & self.ipv6.q.val();
        self.next_b.s_number.next = self.b.val().get_bits::<8>(40);
        self.next_b.s_ipv4.next = false;
        if self.beat.q.val() {
            self.held.d.next = self.b.val().get_bits::<48>(0);
            if self.ipv6.q.val() {
                self.held_offset.d.next = self.b.val().get_bits::<13>(19) != 0;
                self.held_single_a.d.next = self.b.val().get_bits::<8>(0) == 0;
                self.held_single_b.d.next = self.b.val().get_bits::<8>(32) == 0;
                self.held_far_a.d.next = self.b.val().get_bits::<4>(4) != 0;
                self.held_far_b.d.next = self.b.val().get_bits::<4>(36) != 0;
            }
            if self.at.q.val().get_bit(0) {
                self.mac_valid.d.next = false;
            }
            if self.at.q.val().get_bit(1) {
                self.mac.d.next = (bit_cast::<48, 16>(self.prior.val().get_bits::<16>(0)) << 32)
                    | bit_cast::<48, 32>(self.b.val().get_bits::<32>(32));
                self.mac_valid.d.next = self.full4.q.val();
                self.has_tag.d.next = self.far_vlan.val();
                self.across.d.next = false;
            }
            if self.at.q.val().get_bit(2) {
                self.across.d.next = self.has_tag.q.val() & !self.near_vlan.val();
            }
            if self.at.q.val().get_bit(1) | (self.at.q.val().get_bit(2) & self.has_tag.q.val()) {
                self.ipv4.d.next = self.near_ipv4.q.val();
                self.ipv6.d.next = self.near_ipv6.q.val();
                if self.take_far.val() {
                    self.ipv4.d.next = self.far_ipv4.q.val();
                    self.ipv6.d.next = self.far_ipv6.q.val();
                }
            }
        }

        self.closes.next = self.beat.q.val() & (self.last.q.val() | self.at.q.val().get_bit(15));
        self.fire.d.next = self.closes.val() | self.expire.q.val();
        self.expired.d.next = !self.closes.val();
        self.window.d.next = self.beat.q.val() & self.at.q.val().get_bit(15) & self.full8.q.val();
        self.long.d.next = self.from8.q.val() | (self.at.q.val().get_bit(7) & self.full4.q.val());

        self.is_pair.next = self.from2.q.val();
        self.is_pair0.next = self.at.q.val().get_bit(2);
        self.is_pair1.next = self.at.q.val().get_bit(3);
        self.is_pair2.next = self.at.q.val().get_bit(4);
        self.is_pair3.next = self.at.q.val().get_bit(5);
        self.is_pair4.next = self.at.q.val().get_bit(6);
        if self.has_tag.q.val() {
            self.is_pair.next = self.from3.q.val();
            self.is_pair0.next = self.at.q.val().get_bit(3);
            self.is_pair1.next = self.at.q.val().get_bit(4);
            self.is_pair2.next = self.at.q.val().get_bit(5);
            self.is_pair3.next = self.at.q.val().get_bit(6);
            self.is_pair4.next = self.at.q.val().get_bit(7);
        }
        self.not_ipv4.next = !self.ipv4.q.val();
        self.pair0.d.next = self.beat.q.val() & self.is_pair0.val();
        self.pair1_ipv4.d.next = self.beat.q.val() & self.is_pair1.val() & self.ipv4.q.val();
        self.pair1_ipv6.d.next = self.beat.q.val() & self.is_pair1.val() & self.not_ipv4.val();
        self.pair2_ipv4.d.next = self.beat.q.val() & self.is_pair2.val() & self.ipv4.q.val();
        self.pair2_ipv6.d.next = self.beat.q.val() & self.is_pair2.val() & self.not_ipv4.val();
        self.destination.d.next = self.beat.q.val()
            & ((self.is_pair2.val() & self.ipv4.q.val()) | (self.is_pair3.val() & self.not_ipv4.val()));
        self.pair4_ipv4.d.next = self.beat.q.val() & self.is_pair4.val() & self.ipv4.q.val();
        self.pair4_ipv6.d.next = self.beat.q.val() & self.is_pair4.val() & self.not_ipv4.val();

        // One tag: the first word came with the beat before, and this beat holds the one behind the second.
        self.is_whole.next = self.full6.q.val();
        self.half.d.next = self.full2.q.val() & !self.full6.q.val();
        self.high.d.next = self.word_a.val();
        self.low.d.next = self.b.val().get_bits::<32>(16);
        self.next.d.next = self.next_a.m_means.val();
        self.single.d.next = self.held_single_a.q.val();
        self.leaves.d.next = self.held_far_a.q.val();
        self.offset.d.next = self.near_offset.q.val();
        if self.across.q.val() {
            self.is_whole.next = self.full2.q.val();
            self.half.d.next = self.full6.q.val() | !self.full2.q.val();
            self.high.d.next = self.prior.val().get_bits::<32>(16);
            self.low.d.next = self.word_a.val();
            self.next.d.next = self.next_b.m_means.val();
            self.single.d.next = self.held_single_b.q.val();
            self.leaves.d.next = self.held_far_b.q.val();
            self.offset.d.next = self.held_offset.q.val();
        }
        self.pair.d.next = self.beat.q.val() & self.is_pair.val();
        self.step.d.next = self.beat.q.val() & self.is_pair.val() & self.is_whole.val();
        self.whole.d.next = self.is_whole.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.open.d.next = false;
            self.beat.d.next = false;
            self.expire.d.next = false;
            self.fire.d.next = false;
        }

        self.m_fire.next = self.fire.q.val();
        self.m_long.next = self.long.q.val();
        self.m_window.next = self.window.q.val();
        self.m_expired.next = self.expired.q.val();
        self.m_mac_valid.next = self.mac_valid.q.val();
        self.m_mac.next = self.mac.q.val();
        self.m_ipv4.next = self.ipv4.q.val();
        self.m_ipv6.next = self.ipv6.q.val();
        self.m_pair.next = self.pair.q.val();
        self.m_whole.next = self.whole.q.val();
        self.m_half.next = self.half.q.val();
        self.m_step.next = self.step.q.val();
        self.m_pair0.next = self.pair0.q.val();
        self.m_pair1_ipv4.next = self.pair1_ipv4.q.val();
        self.m_pair1_ipv6.next = self.pair1_ipv6.q.val();
        self.m_pair2_ipv4.next = self.pair2_ipv4.q.val();
        self.m_pair2_ipv6.next = self.pair2_ipv6.q.val();
        self.m_destination.next = self.destination.q.val();
        self.m_pair4_ipv4.next = self.pair4_ipv4.q.val();
        self.m_pair4_ipv6.next = self.pair4_ipv6.q.val();
        self.m_high.next = self.high.q.val();
        self.m_low.next = self.low.q.val();
        self.m_next.next = self.next.q.val();
        self.m_single.next = self.single.q.val();
        self.m_far.next = self.leaves.q.val();
        self.m_offset.next = self.offset.q.val();
    }
}
