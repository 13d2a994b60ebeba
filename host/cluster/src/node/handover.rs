//! Live connections in buckets that change hands: dumps, lists, streams of records. The rules are in the essay of
//! [`handover`](crate::handover).

use std::collections::{BTreeMap, BTreeSet};

use weir_spec::flow::signature::signature;
use weir_spec::flow::{Entry, FlowKind};

use super::{Node, Work};
use crate::action::{Action, Report, Step};
use crate::buckets::Buckets;
use crate::config::Filtering;
use crate::epoch::EpochId;
use crate::flow::{Flow, Record};
use crate::flow_key::{FlowKey, Name};
use crate::handover::{Asked, Frame, Inbox, Outbox, Place, Purpose, Signed, Stage};
use crate::host::{HostId, HostSet};
use crate::peer::Says;
use crate::phase::PhaseKind;
use crate::program::Holding;
use crate::proposal::{Member, Proposal};
use crate::time::Now;
use crate::timers::Timer;
use crate::wire::bulk::Message;
use crate::wire::codes;
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

    /// Each flow with its owner by the target, as that host is told of it.
    fn records<'a>(&self, flows: impl Iterator<Item = &'a Flow>) -> BTreeMap<HostId, Vec<Record>> {
        self.records_by(self.target_key(), flows)
    }

    fn records_by<'a>(&self, key: &FlowKey, flows: impl Iterator<Item = &'a Flow>) -> BTreeMap<HostId, Vec<Record>> {
        let mut records: BTreeMap<HostId, Vec<Record>> = BTreeMap::new();
        let Some(target) = self.target() else { return records };
        for flow in flows {
            let holder = self.handover.kept_by.get(&flow.place()).copied();
            let owner = holder.or_else(|| target.owner(flow.slot.into(), flow.bucket.into()));
            let Some(owner) = owner.filter(|&owner| owner != self.me()) else { continue };
            let signature = signature(key.octets(), &flow.connection);
            let record = Record { slot: flow.slot, bucket: flow.bucket, vip: flow.vip, signature };
            records.entry(owner).or_default().push(record);
        }
        records
    }

    /// Begins a stream to everybody who has to know of anything, or has known of something.
    pub(super) fn start_streams(&mut self) {
        let Some(target) = self.target() else { return };
        let (epoch, view) = (target.epoch, target.view());
        let mut lists = self.records(self.handover.pins.keys());
        self.handover.outboxes.retain(|&host, _| view.contains(host));
        for &host in self.handover.outboxes.keys() {
            lists.entry(host).or_default();
        }
        let generation = self.handover.next_generation();
        for (host, records) in lists {
            let list = records.into_iter().map(Operation::Add).collect();
            self.handover.outboxes.insert(host, Outbox::new(epoch, generation, self.handover.doubtful, list));
        }
        self.handover.unpinned.clear();
    }

    /// Tells a host something new. By an epoch it was told nothing of, it is told all there is to tell by that first: a stream
    /// that is complete outdates those before it.
    pub(super) fn push(&mut self, host: HostId, operation: Operation) {
        let Some(epoch) = self.target().map(|target| target.epoch) else { return };
        if self.handover.outboxes.get(&host).is_none_or(|outbox| outbox.epoch != epoch) {
            let generation = self.handover.next_generation();
            let records = self.records(self.handover.pins.keys()).remove(&host).unwrap_or_default();
            let list = records.into_iter().map(Operation::Add).collect();
            self.handover.outboxes.insert(host, Outbox::new(epoch, generation, self.handover.doubtful, list));
        }
        if let Some(outbox) = self.handover.outboxes.get_mut(&host) {
            outbox.push(operation);
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

    /// These found no room in this host's flow table.
    fn refuse(&mut self, entries: &[Entry], out: &mut Vec<Action>) {
        let mut places = BTreeSet::new();
        for entry in entries {
            match entry.kind {
                FlowKind::Foreign => self.handover.inboxes.values_mut().for_each(|inbox| inbox.refuse(entry)),
                FlowKind::Pin => {
                    let same = |(flow, signed): &(&Flow, &Signed)| {
                        flow.vip == entry.vip && signed.all().any(|signature| signature == entry.signature)
                    };
                    let pins = self.handover.pins.iter().filter(same);
                    places.extend(pins.map(|(flow, _)| flow.place()));
                }
            }
        }
        self.hold(&places, out);
    }

    /// Keeps buckets that the loaded proposal gives to others, because connections in them would find no room. A bucket that
    /// this host drains only is somebody else's to keep: that host is told.
    fn hold(&mut self, places: &BTreeSet<Place>, out: &mut Vec<Action>) {
        let Some(loaded) = self.loaded.clone().filter(|_| self.handover.stage > Stage::FirstAsked) else {
            return;
        };
        if self.is_switch(&loaded) {
            if !places.is_empty() {
                self.has_no_room_to_switch(out);
            }
            return;
        }
        if self.handover.changes_key() {
            // What others have told of a bucket that is held is signed by the key before.
            self.has_no_room_to_change_the_key(!places.is_empty(), out);
            return;
        }
        let mut held = 0;
        // What others have owned meanwhile is not this host's to keep: its connections are lost, as by a crash.
        let left_out = self.was_left_out();
        for &(slot, bucket) in places {
            let owner = loaded.owner(slot.into(), bucket.into()).filter(|&owner| owner != self.me());
            let operation = Operation::Hold { slot, bucket };
            // What this host has reported to have released is not taken back.
            let taken_back = self.phase == PhaseKind::Listed && self.just_released.contains((slot, bucket));
            if !left_out && (self.holding.passes.contains((slot, bucket)) || taken_back) {
                if owner.is_none() || !self.handover.held.insert((slot, bucket)) {
                    continue;
                }
                held += 1;
                let pinned = |flow: &&Flow| flow.place() == (slot, bucket);
                let flows: Vec<Flow> = self.handover.pins.keys().filter(pinned).copied().collect();
                for (host, records) in self.records(flows.iter()) {
                    records.into_iter().for_each(|record| self.push(host, Operation::Remove(record)));
                }
                flows.iter().for_each(|flow| {
                    self.handover.pins.remove(flow);
                });
                self.handover.dirty = true;
                owner.into_iter().for_each(|owner| self.push(owner, operation));
                // And those who drain it have to list with this host what they have.
                let drains = |inbox: &Inbox| inbox.all().any(|record| (record.slot, record.bucket) == (slot, bucket));
                let drainers = self.handover.inboxes.iter().filter(|(_, inbox)| drains(inbox)).map(|(&host, _)| host);
                let drainers = drainers.filter(|&host| loaded.view().contains(host) && Some(host) != owner);
                for host in drainers.collect::<Vec<_>>() {
                    self.push(host, operation);
                }
                if !self.holding.passes.contains((slot, bucket)) {
                    // Taken back before anybody was told that it is free: the NIC has to pass it again.
                    self.handover.stage = Stage::Listing;
                }
            } else {
                let by_epoch = || self.committed.as_ref()?.owner(slot.into(), bucket.into());
                let holder = self.handover.holders.get(&(slot, bucket)).copied().or_else(by_epoch);
                let holder = holder.filter(|&holder| holder != self.me() && Some(holder) != owner);
                let holder = holder.filter(|&holder| loaded.view().contains(holder));
                holder.into_iter().for_each(|holder| self.push(holder, operation));
            }
        }
        if held > 0 {
            out.push(Action::Report(Report::Held { buckets: held }));
        }
    }

    /// While the key changes everything is listed by both. What has no room for that keeps the key it has.
    fn has_no_room_to_change_the_key(&mut self, full: bool, out: &mut Vec<Action>) {
        // What was reported to be released is not taken back.
        let Some(loaded) = self.loaded.as_ref().filter(|_| full && self.phase != PhaseKind::Released) else { return };
        self.forsaken.insert(self.me(), loaded.epoch);
        if !std::mem::replace(&mut self.key_refused, true) {
            out.push(Action::Report(Report::KeyHasNoRoom));
        }
    }

    /// Whether the flow table could not list everything by two keys.
    pub(super) fn count_the_room(&mut self) {
        if self.loaded.is_none() {
            self.crowded = self.handover.entries() * 2 > self.config.flows;
        }
    }

    /// Whether the key has to stay what it is here.
    pub(super) fn keeps_its_key(&self) -> bool {
        self.crowded || self.key_refused
    }

    /// Whether a host of `view` says that its flow table has no room for a change of the key.
    pub(super) fn is_crowded(&self, view: HostSet) -> bool {
        let crowded = |host| self.peers.get(&host).is_some_and(|peer| peer.says.crowded());
        self.keeps_its_key() || view.without(self.me()).iter().any(crowded)
    }

    /// Unpinned in the NIC: now others may forget it.
    fn tell_what_has_ended(&mut self) {
        let ended = std::mem::take(&mut self.handover.unpinned);
        let keys = self.handover.keys();
        let by_each: Vec<_> = [Some(&keys.now), keys.next.as_ref()]
            .into_iter()
            .flatten()
            .map(|key| self.records_by(key, ended.iter()))
            .collect();
        for (host, records) in by_each.into_iter().flatten() {
            if self.handover.outboxes.contains_key(&host) {
                records.into_iter().for_each(|record| self.push(host, Operation::Remove(record)));
            }
        }
    }

    fn answer_records(&mut self, out: &mut Vec<Action>) {
        let mut answers = Vec::new();
        // What is denied on somebody's word is denied before that is told that it was heard.
        let denies = |host: &HostId| self.handover.outboxes.get(host).is_some_and(Outbox::denies);
        let denied: BTreeSet<HostId> = self.handover.inboxes.keys().copied().filter(denies).collect();
        for (&host, inbox) in &mut self.handover.inboxes {
            if !denied.is_empty() && !denied.contains(&host) {
                continue;
            }
            let Some(incarnation) = self.peers.get(&host).map(|peer| peer.incarnation) else { continue };
            if let Some((generation, next, refused)) = inbox.answer() {
                answers.push((host, Message::Listed { incarnation, generation, next, refused }));
            }
        }
        answers.into_iter().for_each(|(host, message)| self.send_bulk(host, message, out));
    }

    fn send_records(&mut self, now: Now, again: bool, out: &mut Vec<Action>) {
        let mut messages = Vec::new();
        for (&host, outbox) in &mut self.handover.outboxes {
            let (epoch, generation) = (outbox.epoch, outbox.generation);
            if let Some(Frame { number, complete, doubtful, operations }) = outbox.frame(again) {
                messages.push((host, Message::Records { epoch, generation, number, complete, doubtful, operations }));
            }
        }
        if !messages.is_empty() {
            self.timers.set(Timer::Records, now.host + self.config.period / 4);
        } else if self.handover.outboxes.values().all(Outbox::is_idle) {
            self.timers.clear(Timer::Records);
        }
        messages.into_iter().for_each(|(host, message)| self.send_bulk(host, message, out));
    }

    /// Records of a member came.
    pub(super) fn records_came(
        &mut self,
        from: HostId,
        epoch: EpochId,
        generation: u32,
        frame: &Frame,
        out: &mut Vec<Action>,
    ) {
        let Some((incarnation, sequence)) = self.peers.get(&from).map(|peer| (peer.incarnation, peer.bulk_sequence))
        else {
            return;
        };
        let inbox = self.handover.inboxes.entry(from).or_default();
        let taken = inbox.take(incarnation, epoch, generation, frame);
        inbox.sequence = sequence;
        let Some(Asked { holds, denied }) = taken else { return };
        self.handover.dirty = true;
        let in_force = self.loaded.is_none() && self.committed.as_ref().is_some_and(|own| own.epoch == epoch);
        if let Some(inbox) = self.handover.inboxes.get_mut(&from) {
            if in_force && inbox.complete {
                inbox.kept.clear();
            }
            if !holds.is_empty() {
                inbox.holds.entry(epoch).or_default().extend(&holds);
            }
        }
        if self.target().is_some_and(|target| target.epoch == epoch) {
            self.heed_holds(from, &holds, out);
        }
        self.are_denied(&denied, out);
        self.settle_contests(out);
    }

    /// A host says that it keeps these buckets, or that there is no room for them where they are to go.
    fn heed_holds(&mut self, from: HostId, places: &[Place], out: &mut Vec<Action>) {
        let passes = |&&place: &&Place| self.holding.passes.contains(place);
        let kept: BTreeSet<Place> = places.iter().filter(passes).copied().collect();
        self.hold(&kept, out);
        self.divert(from, places);
    }

    /// Lists with a host that keeps these buckets what this host drains in them.
    fn divert(&mut self, holder: HostId, places: &[Place]) {
        let pinned = |flow: &&Flow| places.contains(&flow.place()) && !self.holding.passes.contains(flow.place());
        let flows: Vec<Flow> = self.handover.pins.keys().filter(pinned).copied().collect();
        for (host, records) in self.records(flows.iter()) {
            records.into_iter().for_each(|record| self.push(host, Operation::Remove(record)));
        }
        self.handover.kept_by.extend(flows.iter().map(|flow| (flow.place(), holder)));
        for (host, records) in self.records(flows.iter()) {
            records.into_iter().for_each(|record| self.push(host, Operation::Add(record)));
        }
    }

    /// A member has done what records asked for.
    pub(super) fn records_answered(
        &mut self,
        from: HostId,
        generation: u32,
        next: u16,
        refused: &[Operation],
        out: &mut Vec<Action>,
    ) {
        let answered = |outbox: &mut Outbox| outbox.answered(generation, next);
        if !self.handover.outboxes.get_mut(&from).is_some_and(answered) {
            return;
        }
        let places = refused.iter().filter_map(|operation| match operation {
            Operation::Add(record) => Some((record.slot, record.bucket)),
            _ => None,
        });
        self.hold(&places.collect(), out);
    }

    /// Buckets in which others' connections must be heeded: those listed for `epoch`, or all that are listed.
    pub(super) fn foreign(&self, epoch: Option<&Proposal>) -> Buckets {
        let member = |host: &HostId| epoch.is_none_or(|epoch| epoch.view().contains(*host));
        let held = |record: &&Record| self.handover.held.contains(&(record.slot, record.bucket));
        let place = |record: &Record| (record.slot, record.bucket);
        // What is listed for an epoch of the staged configuration, as the one in force has it.
        let staged = self.loaded.as_ref().and_then(|loaded| Some((loaded.epoch, self.staged_for(loaded)?)));
        let before = |(listed, record): (EpochId, &Record)| match staged {
            Some((epoch, staged)) if listed == epoch => staged.place_before(place(record)),
            _ => Some(place(record)),
        };
        let places = self.handover.inboxes.iter().filter(|(host, _)| member(host)).flat_map(|(_, inbox)| {
            let places: Vec<Place> = match epoch {
                Some(epoch) => inbox.by_epoch(epoch.epoch).chain(inbox.all().filter(held)).map(place).collect(),
                None => inbox.with_epochs().filter_map(before).collect(),
            };
            places
        });
        Buckets::touched(&self.by_bucket(epoch), places)
    }

    /// Buckets in which this host's connections are pinned, by the configuration of `epoch` or the one in force.
    pub(super) fn pinned(&self, epoch: Option<&Proposal>) -> Buckets {
        Buckets::touched(&self.by_bucket(epoch), self.handover.pins.keys().map(Flow::place))
    }

    fn held(&self) -> Buckets {
        Buckets::of(self.weights.len(), self.handover.held.iter().copied())
    }

    /// What the NIC is to hold while the loaded proposal is not yet in force: nothing that it takes away.
    pub(super) fn holding_to_release(&self, loaded: &Proposal) -> Holding {
        let held = self.held();
        let before = self.holding.passes.either(&self.just_released.both(&held));
        let given = Buckets::given(loaded, self.me());
        let given = match self.staged_for(loaded) {
            None => given,
            // Of rules that change nothing stays.
            Some(staged) => staged.buckets_before(&given, self.weights.len()),
        };
        let passes = before.both(&given.either(&held));
        let adopts = passes.both(&self.holding.adopts.either(&self.foreign(None)));
        let releases = self.holding.passes.either(&self.holding.releases).without(&passes);
        let quiesces = Buckets::none(self.weights.len());
        Holding { passes, adopts, releases, quiesces }
    }

    /// What the NIC is to hold until what answers SYN cookies has come, if there may be any: a connection that is answered so has
    /// no socket before, so no dump finds it. That takes time, which is not taken while a lost host's buckets wait for the epoch.
    pub(super) fn holding_to_quiesce(&self, loaded: &Proposal, now: Now) -> Option<Holding> {
        let of_late = self.cookies_at.is_some_and(|at| now.host - at < self.config.cookie_settle);
        let nobody_lost = self.committed.as_ref().is_some_and(|own| own.view().is_subset(loaded.view()));
        if self.handover.quiesced || !of_late || !nobody_lost || self.lease.fenced() {
            return None;
        }
        let quiesces = self.holding.passes.without(&self.holding_to_release(loaded).passes);
        (!quiesces.is_nothing()).then(|| Holding { quiesces, ..self.holding.clone() })
    }

    /// What the NIC is to hold by the loaded proposal.
    pub(super) fn holding_to_own(&self, loaded: &Proposal) -> Holding {
        let of_epoch = self.handover.inboxes.values().filter_map(|inbox| inbox.holds.get(&loaded.epoch));
        let withheld = of_epoch.flatten().copied();
        let withheld = Buckets::of(loaded.rules.len(), withheld);
        let given = Buckets::given(loaded, self.me()).without(&withheld);
        let passes = match self.is_switch(loaded) {
            true => given,
            false => given.either(&self.held().both(&self.holding.passes)),
        };
        Holding::new(passes, &self.foreign(Some(loaded)), &self.pinned(Some(loaded)))
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

    /// Whether buckets stay here that the epoch in force gives to others.
    pub(super) fn holds(&self) -> bool {
        self.loaded.is_none() && self.handover.holds
    }

    fn look_after_the_draining(&mut self, now: Now, out: &mut Vec<Action>) {
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
    fn tidy(&mut self, now: Now, out: &mut Vec<Action>) {
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

    pub(super) fn drain_stop(&mut self) {
        if !matches!(self.phase, PhaseKind::Stopped | PhaseKind::Leaving) {
            self.draining = true;
            self.set_drain(None, true);
        }
    }

    pub(super) fn set_drain(&mut self, slot: Option<usize>, drain: bool) {
        for (index, weight) in self.weights.iter_mut().enumerate() {
            if slot.is_none_or(|slot| slot == index) {
                *weight = if drain { *weight | codes::DRAINS } else { *weight & !codes::DRAINS };
            }
        }
        self.draining &= slot.is_some() || drain;
    }

    /// Whether a host that drains has nothing left to do.
    pub(super) fn is_drained(&self) -> bool {
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
