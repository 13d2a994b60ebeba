//! What a protocol number means: the protocols that rules know, and the IPv6 extension headers that are stepped over.
//!
//! One clock, while `enable`. Bits of [`m_means`](NextHeader::m_means): 0 TCP · 1 UDP · 2 ICMP of the family · 3 IPv6
//! extension header · 4 fragment header, which is one of them.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct NextHeader {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Take `s_number` in.
    pub enable: Signal<In, Bit>,
    /// Protocol number.
    pub s_number: Signal<In, Bits<8>>,
    /// It stands in an IPv4 header.
    pub s_ipv4: Signal<In, Bit>,
    /// What it means.
    pub m_means: Signal<Out, Bits<5>>,
    means: DFF<Bits<5>>,
    number: Signal<Local, Bits<8>>,
    six: Signal<Local, Bit>,
    fragment: Signal<Local, Bit>,
    result: Signal<Local, Bits<5>>,
}

impl Logic for NextHeader {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, means);
        self.number.next = self.s_number.val();
        self.six.next = !self.s_ipv4.val();
        self.fragment.next = self.six.val() & (self.number.val() == 44);
        self.result.next = 0.into();
        self.result.next = self.result.val().replace_bit(0, self.number.val() == 6);
        self.result.next = self.result.val().replace_bit(1, self.number.val() == 17);
        self.result.next = self.result.val().replace_bit(
            2,
            (self.s_ipv4.val() & (self.number.val() == 1)) | (self.six.val() & (self.number.val() == 58)),
        );
        self.result.next = self.result.val().replace_bit(
            3,
            self.six.val()
                & ((self.number.val() == 0)
                    | (self.number.val() == 43)
                    | (self.number.val() == 44)
                    | (self.number.val() == 60)),
        );
        self.result.next = self.result.val().replace_bit(4, self.fragment.val());
        if self.enable.val() {
            self.means.d.next = self.result.val();
        }
        self.m_means.next = self.means.q.val();
    }
}
