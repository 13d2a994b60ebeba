//! What a flow table has no room for stays where it is.

use std::collections::BTreeSet;

use weir_spec::flow::{Entry, FlowKind};

use crate::action::{Action, Report};
use crate::flow::Flow;
use crate::handover::{Inbox, Place, Signed, Stage};
use crate::host::{HostId, HostSet};
use crate::node::Node;
use crate::phase::PhaseKind;
use crate::wire::records::Operation;

impl Node {
    /// These found no room in this host's flow table.
    pub(in crate::node) fn refuse(&mut self, entries: &[Entry], out: &mut Vec<Action>) {
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
    pub(in crate::node) fn hold(&mut self, places: &BTreeSet<Place>, out: &mut Vec<Action>) {
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
        let mut lost = Vec::new();
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
            } else if self.lease.fenced() {
                // Others owned the bucket meanwhile, or nobody did; who did by the epoch before may be gone, or a new process. Were
                // these pinned when there is room, nobody would list them any more.
                lost.extend(self.handover.pins.keys().filter(|flow| flow.place() == (slot, bucket)).copied());
            } else {
                let by_epoch = || self.committed.as_ref()?.owner(slot.into(), bucket.into());
                let holder = self.handover.holders.get(&(slot, bucket)).copied().or_else(by_epoch);
                let holder = holder.filter(|&holder| holder != self.me() && Some(holder) != owner);
                let holder = holder.filter(|&holder| loaded.view().contains(holder));
                holder.into_iter().for_each(|holder| self.push(holder, operation));
            }
        }
        if !lost.is_empty() && !self.handover.doubtful {
            // What is half open is ended by a word of its own. Who was left out has ended that before.
            out.push(Action::EndHalfOpen);
        }
        self.give_up(&lost, out);
        if held > 0 {
            out.push(Action::Report(Report::Held { buckets: held }));
        }
    }

    /// While the key changes everything is listed by both. What has no room for that keeps the key it has.
    pub(in crate::node) fn has_no_room_to_change_the_key(&mut self, full: bool, out: &mut Vec<Action>) {
        // What was reported to be released is not taken back.
        let Some(loaded) = self.loaded.as_ref().filter(|_| full && self.phase != PhaseKind::Released) else { return };
        self.forsaken.insert(self.me(), loaded.epoch);
        if !std::mem::replace(&mut self.key_refused, true) {
            out.push(Action::Report(Report::KeyHasNoRoom));
        }
    }

    /// Whether the flow table could not list everything by two keys.
    pub(in crate::node) fn count_the_room(&mut self) {
        if self.loaded.is_none() {
            self.crowded = self.handover.entries() * 2 > self.config.flows;
        }
    }

    /// Whether the key has to stay what it is here.
    pub(in crate::node) fn keeps_its_key(&self) -> bool {
        self.crowded || self.key_refused
    }

    /// Whether a host of `view` says that its flow table has no room for a change of the key.
    pub(in crate::node) fn is_crowded(&self, view: HostSet) -> bool {
        let crowded = |host| self.peers.get(&host).is_some_and(|peer| peer.says.crowded());
        self.keeps_its_key() || view.without(self.me()).iter().any(crowded)
    }

    /// A host says that it keeps these buckets, or that there is no room for them where they are to go.
    pub(in crate::node) fn heed_holds(&mut self, from: HostId, places: &[Place], out: &mut Vec<Action>) {
        let passes = |&&place: &&Place| self.holding.passes.contains(place);
        let kept: BTreeSet<Place> = places.iter().filter(passes).copied().collect();
        self.hold(&kept, out);
        self.divert(from, places);
    }

    /// Lists with a host that keeps these buckets what this host drains in them.
    pub(in crate::node) fn divert(&mut self, holder: HostId, places: &[Place]) {
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

    /// Whether buckets stay here that the epoch in force gives to others.
    pub(in crate::node) fn holds(&self) -> bool {
        self.loaded.is_none() && self.handover.holds
    }
}
