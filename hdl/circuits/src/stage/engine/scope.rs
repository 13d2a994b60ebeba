//! From rules that fit a port to the one that counts, and what it says: the first whose virtual IP is any or this one.
//!
//! A mask of rules a virtual IP is kept, not a virtual IP a rule: the look-up is one read. Latency: [`LATENCY`], a
//! header a clock. Twins: `weir_spec::rules::first_match` and the rule's affinity and map.

use rust_hdl::prelude::*;

use crate::cell::lut_ram::LutRam;

/// Clocks from `s_valid` to the result.
pub const LATENCY: usize = 6;

/// The mask of four rules, and the first of them that fits.
#[derive(LogicBlock, Default)]
pub struct Mask {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write.
    pub we: Signal<In, Bit>,
    /// Bank and virtual IP to write.
    pub waddr: Signal<In, Bits<5>>,
    /// Bits to write.
    pub wdata: Signal<In, Bits<4>>,
    /// Bank and virtual IP to read.
    pub raddr: Signal<In, Bits<5>>,
    /// They are wanted.
    pub s_valid: Signal<In, Bit>,
    /// Rules that fit so far.
    pub s_hits: Signal<In, Bits<4>>,
    /// Any of them is for this virtual IP; two clocks after `raddr`.
    pub m_any: Signal<Out, Bit>,
    /// The first of them that is.
    pub m_first: Signal<Out, Bits<2>>,
    words: LutRam<4, 5>,
    fits: DFF<Bits<4>>,
    any: DFF<Bit>,
    first: DFF<Bits<2>>,
}

impl Logic for Mask {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, fits, any, first);
        clock!(self, clock, words);
        self.words.we.next = self.we.val();
        self.words.waddr.next = self.waddr.val();
        self.words.wdata.next = self.wdata.val();
        self.words.raddr.next = self.raddr.val();
        if self.s_valid.val() {
            self.fits.d.next = self.words.rdata.val() & self.s_hits.val();
        }
        self.any.d.next = self.fits.q.val() != 0;
        self.first.d.next = 3.into();
        if self.fits.q.val().get_bit(2) {
            self.first.d.next = 2.into();
        }
        if self.fits.q.val().get_bit(1) {
            self.first.d.next = 1.into();
        }
        if self.fits.q.val().get_bit(0) {
            self.first.d.next = 0.into();
        }
        self.m_any.next = self.any.q.val();
        self.m_first.next = self.first.q.val();
    }
}

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Scope {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A word for a rule.
    pub load_rule: Signal<In, Bit>,
    /// Which rule; 32 is the default rule. Rules come in rising order.
    pub load_entry: Signal<In, Bits<6>>,
    /// Which word of it: ports, match, map.
    pub load_reg: Signal<In, Bits<3>>,
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
    /// Its virtual IP.
    pub s_vip: Signal<In, Bits<4>>,
    /// Rules that fit its port.
    pub s_hits: Signal<In, Bits<32>>,
    /// It goes by the default rule, whatever fits.
    pub s_default: Signal<In, Bit>,
    /// Its rule; 32 for the default rule.
    pub m_rule: Signal<Out, Bits<6>>,
    /// The rule's affinity.
    pub m_affinity: Signal<Out, Bits<2>>,
    /// The rule's map.
    pub m_map: Signal<Out, Bits<7>>,

    masks: [Mask; 8],
    affinities: LutRam<2, 6>,
    maps: LutRam<7, 6>,
    default_affinities: LutRam<2, 1>,
    default_maps: LutRam<7, 1>,

    // The load: the virtual IPs of four rules come one by one; with the fourth, their bits are written for all sixteen,
    // a clock each.
    scopes: [DFF<Bits<5>>; 4],
    group: DFF<Bits<3>>,
    bank: DFF<Bit>,
    vip: DFF<Bits<4>>,
    busy: DFF<Bit>,
    mask_write: [DFF<Bit>; 8],
    mask_at: DFF<Bits<5>>,
    mask_bits: DFF<Bits<4>>,
    target_at: DFF<Bits<6>>,
    target_data: DFF<Bits<7>>,
    we_affinity: DFF<Bit>,
    we_map: DFF<Bit>,
    we_default_affinity: DFF<Bit>,
    we_default_map: DFF<Bit>,
    default_bank: DFF<Bit>,

    // The look-up, a header a clock.
    after: DFF<Bits<5>>,
    banks: [DFF<Bit>; 4],
    defaults: [DFF<Bit>; 3],
    half_any: [DFF<Bit>; 2],
    half_group: [DFF<Bits<2>>; 2],
    firsts: [DFF<Bits<2>>; 8],
    rule: DFF<Bits<5>>,
    none: DFF<Bit>,
    rule_then: DFF<Bits<5>>,
    none_then: DFF<Bit>,
    found: DFF<Bits<9>>,
    default_found: DFF<Bits<9>>,
    rule_out: DFF<Bits<6>>,
    affinity_out: DFF<Bits<2>>,
    map_out: DFF<Bits<7>>,

    of_default: Signal<Local, Bit>,
    low: Signal<Local, Bits<2>>,
    here: Signal<Local, Bits<3>>,
    at: Signal<Local, Bits<2>>,
    scope: Signal<Local, Bits<5>>,
    bits: Signal<Local, Bits<4>>,
    fits: Signal<Local, Bit>,
    row: Signal<Local, Bits<5>>,
    read_row: Signal<Local, Bits<5>>,
    bank_word: Signal<Local, Bits<1>>,
    load_word: Signal<Local, Bits<1>>,
    word: Signal<Local, Bits<6>>,
    load_at: Signal<Local, Bits<6>>,
    first_inside: Signal<Local, Bits<2>>,
    first_group: Signal<Local, Bits<2>>,
    insides: [Signal<Local, Bits<2>>; 2],
    of_half: [Signal<Local, Bits<5>>; 2],
    target: Signal<Local, Bits<9>>,
    chosen: Signal<Local, Bits<6>>,
}

// One branch for all that a load moves: it is hardly ever taken.
#[allow(clippy::collapsible_if)]
impl Logic for Scope {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, group, bank, vip, busy, mask_at, mask_bits, target_at, target_data);
        dff_setup!(self, clock, we_affinity, we_map, we_default_affinity, we_default_map, default_bank);
        dff_setup!(self, clock, after, rule, none, rule_then, none_then, found, default_found);
        dff_setup!(self, clock, rule_out, affinity_out, map_out);
        clock!(self, clock, affinities, maps, default_affinities, default_maps);

        // The load.
        self.of_default.next = self.load_entry.val().get_bit(5);
        self.low.next = self.load_entry.val().get_bits::<2>(0);
        self.at.next = 0.into();
        for i in 0..4 {
            self.at.next = i.to_bits();
            self.scopes[i].clock.next = self.clock.val();
            self.scopes[i].d.next = self.scopes[i].q.val();
            if self.load_rule.val() {
                if (self.load_reg.val() == 1) & (self.low.val() == self.at.val()) {
                    self.scopes[i].d.next = self.load_data.val().get_bits::<5>(1);
                }
            }
        }
        self.load_busy.next = self.busy.q.val();
        self.bits.next = 0.into();
        self.scope.next = 0.into();
        self.fits.next = false;
        for i in 0..4 {
            self.scope.next = self.scopes[i].q.val();
            self.fits.next = self.scope.val().get_bit(0) | (self.scope.val().get_bits::<4>(1) == self.vip.q.val());
            self.bits.next = self.bits.val().replace_bit(i, self.fits.val());
        }
        self.row.next = bit_cast::<5, 4>(self.vip.q.val());
        self.row.next = self.row.val().replace_bit(4, self.bank.q.val());
        self.we_affinity.d.next = false;
        self.we_map.d.next = false;
        self.we_default_affinity.d.next = false;
        self.we_default_map.d.next = false;
        self.load_at.next = bit_cast::<6, 5>(self.load_entry.val().get_bits::<5>(0));
        self.load_at.next = self.load_at.val().replace_bit(5, self.load_bank.val());
        if self.load_rule.val() {
            if (self.load_reg.val() == 1) & (self.low.val() == 3) & !self.of_default.val() {
                self.group.d.next = self.load_entry.val().get_bits::<3>(2);
                self.bank.d.next = self.load_bank.val();
                self.busy.d.next = true;
            }
            self.target_at.d.next = self.load_at.val();
            self.target_data.d.next = self.load_data.val().get_bits::<7>(0);
            if self.load_reg.val() == 1 {
                self.target_data.d.next = bit_cast::<7, 2>(self.load_data.val().get_bits::<2>(12));
                self.we_affinity.d.next = !self.of_default.val();
                self.we_default_affinity.d.next = self.of_default.val();
            }
            if self.load_reg.val() == 2 {
                self.we_map.d.next = !self.of_default.val();
                self.we_default_map.d.next = self.of_default.val();
            }
            self.default_bank.d.next = self.load_bank.val();
        }
        if self.busy.q.val() {
            self.mask_at.d.next = self.row.val();
            self.mask_bits.d.next = self.bits.val();
            self.vip.d.next = self.vip.q.val() + 1;
            if self.vip.q.val() == 15 {
                self.busy.d.next = false;
            }
        }
        self.load_word.next = 0.into();
        if self.default_bank.q.val() {
            self.load_word.next = 1.into();
        }
        self.affinities.we.next = self.we_affinity.q.val();
        self.affinities.waddr.next = self.target_at.q.val();
        self.affinities.wdata.next = self.target_data.q.val().get_bits::<2>(0);
        self.maps.we.next = self.we_map.q.val();
        self.maps.waddr.next = self.target_at.q.val();
        self.maps.wdata.next = self.target_data.q.val();
        self.default_affinities.we.next = self.we_default_affinity.q.val();
        self.default_affinities.waddr.next = self.load_word.val();
        self.default_affinities.wdata.next = self.target_data.q.val().get_bits::<2>(0);
        self.default_maps.we.next = self.we_default_map.q.val();
        self.default_maps.waddr.next = self.load_word.val();
        self.default_maps.wdata.next = self.target_data.q.val();

        // First and second clock: the rules that fit, four by four.
        self.after.d.next = self.after.q.val() << 1;
        if self.s_valid.val() {
            self.after.d.next = (self.after.q.val() << 1) | 1;
        }
        self.read_row.next = bit_cast::<5, 4>(self.s_vip.val());
        self.read_row.next = self.read_row.val().replace_bit(4, self.s_bank.val());
        self.here.next = 0.into();
        for i in 0..8 {
            self.here.next = i.to_bits();
            self.masks[i].clock.next = self.clock.val();
            self.mask_write[i].clock.next = self.clock.val();
            self.mask_write[i].d.next = false;
            if self.busy.q.val() {
                self.mask_write[i].d.next = self.group.q.val() == self.here.val();
            }
            self.masks[i].we.next = self.mask_write[i].q.val();
            self.masks[i].waddr.next = self.mask_at.q.val();
            self.masks[i].wdata.next = self.mask_bits.q.val();
            self.masks[i].raddr.next = self.read_row.val();
            self.masks[i].s_valid.next = self.s_valid.val();
            self.masks[i].s_hits.next = self.s_hits.val().get_bits::<4>(i * 4);
        }
        for i in 0..4 {
            self.banks[i].clock.next = self.clock.val();
        }
        self.banks[0].d.next = self.s_bank.val();
        for i in 1..4 {
            self.banks[i].d.next = self.banks[i - 1].q.val();
        }
        for i in 0..3 {
            self.defaults[i].clock.next = self.clock.val();
        }
        self.defaults[0].d.next = self.s_default.val();
        for i in 1..3 {
            self.defaults[i].d.next = self.defaults[i - 1].q.val();
        }

        // Third clock: the first group of each half.
        for i in 0..8 {
            self.firsts[i].clock.next = self.clock.val();
            self.firsts[i].d.next = self.firsts[i].q.val();
            if self.after.q.val().get_bit(1) {
                self.firsts[i].d.next = self.masks[i].m_first.val();
            }
        }
        for i in 0..2 {
            self.half_any[i].clock.next = self.clock.val();
            self.half_group[i].clock.next = self.clock.val();
            self.half_any[i].d.next = self.half_any[i].q.val();
            self.half_group[i].d.next = self.half_group[i].q.val();
            if self.after.q.val().get_bit(1) {
                self.half_any[i].d.next = self.masks[i * 4].m_any.val()
                    | self.masks[i * 4 + 1].m_any.val()
                    | self.masks[i * 4 + 2].m_any.val()
                    | self.masks[i * 4 + 3].m_any.val();
                self.half_group[i].d.next = 3.into();
                if self.masks[i * 4 + 2].m_any.val() {
                    self.half_group[i].d.next = 2.into();
                }
                if self.masks[i * 4 + 1].m_any.val() {
                    self.half_group[i].d.next = 1.into();
                }
                if self.masks[i * 4].m_any.val() {
                    self.half_group[i].d.next = 0.into();
                }
            }
        }

        // Fourth clock: the rule.
        self.first_inside.next = 0.into();
        self.first_group.next = 0.into();
        for i in 0..2 {
            match self.half_group[i].q.val().index() {
                0 => {
                    self.insides[i].next = self.firsts[i * 4].q.val();
                }
                1 => {
                    self.insides[i].next = self.firsts[i * 4 + 1].q.val();
                }
                2 => {
                    self.insides[i].next = self.firsts[i * 4 + 2].q.val();
                }
                _ => {
                    self.insides[i].next = self.firsts[i * 4 + 3].q.val();
                }
            }
            self.first_inside.next = self.insides[i].val();
            self.first_group.next = self.half_group[i].q.val();
            self.of_half[i].next =
                (bit_cast::<5, 2>(self.first_group.val()) << 2) | bit_cast::<5, 2>(self.first_inside.val());
        }
        if self.after.q.val().get_bit(2) {
            self.rule.d.next = self.of_half[1].val() | 16;
            if self.half_any[0].q.val() {
                self.rule.d.next = self.of_half[0].val();
            }
            self.none.d.next = self.defaults[2].q.val() | (!self.half_any[0].q.val() & !self.half_any[1].q.val());
        }

        // Fifth clock: what it says.
        self.word.next = bit_cast::<6, 5>(self.rule.q.val());
        self.word.next = self.word.val().replace_bit(5, self.banks[3].q.val());
        self.bank_word.next = 0.into();
        if self.banks[3].q.val() {
            self.bank_word.next = 1.into();
        }
        self.affinities.raddr.next = self.word.val();
        self.maps.raddr.next = self.word.val();
        self.default_affinities.raddr.next = self.bank_word.val();
        self.default_maps.raddr.next = self.bank_word.val();
        if self.after.q.val().get_bit(3) {
            self.found.d.next =
                (bit_cast::<9, 7>(self.maps.rdata.val()) << 2) | bit_cast::<9, 2>(self.affinities.rdata.val());
            self.default_found.d.next = (bit_cast::<9, 7>(self.default_maps.rdata.val()) << 2)
                | bit_cast::<9, 2>(self.default_affinities.rdata.val());
            self.rule_then.d.next = self.rule.q.val();
            self.none_then.d.next = self.none.q.val();
        }

        // Sixth clock: the rule or the default rule.
        self.chosen.next = bit_cast::<6, 5>(self.rule_then.q.val());
        self.target.next = self.found.q.val();
        if self.none_then.q.val() {
            self.chosen.next = 32.into();
            self.target.next = self.default_found.q.val();
        }
        if self.after.q.val().get_bit(4) {
            self.rule_out.d.next = self.chosen.val();
            self.affinity_out.d.next = self.target.val().get_bits::<2>(0);
            self.map_out.d.next = self.target.val().get_bits::<7>(2);
        }
        self.m_rule.next = self.rule_out.q.val();
        self.m_affinity.next = self.affinity_out.q.val();
        self.m_map.next = self.map_out.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{edge, exercise, Engine, Random, Word};
    use super::*;
    use weir_spec::config::Config;
    use weir_spec::rules::VipSelect;

    impl Engine for Scope {
        /// Virtual IP, rules that fit the port, by the default rule.
        type Header = (u8, u32, bool);
        /// Rule, affinity, map.
        type Outcome = (u64, u64, u64);
        const STEPS: usize = 1;
        const LATENCY: usize = LATENCY;
        edge!();

        fn load(&mut self, word: Option<&Word>, bank: bool) -> bool {
            self.load_bank.next = bank;
            let word = word.filter(|word| word.block == "RULE");
            self.load_rule.next = word.is_some();
            if let Some(word) = word {
                self.load_entry.next = word.entry.into();
                self.load_reg.next = word.reg.into();
                self.load_data.next = word.data.into();
            }
            word.is_some()
        }

        fn busy(&self) -> bool {
            self.load_busy.val()
        }

        fn drive(&mut self, valid: bool, bank: bool, header: &Self::Header) {
            self.s_valid.next = valid;
            self.s_bank.next = bank;
            self.s_vip.next = u64::from(header.0).into();
            self.s_hits.next = u64::from(header.1).into();
            self.s_default.next = header.2;
        }

        fn outcome(&self) -> Self::Outcome {
            (self.m_rule.val().to_u64(), self.m_affinity.val().to_u64(), self.m_map.val().to_u64())
        }

        fn header(random: &mut Random, banks: &[Config; 2]) -> Self::Header {
            let exist = |i: &usize| banks.iter().all(|bank| bank.rules[*i].is_some());
            let hits = (0..32).filter(exist).fold(0, |hits, i| hits | 1 << i) & random.next() as u32;
            let few = random.below(4);
            (random.below(16) as u8, (0..few).fold(hits, |hits, _| hits & random.next() as u32), random.below(8) == 0)
        }

        fn wanted(bank: &Config, &(vip, hits, default): &Self::Header) -> Self::Outcome {
            let fits = |i: &usize| {
                let rule = bank.rules[*i].expect("rules that fit exist");
                !default && (rule.vip == VipSelect::All || rule.vip == VipSelect::One(vip))
            };
            match (0..32).filter(|i| hits >> i & 1 == 1).find(fits) {
                Some(i) => {
                    let rule = bank.rules[i].expect("rules that fit exist");
                    (i as u64, rule.affinity as u64, rule.map.to_bits().into())
                }
                None => {
                    let rule = bank.default_rule;
                    (32, rule.affinity as u64, rule.map.to_bits().into())
                }
            }
        }
    }

    #[test]
    fn the_first_rule_for_the_virtual_ip_counts_a_header_a_clock() {
        exercise::<Scope>(2000);
    }

    #[test]
    fn emission_is_clean() {
        crate::emit(&mut Scope::default(), "scope").expect("clean");
    }
}
