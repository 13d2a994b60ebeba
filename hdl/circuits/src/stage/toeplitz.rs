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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::config::RSS_KEY;
    use weir_spec::rules::Affinity;
    use weir_spec::toeplitz::{bucket, Source};

    #[test]
    fn the_buckets_are_those_of_the_spec() {
        let mut circuit = Toeplitz::default();
        circuit.connect_all();
        let mut key = Bits::<320>::default();
        for bit in 0..320 {
            key = key.replace_bit(319 - bit, RSS_KEY[bit / 8] >> (7 - bit % 8) & 1 == 1);
        }
        circuit.key.next = key;
        circuit.s_valid.next = true;
        for round in 1..12u128 {
            let ipv6 = round % 2 == 0;
            let mut address = round.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
            if !ipv6 {
                address[4..].fill(0);
            }
            let port = (round * 7919) as u16;
            circuit.s_ipv6.next = ipv6;
            circuit.s_address.next = u128::from_be_bytes(address).to_bits();
            circuit.s_port.next = port.to_bits();
            step!(circuit);
            step!(circuit);
            let wanted = |affinity| u64::from(bucket(&RSS_KEY, Source { ipv6, address, port }, affinity));
            assert_eq!(circuit.m_none.val().to_u64(), wanted(Affinity::None));
            assert_eq!(circuit.m_single.val().to_u64(), wanted(Affinity::Single));
            assert_eq!(circuit.m_network.val().to_u64(), wanted(Affinity::Network));
        }
    }
}
