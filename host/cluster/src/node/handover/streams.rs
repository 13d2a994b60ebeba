//! Streams of records: what this host tells others of its connections in their buckets, and they of theirs.

use std::collections::{BTreeMap, BTreeSet};

use weir_spec::flow::signature::signature;

use crate::action::Action;
use crate::epoch::EpochId;
use crate::flow::{Flow, Record};
use crate::flow_key::FlowKey;
use crate::handover::{Asked, Frame, Outbox};
use crate::host::HostId;
use crate::node::Node;
use crate::time::Now;
use crate::timers::Timer;
use crate::wire::bulk::Message;
use crate::wire::records::Operation;

impl Node {
    /// Each flow with its owner by the target, as that host is told of it.
    pub(in crate::node) fn records<'a>(&self, flows: impl Iterator<Item = &'a Flow>) -> BTreeMap<HostId, Vec<Record>> {
        self.records_by(self.target_key(), flows)
    }

    pub(in crate::node) fn records_by<'a>(
        &self,
        key: &FlowKey,
        flows: impl Iterator<Item = &'a Flow>,
    ) -> BTreeMap<HostId, Vec<Record>> {
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
    pub(in crate::node) fn start_streams(&mut self) {
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
    pub(in crate::node) fn push(&mut self, host: HostId, operation: Operation) {
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

    /// Unpinned in the NIC: now others may forget it.
    pub(in crate::node) fn tell_what_has_ended(&mut self) {
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

    pub(in crate::node) fn answer_records(&mut self, out: &mut Vec<Action>) {
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

    pub(in crate::node) fn send_records(&mut self, now: Now, again: bool, out: &mut Vec<Action>) {
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
    pub(in crate::node) fn records_came(
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

    /// A member has done what records asked for.
    pub(in crate::node) fn records_answered(
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
}
