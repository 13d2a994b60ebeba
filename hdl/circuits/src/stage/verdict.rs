//! The verdict: plan, state of the bucket, flow look-up and fence to a decision.
//!
//! Latency: `MID + 1` clocks; the fence counts as it is in the last, flow hits come with the plan. Twins:
//! `weir_spec::verdict::passes` and `Decision::encode`, whose word leaves in `m_word`.

use rust_hdl::prelude::*;

use super::lookup::PLAN_BITS;
use crate::cell::wait::Wait;

/// Bits of a decision before the fence is asked: valid 1 · plan · state 2 · accept 1 · reason 3 · held 1.
const DRAFT: usize = PLAN_BITS + 8;

/// See the module. `MID` registers (0 or 1) between the decision and the fence: 1 where logic is slow.
#[derive(LogicBlock, Default)]
pub struct Verdict<const MID: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// No decision is under way any more.
    pub reset: Signal<In, Bit>,
    /// The lease has run out.
    pub fenced: Signal<In, Bit>,
    /// A commit has landed since reset; before, no TCP or UDP passes.
    pub configured: Signal<In, Bit>,
    /// From [`Lookup`](super::lookup::Lookup), as all `s_` here.
    pub s_valid: Signal<In, Bit>,
    /// Plan.
    pub s_plan: Signal<In, Bits<PLAN_BITS>>,
    /// State.
    pub s_state: Signal<In, Bits<2>>,
    /// The flow is pinned here.
    pub s_pin: Signal<In, Bit>,
    /// The flow is another host's.
    pub s_foreign: Signal<In, Bit>,
    /// One pulse a frame.
    pub m_valid: Signal<Out, Bit>,
    /// The decision.
    pub m_word: Signal<Out, Bits<32>>,
    draft: Wait<DRAFT, MID>,
    valid: DFF<Bit>,
    word: DFF<Bits<32>>,
    looked: Signal<Local, Bit>,
    fragment: Signal<Local, Bit>,
    pinned: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    quiet: Signal<Local, Bit>,
    quiet_syn: Signal<Local, Bit>,
    quiet_other: Signal<Local, Bit>,
    passes: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    why: Signal<Local, Bits<3>>,
    held: Signal<Local, Bit>,
    state: Signal<Local, Bits<2>>,
    drafted: Signal<Local, Bits<DRAFT>>,
    last: Signal<Local, Bits<DRAFT>>,
    stopped: Signal<Local, Bit>,
    accepted: Signal<Local, Bit>,
    next_word: Signal<Local, Bits<32>>,
}

impl<const MID: usize> Logic for Verdict<MID> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, word);
        clock!(self, clock, draft);
        self.draft.reset.next = self.reset.val();

        self.looked.next = self.s_plan.val().get_bit(6);
        self.fragment.next =
            self.s_plan.val().get_bit(27) & self.s_plan.val().get_bit(26) & !self.s_plan.val().get_bit(28);
        self.pinned.next = self.s_plan.val().get_bit(28) & self.s_pin.val();
        self.taken.next = self.s_plan.val().get_bit(28) & self.s_foreign.val();
        self.quiet.next = self.s_plan.val().get_bit(28) & self.s_plan.val().get_bit(27);
        self.quiet_syn.next = self.quiet.val() & !self.s_plan.val().get_bit(26);
        self.quiet_other.next = self.quiet.val() & self.s_plan.val().get_bit(26);
        self.passes.next = false;
        self.accept.next = self.s_plan.val().get_bit(0);
        self.why.next = bit_cast::<3, 1>(self.s_plan.val().get_bits::<1>(1));
        self.held.next = false;
        self.state.next = 0.into();
        self.drafted.next = 0.into();
        if self.s_valid.val() {
            match self.s_state.val().index() {
                0 => {
                    self.passes.next = false;
                }
                1 => {
                    self.passes.next =
                        !((self.quiet_syn.val() & !self.pinned.val()) | (self.quiet_other.val() & self.taken.val()));
                }
                2 => {
                    self.passes.next = !self.taken.val();
                }
                _ => {
                    self.passes.next = self.fragment.val() | self.pinned.val();
                }
            }
            if self.looked.val() {
                self.accept.next = self.passes.val();
                self.state.next = self.s_state.val();
                self.why.next = 2.into();
                if ((self.s_state.val() == 3) | ((self.s_state.val() == 1) & self.quiet_syn.val())) & self.pinned.val()
                {
                    self.why.next = 4.into();
                }
                if ((self.s_state.val() == 2) | ((self.s_state.val() == 1) & self.quiet_other.val())) & self.taken.val()
                {
                    self.why.next = 5.into();
                }
            }
            // TCP or UDP for nobody, before anyone knows whose it is.
            self.held.next = !self.looked.val() & (self.s_plan.val().get_bits::<4>(2) == 2) & self.fragment.val();
            self.drafted.next = bit_cast::<DRAFT, PLAN_BITS>(self.s_plan.val())
                | (bit_cast::<DRAFT, 2>(self.state.val()) << 29)
                | (bit_cast::<DRAFT, 3>(self.why.val()) << 31);
            self.drafted.next = self.drafted.val().replace_bit(34, self.accept.val());
            self.drafted.next = self.drafted.val().replace_bit(35, self.held.val());
        }
        self.draft.d.next = self.drafted.val().replace_bit(36, self.s_valid.val());

        // The fence.
        self.last.next = self.draft.q.val();
        self.stopped.next =
            (self.fenced.val() & self.last.val().get_bit(6)) | (!self.configured.val() & self.last.val().get_bit(35));
        self.accepted.next = self.last.val().get_bit(34) & !self.stopped.val();
        self.next_word.next = 0.into();
        self.valid.d.next = self.last.val().get_bit(36) & !self.reset.val();
        if self.last.val().get_bit(36) {
            self.next_word.next = (bit_cast::<32, 4>(self.last.val().get_bits::<4>(2)) << 1)
                | (bit_cast::<32, 2>(self.last.val().get_bits::<2>(29)) << 9)
                | (bit_cast::<32, 6>(self.last.val().get_bits::<6>(8)) << 11)
                | (bit_cast::<32, 12>(self.last.val().get_bits::<12>(14)) << 17);
            if self.stopped.val() {
                self.next_word.next = self.next_word.val() | 0x60;
            } else {
                self.next_word.next =
                    self.next_word.val() | (bit_cast::<32, 3>(self.last.val().get_bits::<3>(31)) << 5);
            }
            self.next_word.next = self.next_word.val().replace_bit(0, self.accepted.val());
            self.next_word.next = self.next_word.val().replace_bit(29, self.last.val().get_bit(7));
            self.next_word.next = self.next_word.val().replace_bit(30, self.last.val().get_bit(6));
            self.word.d.next = self.next_word.val();
        }
        self.m_valid.next = self.valid.q.val();
        self.m_word.next = self.word.q.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::step;
    use weir_spec::flow::FlowKind;
    use weir_spec::map::BucketState;
    use weir_spec::verdict::{Class, Decision, Kind, Reason, Row};

    /// The decision on a plan.
    fn judge(plan: u64, state: u64, hits: (bool, bool), fenced: bool, configured: bool) -> Option<Decision> {
        let mut circuit = Verdict::<1>::default();
        circuit.connect_all();
        circuit.s_valid.next = true;
        circuit.s_plan.next = plan.into();
        circuit.s_state.next = state.into();
        (circuit.s_pin.next, circuit.s_foreign.next) = hits;
        (circuit.fenced.next, circuit.configured.next) = (fenced, configured);
        step!(circuit);
        step!(circuit);
        assert!(circuit.m_valid.val());
        Decision::decode(circuit.m_word.val().to_u64() as u32)
    }

    #[test]
    fn every_state_kind_hit_and_fence_is_judged_as_the_spec_does() {
        for case in 0..512u64 {
            let (state, kind, fenced) = (BucketState::from_bits(case as u32), case >> 2 & 3, case >> 4 & 1 == 1);
            let (pin, foreign, ports) = (case >> 5 & 1 == 1, case >> 6 & 1 == 1, case >> 7 & 1 == 1 && kind < 2);
            let quiesce = case >> 8 & 1 == 1 && ports;
            let what = [Kind::Syn, Kind::Tcp, Kind::Datagram, Kind::Fragment][kind as usize];
            let plan = (Class::Transport as u64) << 2
                | 1 << 6
                | 1 << 7
                | 5 << 8
                | 0xabc << 14
                | (kind | u64::from(quiesce) << 1) << 26
                | u64::from(ports) << 28;
            let row = Row::new(state, quiesce);
            let listed = row.overruled_by(what).filter(|_| ports);
            let listed = listed.filter(|(kind, _)| if *kind == FlowKind::Pin { pin } else { foreign });
            let reason = match (fenced, listed) {
                (true, _) => Reason::Fenced,
                (false, Some((_, reason))) => reason,
                (false, None) => Reason::Bucket,
            };
            let (class, bucket) = (Class::Transport, Some((0xabc, state)));
            let wanted = Decision {
                accept: !fenced && row.passes(what, listed.is_some()),
                class,
                reason,
                rule: Some(5),
                bucket,
            };
            assert_eq!(judge(plan, case & 3, (pin, foreign), fenced, true), Some(wanted), "case {case}");
        }
    }

    #[test]
    fn before_the_first_commit_transport_for_nobody_is_held_and_the_rest_passes() {
        for (what, configured, held) in [(3u64, false, true), (2, false, false), (3, true, false)] {
            let plan = 1 | (Class::NotVip as u64) << 2 | what << 26;
            let reason = if held { Reason::Fenced } else { Reason::Class };
            let wanted = Decision::plain(!held, Class::NotVip, reason);
            assert_eq!(judge(plan, 0, (false, false), true, configured), Some(wanted));
        }
    }
}
