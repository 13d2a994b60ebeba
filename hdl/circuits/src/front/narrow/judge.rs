//! The judge: what a header is worth, once its window is over.
//!
//! It starts when a frame fires and speaks [`CLOCKS`] clocks later, for every frame. What it reads of
//! [`Fields`](super::fields::Fields) stands for three clocks from there, so only what a beat of the next frame may change
//! is copied. Twin: the checks of `weir_spec::frame::parse`.

use rust_hdl::prelude::*;

/// Clocks from `a_valid`, or where it would have been, to `k_valid`.
pub const CLOCKS: usize = 4;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Judge {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Nothing is under way any more.
    pub reset: Signal<In, Bit>,
    /// A frame has fired; from [`Pairs`](super::pairs::Pairs), as the next six.
    pub s_fire: Signal<In, Bit>,
    /// It has 60 bytes.
    pub s_long: Signal<In, Bit>,
    /// It fills the window.
    pub s_window: Signal<In, Bit>,
    /// It fired by time alone.
    pub s_expired: Signal<In, Bit>,
    /// Its source MAC is complete.
    pub s_mac_valid: Signal<In, Bit>,
    /// IPv4.
    pub s_ipv4: Signal<In, Bit>,
    /// IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// First octet of layer 4, from [`Fields`](super::fields::Fields), as all below.
    pub s_type: Signal<In, Bits<8>>,
    /// The flags open a connection.
    pub s_syn: Signal<In, Bit>,
    /// The last protocol number.
    pub s_means: Signal<In, Bits<5>>,
    /// It is to be stepped over.
    pub s_follow: Signal<In, Bit>,
    /// A later fragment.
    pub s_later: Signal<In, Bit>,
    /// The version fits.
    pub s_version: Signal<In, Bit>,
    /// The header length of IPv4 is below five words.
    pub s_low_ihl: Signal<In, Bit>,
    /// Header length of IPv4.
    pub s_ihl: Signal<In, Bits<4>>,
    /// Total or payload length, in words.
    pub s_length: Signal<In, Bits<14>>,
    /// The fixed header of IPv6 is there.
    pub s_base: Signal<In, Bit>,
    /// Extension headers, in eight bytes: this,
    pub s_place: Signal<In, Bits<4>>,
    /// and this.
    pub s_size: Signal<In, Bits<8>>,
    /// Where layer 4 begins.
    pub s_mark: Signal<In, Bits<5>>,
    /// How far the frame has come.
    pub s_words: Signal<In, Bits<5>>,

    /// The fields of a frame of at least 60 bytes are there; one clock behind `s_fire`.
    pub a_valid: Signal<Out, Bit>,
    /// Half way: see the MAC in [`Narrow`](super::Narrow).
    pub m_half: Signal<Out, Bit>,
    /// The judgement on the frame of [`CLOCKS`] clocks ago.
    pub k_valid: Signal<Out, Bit>,
    /// [`HeaderKind`](crate::front::kind::HeaderKind).
    pub k_kind: Signal<Out, Bits<4>>,
    /// The header was not complete in time.
    pub k_late: Signal<Out, Bit>,
    /// The source MAC is complete.
    pub k_mac_valid: Signal<Out, Bit>,
    /// The frame has fired, in the clock of `a_valid`.
    pub m_fired: Signal<Out, Bit>,

    // One column a clock: fired, long, window, expired, MAC.
    fire: [DFF<Bit>; 4],
    passed: [DFF<Bits<4>>; 4],
    valid: DFF<Bit>,
    // First clock.
    ipv4: DFF<Bit>,
    ip: DFF<Bit>,
    depth: DFF<Bits<6>>,
    chain: DFF<Bits<9>>,
    wrong: DFF<Bit>,
    echo: DFF<Bit>,
    later: DFF<Bit>,
    other: DFF<Bit>,
    beyond: DFF<Bit>,
    transport: DFF<Bit>,
    lift: DFF<Bit>,
    // Second clock.
    left: DFF<Bits<15>>,
    ipv4_2: DFF<Bit>,
    ip_2: DFF<Bit>,
    wrong_2: DFF<Bit>,
    head: DFF<Bit>,
    there: DFF<Bit>,
    sure: DFF<Bit>,
    transport_2: DFF<Bit>,
    tcp: DFF<Bit>,
    kind_2: DFF<Bits<4>>,
    // Third clock.
    short_ipv4: DFF<Bit>,
    short_transport: DFF<Bit>,
    negative: DFF<Bit>,
    little: DFF<Bit>,
    enough: DFF<Bit>,
    good: DFF<Bit>,
    waits: DFF<Bit>,
    kind_3: DFF<Bits<4>>,
    // Fourth clock.
    k: DFF<Bit>,
    kind: DFF<Bits<4>>,
    late: DFF<Bit>,
    mac_valid: DFF<Bit>,

    entry: Signal<Local, Bits<4>>,
    any: Signal<Local, Bit>,
    seen: Signal<Local, Bits<6>>,
    mark: Signal<Local, Bits<6>>,
    length: Signal<Local, Bits<15>>,
    claim: Signal<Local, Bits<15>>,
    two: Signal<Local, Bit>,
    five: Signal<Local, Bit>,
    what: Signal<Local, Bits<4>>,
    rest: Signal<Local, Bits<3>>,
    violates: Signal<Local, Bit>,
    passes: Signal<Local, Bit>,
}

impl Logic for Judge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, ipv4, ip, depth, chain, wrong, echo, later, other, beyond, transport, lift);
        dff_setup!(self, clock, left, ipv4_2, ip_2, wrong_2, head, there, sure, transport_2, tcp, kind_2);
        dff_setup!(self, clock, short_ipv4, short_transport, negative, little, enough, good, waits, kind_3);
        dff_setup!(self, clock, k, kind, late, mac_valid);
        for i in 0..4 {
            self.fire[i].clock.next = self.clock.val();
            self.passed[i].clock.next = self.clock.val();
        }

        self.entry.next = 0.into();
        self.entry.next = self.entry.val().replace_bit(0, self.s_long.val());
        self.entry.next = self.entry.val().replace_bit(1, self.s_window.val());
        self.entry.next = self.entry.val().replace_bit(2, self.s_expired.val());
        self.entry.next = self.entry.val().replace_bit(3, self.s_mac_valid.val());
        self.fire[0].d.next = self.s_fire.val();
        self.passed[0].d.next = self.entry.val();
        for i in 1..4 {
            self.fire[i].d.next = self.fire[i - 1].q.val();
            self.passed[i].d.next = self.passed[i - 1].q.val();
        }
        self.valid.d.next = self.s_fire.val() & self.s_long.val();

        // First clock: words behind the start of layer 4, length of the chain, what the last protocol number leads to.
        self.any.next = self.s_means.val().get_bit(0) | self.s_means.val().get_bit(1) | self.s_means.val().get_bit(2);
        self.seen.next = bit_cast::<6, 5>(self.s_words.val());
        self.mark.next = bit_cast::<6, 5>(self.s_mark.val());
        if self.fire[0].q.val() {
            self.ipv4.d.next = self.s_ipv4.val();
            self.ip.d.next = self.s_ipv4.val() | self.s_ipv6.val();
            self.depth.d.next = self.seen.val() - self.mark.val();
            self.chain.d.next = bit_cast::<9, 8>(self.s_size.val()) + bit_cast::<9, 4>(self.s_place.val());
            self.wrong.d.next = !self.s_version.val() | (self.s_ipv4.val() & self.s_low_ihl.val());
            self.echo.d.next =
                (self.s_ipv4.val() & (self.s_type.val() == 8)) | (!self.s_ipv4.val() & (self.s_type.val() == 128));
            self.later.d.next = self.s_later.val() & self.any.val();
            self.other.d.next = !self.any.val() & (self.s_later.val() | !self.s_means.val().get_bit(3));
            self.beyond.d.next = !self.s_later.val() & self.s_means.val().get_bit(3) & !self.s_follow.val();
            self.transport.d.next = self.any.val() & !self.s_later.val();
            self.lift.d.next = self.s_ipv6.val() & self.passed[0].q.val().get_bit(1);
        }

        // Second clock: what is there, what the length leaves, and the kind if all is well.
        self.length.next = bit_cast::<15, 14>(self.s_length.val());
        self.claim.next = bit_cast::<15, 9>(self.chain.q.val()) << 1;
        if self.ipv4.q.val() {
            self.claim.next = bit_cast::<15, 4>(self.s_ihl.val());
        }
        self.two.next = !self.depth.q.val().get_bit(5)
            & (self.depth.q.val().get_bit(1)
                | self.depth.q.val().get_bit(2)
                | self.depth.q.val().get_bit(3)
                | self.depth.q.val().get_bit(4));
        self.five.next = !self.depth.q.val().get_bit(5)
            & (self.depth.q.val().get_bit(3)
                | self.depth.q.val().get_bit(4)
                | (self.depth.q.val().get_bit(2) & (self.depth.q.val().get_bit(0) | self.depth.q.val().get_bit(1))));
        self.what.next = 6.into();
        if self.transport.q.val() {
            self.what.next = 7.into();
            if self.s_means.val().get_bit(0) {
                self.what.next = 8.into();
                if self.s_syn.val() {
                    self.what.next = 9.into();
                }
            }
            if self.s_means.val().get_bit(2) {
                self.what.next = 3.into();
                if self.echo.q.val() {
                    self.what.next = 4.into();
                }
            }
        }
        if self.later.q.val() {
            self.what.next = 5.into();
            if self.s_means.val().get_bit(2) {
                self.what.next = 4.into();
            }
        }
        if self.other.q.val() {
            self.what.next = 2.into();
        }
        if !self.ip.q.val() {
            self.what.next = 1.into();
        }
        if self.fire[1].q.val() {
            self.left.d.next = self.length.val() - self.claim.val();
            self.ipv4_2.d.next = self.ipv4.q.val();
            self.ip_2.d.next = self.ip.q.val();
            self.wrong_2.d.next = self.wrong.q.val();
            self.head.d.next = self.s_base.val();
            if self.ipv4.q.val() {
                self.head.d.next = !self.depth.q.val().get_bit(5);
            }
            self.tcp.d.next = self.s_means.val().get_bit(0);
            self.there.d.next = self.two.val();
            if self.s_means.val().get_bit(0) {
                self.there.d.next = self.five.val();
            }
            self.sure.d.next = self.later.q.val() | self.other.q.val() | self.beyond.q.val() | self.lift.q.val();
            self.transport_2.d.next = self.transport.q.val();
            self.kind_2.d.next = self.what.val();
        }

        // Third clock.
        self.rest.next = self.left.q.val().get_bits::<3>(0);
        if self.fire[2].q.val() {
            self.short_ipv4.d.next = self.ipv4_2.q.val();
            self.short_transport.d.next = self.ip_2.q.val() & self.transport_2.q.val();
            self.negative.d.next = self.left.q.val().get_bit(14);
            self.little.d.next = self.left.q.val().get_bits::<11>(3) == 0;
            self.enough.d.next = self.rest.val() >= 2;
            if self.tcp.q.val() {
                self.enough.d.next = self.rest.val() >= 5;
            }
            self.good.d.next = self.passed[2].q.val().get_bit(0)
                & (!self.ip_2.q.val()
                    | (!self.wrong_2.q.val()
                        & self.head.q.val()
                        & (self.sure.q.val() | (self.transport_2.q.val() & self.there.q.val()))));
            self.waits.d.next = self.passed[2].q.val().get_bit(2)
                & !(self.passed[2].q.val().get_bit(0) & self.ip_2.q.val() & self.wrong_2.q.val());
            self.kind_3.d.next = self.kind_2.q.val();
            if self.transport_2.q.val() & self.ip_2.q.val() & !self.there.q.val() {
                self.kind_3.d.next = 6.into();
            }
        }

        // Fourth clock: the length.
        self.violates.next = (self.short_ipv4.q.val() & self.negative.q.val())
            | (self.short_transport.q.val() & (self.negative.q.val() | (self.little.q.val() & !self.enough.q.val())));
        self.passes.next = self.good.q.val() & !self.violates.val();
        self.k.d.next = self.fire[3].q.val();
        if self.fire[3].q.val() {
            self.kind.d.next = 0.into();
            if self.passes.val() {
                self.kind.d.next = self.kind_3.q.val();
            }
            self.late.d.next =
                self.waits.q.val() & !self.good.q.val() & !(self.passed[3].q.val().get_bit(0) & self.violates.val());
            self.mac_valid.d.next = self.passed[3].q.val().get_bit(3);
        }

        if self.reset.val() {
            for i in 0..4 {
                self.fire[i].d.next = false;
            }
            self.valid.d.next = false;
            self.k.d.next = false;
        }

        self.a_valid.next = self.valid.q.val();
        self.m_fired.next = self.fire[0].q.val();
        self.m_half.next = self.fire[2].q.val();
        self.k_valid.next = self.k.q.val();
        self.k_kind.next = self.kind.q.val();
        self.k_late.next = self.late.q.val();
        self.k_mac_valid.next = self.mac_valid.q.val();
    }
}
