//! The rule for a destination: 32 port rules at once, the first that matches, else the default rule.
//!
//! Latency: two clocks; `active` is read in both. Twin: `weir_spec::rules::first_match`.

use rust_hdl::prelude::*;
use weir_spec::regs::RegId;

/// Bits of the rules in force.
pub const RULE_BITS: usize = 33 * 49;
/// The fields of a rule as the circuit wants them, lowest first.
pub const RULE_FIELDS: [(RegId, &str); 9] = [
    (RegId::RulePorts, "first"),
    (RegId::RulePorts, "last"),
    (RegId::RuleMatch, "valid"),
    (RegId::RuleMatch, "any_vip"),
    (RegId::RuleMatch, "vip"),
    (RegId::RuleMatch, "tcp"),
    (RegId::RuleMatch, "udp"),
    (RegId::RuleMatch, "affinity"),
    (RegId::RuleMap, "map"),
];

/// See the module.
#[derive(LogicBlock, Default)]
pub struct FirstMatch {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Rules in force, [`RULE_FIELDS`] each.
    pub active: Signal<In, Bits<RULE_BITS>>,
    /// A destination is there.
    pub s_valid: Signal<In, Bit>,
    /// Its virtual IP.
    pub s_vip: Signal<In, Bits<4>>,
    /// TCP, else UDP.
    pub s_tcp: Signal<In, Bit>,
    /// Its port.
    pub s_port: Signal<In, Bits<16>>,
    /// It has no port: every range matches.
    pub s_no_port: Signal<In, Bit>,
    /// The default rule, whatever matches.
    pub s_default: Signal<In, Bit>,
    /// The rule, 32 for the default rule; two clocks later.
    pub m_rule: Signal<Out, Bits<6>>,
    /// Its affinity.
    pub m_affinity: Signal<Out, Bits<2>>,
    /// Its map.
    pub m_map: Signal<Out, Bits<7>>,
    valid: DFF<Bit>,
    hits: DFF<Bits<32>>,
    rule: DFF<Bits<6>>,
    target: DFF<Bits<9>>,
    all: Signal<Local, Bits<32>>,
    entry: Signal<Local, Bits<49>>,
    fits: Signal<Local, Bit>,
    first: Signal<Local, Bits<6>>,
    its: Signal<Local, Bits<9>>,
}

impl Logic for FirstMatch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, hits, rule, target);
        self.valid.d.next = self.s_valid.val();
        self.all.next = 0.into();
        self.entry.next = 0.into();
        self.fits.next = false;
        self.first.next = 32.into();
        self.its.next = 0.into();
        if self.s_valid.val() {
            for i in 0..32 {
                self.entry.next = self.active.val().get_bits::<49>(i * 49);
                self.fits.next = self.entry.val().get_bit(32)
                    & (self.entry.val().get_bit(33) | (self.entry.val().get_bits::<4>(34) == self.s_vip.val()))
                    & ((self.s_tcp.val() & self.entry.val().get_bit(38))
                        | (!self.s_tcp.val() & self.entry.val().get_bit(39)))
                    & (self.s_no_port.val()
                        | ((self.s_port.val() >= self.entry.val().get_bits::<16>(0))
                            & (self.s_port.val() <= self.entry.val().get_bits::<16>(16))));
                self.all.next = self.all.val().replace_bit(i, self.fits.val());
            }
            self.hits.d.next = self.all.val();
            if self.s_default.val() {
                self.hits.d.next = 0.into();
            }
        }
        if self.valid.q.val() {
            self.its.next = self.active.val().get_bits::<9>(1608);
            for i in 0..32 {
                if self.hits.q.val().get_bit(31 - i) {
                    self.first.next = (31 - i).to_bits();
                    self.its.next = self.active.val().get_bits::<9>((31 - i) * 49 + 40);
                }
            }
            self.rule.d.next = self.first.val();
            self.target.d.next = self.its.val();
        }
        self.m_rule.next = self.rule.q.val();
        self.m_affinity.next = self.target.q.val().get_bits::<2>(0);
        self.m_map.next = self.target.q.val().get_bits::<7>(2);
    }
}
