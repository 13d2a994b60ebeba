//! Which of 32 port rules are for a transport protocol and a destination port.
//!
//! The result has a bit a rule: it exists, is for the protocol, and its range holds the port (a later fragment carries
//! none and is in every range). The virtual IP comes later, in [`scope`](super::scope). A rule's words come in their order,
//! and the second writes both. Latency: [`latency`]. Twin: `weir_spec::rules::Rule::matches`.

use rust_hdl::prelude::*;

use super::steps::{Place, Steps};
use crate::cell::lut_ram::LutRam;

/// Clocks from `s_valid` to the result.
pub const fn latency(steps: usize) -> usize {
    steps + 3
}

/// Rules at 64 bit.
pub type Ports64 = Ports<4, 8, 4, 10>;
/// Rules at 512 bit.
pub type Ports512 = Ports<32, 1, 1, 3>;

/// One lane: a rule a clock. `m_hit` two clocks after the rule's address.
#[derive(LogicBlock, Default)]
pub struct PortLane<const A: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Write a rule.
    pub we: Signal<In, Bit>,
    /// Where.
    pub waddr: Signal<In, Bits<A>>,
    /// What: last port, first port, UDP, TCP, valid.
    pub wdata: Signal<In, Bits<35>>,
    /// Rule to compare with.
    pub raddr: Signal<In, Bits<A>>,
    /// TCP, else UDP; one clock after `raddr`.
    pub s_tcp: Signal<In, Bit>,
    /// Destination port; one clock after `raddr`.
    pub s_port: Signal<In, Bits<16>>,
    /// There is no port; two clocks after `raddr`.
    pub s_no_port: Signal<In, Bit>,
    /// The rule fits.
    pub m_hit: Signal<Out, Bit>,
    rules: LutRam<35, A>,
    range: DFF<Bits<32>>,
    kind: DFF<Bits<3>>,
    above: DFF<Bit>,
    below: DFF<Bit>,
    fits: DFF<Bit>,
}

impl<const A: usize> Logic for PortLane<A> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, range, kind, above, below, fits);
        clock!(self, clock, rules);
        self.rules.we.next = self.we.val();
        self.rules.waddr.next = self.waddr.val();
        self.rules.wdata.next = self.wdata.val();
        self.rules.raddr.next = self.raddr.val();
        self.range.d.next = self.rules.rdata.val().get_bits::<32>(3);
        self.kind.d.next = self.rules.rdata.val().get_bits::<3>(0);
        self.above.d.next = self.s_port.val() >= self.range.q.val().get_bits::<16>(0);
        self.below.d.next = self.s_port.val() <= self.range.q.val().get_bits::<16>(16);
        self.fits.d.next = self.kind.q.val().get_bit(0)
            & ((self.s_tcp.val() & self.kind.q.val().get_bit(1)) | (!self.s_tcp.val() & self.kind.q.val().get_bit(2)));
        self.m_hit.next = self.fits.q.val() & (self.s_no_port.val() | (self.above.q.val() & self.below.q.val()));
    }
}

/// See the module. `STEPS * LANES` is 32; `A` and `N` are derived: `log2(2 * STEPS)` and `STEPS + 2`.
#[derive(LogicBlock)]
pub struct Ports<const LANES: usize, const STEPS: usize, const A: usize, const N: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// A word for a rule; that of the default rule changes nothing here.
    pub load_rule: Signal<In, Bit>,
    /// Which rule.
    pub load_entry: Signal<In, Bits<6>>,
    /// Which word of it: ports, match, map; in this order.
    pub load_reg: Signal<In, Bits<3>>,
    /// The word.
    pub load_data: Signal<In, Bits<32>>,
    /// Bank that is filled.
    pub load_bank: Signal<In, Bit>,
    /// A header is there.
    pub s_valid: Signal<In, Bit>,
    /// Its bank.
    pub s_bank: Signal<In, Bit>,
    /// TCP, else UDP.
    pub s_tcp: Signal<In, Bit>,
    /// Destination port.
    pub s_port: Signal<In, Bits<16>>,
    /// A later fragment: every range holds it.
    pub s_no_port: Signal<In, Bit>,
    /// Rules that fit, rule 0 in bit 0.
    pub m_hits: Signal<Out, Bits<32>>,
    steps: Steps<STEPS, A, N>,
    place: Place<LANES, A>,
    lanes: [PortLane<A>; LANES],
    writes: [DFF<Bit>; LANES],
    waddr: DFF<Bits<A>>,
    range: DFF<Bits<32>>,
    kind: DFF<Bits<3>>,
    tcp: DFF<Bit>,
    tcp_then: DFF<Bit>,
    port: DFF<Bits<16>>,
    port_then: DFF<Bits<16>>,
    no_port: DFF<Bit>,
    no_port_then: DFF<Bit>,
    no_port_last: DFF<Bit>,
    so_far: DFF<Bits<32>>,
    hits: DFF<Bits<32>>,
    lane_count: Constant<Bits<6>>,
    above_them: Constant<Bits<6>>,
    rule: Signal<Local, Bits<35>>,
    here: Signal<Local, Bits<6>>,
    after: Signal<Local, Bits<N>>,
    now: Signal<Local, Bits<LANES>>,
    all: Signal<Local, Bits<32>>,
}

impl<const LANES: usize, const STEPS: usize, const A: usize, const N: usize> Default for Ports<LANES, STEPS, A, N> {
    fn default() -> Self {
        assert!(LANES * STEPS == 32, "{LANES} lanes do not see 32 rules in {STEPS} steps");
        assert!(N == STEPS + 2, "{STEPS} steps take {} pulses", STEPS + 2);
        Ports {
            clock: Default::default(),
            load_rule: Default::default(),
            load_entry: Default::default(),
            load_reg: Default::default(),
            load_data: Default::default(),
            load_bank: Default::default(),
            s_valid: Default::default(),
            s_bank: Default::default(),
            s_tcp: Default::default(),
            s_port: Default::default(),
            s_no_port: Default::default(),
            m_hits: Default::default(),
            steps: Default::default(),
            place: Default::default(),
            lanes: std::array::from_fn(|_| Default::default()),
            writes: std::array::from_fn(|_| Default::default()),
            waddr: Default::default(),
            range: Default::default(),
            kind: Default::default(),
            tcp: Default::default(),
            tcp_then: Default::default(),
            port: Default::default(),
            port_then: Default::default(),
            no_port: Default::default(),
            no_port_then: Default::default(),
            no_port_last: Default::default(),
            so_far: Default::default(),
            hits: Default::default(),
            lane_count: Constant::new((LANES as u64).into()),
            above_them: Constant::new((32 - LANES as u64).into()),
            rule: Default::default(),
            here: Default::default(),
            after: Default::default(),
            now: Default::default(),
            all: Default::default(),
        }
    }
}

// One branch for all that a load moves: it is hardly ever taken.
#[allow(clippy::collapsible_if)]
impl<const LANES: usize, const STEPS: usize, const A: usize, const N: usize> Logic for Ports<LANES, STEPS, A, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            waddr,
            range,
            kind,
            tcp,
            tcp_then,
            port,
            port_then,
            no_port,
            no_port_then,
            no_port_last
        );
        dff_setup!(self, clock, so_far, hits);
        clock!(self, clock, steps);
        self.place.s_entry.next = self.load_entry.val();
        self.place.s_bank.next = self.load_bank.val();
        if self.load_rule.val() {
            self.waddr.d.next = self.place.m_address.val();
            if self.load_reg.val() == 0 {
                self.range.d.next = self.load_data.val();
            }
            if self.load_reg.val() == 1 {
                self.kind.d.next = (bit_cast::<3, 2>(self.load_data.val().get_bits::<2>(8)) << 1)
                    | bit_cast::<3, 1>(self.load_data.val().get_bits::<1>(0));
            }
        }
        self.rule.next = (bit_cast::<35, 32>(self.range.q.val()) << 3) | bit_cast::<35, 3>(self.kind.q.val());

        self.steps.s_valid.next = self.s_valid.val();
        self.steps.s_bank.next = self.s_bank.val();
        self.after.next = self.steps.m_after.val();
        if self.s_valid.val() {
            self.tcp.d.next = self.s_tcp.val();
            self.port.d.next = self.s_port.val();
            self.no_port.d.next = self.s_no_port.val();
        }
        self.tcp_then.d.next = self.tcp.q.val();
        self.port_then.d.next = self.port.q.val();
        self.no_port_then.d.next = self.no_port.q.val();
        self.no_port_last.d.next = self.no_port_then.q.val();

        self.here.next = 0.into();
        self.now.next = 0.into();
        for i in 0..LANES {
            self.here.next = i.to_bits();
            self.writes[i].clock.next = self.clock.val();
            self.writes[i].d.next = false;
            if self.load_rule.val() {
                if !self.load_entry.val().get_bit(5) & (self.place.m_lane.val() == self.here.val()) {
                    self.writes[i].d.next = self.load_reg.val() == 1;
                }
            }
            self.lanes[i].clock.next = self.clock.val();
            self.lanes[i].we.next = self.writes[i].q.val();
            self.lanes[i].waddr.next = self.waddr.q.val();
            self.lanes[i].wdata.next = self.rule.val();
            self.lanes[i].raddr.next = self.steps.m_address.val();
            self.lanes[i].s_tcp.next = self.tcp_then.q.val();
            self.lanes[i].s_port.next = self.port_then.q.val();
            self.lanes[i].s_no_port.next = self.no_port_last.q.val();
            self.now.next = self.now.val().replace_bit(i, self.lanes[i].m_hit.val());
        }

        // Rules come in rising order: the first step ends up lowest.
        self.all.next = (self.so_far.q.val() >> self.lane_count.val())
            | (bit_cast::<32, LANES>(self.now.val()) << self.above_them.val());
        self.so_far.d.next = self.all.val();
        for last in N..(N + 1) {
            if self.after.val().get_bit(last - 1) {
                self.hits.d.next = self.all.val();
            }
        }
        self.m_hits.next = self.hits.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{edge, exercise, Engine, Random, Word};
    use super::*;
    use weir_spec::config::Config;
    use weir_spec::rules::{Rule, Target, VipSelect};

    impl<const LANES: usize, const STEPS: usize, const A: usize, const N: usize> Engine for Ports<LANES, STEPS, A, N> {
        /// The virtual IP does not count here.
        type Header = Target;
        type Outcome = u32;
        const STEPS: usize = STEPS;
        const LATENCY: usize = latency(STEPS);
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
            false
        }

        fn drive(&mut self, valid: bool, bank: bool, header: &Target) {
            self.s_valid.next = valid;
            self.s_bank.next = bank;
            self.s_tcp.next = header.tcp;
            self.s_port.next = u64::from(header.port.unwrap_or(0x5555)).into();
            self.s_no_port.next = header.port.is_none();
        }

        fn outcome(&self) -> u32 {
            self.m_hits.val().to_u64() as u32
        }

        fn header(random: &mut Random, banks: &[Config; 2]) -> Target {
            let edge = banks[random.below(2)].rules[random.below(32)].map_or(0, |rule| {
                [rule.first_port, rule.last_port, rule.first_port.wrapping_sub(1), rule.last_port.wrapping_add(1)]
                    [random.below(4)]
            });
            let port = [Some(edge), Some(edge), Some(random.next() as u16), None][random.below(4)];
            Target { vip: 0, tcp: random.below(2) == 0, port }
        }

        fn wanted(bank: &Config, header: &Target) -> u32 {
            let fits =
                |rule: &Option<Rule>| rule.is_some_and(|rule| Rule { vip: VipSelect::All, ..rule }.matches(*header));
            (0..32).filter(|&i| fits(&bank.rules[i])).fold(0, |hits, i| hits | 1 << i)
        }
    }

    #[test]
    fn each_rule_has_its_bit_in_every_width() {
        exercise::<Ports64>(300);
        exercise::<Ports512>(300);
    }

    #[test]
    fn emission_is_clean() {
        crate::emit(&mut Ports64::default(), "ports").expect("clean");
        crate::emit(&mut Ports512::default(), "ports").expect("clean");
    }
}
