//! The snapshot for `query`.

use std::collections::BTreeMap;

use super::Node;
use crate::action::{Action, Report};
use crate::host::{HostId, HostSet};
use crate::phase::PhaseKind;
use crate::proposal::Proposal;
use crate::staged::{Announced, name_of};
use crate::status::{HostStatus, RuleStatus, Status};
use crate::time::Now;
use crate::wire::codes;

impl Node {
    /// Whether this host takes its part of the cluster's traffic: a member of the epoch in force, and not fenced. That others
    /// converge without it, or that somebody cannot, changes nothing in it.
    pub fn answers(&self) -> bool {
        !self.lease.fenced() && self.committed.as_ref().is_some_and(|epoch| epoch.view().contains(self.me()))
    }

    /// A snapshot of what this host knows.
    pub fn status(&self, now: Now) -> Status {
        let members = self.committed.as_ref().map_or(HostSet::EMPTY, |epoch| epoch.view());
        let mut hosts: Vec<HostStatus> = self
            .peers
            .iter()
            .filter_map(|(&host, peer)| {
                Some(HostStatus {
                    host,
                    phase: peer.says.phase,
                    cause: peer.says.cause,
                    mismatch: peer.mismatch,
                    member: members.contains(host),
                    fenced: peer.says.fenced(),
                    silent: now.host - peer.heard?,
                    hears_us: peer.says.heard.contains(self.me()),
                    ip: peer.says.ip?,
                    waited_for: self.waited_for(host, now),
                })
            })
            .collect();
        hosts.push(HostStatus {
            host: self.me(),
            phase: self.phase,
            cause: self.cause.0,
            mismatch: None,
            member: members.contains(self.me()),
            fenced: self.lease.fenced(),
            silent: 0,
            hears_us: true,
            ip: self.config.host_ip,
            waited_for: None,
        });
        hosts.sort_by_key(|host| host.host);
        let rule = |slot: usize| RuleStatus {
            rule: self.slots.get(slot).copied(),
            buckets: self.committed.as_ref().map_or_else(BTreeMap::new, |epoch| epoch.counts(slot)),
            held: self.holding.passes.count(slot) as u16,
            weight: self.weights[slot],
            drained: self.in_state(members, slot, codes::DRAINS),
            unfit: self.in_state(members, slot, codes::UNFIT),
        };
        Status {
            host: self.me(),
            phase: self.phase,
            cause: self.cause.0,
            epoch: self.committed.as_ref().map(|epoch| epoch.epoch).unwrap_or_default(),
            proposed: self.loaded.as_ref().map(|loaded| loaded.epoch),
            members,
            default_host: members.lowest(),
            view: if self.phase == PhaseKind::Stopped { HostSet::EMPTY } else { self.view(now) },
            fenced: self.lease.fenced(),
            lease_until: self.lease.until,
            convergences: self.convergences,
            hosts,
            rules: (0..self.weights.len()).map(rule).collect(),
            frames: self.counters.clone(),
            sent: self.sent,
            pins: self.handover.pins.len() as u32,
            left_alone: self.handover.foreign() as u32,
            configuration: name_of(self.config_digest),
            staged: self.staged_by_host(now),
            waits_for: self.waits_for(now),
            no_room: self.staged.as_ref().is_some_and(|staged| staged.no_room),
            starts_in: self.deferred.as_ref().map(|_| self.not_before - now.host),
            draining: self.draining,
            foreign: self.recent(self.foreign_at, now),
            duplicate: self.recent(self.duplicate_at, now),
        }
    }

    /// Tells of the rules for which `epoch`, unlike the one before it, finds no fit host.
    pub(super) fn tell_who_is_unfit(&self, epoch: &Proposal, out: &mut Vec<Action>) {
        let before = self.committed.as_ref().map(Proposal::without_a_fit_host).unwrap_or_default();
        for (slot, taken) in epoch.without_a_fit_host() {
            if before.get(&slot) != Some(&taken) {
                out.push(Action::Report(Report::NoneFit { rule: self.slots.get(slot).copied(), taken }));
            }
        }
    }

    /// This host, and of `members` those with the same rules, whose weight slot has `flag`.
    fn in_state(&self, members: HostSet, slot: usize, flag: u32) -> HostSet {
        let says = |host: HostId| match self.peers.get(&host) {
            _ if host == self.me() => self.weights.get(slot).copied(),
            Some(peer) if peer.says.config_digest == self.config_digest => peer.says.weights.get(slot).copied(),
            _ => None,
        };
        members.with(self.me()).iter().filter(|&host| says(host).is_some_and(|weight| weight & flag != 0)).collect()
    }

    fn staged_by_host(&self, now: Now) -> BTreeMap<HostId, Announced> {
        let theirs = self.heard(now).filter(|(_, peer)| peer.runs() && peer.says.staged != Announced::default());
        let own = self.staged.as_ref().map(|staged| (self.me(), name_of(staged.digest)));
        theirs.map(|(host, peer)| (host, peer.says.staged)).chain(own).collect()
    }
}
