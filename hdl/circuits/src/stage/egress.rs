//! The way out: is the source MAC the cluster's, is the IP source a virtual IP, and does the fence hold it back.
//!
//! The fence is read as many clocks after a header's epoch was fixed as on the way in, so no frame sees half an epoch. A
//! header that is not complete in time is held back, as its MAC is not known. Latency: `WAY + 3` clocks from `s_valid`,
//! `WAY + 2` of them before the fence is read. Twin: `weir_spec::egress::decide`.

use rust_hdl::prelude::*;
use weir_spec::egress::CLUSTER_PREFIX;

use crate::cell::wait::Wait;

/// See the module.
#[derive(LogicBlock)]
pub struct Egress<const WAY: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// No decision is under way any more.
    pub reset: Signal<In, Bit>,
    /// The lease has run out.
    pub fenced: Signal<In, Bit>,
    /// A commit has landed since reset; before, no TCP or UDP leaves.
    pub configured: Signal<In, Bit>,
    /// The source that may not leave, first octet in bits 7:0.
    pub cluster_mac: Signal<In, Bits<48>>,
    /// It is replaced; else nothing leaves whose source begins as a cluster MAC does.
    pub masking: Signal<In, Bit>,
    /// A header: `k_valid` of the front, as all `s_` but `s_vip`.
    pub s_valid: Signal<In, Bit>,
    /// [`HeaderKind`](crate::front::kind::HeaderKind).
    pub s_kind: Signal<In, Bits<4>>,
    /// Its header came too late.
    pub s_late: Signal<In, Bit>,
    /// Source MAC, first octet on top.
    pub s_mac: Signal<In, Bits<48>>,
    /// It is all there.
    pub s_mac_valid: Signal<In, Bit>,
    /// Its IP source is a virtual IP; `WAY + 2` clocks after `s_valid`.
    pub s_vip: Signal<In, Bit>,
    /// One pulse a frame.
    pub m_valid: Signal<Out, Bit>,
    /// The decision, as `Egress::encode` of the spec.
    pub m_word: Signal<Out, Bits<32>>,
    cluster_prefix: Constant<Bits<16>>,
    // First clock: four bits of the MAC each.
    same: DFF<Bits<12>>,
    prefix: DFF<Bits<4>>,
    counts: DFF<Bit>,
    masks: DFF<Bit>,
    // Second.
    mac_hit: DFF<Bit>,
    leak: DFF<Bit>,
    // Valid, late, TCP or UDP.
    early: Wait<3, 2>,
    way: Wait<5, WAY>,
    valid: DFF<Bit>,
    pass: DFF<Bit>,
    masked: DFF<Bit>,
    equal: Signal<Local, Bits<12>>,
    alike: Signal<Local, Bits<4>>,
    balanced: Signal<Local, Bit>,
    entry: Signal<Local, Bits<3>>,
    joined: Signal<Local, Bits<5>>,
    tail: Signal<Local, Bits<5>>,
    held: Signal<Local, Bit>,
    word: Signal<Local, Bits<32>>,
}

impl<const WAY: usize> Default for Egress<WAY> {
    fn default() -> Self {
        Egress {
            clock: Default::default(),
            reset: Default::default(),
            fenced: Default::default(),
            configured: Default::default(),
            cluster_mac: Default::default(),
            masking: Default::default(),
            s_valid: Default::default(),
            s_kind: Default::default(),
            s_late: Default::default(),
            s_mac: Default::default(),
            s_mac_valid: Default::default(),
            s_vip: Default::default(),
            m_valid: Default::default(),
            m_word: Default::default(),
            cluster_prefix: Constant::new(u64::from(u16::from_be_bytes(CLUSTER_PREFIX)).to_bits()),
            same: Default::default(),
            prefix: Default::default(),
            counts: Default::default(),
            masks: Default::default(),
            mac_hit: Default::default(),
            leak: Default::default(),
            early: Default::default(),
            way: Default::default(),
            valid: Default::default(),
            pass: Default::default(),
            masked: Default::default(),
            equal: Default::default(),
            alike: Default::default(),
            balanced: Default::default(),
            entry: Default::default(),
            joined: Default::default(),
            tail: Default::default(),
            held: Default::default(),
            word: Default::default(),
        }
    }
}

impl<const WAY: usize> Logic for Egress<WAY> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, same, prefix, counts, masks, mac_hit, leak, valid, pass, masked);
        clock!(self, clock, early, way);
        self.early.reset.next = self.reset.val();
        self.way.reset.next = self.reset.val();

        self.equal.next = 0.into();
        self.alike.next = 0.into();
        if self.s_valid.val() {
            // The first octet of the one is on top, that of the other lowest.
            for i in 0..6 {
                self.equal.next = self.equal.val().replace_bit(
                    i * 2,
                    self.s_mac.val().get_bits::<4>(i * 8) == self.cluster_mac.val().get_bits::<4>(40 - i * 8),
                );
                self.equal.next = self.equal.val().replace_bit(
                    i * 2 + 1,
                    self.s_mac.val().get_bits::<4>(i * 8 + 4) == self.cluster_mac.val().get_bits::<4>(44 - i * 8),
                );
            }
            for i in 0..4 {
                self.alike.next = self.alike.val().replace_bit(
                    i,
                    self.s_mac.val().get_bits::<4>(i * 4 + 32) == self.cluster_prefix.val().get_bits::<4>(i * 4),
                );
            }
            self.same.d.next = self.equal.val();
            self.prefix.d.next = self.alike.val();
            self.counts.d.next = self.s_mac_valid.val();
            self.masks.d.next = self.masking.val();
        }
        self.mac_hit.d.next = self.masks.q.val() & self.counts.q.val() & self.same.q.val().all();
        self.leak.d.next = !self.masks.q.val() & self.counts.q.val() & self.prefix.q.val().all();

        self.balanced.next = (self.s_kind.val() >= 5) & (self.s_kind.val() <= 9);
        self.entry.next = 0.into();
        self.entry.next = self.entry.val().replace_bit(0, self.s_valid.val());
        self.entry.next = self.entry.val().replace_bit(1, self.s_late.val());
        self.entry.next = self.entry.val().replace_bit(2, self.balanced.val());
        self.early.d.next = self.entry.val();
        self.joined.next = bit_cast::<5, 3>(self.early.q.val());
        self.joined.next = self.joined.val().replace_bit(3, self.mac_hit.q.val());
        self.joined.next = self.joined.val().replace_bit(4, self.leak.q.val());
        self.way.d.next = self.joined.val();

        self.tail.next = self.way.q.val();
        self.held.next = self.tail.val().get_bit(1)
            | self.tail.val().get_bit(4)
            | (!self.configured.val() & self.tail.val().get_bit(2))
            | (self.fenced.val() & self.tail.val().get_bit(2) & self.s_vip.val());
        self.valid.d.next = self.tail.val().get_bit(0) & !self.reset.val();
        self.pass.d.next = !self.held.val();
        self.masked.d.next = self.tail.val().get_bit(3) & !self.held.val();
        self.word.next = 0.into();
        self.word.next = self.word.val().replace_bit(0, self.pass.q.val());
        self.word.next = self.word.val().replace_bit(1, self.masked.q.val());
        self.m_valid.next = self.valid.q.val();
        self.m_word.next = self.word.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::egress;

    /// The decision word on a header of `kind` from a source MAC, as (pass, masked).
    fn decide(mac: u64, kind: u64, late: bool, masking: bool, fenced: bool, vip: bool) -> (bool, bool) {
        let mut circuit = Egress::<3>::default();
        circuit.connect_all();
        circuit.cluster_mac.next = 0x0605_0403_bf02_u64.into(); // 02-bf-03-04-05-06
        circuit.masking.next = masking;
        circuit.configured.next = true;
        circuit.fenced.next = fenced;
        circuit.s_vip.next = vip;
        circuit.s_valid.next = true;
        circuit.s_mac_valid.next = true;
        circuit.s_mac.next = mac.into();
        circuit.s_kind.next = kind.into();
        circuit.s_late.next = late;
        step!(circuit);
        circuit.s_valid.next = false;
        for _ in 0..5 {
            assert!(!circuit.m_valid.val());
            step!(circuit);
        }
        assert!(circuit.m_valid.val());
        let word = circuit.m_word.val().to_u64();
        (word & 1 == 1, word & 2 == 2)
    }

    #[test]
    fn the_cluster_mac_is_masked_or_held_and_the_fence_holds_transport_from_a_vip() {
        let (cluster, other) = (0x02bf_0304_0506, 0x02bf_0304_0507);
        assert_eq!(decide(cluster, 1, false, true, false, false), (true, true));
        assert_eq!(decide(other, 1, false, true, false, false), (true, false));
        assert_eq!(decide(cluster, 1, false, false, false, false), (false, false));
        assert_eq!(decide(0x0201_0304_0506, 1, false, false, false, false), (true, false));
        assert_eq!(decide(cluster, 8, false, true, true, true), (false, false));
        assert_eq!(decide(cluster, 8, false, true, true, false), (true, true));
        assert_eq!(decide(cluster, 3, false, true, true, true), (true, true));
        assert_eq!(decide(other, 0, true, true, false, false), (false, false));
        assert_eq!(egress::Egress { pass: true, masked: true }.encode(), 3);
    }
}
