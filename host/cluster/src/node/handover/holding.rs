//! What the NIC is to hold at each step of a hand-over: the buckets it passes, adopts, releases and quiesces.

use crate::buckets::Buckets;
use crate::epoch::EpochId;
use crate::flow::{Flow, Record};
use crate::handover::Place;
use crate::host::HostId;
use crate::node::Node;
use crate::program::Holding;
use crate::proposal::Proposal;
use crate::time::Now;

impl Node {
    /// Buckets in which others' connections must be heeded: those listed for `epoch`, or all that are listed.
    pub(in crate::node) fn foreign(&self, epoch: Option<&Proposal>) -> Buckets {
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
    pub(in crate::node) fn pinned(&self, epoch: Option<&Proposal>) -> Buckets {
        Buckets::touched(&self.by_bucket(epoch), self.handover.pins.keys().map(Flow::place))
    }

    pub(in crate::node) fn held(&self) -> Buckets {
        Buckets::of(self.weights.len(), self.handover.held.iter().copied())
    }

    /// What the NIC is to hold while the loaded proposal is not yet in force: nothing that it takes away.
    pub(in crate::node) fn holding_to_release(&self, loaded: &Proposal) -> Holding {
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
    pub(in crate::node) fn holding_to_quiesce(&self, loaded: &Proposal, now: Now) -> Option<Holding> {
        let of_late = self.cookies_at.is_some_and(|at| now.host - at < self.config.cookie_settle);
        // Who has stopped left by a planned change, and costs nobody else a connection.
        let stays =
            |host: HostId| loaded.view().contains(host) || self.peers.get(&host).is_some_and(|peer| !peer.runs());
        let nobody_lost = self.committed.as_ref().is_some_and(|own| own.view().iter().all(stays));
        if self.handover.quiesced || !of_late || !nobody_lost || self.lease.fenced() {
            return None;
        }
        let quiesces = self.holding.passes.without(&self.holding_to_release(loaded).passes);
        (!quiesces.is_nothing()).then(|| Holding { quiesces, ..self.holding.clone() })
    }

    /// What the NIC is to hold by the loaded proposal.
    pub(in crate::node) fn holding_to_own(&self, loaded: &Proposal) -> Holding {
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
}
