//! Both hashes of a header: its bucket under each affinity, and the signature of its flow.
//!
//! They walk over the same groups of the header, which are shifted out once. Latency: [`latency`].

use rust_hdl::prelude::*;

use super::bucket::Bucket;
use super::key_bits::KeyBits;
use super::operand::Operand;
use super::signature::Signature;

/// Clocks from `s_valid` to the results.
pub const fn latency(steps: usize) -> usize {
    steps + 3
}

/// Hashes at 64 bit: a group a clock.
pub type Hash64 = Hash<8, 1, 1, 4, 4, 10, 16, 4>;
/// Hashes at 512 bit: a header a clock.
pub type Hash512 = Hash<1, 8, 4, 1, 2, 3, 128, 32>;

/// See the module; the parameters are those of [`Bucket`].
#[derive(LogicBlock, Default)]
pub struct Hash<
    const STEPS: usize,
    const GROUPS: usize,
    const HALF: usize,
    const A: usize,
    const PA: usize,
    const N: usize,
    const AW: usize,
    const PW: usize,
> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A word of the hash key.
    pub load_hash_key: Signal<In, Bit>,
    /// A word of the flow key.
    pub load_flow_key: Signal<In, Bit>,
    /// Which word, 0 to 9; in rising order.
    pub load_entry: Signal<In, Bits<6>>,
    /// The word.
    pub load_data: Signal<In, Bits<32>>,
    /// Bank that is filled.
    pub load_bank: Signal<In, Bit>,
    /// No word may come.
    pub load_busy: Signal<Out, Bit>,
    /// A header is there.
    pub s_valid: Signal<In, Bit>,
    /// Its bank.
    pub s_bank: Signal<In, Bit>,
    /// Its address is IPv6; else only the upper 32 bits count.
    pub s_ipv6: Signal<In, Bit>,
    /// Source address, first octet on top.
    pub s_source: Signal<In, Bits<128>>,
    /// Source port, then destination port.
    pub s_ports: Signal<In, Bits<32>>,
    /// Bucket by address and port.
    pub m_none: Signal<Out, Bits<12>>,
    /// Bucket by address.
    pub m_single: Signal<Out, Bits<12>>,
    /// Bucket by network.
    pub m_network: Signal<Out, Bits<12>>,
    /// Signature of the flow.
    pub m_signature: Signal<Out, Bits<64>>,
    key: KeyBits,
    operand: Operand<GROUPS, AW, PW>,
    bucket: Bucket<STEPS, GROUPS, HALF, A, PA, N, AW, PW>,
    signature: Signature<STEPS, GROUPS, A, N, AW, PW>,
}

impl<
        const STEPS: usize,
        const GROUPS: usize,
        const HALF: usize,
        const A: usize,
        const PA: usize,
        const N: usize,
        const AW: usize,
        const PW: usize,
    > Logic for Hash<STEPS, GROUPS, HALF, A, PA, N, AW, PW>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, key, operand, bucket, signature);
        self.key.load_hash_key.next = self.load_hash_key.val();
        self.key.load_flow_key.next = self.load_flow_key.val();
        self.key.load_entry.next = self.load_entry.val();
        self.key.load_data.next = self.load_data.val();
        self.key.load_bank.next = self.load_bank.val();
        self.bucket.s_key.next = self.key.m_hash.val();
        self.bucket.s_key_number.next = self.key.m_number.val();
        self.bucket.s_key_bank.next = self.key.m_bank.val();
        self.bucket.s_window.next = self.key.m_window.val().get_bits::<27>(0);
        self.signature.s_key.next = self.key.m_flow.val();
        self.signature.s_key_first.next = self.key.m_first.val();
        self.signature.s_key_bank.next = self.key.m_bank.val();
        self.signature.s_window.next = self.key.m_window.val();
        self.operand.s_valid.next = self.s_valid.val();
        self.operand.s_ipv6.next = self.s_ipv6.val();
        self.operand.s_source.next = self.s_source.val();
        self.operand.s_ports.next = self.s_ports.val();
        self.bucket.s_valid.next = self.s_valid.val();
        self.bucket.s_bank.next = self.s_bank.val();
        self.bucket.s_octets.next = self.operand.m_octets.val();
        self.bucket.s_ports.next = self.operand.m_ports.val();
        self.signature.s_valid.next = self.s_valid.val();
        self.signature.s_bank.next = self.s_bank.val();
        self.signature.s_octets.next = self.operand.m_octets.val();
        self.signature.s_ports.next = self.operand.m_ports.val();
        self.bucket.s_ipv6.next = self.s_ipv6.val();
        self.bucket.s_ipv6_then.next = self.operand.m_ipv6.val();
        self.load_busy.next = self.key.load_busy.val();
        self.m_none.next = self.bucket.m_none.val();
        self.m_single.next = self.bucket.m_single.val();
        self.m_network.next = self.bucket.m_network.val();
        self.m_signature.next = self.signature.m_signature.val();
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{edge, exercise, wide, Engine, Random, Word};
    use super::*;
    use weir_spec::config::Config;
    use weir_spec::flow::signature::{signature, Connection};
    use weir_spec::rules::Affinity;
    use weir_spec::toeplitz::{bucket, Source};

    /// IPv6, source address, ports.
    type Header = (bool, u128, u32);

    impl<
            const STEPS: usize,
            const GROUPS: usize,
            const HALF: usize,
            const A: usize,
            const PA: usize,
            const N: usize,
            const AW: usize,
            const PW: usize,
        > Engine for Hash<STEPS, GROUPS, HALF, A, PA, N, AW, PW>
    {
        type Header = Header;
        /// Buckets under each affinity, signature.
        type Outcome = [u64; 4];
        const STEPS: usize = STEPS;
        const LATENCY: usize = latency(STEPS);
        edge!();

        fn load(&mut self, word: Option<&Word>, bank: bool) -> bool {
            self.load_bank.next = bank;
            self.load_hash_key.next = word.is_some_and(|word| word.block == "HASH_KEY");
            self.load_flow_key.next = word.is_some_and(|word| word.block == "FLOW_KEY");
            let word = word.filter(|word| word.block.ends_with("_KEY"));
            if let Some(word) = word {
                self.load_entry.next = word.entry.into();
                self.load_data.next = word.data.into();
            }
            word.is_some()
        }

        fn busy(&self) -> bool {
            self.load_busy.val()
        }

        fn drive(&mut self, valid: bool, bank: bool, header: &Header) {
            self.s_valid.next = valid;
            self.s_bank.next = bank;
            self.s_ipv6.next = header.0;
            self.s_source.next = wide(header.1);
            self.s_ports.next = u64::from(header.2).into();
        }

        fn outcome(&self) -> [u64; 4] {
            [
                self.m_none.val().to_u64(),
                self.m_single.val().to_u64(),
                self.m_network.val().to_u64(),
                self.m_signature.val().to_u64(),
            ]
        }

        fn header(random: &mut Random, _: &[Config; 2]) -> Header {
            (random.below(2) == 0, random.wide(), random.next() as u32)
        }

        fn wanted(bank: &Config, header: &Header) -> [u64; 4] {
            let address = header.1.to_be_bytes();
            let ipv4 = |octets: [u8; 16]| std::array::from_fn(|i| if i < 4 { octets[i] } else { 0 });
            let connection = Connection {
                source: if header.0 { address } else { ipv4(address) },
                source_port: (header.2 >> 16) as u16,
                destination_port: header.2 as u16,
            };
            let source = Source { ipv6: header.0, address, port: (header.2 >> 16) as u16 };
            let by = |affinity| u64::from(bucket(&bank.hash_key, source, affinity));
            [by(Affinity::None), by(Affinity::Single), by(Affinity::Network), signature(&bank.flow_key, &connection)]
        }
    }

    #[test]
    fn buckets_and_signature_are_those_of_the_definitions_in_every_width() {
        exercise::<Hash64>(100);
        exercise::<Hash512>(60);
    }

    #[test]
    fn emission_is_clean() {
        crate::emit(&mut Hash64::default(), "hash").expect("clean");
        crate::emit(&mut Hash512::default(), "hash").expect("clean");
    }
}
