//! Buckets that drain, until nothing of this host is left in them.

use crate::action::{Action, Report, Step};
use crate::node::{Node, Work};
use crate::phase::PhaseKind;
use crate::program::Holding;
use crate::time::Now;
use crate::timers::Timer;
use crate::wire::codes;

impl Node {
    pub(in crate::node) fn look_after_the_draining(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.handover.pins.is_empty() {
            if self.timers.is_set(Timer::Poll) {
                self.timers.clear(Timer::Poll);
                self.timers.clear(Timer::Drain);
                if self.phase == PhaseKind::Stable {
                    out.push(Action::Report(Report::Drained));
                }
            }
            return;
        }
        if !self.timers.is_set(Timer::Poll) {
            self.timers.set(Timer::Poll, now.host + self.config.period);
        }
        if let (Some(limit), false) = (self.config.drain_limit, self.timers.is_set(Timer::Drain)) {
            self.timers.set(Timer::Drain, now.host + limit);
        }
    }

    /// Makes ordinary buckets of those without listed connections, once a period at most.
    pub(in crate::node) fn tidy(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.handover.untidy && !self.timers.is_set(Timer::Tidy) {
            self.timers.set(Timer::Tidy, now.host + self.config.period);
        }
        if !self.timers.expired(Timer::Tidy, now.host) {
            return;
        }
        let calm = self.phase == PhaseKind::Stable && self.pending.is_none() && !self.lease.fenced();
        if !calm || !self.handover.in_sync() {
            return;
        }
        self.handover.untidy = false;
        let tidy = Holding::new(self.holding.passes.clone(), &self.foreign(None), &self.pinned(None));
        if tidy != self.holding {
            self.program(tidy.clone(), Step::Tidy, self.lease.until, Work::Tidy(tidy), out);
        }
    }

    pub(in crate::node) fn drain_stop(&mut self) {
        if !matches!(self.phase, PhaseKind::Stopped | PhaseKind::Leaving) {
            self.draining = true;
            self.set_drain(None, true);
        }
    }

    pub(in crate::node) fn set_drain(&mut self, slot: Option<usize>, drain: bool) {
        for (index, weight) in self.weights.iter_mut().enumerate() {
            if slot.is_none_or(|slot| slot == index) {
                *weight = if drain { *weight | codes::DRAINS } else { *weight & !codes::DRAINS };
            }
        }
        self.draining &= slot.is_some() || drain;
    }

    /// Whether a host that drains has nothing left to do.
    pub(in crate::node) fn is_drained(&self) -> bool {
        let in_force = self.committed.as_ref().and_then(|epoch| epoch.members.get(&self.me()));
        self.draining
            && self.phase == PhaseKind::Stable
            && self.pending.is_none()
            && in_force.is_some_and(|member| member.weights == self.weights)
            && self.holding.passes.is_nothing()
            && self.handover.pins.is_empty()
            && self.handover.in_sync()
            && self.handover.all_answered()
    }
}
