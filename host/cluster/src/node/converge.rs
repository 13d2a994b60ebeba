//! From an event to the next step: what is loaded, released and owned, and why a host is where it is.

mod deadlines;
mod members;
mod propose;
mod take;

use super::{Node, Work};
use crate::action::{Action, Cause, Report, Step};
use crate::handover::Stage;
use crate::host::HostId;
use crate::phase::{self, Facts, Move, PhaseKind};
use crate::program::Holding;
use crate::time::{NicTime, Now};
use crate::timers::Timer;
use crate::transfer::Fetch;

impl Node {
    pub(super) fn step(&mut self, now: Now, out: &mut Vec<Action>) {
        self.run_timers(now, out);
        // What lease is renewed without the absent host may need this one's echoes.
        if self.is_drained() && self.is_anybody_waited_for(now).is_none() {
            self.stop();
        }
        self.take_up_what_is_staged(now, out);
        self.see_to_the_absence(now, out);
        if self.stopping && self.pending.is_none() {
            self.program(Holding::nothing(self.weights.len()), Step::Fence, NicTime(0), Work::Fence, out);
        }
        if matches!(self.phase, PhaseKind::Stopped | PhaseKind::Leaving) {
            return;
        }
        self.hand_over(now, out);
        if self.pending.is_some() {
            return;
        }
        self.update_members(now, out);
        self.meet_other_lineages(now, out);
        self.fetch_what_is_missing(now, out);
        // Each round brings the host forward; a dozen is more than any chain of moves.
        for _ in 0..12 {
            if self.pending.is_some() {
                break;
            }
            let facts = self.facts(now);
            let Some(next) = phase::next(self.phase, &facts) else { break };
            self.make(next, facts.settled, now, out);
        }
        self.hand_over(now, out);
        self.explain(now, out);
        self.prune_library();
    }

    fn run_timers(&mut self, now: Now, out: &mut Vec<Action>) {
        self.start_that_was_deferred(now, out);
        let tolerance = self.dead_after();
        self.promises.expire(now.host, tolerance);
        self.timers.expired(Timer::Listen, now.host);
        self.timers.expired(Timer::Propose, now.host);
        self.be_patient_with_who_quiesces(now);
        self.timers.expired(Timer::Patience, now.host);
        self.timers.expired(Timer::Farewell, now.host);
        self.timers.expired(Timer::Horizon, now.host);
        self.ask_again(now, out);
        self.run_handover_timers(now, out);
        if self.timers.expired(Timer::Fetch, now.host) {
            let name = |fetch: &Fetch| fetch.name;
            let shown = self.fetch.as_ref().is_some_and(|fetch| {
                let says = self.heard_of(fetch.from, now).map(|peer| &peer.says);
                says.is_some_and(|says| [says.proposal(), says.epoch()].contains(&Some(name(fetch))))
            });
            match shown {
                true => self.ask(now, out),
                false => self.fetch = None,
            }
        }
        if self.timers.expired(Timer::Nic, now.host) && self.pending.is_none() {
            self.program(Holding::nothing(self.weights.len()), Step::Fence, NicTime(0), Work::Fence, out);
        }
    }

    /// Who waits for what answers SYN cookies will follow: its proposal is not given up meanwhile.
    fn be_patient_with_who_quiesces(&mut self, now: Now) {
        let Some(loaded) = self.loaded.as_ref().filter(|loaded| loaded.proposer == self.me()) else { return };
        let quiesces = |host| {
            let says = self.peers.get(&host).map(|peer| &peer.says);
            says.is_some_and(|says| says.proposed == loaded.epoch && says.quiesces())
        };
        if self.handover.stage == Stage::Quiescing || loaded.view().iter().any(quiesces) {
            self.timers.set(Timer::Patience, now.host + 2 * self.dead_after());
        }
    }

    /// Whether the NIC holds a whole epoch, of all whom this host would be with.
    fn is_settled(&self) -> bool {
        !self.partial && self.committed.as_ref().is_some_and(|epoch| epoch.view() == self.base)
    }

    /// Whether the fence could be lifted under the epoch that it fell in.
    fn may_recommit(&self, now: Now) -> bool {
        self.is_settled() && self.lease.fenced() && self.handover.in_sync() && self.recommit_deadline(now).is_some()
    }

    fn facts(&self, now: Now) -> Facts {
        let settled = self.is_settled();
        let mut facts = Facts {
            listened: self.confirmed && !self.timers.is_set(Timer::Listen),
            settled,
            outranked: self.best_offer(now).is_some(),
            propose: self.is_to_propose(now),
            recommit: self.may_recommit(now),
            ..Facts::default()
        };
        if let Some(loaded) = &self.loaded {
            let view = loaded.view();
            let mine = loaded.proposer == self.me();
            let withdrawn = || {
                let says = self.heard_of(loaded.proposer, now).map(|peer| (peer.says.proposed, peer.says.committed));
                says.is_none_or(|(proposed, committed)| proposed != loaded.epoch && committed != loaded.epoch)
            };
            let others = || loaded.members.iter().filter(|(host, _)| **host != self.me());
            facts.lost = if mine { !self.timers.is_set(Timer::Patience) } else { withdrawn() };
            facts.lost |= self.forsaken.get(&self.me()) == Some(&loaded.epoch);
            facts.lost |= !self.has_configuration_of(loaded) || !self.is_announced_by_all(loaded);
            facts.lost |= others().any(|(&host, member)| {
                !self.heard_of(host, now).is_some_and(|peer| {
                    peer.incarnation == member.incarnation && peer.runs() && peer.mismatch.is_none() && !peer.penalised
                })
            });
            let reached = |host: HostId, phases: &[PhaseKind]| {
                self.peers.get(&host).is_some_and(|peer| {
                    let says = &peer.says;
                    let name = (loaded.epoch, loaded.digest());
                    says.proposal() == Some(name) && phases.contains(&says.phase) || says.epoch() == Some(name)
                })
            };
            let answered = self.handover.in_sync() && self.handover.all_answered();
            facts.listed = answered && self.handover.stage == Stage::Listing;
            facts.all_listed = answered
                && self.handover.stage == Stage::Listing
                && others().all(|(&host, _)| reached(host, &[PhaseKind::Listed, PhaseKind::Released]));
            facts.released = answered && self.handover.stage == Stage::Closing;
            facts.promises_over = self.promises.are_over_but_in(loaded);
            // Who served beyond a partition when this was proposed may have come back meanwhile, and serves on.
            facts.all_released = answered
                && self.obstacle(view, now).is_none()
                && others().all(|(&host, _)| reached(host, &[PhaseKind::Released]))
                && self.commit_deadline(view, now).is_some();
        }
        facts
    }

    fn make(&mut self, next: Move, settled: bool, now: Now, out: &mut Vec<Action>) {
        if matches!(self.phase, PhaseKind::Stable | PhaseKind::Listening) && next != Move::Recommit {
            self.convergences += 1;
        }
        match next {
            Move::Agree => self.phase = PhaseKind::Agreeing,
            Move::Propose => self.propose(now, out),
            Move::Load => {
                if let Some(offer) = self.best_offer(now).cloned() {
                    self.load(offer, now);
                }
            }
            Move::Drop => {
                self.loaded = None;
                self.handover.stage = Stage::Start;
                self.handover.expect_key(None);
                self.phase = if settled { PhaseKind::Stable } else { PhaseKind::Agreeing };
                let before = self.handover.pins_before.take();
                if settled {
                    self.handover.pins = before.unwrap_or(std::mem::take(&mut self.handover.pins));
                    self.has_returned();
                }
            }
            Move::List => {
                let quiesced = self.loaded.as_ref().and_then(|loaded| self.holding_to_quiesce(loaded, now));
                match quiesced {
                    None => self.phase = PhaseKind::Listed,
                    Some(holding) => {
                        self.handover.stage = Stage::Quiescing;
                        self.handover.quiesced = true;
                        out.push(Action::Report(Report::Quiescing { settle: self.config.cookie_settle }));
                        let until = self.lease.until;
                        self.program(holding.clone(), Step::Quiesce, until, Work::Quiesce(holding), out);
                    }
                }
            }
            Move::Report => self.phase = PhaseKind::Released,
            Move::Release => {
                let Some(loaded) = &self.loaded else { return };
                let kept = self.holding_to_release(loaded);
                if kept == self.holding {
                    self.handover.stage = Stage::Closing;
                } else {
                    self.program(kept.clone(), Step::Release, self.lease.until, Work::Release(kept), out);
                }
            }
            Move::Own => {
                let Some(loaded) = &self.loaded else { return };
                let Some(deadline) = self.commit_deadline(loaded.view(), now) else { return };
                let holding = self.holding_to_own(loaded);
                self.program(holding.clone(), Step::Own, deadline, Work::Own(holding), out);
            }
            Move::Recommit => {
                let Some(deadline) = self.recommit_deadline(now) else { return };
                self.program(self.holding.clone(), Step::Own, deadline, Work::Recommit, out);
            }
        }
    }

    /// Names what keeps this host from converging, and tells it when it changes.
    fn explain(&mut self, now: Now, out: &mut Vec<Action>) {
        if matches!(self.phase, PhaseKind::Stable | PhaseKind::Listening) {
            return;
        }
        if self.phase == PhaseKind::Agreeing {
            let view = self.view(now);
            let one_way = || {
                self.heard(now).find_map(|(host, peer)| {
                    let says = &peer.says;
                    let without_us = says.serves() && !says.members.contains(self.me());
                    let unheard = says.members.iter().find(|&member| self.heard_of(member, now).is_none());
                    let deaf_to_us = peer.runs() && !says.heard.contains(self.me());
                    if deaf_to_us { Some(host) } else { unheard.filter(|&other| without_us && other != host) }
                })
            };
            if let Some(obstacle) = self.obstacle(view, now) {
                self.cause = obstacle;
            } else if !self.has_quorum(view) {
                self.cause = (Cause::NoQuorum, None);
            } else if let Some(host) = one_way() {
                self.cause = (Cause::OneWay, Some(host));
            }
        }
        if self.told != Some(self.cause) {
            self.told = Some(self.cause);
            out.push(Action::Report(Report::Converging { cause: self.cause.0, host: self.cause.1 }));
        }
    }
}
