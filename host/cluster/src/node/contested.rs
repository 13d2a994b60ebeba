//! Two hosts with a connection of one tuple each.
//!
//! A client that has forgotten a connection may use its port again while the host of that is cut off, and is answered by the
//! host that owns the bucket by then. When the first one returns, both kernels have a live connection, and the client has the
//! younger. Which one that is follows from who was left out: while the bucket was owned by anybody who knew of the older one, that
//! was listed there, and its tuple passed nowhere else. So the younger belongs to a host that owned the bucket while the other
//! was fenced and the cluster went on without it.
//!
//! - Who was left out says that what it tells is *doubtful*. Nobody else's connections are ever denied, whatever came first.
//! - The owner of the bucket knows its own connections and what all others list for it, so it sees each pair. It denies the
//!   doubtful one. If it was left out itself, it ends its own.
//! - Of two that are doubtful the one stays whose host has served by the later epoch.
//! - A denied connection is ended while its host is fenced: it comes into force with an epoch that nobody enters before all
//!   have answered. So its reset never reaches the client, and no packet passes at both.
//!
//! A forged SYN gains nothing by this. It makes a half-open socket at the owner while the first host is left out, and so does the
//! reset that the owner's kernel sends when the client objects to the SYN-ACK: the first connection has ended then, as any has
//! whose client says a word in that time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use weir_spec::flow::signature::signature;

use super::Node;
use crate::action::{Action, Report};
use crate::epoch::EpochId;
use crate::flow::{Flow, Record};
use crate::handover::{Signed, Stage};
use crate::host::HostId;
use crate::proposal::Proposal;
use crate::wire::records::Operation;

/// Whose connection stays: not doubtful, then of the later epoch, then of the lower number.
type Rank = (bool, EpochId, Reverse<HostId>);

/// A host with a connection, as that has told it; `None`: this host.
type Holder = (HostId, Option<Record>);

impl Node {
    /// Keeps what a dump tells, while a proposal with hosts in it that may have been left out is prepared.
    pub(super) fn know_what_lives(&mut self, alive: &BTreeSet<Flow>) {
        let fenced = |host: HostId| self.peers.get(&host).is_some_and(|peer| peer.says.fenced());
        let doubts = |loaded: &Proposal| self.handover.doubtful || loaded.view().iter().any(fenced);
        let key = self.loaded.as_ref().filter(|loaded| doubts(loaded)).map(|_| self.target_key().octets());
        let known = |key| alive.iter().map(move |flow| ((flow.vip, signature(key, &flow.connection)), *flow)).collect();
        self.handover.alive = key.map(known).unwrap_or_default();
    }

    fn rank(&self, host: HostId) -> Rank {
        let (doubtful, epoch) = if host == self.me() {
            (self.handover.doubtful, self.committed.as_ref().map(|own| own.epoch))
        } else {
            let doubtful = self.handover.inboxes.get(&host).is_some_and(|inbox| inbox.doubtful);
            (doubtful, self.peers.get(&host).map(|peer| peer.says.committed))
        };
        (!doubtful, epoch.unwrap_or(EpochId::NONE), Reverse(host))
    }

    /// Looks for pairs, and ends the older one of each.
    pub(super) fn settle_contests(&mut self, out: &mut Vec<Action>) {
        let Some(loaded) = self.loaded.as_ref().filter(|_| self.handover.stage > Stage::FirstAsked) else { return };
        let epoch = loaded.epoch;
        let listed = || self.handover.inboxes.iter().filter(|(_, inbox)| inbox.epoch == epoch);
        if !self.handover.doubtful && !listed().any(|(_, inbox)| inbox.doubtful) {
            return;
        }
        let mut holders: BTreeMap<(u8, u64), Vec<Holder>> = BTreeMap::new();
        for (&host, inbox) in listed() {
            for record in &inbox.records {
                holders.entry((record.vip, record.signature)).or_default().push((host, Some(*record)));
            }
        }
        for (name, holders) in &mut holders {
            holders.extend(self.handover.alive.contains_key(name).then(|| (self.me(), None)));
        }
        let mut mine = Vec::new();
        for (name, holders) in holders.into_iter().filter(|(_, holders)| holders.len() > 1) {
            let best = holders.iter().map(|(host, _)| self.rank(*host)).max();
            for (host, record) in holders {
                let rank = self.rank(host);
                if rank.0 || Some(rank) == best {
                    continue;
                }
                match record {
                    Some(record) => self.deny(host, record),
                    None => mine.extend(self.handover.alive.get(&name).copied()),
                }
            }
        }
        self.give_up(&mine, out);
    }

    fn deny(&mut self, host: HostId, record: Record) {
        if let Some(inbox) = self.handover.inboxes.get_mut(&host) {
            inbox.forget(&record);
            self.handover.dirty = true;
        }
        self.push(host, Operation::Deny(record));
    }

    /// An owner denies connections of this host's.
    pub(super) fn are_denied(&mut self, denied: &[Record], out: &mut Vec<Action>) {
        if !self.handover.doubtful {
            return;
        }
        let denied: BTreeSet<(u8, u64)> = denied.iter().map(|record| (record.vip, record.signature)).collect();
        let is_denied = |(flow, signed): &(&Flow, &Signed)| signed.all().any(|by| denied.contains(&(flow.vip, by)));
        let over: Vec<Flow> = self.handover.pins.iter().filter(is_denied).map(|(flow, _)| *flow).collect();
        self.give_up(&over, out);
    }

    /// Ends connections that have been answered elsewhere since, or may be.
    pub(in crate::node) fn give_up(&mut self, flows: &[Flow], out: &mut Vec<Action>) {
        if flows.is_empty() {
            return;
        }
        let over: BTreeSet<_> = flows.iter().map(Flow::identity).collect();
        flows.iter().for_each(|flow| self.handover.unpin(flow));
        if let Some(before) = &mut self.handover.pins_before {
            before.retain(|flow, _| !over.contains(&flow.identity()));
        }
        self.handover.alive.retain(|_, flow| !over.contains(&flow.identity()));
        self.handover.over.extend(flows);
        out.push(Action::Report(Report::Superseded { connections: flows.len() as u32 }));
        out.push(Action::EndStale(flows.to_vec()));
    }

    /// Of what a dump tells, all but what was ended and may still be told of.
    pub(super) fn without_what_is_over(&mut self, mut alive: BTreeSet<Flow>) -> BTreeSet<Flow> {
        if !self.handover.over.is_empty() {
            let told: BTreeSet<_> = alive.iter().map(Flow::identity).collect();
            self.handover.over.retain(|flow| told.contains(&flow.identity()));
            let over: BTreeSet<_> = self.handover.over.iter().map(Flow::identity).collect();
            alive.retain(|flow| !over.contains(&flow.identity()));
        }
        alive
    }
}
