//! What is hashed, a group a step: two octets of the source address and four bits of the ports.
//!
//! The groups are those of `weir_spec::flow::signature`. A header's first group is there the clock after `s_valid`; after
//! its last come zeros, which add nothing to a hash.

use rust_hdl::prelude::*;

/// `GROUPS` groups a step, the earlier group in the lower bits. `AW` is `16 * GROUPS`, `PW` is `4 * GROUPS`.
#[derive(LogicBlock)]
pub struct Operand<const GROUPS: usize, const AW: usize, const PW: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A header is there.
    pub s_valid: Signal<In, Bit>,
    /// Its address is IPv6; else only the upper 32 bits count.
    pub s_ipv6: Signal<In, Bit>,
    /// Source address, first octet on top.
    pub s_source: Signal<In, Bits<128>>,
    /// Source port, then destination port.
    pub s_ports: Signal<In, Bits<32>>,
    /// The address is IPv6; stands until the next header.
    pub m_ipv6: Signal<Out, Bit>,
    /// Octets of the address.
    pub m_octets: Signal<Out, Bits<AW>>,
    /// Bits of the ports.
    pub m_ports: Signal<Out, Bits<PW>>,
    address: DFF<Bits<128>>,
    ports: DFF<Bits<32>>,
    ipv6: DFF<Bit>,
    octets_step: Constant<Bits<8>>,
    ports_step: Constant<Bits<6>>,
    octets: Signal<Local, Bits<128>>,
    nibbles: Signal<Local, Bits<32>>,
    pair: Signal<Local, Bits<16>>,
    nibble: Signal<Local, Bits<4>>,
}

impl<const GROUPS: usize, const AW: usize, const PW: usize> Default for Operand<GROUPS, AW, PW> {
    fn default() -> Self {
        assert!(AW == 16 * GROUPS && PW == 4 * GROUPS && GROUPS <= 8, "{GROUPS} groups of 16 and 4 bits");
        Operand {
            clock: Default::default(),
            s_valid: Default::default(),
            s_ipv6: Default::default(),
            s_source: Default::default(),
            s_ports: Default::default(),
            m_ipv6: Default::default(),
            m_octets: Default::default(),
            m_ports: Default::default(),
            address: Default::default(),
            ports: Default::default(),
            ipv6: Default::default(),
            octets_step: Constant::new((AW as u64).into()),
            ports_step: Constant::new((PW as u64).into()),
            octets: Default::default(),
            nibbles: Default::default(),
            pair: Default::default(),
            nibble: Default::default(),
        }
    }
}

impl<const GROUPS: usize, const AW: usize, const PW: usize> Logic for Operand<GROUPS, AW, PW> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, address, ports, ipv6);
        self.address.d.next = self.address.q.val() >> self.octets_step.val();
        self.ports.d.next = self.ports.q.val() >> self.ports_step.val();
        self.octets.next = 0.into();
        self.nibbles.next = 0.into();
        self.pair.next = 0.into();
        self.nibble.next = 0.into();
        if self.s_valid.val() {
            if self.s_ipv6.val() {
                for i in 0..8 {
                    self.pair.next = self.s_source.val().get_bits::<16>(i * 16);
                    self.octets.next = (self.octets.val() << 16) | bit_cast::<128, 16>(self.pair.val());
                }
            } else {
                for i in 6..8 {
                    self.pair.next = self.s_source.val().get_bits::<16>(i * 16);
                    self.octets.next = (self.octets.val() << 16) | bit_cast::<128, 16>(self.pair.val());
                }
            }
            for i in 0..8 {
                self.nibble.next = self.s_ports.val().get_bits::<4>(i * 4);
                self.nibbles.next = (self.nibbles.val() << 4) | bit_cast::<32, 4>(self.nibble.val());
            }
            self.address.d.next = self.octets.val();
            self.ports.d.next = self.nibbles.val();
            self.ipv6.d.next = self.s_ipv6.val();
        }
        self.m_ipv6.next = self.ipv6.q.val();
        self.m_octets.next = bit_cast::<AW, 128>(self.address.q.val());
        self.m_ports.next = bit_cast::<PW, 32>(self.ports.q.val());
    }
}
