//! What is consulted for a frame, and the state of its bucket: a slot of the map pool, or a constant.
//!
//! Takes the class and the rule, chooses affinity and map, reads the pool. Latency: four clocks. Twin: the look-ups of
//! `weir_spec::classify::Classifier::decide`.

use rust_hdl::prelude::*;
use weir_spec::regs::RegId;

use crate::cell::host_ram::HostRam;

/// The fields of the policy as the circuit wants them, lowest first.
pub const POLICY_FIELDS: [(RegId, &str); 3] =
    [(RegId::Policy, "echo_hash"), (RegId::Policy, "echo_map"), (RegId::Policy, "drop_portless_fragments")];

/// See the module. `m_plan` holds, lowest first: accepted without a look-up 1 · decided by policy 1 · class 4 ·
/// looked up 1 · rule valid 1 · rule 6 · bucket 12 · what the state decides on 2 (0 SYN, 1 other TCP, 2 datagram,
/// 3 fragment; without a look-up, 3: TCP or UDP that belongs to no virtual IP).
#[derive(LogicBlock, Default)]
pub struct Lookup {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Policy in force, [`POLICY_FIELDS`].
    pub policy: Signal<In, Bits<9>>,
    /// A frame is there.
    pub s_valid: Signal<In, Bit>,
    /// [`HeaderKind`](super::parse::HeaderKind).
    pub s_kind: Signal<In, Bits<4>>,
    /// Its destination is a virtual IP.
    pub s_vip: Signal<In, Bit>,
    /// Its rule.
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
    /// What is there, two clocks later.
    pub host_rdata: Signal<Out, Bits<32>>,
    /// Four clocks after `s_valid`.
    pub m_valid: Signal<Out, Bit>,
    /// What was planned.
    pub m_plan: Signal<Out, Bits<28>>,
    /// State of the bucket.
    pub m_state: Signal<Out, Bits<2>>,

    pool: HostRam<32, 14>,
    valids: [DFF<Bit>; 4],
    plans: [DFF<Bits<28>>; 4],
    maps: [DFF<Bits<7>>; 3],
    state: DFF<Bits<2>>,

    frame_class: Signal<Local, Bits<4>>,
    look: Signal<Local, Bit>,
    by_rule: Signal<Local, Bit>,
    pass: Signal<Local, Bit>,
    by_policy: Signal<Local, Bit>,
    affinity: Signal<Local, Bits<2>>,
    map: Signal<Local, Bits<7>>,
    bucket: Signal<Local, Bits<12>>,
    what: Signal<Local, Bits<2>>,
    flags: Signal<Local, Bits<28>>,
    at: Signal<Local, Bits<28>>,
    next_map: Signal<Local, Bits<7>>,
    last_map: Signal<Local, Bits<7>>,
    last_plan: Signal<Local, Bits<28>>,
    shift: Signal<Local, Bits<5>>,
    shifted: Signal<Local, Bits<32>>,
}

impl Logic for Lookup {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        clock!(self, clock, pool);
        for i in 0..4 {
            self.valids[i].clock.next = self.clock.val();
            self.plans[i].clock.next = self.clock.val();
            self.plans[i].d.next = self.plans[i].q.val();
        }
        for i in 0..3 {
            self.maps[i].clock.next = self.clock.val();
            self.maps[i].d.next = self.maps[i].q.val();
        }

        self.frame_class.next = 0.into();
        self.look.next = false;
        self.by_rule.next = false;
        self.pass.next = true;
        self.by_policy.next = false;
        self.affinity.next = self.s_affinity.val();
        self.map.next = self.s_map.val();
        self.bucket.next = 0.into();
        self.what.next = 2.into();
        self.flags.next = 0.into();
        self.valids[0].d.next = self.s_valid.val();
        if self.s_valid.val() {
            if self.s_kind.val() == 0 {
                self.pass.next = false;
            } else if self.s_kind.val() == 1 {
                self.frame_class.next = 1.into();
            } else if !self.s_vip.val() {
                self.frame_class.next = 2.into();
                if self.s_kind.val() >= 5 {
                    self.what.next = 3.into();
                }
            } else {
                match self.s_kind.val().index() {
                    2 => {
                        self.frame_class.next = 3.into();
                    }
                    3 => {
                        self.frame_class.next = 4.into();
                    }
                    4 => {
                        self.frame_class.next = 5.into();
                        self.look.next = self.policy.val().get_bit(0);
                        self.by_policy.next = !self.policy.val().get_bit(0);
                        self.map.next = self.policy.val().get_bits::<7>(1);
                        self.affinity.next = 1.into();
                    }
                    5 => {
                        self.frame_class.next = 6.into();
                        self.by_rule.next = true;
                        self.what.next = 3.into();
                        self.look.next = self.s_affinity.val() != 0;
                        self.by_policy.next = self.s_affinity.val() == 0;
                        self.pass.next = !self.policy.val().get_bit(8);
                    }
                    6 => {
                        self.frame_class.next = 7.into();
                        self.by_rule.next = true;
                        self.what.next = 1.into();
                        self.look.next = true;
                        self.affinity.next = 1.into();
                    }
                    _ => {
                        self.frame_class.next = 8.into();
                        self.by_rule.next = true;
                        self.look.next = true;
                        if self.s_kind.val() == 8 {
                            self.what.next = 1.into();
                        }
                        if self.s_kind.val() == 9 {
                            self.what.next = 0.into();
                        }
                    }
                }
            }
            if self.look.val() {
                self.pass.next = false;
                match self.affinity.val().index() {
                    0 => {
                        self.bucket.next = self.s_none.val();
                    }
                    1 => {
                        self.bucket.next = self.s_single.val();
                    }
                    _ => {
                        self.bucket.next = self.s_network.val();
                    }
                }
            }
            self.flags.next = (bit_cast::<28, 4>(self.frame_class.val()) << 2)
                | (bit_cast::<28, 12>(self.bucket.val()) << 14)
                | (bit_cast::<28, 2>(self.what.val()) << 26);
            if self.by_rule.val() {
                self.flags.next = self.flags.val() | (bit_cast::<28, 6>(self.s_rule.val()) << 8);
            }
            self.flags.next = self.flags.val().replace_bit(0, self.pass.val());
            self.flags.next = self.flags.val().replace_bit(1, self.by_policy.val());
            self.flags.next = self.flags.val().replace_bit(6, self.look.val());
            self.flags.next = self.flags.val().replace_bit(7, self.by_rule.val());
            self.plans[0].d.next = self.flags.val();
            self.maps[0].d.next = self.map.val();
        }

        // The pool is two clocks away.
        self.at.next = self.plans[0].q.val();
        self.next_map.next = self.maps[0].q.val();
        self.pool.raddr.next = (bit_cast::<14, 6>(self.next_map.val().get_bits::<6>(0)) << 8)
            | bit_cast::<14, 8>(self.at.val().get_bits::<8>(18));
        self.pool.host_addr.next = self.host_word.val();
        self.pool.host_we.next = self.host_we.val();
        self.pool.host_wdata.next = self.host_wdata.val();
        self.host_rdata.next = self.pool.host_rdata.val();
        for i in 1..4 {
            self.valids[i].d.next = self.valids[i - 1].q.val();
            if self.valids[i - 1].q.val() {
                self.plans[i].d.next = self.plans[i - 1].q.val();
            }
        }
        for i in 1..3 {
            if self.valids[i - 1].q.val() {
                self.maps[i].d.next = self.maps[i - 1].q.val();
            }
        }

        self.last_map.next = self.maps[2].q.val();
        self.last_plan.next = self.plans[2].q.val();
        self.shift.next = 0.into();
        self.shifted.next = 0.into();
        if self.valids[2].q.val() {
            self.shift.next = bit_cast::<5, 4>(self.last_plan.val().get_bits::<4>(14)) << 1;
            self.shifted.next = self.pool.rdata.val() >> self.shift.val();
            self.state.d.next = self.shifted.val().get_bits::<2>(0);
            if self.last_map.val().get_bit(6) {
                self.state.d.next = self.last_map.val().get_bits::<2>(0);
            }
        }
        self.m_valid.next = self.valids[3].q.val();
        self.m_plan.next = self.plans[3].q.val();
        self.m_state.next = self.state.q.val();
    }
}
