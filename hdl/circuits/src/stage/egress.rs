//! The way out: is the source MAC the cluster's, is the IP source a virtual IP, and does the fence hold it back.
//!
//! The virtual IPs come into force at one clock for both directions; the fence is read as many clocks after them as on the
//! way in, so no frame sees half an epoch. A header that is not complete in time is held back, as its MAC is not known.
//! Latency: nine clocks from the record, as the way in. Twin: `weir_spec::egress::decide`.

use rust_hdl::prelude::*;
use weir_spec::egress::CLUSTER_PREFIX;

use super::vips::{Vips, VIP_BITS};

/// See the module.
#[derive(LogicBlock)]
pub struct Egress {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// No decision is under way any more.
    pub reset: Signal<In, Bit>,
    /// The lease has run out.
    pub fenced: Signal<In, Bit>,
    /// A commit has landed since reset; before, no TCP or UDP leaves.
    pub configured: Signal<In, Bit>,
    /// Virtual IPs in force.
    pub vips: Signal<In, Bits<VIP_BITS>>,
    /// The source that may not leave, first octet in bits 7:0.
    pub cluster_mac: Signal<In, Bits<48>>,
    /// It is replaced; else nothing leaves whose source begins as a cluster MAC does.
    pub masking: Signal<In, Bit>,
    /// A beat of [`Collect`](super::collect::Collect).
    pub s_beat: Signal<In, Bit>,
    /// Source MAC, first octet on top.
    pub s_mac: Signal<In, Bits<48>>,
    /// It is all there.
    pub s_mac_valid: Signal<In, Bit>,
    /// A record of [`Parse`](super::parse::Parse).
    pub s_valid: Signal<In, Bit>,
    /// [`HeaderKind`](super::parse::HeaderKind).
    pub s_kind: Signal<In, Bits<4>>,
    /// Its header came too late.
    pub s_late: Signal<In, Bit>,
    /// IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// IP source.
    pub s_source: Signal<In, Bits<128>>,
    /// One pulse a frame.
    pub m_valid: Signal<Out, Bit>,
    /// The decision, as `Egress::encode` of the spec.
    pub m_word: Signal<Out, Bits<32>>,
    cluster_prefix: Constant<Bits<16>>,
    matcher: Vips,
    mac_now: DFF<Bit>,
    mac_hit: DFF<Bit>,
    leak_now: DFF<Bit>,
    leak: DFF<Bit>,
    // Valid, late, TCP or UDP, MAC hit, leak; one a clock.
    way: [DFF<Bits<5>>; 8],
    vip: [DFF<Bit>; 6],
    valid: DFF<Bit>,
    word: DFF<Bits<32>>,
    expected: Signal<Local, Bits<48>>,
    balanced: Signal<Local, Bit>,
    entry: Signal<Local, Bits<5>>,
    tail: Signal<Local, Bits<5>>,
    held: Signal<Local, Bit>,
    masked: Signal<Local, Bit>,
    result: Signal<Local, Bits<32>>,
    pass: Signal<Local, Bit>,
}

impl Default for Egress {
    fn default() -> Self {
        Egress {
            clock: Default::default(),
            reset: Default::default(),
            fenced: Default::default(),
            configured: Default::default(),
            vips: Default::default(),
            cluster_mac: Default::default(),
            masking: Default::default(),
            s_beat: Default::default(),
            s_mac: Default::default(),
            s_mac_valid: Default::default(),
            s_valid: Default::default(),
            s_kind: Default::default(),
            s_late: Default::default(),
            s_ipv6: Default::default(),
            s_source: Default::default(),
            m_valid: Default::default(),
            m_word: Default::default(),
            cluster_prefix: Constant::new(u64::from(u16::from_be_bytes(CLUSTER_PREFIX)).to_bits()),
            matcher: Default::default(),
            mac_now: Default::default(),
            mac_hit: Default::default(),
            leak_now: Default::default(),
            leak: Default::default(),
            way: Default::default(),
            vip: Default::default(),
            valid: Default::default(),
            word: Default::default(),
            expected: Default::default(),
            balanced: Default::default(),
            entry: Default::default(),
            tail: Default::default(),
            held: Default::default(),
            masked: Default::default(),
            result: Default::default(),
            pass: Default::default(),
        }
    }
}

impl Logic for Egress {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, mac_now, mac_hit, leak_now, leak, valid, word);
        clock!(self, clock, matcher);
        for i in 0..8 {
            self.way[i].clock.next = self.clock.val();
        }
        for i in 0..6 {
            self.vip[i].clock.next = self.clock.val();
        }
        self.expected.next = 0.into();
        if self.s_beat.val() {
            self.expected.next = (bit_cast::<48, 8>(self.cluster_mac.val().get_bits::<8>(0)) << 40)
                | (bit_cast::<48, 8>(self.cluster_mac.val().get_bits::<8>(8)) << 32)
                | (bit_cast::<48, 8>(self.cluster_mac.val().get_bits::<8>(16)) << 24)
                | (bit_cast::<48, 8>(self.cluster_mac.val().get_bits::<8>(24)) << 16)
                | (bit_cast::<48, 8>(self.cluster_mac.val().get_bits::<8>(32)) << 8)
                | bit_cast::<48, 8>(self.cluster_mac.val().get_bits::<8>(40));
            self.mac_now.d.next =
                self.masking.val() & self.s_mac_valid.val() & (self.s_mac.val() == self.expected.val());
            self.leak_now.d.next = !self.masking.val()
                & self.s_mac_valid.val()
                & (self.s_mac.val().get_bits::<16>(32) == self.cluster_prefix.val());
        }
        // Beside the parser: what it knew of the beat before is what its record is about.
        self.mac_hit.d.next = self.mac_now.q.val();
        self.leak.d.next = self.leak_now.q.val();

        self.matcher.active.next = self.vips.val();
        self.matcher.s_valid.next = self.s_valid.val();
        self.matcher.s_ipv6.next = self.s_ipv6.val();
        self.matcher.s_address.next = self.s_source.val();

        self.balanced.next = (self.s_kind.val() >= 5) & (self.s_kind.val() <= 9);
        self.entry.next = 0.into();
        self.entry.next = self.entry.val().replace_bit(0, self.s_valid.val());
        self.entry.next = self.entry.val().replace_bit(1, self.s_late.val());
        self.entry.next = self.entry.val().replace_bit(2, self.balanced.val());
        self.entry.next = self.entry.val().replace_bit(3, self.mac_hit.q.val());
        self.entry.next = self.entry.val().replace_bit(4, self.leak.q.val());
        self.way[0].d.next = self.entry.val();
        for i in 1..8 {
            self.way[i].d.next = self.way[i - 1].q.val();
        }
        self.vip[0].d.next = self.matcher.m_hit.val();
        for i in 1..6 {
            self.vip[i].d.next = self.vip[i - 1].q.val();
        }

        self.tail.next = self.way[7].q.val();
        self.held.next = self.tail.val().get_bit(1)
            | self.tail.val().get_bit(4)
            | (!self.configured.val() & self.tail.val().get_bit(2))
            | (self.fenced.val() & self.tail.val().get_bit(2) & self.vip[5].q.val());
        self.pass.next = !self.held.val();
        self.masked.next = self.tail.val().get_bit(3) & self.pass.val();
        self.result.next = 0.into();
        self.result.next = self.result.val().replace_bit(0, self.pass.val());
        self.result.next = self.result.val().replace_bit(1, self.masked.val());
        self.valid.d.next = self.tail.val().get_bit(0) & !self.reset.val();
        if self.tail.val().get_bit(0) {
            self.word.d.next = self.result.val();
        }
        self.m_valid.next = self.valid.q.val();
        self.m_word.next = self.word.q.val();
    }
}
