//! What is consulted for a frame, and the state of its bucket: a slot of the map pool, or a constant.
//!
//! Takes the class, a clock later the rule, chooses affinity and map, reads the pool. Latency: [`latency`] clocks. Twin:
//! the look-ups of `weir_spec::classify::Classifier::decide`.

use rust_hdl::prelude::*;
use weir_spec::regs::{reg, RegId};

use crate::cell::pool::PoolRam;
use crate::cell::stage::Stage;
use crate::cell::wait::Wait;

/// Clocks from the rule, `s_rule`, to `m_valid` of a `Lookup<FIRST, LAST>`.
pub const fn latency(first: usize, last: usize) -> usize {
    first + 4 + last
}

/// Bits of a plan, lowest first: accepted if nothing is looked up 1 · decided by policy 1 · class 4 · looked up 1 · rule valid
/// 1 · rule 6 · bucket 12 · what the state decides on 3: with a flow that may be listed 4 SYN, 5 other TCP, 6 and 7 the same
/// while OWN takes no new connections; without, 1 beyond the window, 2 datagram, 3 fragment, or if nothing is looked up TCP or
/// UDP that belongs to no virtual IP.
pub const PLAN_BITS: usize = 29;

/// Bits that go from the choice of what to consult to the choice of the bucket.
const CHOICE: usize = PLAN_BITS + 2 + 7 + 36;
/// Bits that go beside four buckets of a word.
const QUARTER: usize = PLAN_BITS + 3 + 8;

/// See the module. `FIRST` registers (0 or 1) between the choice of the map and of the bucket, `LAST` between the choice
/// of four buckets of a word and of one: both 1 where logic is slow.
#[derive(LogicBlock)]
pub struct Lookup<const FIRST: usize, const LAST: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// No frame is under way any more.
    pub reset: Signal<In, Bit>,
    /// The policy word is loaded.
    pub load_policy: Signal<In, Bit>,
    /// Into this bank.
    pub load_bank: Signal<In, Bit>,
    /// The word.
    pub load_data: Signal<In, Bits<32>>,
    /// A frame is there; its rule and buckets follow a clock later.
    pub k_valid: Signal<In, Bit>,
    /// Its epoch.
    pub k_bank: Signal<In, Bit>,
    /// [`HeaderKind`](crate::front::kind::HeaderKind).
    pub k_kind: Signal<In, Bits<4>>,
    /// Its destination is a virtual IP.
    pub k_vip: Signal<In, Bit>,
    /// Its rule, a clock after `k_valid`, as what follows.
    pub s_rule: Signal<In, Bits<6>>,
    /// The rule's affinity.
    pub s_affinity: Signal<In, Bits<2>>,
    /// The rule's map.
    pub s_map: Signal<In, Bits<7>>,
    /// Bucket by address and port.
    pub s_none: Signal<In, Bits<12>>,
    /// Bucket by address.
    pub s_single: Signal<In, Bits<12>>,
    /// Bucket by network.
    pub s_network: Signal<In, Bits<12>>,
    /// Word of the pool that the host reads or writes.
    pub host_word: Signal<In, Bits<14>>,
    /// The host writes this clock.
    pub host_we: Signal<In, Bit>,
    /// What it writes.
    pub host_wdata: Signal<In, Bits<32>>,
    /// What is there, three clocks later.
    pub host_rdata: Signal<Out, Bits<32>>,
    /// [`latency`] clocks after the rule.
    pub m_valid: Signal<Out, Bit>,
    /// What was planned, [`PLAN_BITS`].
    pub m_plan: Signal<Out, Bits<PLAN_BITS>>,
    /// State of the bucket.
    pub m_state: Signal<Out, Bits<2>>,

    // Echo by hash, its map, later fragments without ports dropped, OWN takes no new connections; one of each bank.
    policies: [DFF<Bits<10>>; 2],
    // What the kind asks for: class, by rule, look-up, and for a later fragment with an affinity, of one address and in
    // the policy's map, flow, and what else a plan says.
    known: DFF<Bit>,
    frame_class: DFF<Bits<4>>,
    by_rule: DFF<Bit>,
    look: DFF<Bit>,
    look_portless: DFF<Bit>,
    single: DFF<Bit>,
    echo: DFF<Bit>,
    echo_map: DFF<Bits<7>>,
    pass: DFF<Bit>,
    by_policy: DFF<Bit>,
    flow: DFF<Bit>,
    what: DFF<Bits<2>>,
    choosing: Wait<1, FIRST>,
    choice: Stage<CHOICE, FIRST>,
    pool: PoolRam,
    valids: [DFF<Bit>; 3],
    plans: [DFF<Bits<PLAN_BITS>>; 3],
    constants: [DFF<Bits<3>>; 3],
    picking: Wait<1, LAST>,
    quarter: Stage<QUARTER, LAST>,
    valid: DFF<Bit>,
    plan: DFF<Bits<PLAN_BITS>>,
    state: DFF<Bits<2>>,

    echo_hash_at: Constant<Bits<5>>,
    echo_map_at: Constant<Bits<5>>,
    drop_at: Constant<Bits<5>>,
    quiesce_at: Constant<Bits<5>>,
    policy_word: Signal<Local, Bits<10>>,
    policy: Signal<Local, Bits<10>>,
    syn: Signal<Local, Bits<2>>,
    other_tcp: Signal<Local, Bits<2>>,
    looks: Signal<Local, Bit>,
    decided: Signal<Local, Bit>,
    affinity: Signal<Local, Bits<2>>,
    map: Signal<Local, Bits<7>>,
    flags: Signal<Local, Bits<PLAN_BITS>>,
    chosen: Signal<Local, Bits<CHOICE>>,
    chooses: Signal<Local, Bit>,
    at: Signal<Local, Bits<CHOICE>>,
    bucket: Signal<Local, Bits<12>>,
    constant: Signal<Local, Bits<3>>,
    address: Signal<Local, Bits<14>>,
    near: Signal<Local, Bits<PLAN_BITS>>,
    word: Signal<Local, Bits<32>>,
    four: Signal<Local, Bits<8>>,
    found: Signal<Local, Bits<QUARTER>>,
    picks: Signal<Local, Bit>,
    pick: Signal<Local, Bits<QUARTER>>,
}

impl<const FIRST: usize, const LAST: usize> Default for Lookup<FIRST, LAST> {
    fn default() -> Self {
        let at = |field| Constant::new(u64::from(reg(RegId::Policy).field(field).low).into());
        Lookup {
            clock: Default::default(),
            reset: Default::default(),
            load_policy: Default::default(),
            load_bank: Default::default(),
            load_data: Default::default(),
            k_valid: Default::default(),
            k_bank: Default::default(),
            k_kind: Default::default(),
            k_vip: Default::default(),
            s_rule: Default::default(),
            s_affinity: Default::default(),
            s_map: Default::default(),
            s_none: Default::default(),
            s_single: Default::default(),
            s_network: Default::default(),
            host_word: Default::default(),
            host_we: Default::default(),
            host_wdata: Default::default(),
            host_rdata: Default::default(),
            m_valid: Default::default(),
            m_plan: Default::default(),
            m_state: Default::default(),
            policies: Default::default(),
            known: Default::default(),
            frame_class: Default::default(),
            by_rule: Default::default(),
            look: Default::default(),
            look_portless: Default::default(),
            single: Default::default(),
            echo: Default::default(),
            echo_map: Default::default(),
            pass: Default::default(),
            by_policy: Default::default(),
            flow: Default::default(),
            what: Default::default(),
            choosing: Default::default(),
            choice: Default::default(),
            pool: Default::default(),
            valids: Default::default(),
            plans: Default::default(),
            constants: Default::default(),
            picking: Default::default(),
            quarter: Default::default(),
            valid: Default::default(),
            plan: Default::default(),
            state: Default::default(),
            echo_hash_at: at("echo_hash"),
            echo_map_at: at("echo_map"),
            drop_at: at("drop_portless_fragments"),
            quiesce_at: at("quiesce"),
            policy_word: Default::default(),
            policy: Default::default(),
            syn: Default::default(),
            other_tcp: Default::default(),
            looks: Default::default(),
            decided: Default::default(),
            affinity: Default::default(),
            map: Default::default(),
            flags: Default::default(),
            chosen: Default::default(),
            chooses: Default::default(),
            at: Default::default(),
            bucket: Default::default(),
            constant: Default::default(),
            address: Default::default(),
            near: Default::default(),
            word: Default::default(),
            four: Default::default(),
            found: Default::default(),
            picks: Default::default(),
            pick: Default::default(),
        }
    }
}

impl<const FIRST: usize, const LAST: usize> Logic for Lookup<FIRST, LAST> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            valid,
            plan,
            state,
            known,
            frame_class,
            by_rule,
            look,
            look_portless,
            single,
            echo,
            echo_map
        );
        dff_setup!(self, clock, pass, by_policy, flow, what);
        clock!(self, clock, choosing, choice, pool, picking, quarter);
        self.choosing.reset.next = self.reset.val();
        self.picking.reset.next = self.reset.val();
        for i in 0..2 {
            self.policies[i].clock.next = self.clock.val();
            self.policies[i].d.next = self.policies[i].q.val();
        }
        for i in 0..3 {
            self.valids[i].clock.next = self.clock.val();
            self.plans[i].clock.next = self.clock.val();
            self.plans[i].d.next = self.plans[i].q.val();
            self.constants[i].clock.next = self.clock.val();
            self.constants[i].d.next = self.constants[i].q.val();
        }

        // The policy of each epoch.
        self.policy_word.next =
            bit_cast::<10, 7>(self.load_data.val().get_bits::<7>(self.echo_map_at.val().index())) << 1;
        self.policy_word.next =
            self.policy_word.val().replace_bit(0, self.load_data.val().get_bit(self.echo_hash_at.val().index()));
        self.policy_word.next =
            self.policy_word.val().replace_bit(8, self.load_data.val().get_bit(self.drop_at.val().index()));
        self.policy_word.next =
            self.policy_word.val().replace_bit(9, self.load_data.val().get_bit(self.quiesce_at.val().index()));
        if self.load_policy.val() {
            if self.load_bank.val() {
                self.policies[1].d.next = self.policy_word.val();
            } else {
                self.policies[0].d.next = self.policy_word.val();
            }
        }
        self.policy.next = self.policies[0].q.val();
        if self.k_bank.val() {
            self.policy.next = self.policies[1].q.val();
        }

        // What the kind asks for.
        self.syn.next = bit_cast::<2, 1>(self.policy.val().get_bits::<1>(9)) << 1;
        self.other_tcp.next = self.syn.val() | 1;
        self.known.d.next = self.k_valid.val() & !self.reset.val();
        if self.k_valid.val() {
            self.frame_class.d.next = 0.into();
            self.by_rule.d.next = false;
            self.look.d.next = false;
            self.look_portless.d.next = false;
            self.single.d.next = false;
            self.echo.d.next = false;
            self.echo_map.d.next = self.policy.val().get_bits::<7>(1);
            self.pass.d.next = true;
            self.by_policy.d.next = false;
            self.flow.d.next = false;
            self.what.d.next = 2.into();
            if self.k_kind.val() == 0 {
                self.pass.d.next = false;
            } else if self.k_kind.val() == 1 {
                self.frame_class.d.next = 1.into();
            } else if !self.k_vip.val() {
                self.frame_class.d.next = 2.into();
                if self.k_kind.val() >= 5 {
                    self.what.d.next = 3.into();
                }
            } else {
                match self.k_kind.val().index() {
                    2 => {
                        self.frame_class.d.next = 3.into();
                    }
                    3 => {
                        self.frame_class.d.next = 4.into();
                    }
                    4 => {
                        self.frame_class.d.next = 5.into();
                        self.look.d.next = self.policy.val().get_bit(0);
                        self.by_policy.d.next = !self.policy.val().get_bit(0);
                        self.echo.d.next = true;
                        self.single.d.next = true;
                    }
                    5 => {
                        self.frame_class.d.next = 6.into();
                        self.by_rule.d.next = true;
                        self.what.d.next = 3.into();
                        self.look_portless.d.next = true;
                        self.pass.d.next = !self.policy.val().get_bit(8);
                    }
                    6 => {
                        self.frame_class.d.next = 7.into();
                        self.by_rule.d.next = true;
                        self.what.d.next = 1.into();
                        self.look.d.next = true;
                        self.single.d.next = true;
                    }
                    _ => {
                        self.frame_class.d.next = 8.into();
                        self.by_rule.d.next = true;
                        self.look.d.next = true;
                        if self.k_kind.val() == 8 {
                            self.what.d.next = self.other_tcp.val();
                            self.flow.d.next = true;
                        }
                        if self.k_kind.val() == 9 {
                            self.what.d.next = self.syn.val();
                            self.flow.d.next = true;
                        }
                    }
                }
            }
        }

        // What to consult. A fragment without ports has a bucket only where ports do not choose it.
        self.looks.next = self.look.q.val() | (self.look_portless.q.val() & (self.s_affinity.val() != 0));
        self.decided.next = self.by_policy.q.val() | (self.look_portless.q.val() & (self.s_affinity.val() == 0));
        self.affinity.next = self.s_affinity.val();
        if self.single.q.val() {
            self.affinity.next = 1.into();
        }
        self.map.next = self.s_map.val();
        if self.echo.q.val() {
            self.map.next = self.echo_map.q.val();
        }
        // A clear of what is chosen, by valid, would be a wide net behind three LUTs.
        self.flags.next = (bit_cast::<PLAN_BITS, 4>(self.frame_class.q.val()) << 2)
            | (bit_cast::<PLAN_BITS, 2>(self.what.q.val()) << 26);
        if self.by_rule.q.val() {
            self.flags.next = self.flags.val() | (bit_cast::<PLAN_BITS, 6>(self.s_rule.val()) << 8);
        }
        self.flags.next = self.flags.val().replace_bit(0, self.pass.q.val());
        self.flags.next = self.flags.val().replace_bit(1, self.decided.val());
        self.flags.next = self.flags.val().replace_bit(6, self.looks.val());
        self.flags.next = self.flags.val().replace_bit(7, self.by_rule.q.val());
        self.flags.next = self.flags.val().replace_bit(28, self.flow.q.val());
        self.chosen.next = bit_cast::<CHOICE, PLAN_BITS>(self.flags.val())
            | (bit_cast::<CHOICE, 2>(self.affinity.val()) << 29)
            | (bit_cast::<CHOICE, 7>(self.map.val()) << 31)
            | (bit_cast::<CHOICE, 12>(self.s_none.val()) << 38)
            | (bit_cast::<CHOICE, 12>(self.s_single.val()) << 50)
            | (bit_cast::<CHOICE, 12>(self.s_network.val()) << 62);
        self.choosing.d.next = self.known.q.val().into();
        self.choice.take.next = self.known.q.val();
        self.choice.d.next = self.chosen.val();

        // Which bucket.
        self.at.next = self.choice.q.val();
        self.chooses.next = self.choosing.q.val().any();
        self.bucket.next = 0.into();
        self.constant.next = 0.into();
        self.address.next = 0.into();
        self.valids[0].d.next = self.chooses.val() & !self.reset.val();
        if self.chooses.val() {
            if self.at.val().get_bit(6) {
                match self.at.val().get_bits::<2>(29).index() {
                    0 => {
                        self.bucket.next = self.at.val().get_bits::<12>(38);
                    }
                    1 => {
                        self.bucket.next = self.at.val().get_bits::<12>(50);
                    }
                    _ => {
                        self.bucket.next = self.at.val().get_bits::<12>(62);
                    }
                }
            }
            self.plans[0].d.next =
                self.at.val().get_bits::<PLAN_BITS>(0) | (bit_cast::<PLAN_BITS, 12>(self.bucket.val()) << 14);
            self.address.next = (bit_cast::<14, 6>(self.at.val().get_bits::<6>(31)) << 8)
                | bit_cast::<14, 8>(self.bucket.val().get_bits::<8>(4));
            self.constant.next = bit_cast::<3, 2>(self.at.val().get_bits::<2>(31));
            self.constants[0].d.next = self.constant.val().replace_bit(2, self.at.val().get_bit(37));
        }

        // The pool is three clocks away.
        self.pool.raddr.next = self.address.val();
        self.pool.host_addr.next = self.host_word.val();
        self.pool.host_we.next = self.host_we.val();
        self.pool.host_wdata.next = self.host_wdata.val();
        self.host_rdata.next = self.pool.host_rdata.val();
        for i in 1..3 {
            self.valids[i].d.next = self.valids[i - 1].q.val() & !self.reset.val();
            if self.valids[i - 1].q.val() {
                self.plans[i].d.next = self.plans[i - 1].q.val();
                self.constants[i].d.next = self.constants[i - 1].q.val();
            }
        }
        self.near.next = self.plans[2].q.val();
        self.word.next = self.pool.rdata.val();
        self.four.next = 0.into();
        if self.valids[2].q.val() {
            match self.near.val().get_bits::<2>(16).index() {
                0 => {
                    self.four.next = self.word.val().get_bits::<8>(0);
                }
                1 => {
                    self.four.next = self.word.val().get_bits::<8>(8);
                }
                2 => {
                    self.four.next = self.word.val().get_bits::<8>(16);
                }
                _ => {
                    self.four.next = self.word.val().get_bits::<8>(24);
                }
            }
        }
        self.found.next = bit_cast::<QUARTER, PLAN_BITS>(self.near.val())
            | (bit_cast::<QUARTER, 3>(self.constants[2].q.val()) << 29)
            | (bit_cast::<QUARTER, 8>(self.four.val()) << 32);
        self.picking.d.next = self.valids[2].q.val().into();
        self.quarter.take.next = self.valids[2].q.val();
        self.quarter.d.next = self.found.val();

        // One bucket of four, or the constant.
        self.pick.next = self.quarter.q.val();
        self.picks.next = self.picking.q.val().any();
        self.valid.d.next = self.picks.val() & !self.reset.val();
        if self.picks.val() {
            self.plan.d.next = self.pick.val().get_bits::<PLAN_BITS>(0);
            match self.pick.val().get_bits::<2>(14).index() {
                0 => {
                    self.state.d.next = self.pick.val().get_bits::<2>(32);
                }
                1 => {
                    self.state.d.next = self.pick.val().get_bits::<2>(34);
                }
                2 => {
                    self.state.d.next = self.pick.val().get_bits::<2>(36);
                }
                _ => {
                    self.state.d.next = self.pick.val().get_bits::<2>(38);
                }
            }
            if self.pick.val().get_bit(31) {
                self.state.d.next = self.pick.val().get_bits::<2>(29);
            }
        }
        self.m_valid.next = self.valid.q.val();
        self.m_plan.next = self.plan.q.val();
        self.m_state.next = self.state.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;

    /// Echo by hash in map 3, no fragments without ports.
    const POLICY: u64 = 1 | 3 << 8 | 1 << 16;
    /// The same, and no new connections in OWN.
    const QUIESCE: u64 = POLICY | 1 << 17;

    /// Word `slot * 256 + index` of the pool, as these tests fill it.
    fn word(at: u64) -> u64 {
        at.wrapping_mul(0x9e37_79b9) >> 3 & 0xffff_ffff
    }

    /// Plan and state of a header; both variants have to agree on them.
    fn look<const FIRST: usize, const LAST: usize>(
        policy: u64,
        kind: u64,
        vip: bool,
        affinity: u64,
        map: u64,
    ) -> (u64, u64) {
        let mut circuit = Lookup::<FIRST, LAST>::default();
        circuit.connect_all();
        circuit.load_policy.next = true;
        circuit.load_bank.next = true;
        circuit.load_data.next = policy.into();
        circuit.host_we.next = true;
        for at in (0..3 * 256).chain([5 * 256 + 0xab, 5 * 256 + 0x12, 3 * 256 + 0x12]) {
            circuit.host_word.next = at.into();
            circuit.host_wdata.next = word(at).into();
            step!(circuit);
            circuit.load_policy.next = false;
        }
        circuit.host_we.next = false;
        circuit.k_valid.next = true;
        circuit.k_bank.next = true;
        circuit.k_kind.next = kind.into();
        circuit.k_vip.next = vip;
        step!(circuit);
        circuit.k_valid.next = false;
        circuit.s_rule.next = 9.into();
        circuit.s_affinity.next = affinity.into();
        circuit.s_map.next = map.into();
        circuit.s_none.next = 0xab7.into();
        circuit.s_single.next = 0x12d.into();
        circuit.s_network.next = 0x008.into();
        step!(circuit);
        for _ in 1..latency(FIRST, LAST) {
            assert!(!circuit.m_valid.val());
            step!(circuit);
        }
        assert!(circuit.m_valid.val());
        (circuit.m_plan.val().to_u64(), circuit.m_state.val().to_u64())
    }

    fn both(kind: u64, vip: bool, affinity: u64, map: u64) -> (u64, u64) {
        with_policy(POLICY, kind, vip, affinity, map)
    }

    fn with_policy(policy: u64, kind: u64, vip: bool, affinity: u64, map: u64) -> (u64, u64) {
        let slow = look::<1, 1>(policy, kind, vip, affinity, map);
        assert_eq!(slow, look::<0, 0>(policy, kind, vip, affinity, map));
        slow
    }

    fn state(slot: u64, bucket: u64) -> u64 {
        word(slot * 256 + bucket / 16) >> (bucket % 16 * 2) & 3
    }

    #[test]
    fn the_affinity_chooses_the_bucket_and_the_map_its_state() {
        for (affinity, map, bucket) in [(0, 5, 0xab7), (1, 5, 0x12d), (2, 2, 0x008)] {
            let (plan, found) = both(8, true, affinity, map);
            assert_eq!(plan & !1, 1 << 28 | 1 << 26 | bucket << 14 | 9 << 8 | 1 << 7 | 1 << 6 | 8 << 2);
            assert_eq!(found, state(map, bucket));
        }
        for constant in 0..4 {
            assert_eq!(both(9, true, 1, 64 + constant).1, constant);
        }
    }

    #[test]
    fn to_quiesce_concerns_tcp_with_ports_alone() {
        for (kind, bits) in [(9, 4), (8, 5), (7, 2), (6, 1)] {
            assert_eq!(both(kind, true, 0, 5).0 >> 26, bits);
            assert_eq!(with_policy(QUIESCE, kind, true, 0, 5).0 >> 26, if bits > 3 { bits | 2 } else { bits });
        }
    }

    #[test]
    fn what_belongs_to_no_rule_is_planned_by_class_and_policy() {
        assert_eq!(both(0, true, 0, 5).0, 2 << 26); // malformed: dropped
        assert_eq!(both(1, false, 0, 5).0, 2 << 26 | 1 << 2 | 1); // not IP: passed
        assert_eq!(both(8, false, 0, 5).0, 3 << 26 | 2 << 2 | 1); // TCP of no virtual IP
        let (plan, found) = both(4, true, 0, 5); // echo: by address in the policy's map
        assert_eq!((plan & !1, found), (2 << 26 | 0x12d << 14 | 1 << 6 | 5 << 2, state(3, 0x12d)));
        assert_eq!(both(5, true, 0, 5).0, 3 << 26 | 9 << 8 | 1 << 7 | 6 << 2 | 2); // fragment without ports: dropped
        assert_eq!(both(6, true, 0, 5).0 >> 14 & 0xfff, 0x12d); // beyond the window: by address
    }
}
