//! The bucket of a source under each affinity.
//!
//! The hash is XOR-linear: its parts (24 upper bits of the address, the 8 below, the second word, the rest, the port) are
//! summed side by side, before anyone knows the rule, and only the 12 low bits are built. Latency: two clocks. Twin:
//! `weir_spec::toeplitz::bucket`.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Toeplitz {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Key in force, first octet on top.
    pub key: Signal<In, Bits<320>>,
    /// A source is there.
    pub s_valid: Signal<In, Bit>,
    /// It is IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// Address, first octet on top; zero below an IPv4 address.
    pub s_address: Signal<In, Bits<128>>,
    /// Port.
    pub s_port: Signal<In, Bits<16>>,
    /// Bucket by address and port; two clocks later.
    pub m_none: Signal<Out, Bits<12>>,
    /// Bucket by address.
    pub m_single: Signal<Out, Bits<12>>,
    /// Bucket by network.
    pub m_network: Signal<Out, Bits<12>>,
    valid: DFF<Bit>,
    network: DFF<Bits<12>>,
    low: DFF<Bits<12>>,
    second: DFF<Bits<12>>,
    rest: DFF<Bits<12>>,
    port: DFF<Bits<12>>,
    ipv6: DFF<Bit>,
    by_none: DFF<Bits<12>>,
    by_single: DFF<Bits<12>>,
    by_network: DFF<Bits<12>>,
    sum: Signal<Local, Bits<12>>,
    network_sum: Signal<Local, Bits<12>>,
    single_sum: Signal<Local, Bits<12>>,
}

impl Logic for Toeplitz {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, network, low, second, rest, port, ipv6, by_none, by_single, by_network);
        self.valid.d.next = self.s_valid.val();
        self.sum.next = 0.into();
        self.network_sum.next = 0.into();
        self.single_sum.next = 0.into();
        if self.s_valid.val() {
            self.ipv6.d.next = self.s_ipv6.val();
            for i in 0..24 {
                if self.s_address.val().get_bit(127 - i) {
                    self.sum.next = self.sum.val() ^ self.key.val().get_bits::<12>(288 - i);
                }
            }
            self.network.d.next = self.sum.val();
            self.sum.next = 0.into();
            for i in 24..32 {
                if self.s_address.val().get_bit(127 - i) {
                    self.sum.next = self.sum.val() ^ self.key.val().get_bits::<12>(288 - i);
                }
            }
            self.low.d.next = self.sum.val();
            self.sum.next = 0.into();
            if self.s_ipv6.val() {
                for i in 32..64 {
                    if self.s_address.val().get_bit(127 - i) {
                        self.sum.next = self.sum.val() ^ self.key.val().get_bits::<12>(288 - i);
                    }
                }
            }
            self.second.d.next = self.sum.val();
            self.sum.next = 0.into();
            if self.s_ipv6.val() {
                for i in 64..128 {
                    if self.s_address.val().get_bit(127 - i) {
                        self.sum.next = self.sum.val() ^ self.key.val().get_bits::<12>(288 - i);
                    }
                }
            }
            self.rest.d.next = self.sum.val();
            // The port follows both addresses: bit 64 of the input in IPv4, bit 256 in IPv6.
            self.sum.next = 0.into();
            if self.s_ipv6.val() {
                for i in 0..16 {
                    if self.s_port.val().get_bit(15 - i) {
                        self.sum.next = self.sum.val() ^ self.key.val().get_bits::<12>(32 - i);
                    }
                }
            } else {
                for i in 0..16 {
                    if self.s_port.val().get_bit(15 - i) {
                        self.sum.next = self.sum.val() ^ self.key.val().get_bits::<12>(224 - i);
                    }
                }
            }
            self.port.d.next = self.sum.val();
        }
        if self.valid.q.val() {
            self.network_sum.next = self.network.q.val();
            if self.ipv6.q.val() {
                self.network_sum.next = self.network.q.val() ^ self.low.q.val() ^ self.second.q.val();
            }
            self.single_sum.next = self.network.q.val() ^ self.low.q.val() ^ self.second.q.val() ^ self.rest.q.val();
            self.by_network.d.next = self.network_sum.val();
            self.by_single.d.next = self.single_sum.val();
            self.by_none.d.next = self.single_sum.val() ^ self.port.q.val();
        }
        self.m_none.next = self.by_none.q.val();
        self.m_single.next = self.by_single.q.val();
        self.m_network.next = self.by_network.q.val();
    }
}
