//! Which virtual IP an address is: all 16 compared at once, the first that fits.
//!
//! Latency: two clocks. Twin: `weir_spec::classify::Classifier::vip`.

use rust_hdl::prelude::*;
use weir_spec::regs::RegId;

/// Bits of the entries in force.
pub const VIP_BITS: usize = 16 * 130;
/// The fields of an entry as the circuit wants them, lowest first.
pub const VIP_FIELDS: [(RegId, &str); 6] = [
    (RegId::VipControl, "valid"),
    (RegId::VipControl, "ipv6"),
    (RegId::VipAddress3, ""),
    (RegId::VipAddress2, ""),
    (RegId::VipAddress1, ""),
    (RegId::VipAddress0, ""),
];

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Vips {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Entries in force, [`VIP_FIELDS`] each.
    pub active: Signal<In, Bits<VIP_BITS>>,
    /// An address is there.
    pub s_valid: Signal<In, Bit>,
    /// It is IPv6.
    pub s_ipv6: Signal<In, Bit>,
    /// First octet on top; IPv4 in the upper 32 bits.
    pub s_address: Signal<In, Bits<128>>,
    /// It is a virtual IP; two clocks later.
    pub m_hit: Signal<Out, Bit>,
    /// Its index.
    pub m_index: Signal<Out, Bits<4>>,
    valid: DFF<Bit>,
    hits: DFF<Bits<16>>,
    hit: DFF<Bit>,
    index: DFF<Bits<4>>,
    all: Signal<Local, Bits<16>>,
    entry: Signal<Local, Bits<130>>,
    fits: Signal<Local, Bit>,
    first: Signal<Local, Bits<4>>,
}

impl Logic for Vips {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, hits, hit, index);
        self.valid.d.next = self.s_valid.val();
        self.all.next = 0.into();
        self.entry.next = 0.into();
        self.fits.next = false;
        self.first.next = 0.into();
        if self.s_valid.val() {
            for i in 0..16 {
                self.entry.next = self.active.val().get_bits::<130>(i * 130);
                self.fits.next = self.entry.val().get_bit(0)
                    & (self.entry.val().get_bit(1) == self.s_ipv6.val())
                    & (self.entry.val().get_bits::<32>(98) == self.s_address.val().get_bits::<32>(96))
                    & (!self.s_ipv6.val()
                        | (self.entry.val().get_bits::<96>(2) == self.s_address.val().get_bits::<96>(0)));
                self.all.next = self.all.val().replace_bit(i, self.fits.val());
            }
            self.hits.d.next = self.all.val();
        }
        if self.valid.q.val() {
            for i in 0..16 {
                if self.hits.q.val().get_bit(15 - i) {
                    self.first.next = (15 - i).to_bits();
                }
            }
            self.index.d.next = self.first.val();
            self.hit.d.next = self.hits.q.val() != 0;
        }
        self.m_hit.next = self.hit.q.val();
        self.m_index.next = self.index.q.val();
    }
}
