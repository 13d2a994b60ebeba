//! The verdict: plan, state of the bucket and fence to a decision. No flow table yet: every look-up of a flow is a miss.
//!
//! Latency: one clock. Twins: `weir_spec::verdict::passes` and `Decision::encode`, whose word leaves in `m_word`.

use rust_hdl::prelude::*;

/// See the module.
#[derive(LogicBlock, Default)]
pub struct Verdict {
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
    pub s_plan: Signal<In, Bits<28>>,
    /// State.
    pub s_state: Signal<In, Bits<2>>,
    /// One pulse a frame.
    pub m_valid: Signal<Out, Bit>,
    /// The decision.
    pub m_word: Signal<Out, Bits<32>>,
    valid: DFF<Bit>,
    word: DFF<Bits<32>>,
    accept: Signal<Local, Bit>,
    reason: Signal<Local, Bits<4>>,
    state: Signal<Local, Bits<2>>,
    what: Signal<Local, Bits<2>>,
    frame_class: Signal<Local, Bits<4>>,
    next_word: Signal<Local, Bits<32>>,
}

impl Logic for Verdict {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, word);
        self.valid.d.next = self.s_valid.val() & !self.reset.val();
        self.accept.next = self.s_plan.val().get_bit(0);
        self.reason.next = 0.into();
        self.state.next = 0.into();
        self.what.next = self.s_plan.val().get_bits::<2>(26);
        self.frame_class.next = self.s_plan.val().get_bits::<4>(2);
        self.next_word.next = 0.into();
        if self.s_valid.val() {
            if self.s_plan.val().get_bit(1) {
                self.reason.next = 1.into();
            }
            if !self.configured.val() & (self.frame_class.val() == 2) & (self.what.val() == 3) {
                self.reason.next = 3.into();
                self.accept.next = false;
            }
            if self.s_plan.val().get_bit(6) {
                self.state.next = self.s_state.val();
                self.reason.next = 2.into();
                match self.s_state.val().index() {
                    0 => {
                        self.accept.next = false;
                    }
                    1 => {
                        self.accept.next = true;
                    }
                    2 => {
                        self.accept.next = true;
                    }
                    _ => {
                        self.accept.next = self.what.val() == 3;
                    }
                }
                if self.fenced.val() {
                    self.reason.next = 3.into();
                    self.accept.next = false;
                }
            }
            self.next_word.next = (bit_cast::<32, 4>(self.s_plan.val().get_bits::<4>(2)) << 1)
                | (bit_cast::<32, 4>(self.reason.val()) << 5)
                | (bit_cast::<32, 2>(self.state.val()) << 9)
                | (bit_cast::<32, 6>(self.s_plan.val().get_bits::<6>(8)) << 11)
                | (bit_cast::<32, 12>(self.s_plan.val().get_bits::<12>(14)) << 17);
            self.next_word.next = self.next_word.val().replace_bit(0, self.accept.val());
            self.next_word.next = self.next_word.val().replace_bit(29, self.s_plan.val().get_bit(7));
            self.next_word.next = self.next_word.val().replace_bit(30, self.s_plan.val().get_bit(6));
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
    use weir_spec::map::BucketState;
    use weir_spec::verdict::{passes, Class, Decision, Kind, Reason};

    #[test]
    fn every_state_kind_and_fence_is_judged_as_the_spec_does() {
        let mut circuit = Verdict::default();
        circuit.connect_all();
        circuit.s_valid.next = true;
        circuit.configured.next = true;
        for case in 0..32u64 {
            let (state, kind, fenced) = (BucketState::from_bits(case as u32), case >> 2 & 3, case >> 4 == 1);
            let what = [Kind::Syn, Kind::Tcp, Kind::Datagram, Kind::Fragment][kind as usize];
            let plan = (Class::Transport as u64) << 2 | 1 << 6 | 1 << 7 | 5 << 8 | 0xabc << 14 | kind << 26;
            circuit.s_plan.next = plan.into();
            circuit.s_state.next = (case & 3).into();
            circuit.fenced.next = fenced;
            step!(circuit);
            let (accept, reason) =
                if fenced { (false, Reason::Fenced) } else { (passes(state, what, false), Reason::Bucket) };
            let class = Class::Transport;
            let wanted = Decision { accept, class, reason, rule: Some(5), bucket: Some((0xabc, state)) };
            assert_eq!(Decision::decode(circuit.m_word.val().to_u64() as u32), Some(wanted));
        }
    }

    #[test]
    fn before_the_first_commit_transport_for_nobody_is_held_and_the_rest_passes() {
        let mut circuit = Verdict::default();
        circuit.connect_all();
        circuit.s_valid.next = true;
        for (what, configured, held) in [(3u64, false, true), (2, false, false), (3, true, false)] {
            circuit.s_plan.next = (1 | (Class::NotVip as u64) << 2 | what << 26).into();
            circuit.configured.next = configured;
            step!(circuit);
            let reason = if held { Reason::Fenced } else { Reason::Class };
            let wanted = Decision::plain(!held, Class::NotVip, reason);
            assert_eq!(Decision::decode(circuit.m_word.val().to_u64() as u32), Some(wanted));
        }
    }
}
