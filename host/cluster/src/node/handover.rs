//! Live connections in buckets that change hands: dumps, lists, streams of records. The rules are in the essay of
//! [`handover`](crate::handover).

mod drain;
mod holding;
mod room;
mod streams;

use std::collections::BTreeSet;

use weir_spec::flow::Entry;

use super::Node;
use crate::action::{Action, Report};
use crate::buckets::Buckets;
use crate::config::Filtering;
use crate::epoch::EpochId;
use crate::flow::Flow;
use crate::flow_key::{FlowKey, Name};
use crate::handover::{Purpose, Stage};
use crate::host::{HostId, HostSet};
use crate::peer::Says;
use crate::proposal::{Member, Proposal};
use crate::time::Now;
use crate::timers::Timer;
use crate::wire::records::Operation;

impl Node {
    /// Brings forward what does not wait for a phase.
    pub(super) fn hand_over(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.loaded.is_some() && self.handover.stage == Stage::Start {
            self.handover.stage = Stage::FirstAsked;
            self.handover.doubtful = self.was_left_out();
            if self.handover.doubtful {
                out.push(Action::EndHalfOpen);
            }
            self.ask_for_a_dump(Purpose::First, out);
        }
        self.list(out);
        self.count_the_room();
        if self.handover.in_sync() {
            self.tell_what_has_ended();
            self.answer_records(out);
        }
        self.send_records(now, false, out);
        self.look_after_the_draining(now, out);
        self.tidy(now, out);
    }

    /// Whether the others have gone on without this host, so that all its buckets have been theirs: in a later epoch, or across
    /// a partition in one that they serve by while this host does not. Who is gone from its epoch, or was restarted, may have
    /// done so as well. A fence that ends in the epoch it began in has cost no bucket.
    fn was_left_out(&self) -> bool {
        let others = || {
            let hosts = self.loaded.iter().flat_map(|loaded| loaded.members.keys());
            hosts.filter_map(|host| Some(&self.peers.get(host)?.says))
        };
        let own = self.committed.as_ref().map_or(EpochId::NONE, |own| own.epoch);
        let without_us = |says: &Says| !says.committed.is_none() && !says.members.contains(self.me());
        let newest = others().max_by_key(|says| says.committed);
        let later = |says: &Says| says.committed > own && without_us(says);
        let serves = |says: &Says| says.serves() && !says.fenced() && without_us(says);
        let is_here = |(host, member): (&HostId, &Member)| {
            let loaded = self.loaded.as_ref().and_then(|loaded| loaded.members.get(host));
            loaded.is_some_and(|loaded| loaded.incarnation == member.incarnation)
        };
        let all_here = || self.committed.iter().flat_map(|own| &own.members).all(is_here);
        self.lease.fenced() && (newest.is_some_and(later) || others().any(serves) || !all_here())
    }

    pub(super) fn run_handover_timers(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.timers.expired(Timer::Records, now.host) {
            self.send_records(now, true, out);
        }
        if self.timers.expired(Timer::Quiesce, now.host) && self.handover.stage == Stage::Quiescing {
            self.ask_for_a_dump(Purpose::Quiesced, out);
        }
        if self.timers.expired(Timer::Poll, now.host) && self.handover.asked.is_none() {
            self.ask_for_a_dump(Purpose::Poll, out);
        }
        if self.timers.expired(Timer::Drain, now.host) && !self.handover.pins.is_empty() {
            let flows: Vec<Flow> = self.handover.pins.keys().copied().collect();
            out.push(Action::Report(Report::DrainLimit { connections: flows.len() as u32 }));
            out.push(Action::Destroy(flows));
        }
        self.timers.expired(Timer::Batch, now.host);
    }

    fn ask_for_a_dump(&mut self, purpose: Purpose, out: &mut Vec<Action>) {
        let id = self.handover.next_id();
        self.handover.asked = Some((id, purpose));
        let staged = self.loaded.as_ref().is_some_and(|loaded| self.staged_for(loaded).is_some());
        out.push(Action::Dump { id, settle: purpose == Purpose::Second, staged });
    }

    /// By which epoch buckets are whose: the loaded one, once its hand-over has begun.
    fn target(&self) -> Option<&Proposal> {
        match &self.loaded {
            Some(loaded) if self.handover.stage > Stage::FirstAsked => Some(loaded),
            _ => self.committed.as_ref(),
        }
    }

    /// By the configuration of `epoch`, or the one in force.
    fn by_bucket(&self, epoch: Option<&Proposal>) -> Vec<bool> {
        let multiple = |rule: &crate::config::PortRule| matches!(rule.filtering, Filtering::Multiple(_));
        let staged = epoch.and_then(|epoch| self.staged_for(epoch));
        let slots = staged.map_or(&self.slots, |staged| &staged.slots);
        slots.iter().map(multiple).chain([false]).collect()
    }

    /// A flow key of this host's by its name: one of the configuration, or one that its NIC runs or is about to.
    pub(super) fn flow_key(&self, name: Name) -> Option<&FlowKey> {
        let keys = self.handover.keys();
        let mut in_use = [Some(&keys.now), keys.next.as_ref()].into_iter().flatten();
        in_use.find(|key| key.name() == name).or_else(|| self.ring.named(name))
    }

    /// The key of the target, by which others are told what they have to know.
    pub(super) fn target_key(&self) -> &FlowKey {
        let keys = self.handover.keys();
        match &keys.next {
            Some(next) if self.loaded.is_some() && self.handover.stage > Stage::FirstAsked => next,
            _ => &keys.now,
        }
    }

    pub(super) fn pin(&mut self, flows: &BTreeSet<Flow>) {
        flows.iter().for_each(|flow| self.handover.pin(*flow));
        self.handover.dirty = true;
    }

    pub(super) fn dumped(&mut self, id: u32, flows: Vec<Flow>, out: &mut Vec<Action>) {
        let Some((_, purpose)) = self.handover.asked.take_if(|(asked, _)| *asked == id) else { return };
        let slots = self.loaded.as_ref().map_or(0, |loaded| loaded.rules.len()).max(self.weights.len());
        let sound = |flow: &Flow| usize::from(flow.slot) < slots && usize::from(flow.bucket) < weir_spec::map::BUCKETS;
        let alive = self.without_what_is_over(flows.into_iter().filter(sound).collect());
        match purpose {
            Purpose::Poll => {
                self.unpin_all_but(&alive);
                let late = alive.iter().filter(|flow| self.is_released(flow)).copied().collect();
                self.pin_news(late);
            }
            Purpose::First | Purpose::Quiesced | Purpose::Second => {
                let Some(loaded) = &self.loaded else { return };
                let given = Buckets::given(loaded, self.me());
                let leaves = |flow: &&Flow| self.is_to_be_pinned(flow, loaded, &given);
                let leaving: BTreeSet<Flow> = alive.iter().filter(leaves).copied().collect();
                if purpose == Purpose::First {
                    self.handover.stage = Stage::Listing;
                    let keep = self.is_switch(loaded) && !self.partial;
                    let before = self.handover.pins_before.take();
                    self.handover.pins_before = keep.then(|| before.unwrap_or_else(|| self.handover.pins.clone()));
                    self.handover.pins.retain(|flow, _| leaving.contains(flow));
                    self.pin(&leaving);
                    self.start_streams();
                    let epoch = self.loaded.as_ref().map(|loaded| loaded.epoch);
                    let early = self.handover.inboxes.iter();
                    let early = early.filter_map(|(&host, inbox)| Some((host, inbox.holds.get(&epoch?)?)));
                    let early = early.map(|(host, places)| (host, places.iter().copied().collect::<Vec<_>>()));
                    for (host, places) in early.collect::<Vec<_>>() {
                        self.heed_holds(host, &places, out);
                    }
                } else {
                    let released = purpose == Purpose::Second;
                    self.handover.stage = if released { Stage::Closing } else { Stage::Listing };
                    self.unpin_all_but(&alive);
                    self.pin_news(leaving);
                }
                self.know_what_lives(&alive);
                self.settle_contests(out);
            }
        }
        self.list(out);
    }

    /// Whether a live connection has to be pinned while `loaded` is prepared, which gives `given` to this host.
    fn is_to_be_pinned(&self, flow: &Flow, loaded: &Proposal, given: &Buckets) -> bool {
        let place = flow.place();
        if self.is_switch(loaded) {
            // Whatever was not released stays; all else passes by its pin alone until the commit.
            let before = self.staged_for(loaded).and_then(|staged| staged.place_before(place));
            return !given.contains(place) || !before.is_some_and(|before| self.holding.passes.contains(before));
        }
        // What was released and comes back is pinned until it is owned.
        !self.handover.held.contains(&place) && (!given.contains(place) || self.holding.releases.contains(place))
    }

    /// Whether a connection, as a dump has it now, passes by its pin alone.
    fn is_released(&self, flow: &Flow) -> bool {
        let Some(staged) = self.loaded.as_ref().and_then(|loaded| self.staged_for(loaded)) else {
            return self.holding.releases.contains(flow.place());
        };
        match staged.place_before(flow.place()) {
            Some(before) => self.holding.releases.contains(before),
            None => self.handover.stage == Stage::Closing,
        }
    }

    /// Which connections live is asked: a dump may have sorted them otherwise than the one that they were pinned by.
    fn unpin_all_but(&mut self, alive: &BTreeSet<Flow>) {
        let alive: BTreeSet<_> = alive.iter().map(Flow::identity).collect();
        let gone: Vec<Flow> =
            self.handover.pins.keys().filter(|flow| !alive.contains(&flow.identity())).copied().collect();
        gone.iter().for_each(|flow| self.handover.unpin(flow));
    }

    /// Pins what is not pinned, and tells of it.
    fn pin_news(&mut self, flows: BTreeSet<Flow>) {
        let pinned: BTreeSet<_> = self.handover.pins.keys().map(Flow::identity).collect();
        let news: BTreeSet<Flow> = flows.into_iter().filter(|flow| !pinned.contains(&flow.identity())).collect();
        if news.is_empty() {
            return;
        }
        self.pin(&news);
        for (host, records) in self.records(news.iter()) {
            records.into_iter().for_each(|record| self.push(host, Operation::Add(record)));
        }
    }

    pub(super) fn closed(&mut self, flows: &[Flow]) {
        flows.iter().for_each(|flow| self.handover.unpin(flow));
    }

    /// Tells the NIC what its flow table has to become.
    fn list(&mut self, out: &mut Vec<Action>) {
        let may_clear = self.confirmed && self.pending.is_none();
        let Some((listing, excess)) = self.handover.next_listing(self.config.flows, may_clear) else { return };
        out.push(Action::List(Box::new(listing)));
        self.refuse(&excess, out);
    }

    pub(super) fn listed(&mut self, id: u32, refused: &[Entry], out: &mut Vec<Action>) {
        if self.handover.listed(id, refused) {
            self.refuse(refused, out);
        }
    }

    /// The NIC holds no more than the loaded proposal leaves: what is alive now is all there is to hand over.
    pub(super) fn has_released(&mut self, before: &Buckets, out: &mut Vec<Action>) {
        self.just_released = self.just_released.either(before).without(&self.holding.passes);
        self.handover.stage = Stage::Releasing;
        self.ask_for_a_dump(Purpose::Second, out);
    }

    /// The loaded proposal is in force.
    pub(super) fn has_owned(&mut self, now: Now, epoch: &Proposal, out: &mut Vec<Action>) {
        let (view, id) = (epoch.view(), epoch.epoch);
        self.handover.holders = self.handover.kept_by.clone();
        self.handover.holds = !self.holding.passes.without(&Buckets::given(epoch, self.me())).is_nothing();
        // What is listed for buckets that are held stays so until those who sent it list it anew.
        let held = std::mem::take(&mut self.handover.held);
        let ahead = self.may_come_after(id, now);
        self.handover.inboxes.retain(|host, inbox| {
            inbox.outdate(id, &held, ahead.contains(*host));
            // A host that is none of this epoch's may have listed for the next one, in which it is.
            ahead.contains(*host) || view.contains(*host) && (inbox.epoch == id || !inbox.kept.is_empty())
        });
        self.handover.outboxes.retain(|&host, outbox| outbox.epoch == id && view.contains(host));
        self.handover.stage = Stage::Start;
        self.key_refused = false;
        self.handover.pins_before = None;
        self.just_released = Buckets::none(self.weights.len());
        self.handover.doubtful = false;
        self.handover.alive.clear();
        // Who owns a bucket has its tuples anew.
        self.handover.over.retain(|flow| !self.holding.passes.contains(flow.place()));
        self.forget_pins_of_own_buckets();
        self.timers.set(Timer::Batch, now.host + self.dead_after());
        if !self.handover.pins.is_empty() {
            out.push(Action::Report(Report::Draining { connections: self.handover.pins.len() as u32 }));
        }
    }

    /// Hosts whose lists for an epoch above `id` are as that would find them. What a host had listed that is silent now goes, and
    /// so that epoch is not taken any more: its sender would count on the list if it comes back.
    fn may_come_after(&mut self, id: EpochId, now: Now) -> HostSet {
        let mut may_come = HostSet::EMPTY;
        for (&host, inbox) in self.handover.inboxes.iter().filter(|(_, inbox)| inbox.is_ahead_of(id)) {
            let Some(peer) = self.peers.get(&host).filter(|peer| peer.incarnation == inbox.stream().0) else {
                continue;
            };
            let shows = [peer.says.proposed, peer.says.committed].contains(&inbox.epoch);
            match self.heard_of(host, now) {
                // A list that is newer than the last heartbeat says for itself what the sender has loaded.
                Some(_) if shows || inbox.sequence > peer.sequence => may_come.insert(host),
                Some(_) => {}
                None => {
                    self.forsaken.insert(host, inbox.epoch);
                }
            }
        }
        may_come
    }

    /// The proposal is dropped, and the epoch before goes on as it was.
    pub(super) fn has_returned(&mut self) {
        self.handover.kept_by = self.handover.holders.clone();
        self.forget_pins_of_own_buckets();
        self.start_streams();
    }

    fn forget_pins_of_own_buckets(&mut self) {
        self.handover.pins.retain(|flow, _| !self.holding.passes.contains(flow.place()));
        self.handover.dirty = true;
        self.handover.untidy = true;
    }
}
