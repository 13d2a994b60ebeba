//! Who proposes the next epoch, when, and from which table.

use std::collections::BTreeMap;

use crate::action::{Action, Cause, Report};
use crate::epoch::EpochId;
use crate::host::{HostId, HostSet};
use crate::node::Node;
use crate::peer::{Peer, Says};
use crate::phase::PhaseKind;
use crate::proposal::{Member, Proposal};
use crate::time::Now;
use crate::timers::Timer;
use crate::transfer::Name;
use crate::view;

/// From which table a proposer starts.
pub(in crate::node) enum Origin<'a> {
    /// Nobody has one.
    Nothing,
    /// It is here.
    Here(&'a Proposal),
    /// It has to be fetched from this host.
    At(HostId, Name),
    /// Somebody has one, but shows the proposal that is under way: its name is not known until that has ended.
    Unnamed,
}

impl Node {
    /// Why a host that does not serve must not enter `view`.
    pub(in crate::node) fn obstacle(&self, view: HostSet, now: Now) -> Option<(Cause, Option<HostId>)> {
        if self.serves() {
            return None;
        }
        if self.recent(self.foreign_at, now) {
            return Some((Cause::ForeignHost, None));
        }
        // In a partition nothing comes. Who alone takes everything beside a cluster whose key it lacks breaks that one's connections.
        if view.len() == 1 && self.recent(self.sealed_at, now) {
            return Some((Cause::WrongKey, None));
        }
        if self.recent(self.duplicate_at, now) {
            return Some((Cause::DuplicateHost, Some(self.me())));
        }
        let outside = |(host, peer): &(HostId, &Peer)| !view.contains(*host) && peer.runs();
        let heard = self.heard(now).filter(outside).find_map(|(host, peer)| {
            let mismatched = peer.mismatch.is_some();
            let blocks = self.serves_beside(host, peer, view, now) || mismatched && host < self.me();
            let cause = match peer.mismatch {
                Some(differs) => differs.cause(),
                None if !peer.says.heard.contains(self.me()) => Cause::OneWay,
                None => Cause::NewMember,
            };
            blocks.then_some((cause, Some(host)))
        });
        heard.or_else(|| Some((Cause::MemberLost, Some(self.may_serve_still(view, now)?))))
    }

    /// Whether a host outside `view` serves, by what it last said. Who serves and does not hear us is beyond a partition, unless it
    /// is we whom nobody hears.
    pub(in crate::node) fn serves_beside(&self, host: HostId, peer: &Peer, view: HostSet, now: Now) -> bool {
        peer.says.serves()
            && !self.is_fenced_for_good(host, &peer.says, now)
            && (view.len() == 1 || peer.says.heard.contains(self.me()))
    }

    /// Whether this host may form an epoch of its own.
    pub(in crate::node) fn may_be_alone(&self, now: Now) -> bool {
        let in_the_way = |peer: &Peer| {
            let unheard = !peer.says.heard.contains(self.me());
            // Who does not serve is in no hurry: those who fit are waited for.
            peer.runs() && (unheard || !self.serves() && peer.mismatch.is_none())
        };
        self.has_listened(now) && !self.heard(now).any(|(_, peer)| in_the_way(peer))
    }

    /// Whether a host is fenced by an epoch that cannot come back: the fence is lifted by it when all members are stable in it, and
    /// this host is not, or another one that is heard.
    pub(in crate::node) fn is_fenced_for_good(&self, host: HostId, says: &Says, now: Now) -> bool {
        let is_stable = |member: HostId| {
            if member == self.me() {
                let own = self.committed.as_ref().filter(|_| self.phase == PhaseKind::Stable);
                return own.is_some_and(|own| own.epoch == says.committed);
            }
            let theirs = self.heard_of(member, now).map(|peer| &peer.says);
            theirs.is_none_or(|theirs| theirs.phase == PhaseKind::Stable && theirs.committed == says.committed)
        };
        says.fenced() && !says.members.without(host).iter().all(is_stable)
    }

    /// Whether its NIC accepts by an epoch.
    pub(in crate::node) fn serves(&self) -> bool {
        self.committed.is_some() && !self.lease.fenced()
    }

    /// The view this host is to propose an epoch for, if it is the one to do so.
    pub(in crate::node) fn view_to_propose(&self, now: Now) -> Option<HostSet> {
        let view = self.view(now);
        if self.is_bound_by_its_absence() || view.iter().any(|host| self.waits_for_host(host, now)) {
            return None;
        }
        if view.lowest() != Some(self.me()) || !self.has_quorum(view) || self.obstacle(view, now).is_some() {
            return None;
        }
        if view.len() == 1 && !self.may_be_alone(now) {
            return None;
        }
        // Somebody in it has given up another who is in it: soon this host will, too, or one of them is left out. An epoch
        // of both would come to nothing, and be in the way of the next.
        let links = self.links(now);
        if view::clique(view, |a, b| links.both(a, b)) != view {
            return None;
        }
        // A cold start waits for those who are still listening, a while.
        let listens = |peer: &Peer| peer.says.phase == PhaseKind::Listening && peer.mismatch.is_none();
        let cold = self.committed.is_none() && now.host - self.awake_since < 2 * self.dead_after();
        if cold && self.heard(now).any(|(_, peer)| listens(peer)) {
            return None;
        }
        Some(view)
    }

    /// Whether an epoch for `view` is wanted, none being loaded.
    pub(in crate::node) fn wants_an_epoch(&self, view: HostSet) -> bool {
        let Some(own) = &self.committed else { return true };
        let reconfigures = self.configuration_for(view) != own.config_digest;
        // Who has given up others that come back by the same epoch needs one as well: nobody takes them in without.
        let other_key = own.flow_key != self.ring.own.name() && !self.is_crowded(view);
        if self.partial || reconfigures || other_key || own.view() != view || self.phase == PhaseKind::Agreeing {
            return true;
        }
        let holds = self.holds() || view.iter().filter_map(|host| self.peers.get(&host)).any(|peer| peer.says.holds());
        if holds && !self.timers.is_set(Timer::Batch) {
            return true;
        }
        let name = (own.epoch, own.digest());
        own.members.iter().any(|(&host, member)| {
            // Who is about to follow tells its weights by the configuration before.
            let same = host == self.me()
                || self.peers.get(&host).is_none_or(|peer| peer.says.config_digest == own.config_digest);
            let weighs = !same || self.weights_of(host) == Some(&member.weights);
            if !weighs || self.incarnation_of(host) != Some(member.incarnation) {
                return true;
            }
            let Some(peer) = self.peers.get(&host) else { return false };
            let says = &peer.says;
            let follows = says.proposal() == Some(name) || says.epoch() == Some(name);
            !follows || says.phase == PhaseKind::Agreeing
        })
    }

    /// Whether the proposal this host has made cannot succeed: somebody in `view` has gone above it, or a member that has not
    /// loaded it wants other weights by now, or has no room for another flow key, and so never will.
    pub(in crate::node) fn is_overtaken(&self, view: HostSet) -> bool {
        let Some(loaded) = self.loaded.as_ref().filter(|loaded| loaded.proposer == self.me()) else { return false };
        let above = |peer: &Peer| peer.says.proposed.max(peer.says.committed) > loaded.epoch;
        let refuses = |host: &HostId, peer: &Peer| {
            let member = loaded.members.get(host);
            peer.says.proposed != loaded.epoch
                && peer.says.committed != loaded.epoch
                && member.is_some_and(|m| self.weights_by(*host, loaded.config_digest).as_ref() != Some(&m.weights))
        };
        let other_key = loaded.flow_key == self.ring.own.name()
            && self.committed.as_ref().is_some_and(|own| own.flow_key != loaded.flow_key);
        let has_no_room = |peer: &Peer| {
            other_key
                && peer.says.crowded()
                && peer.says.proposed != loaded.epoch
                && peer.says.committed != loaded.epoch
        };
        view.iter()
            .filter_map(|host| Some((host, self.peers.get(&host)?)))
            .any(|(host, peer)| above(peer) || refuses(&host, peer) || has_no_room(peer))
    }

    /// The table to start from: of all epochs in `view` the one with most members, then with the lowest.
    pub(in crate::node) fn origin(&self, view: HostSet) -> Origin<'_> {
        let own = self.committed.as_ref().map(|own| (own.view(), self.me(), Some((own.epoch, own.digest()))));
        let theirs = view.iter().filter_map(|host| {
            let says = &self.peers.get(&host)?.says;
            // Who has loaded a proposal shows the digest of that. Its epoch's table may be here nevertheless.
            let known = || self.library.keys().find(|name| name.0 == says.committed).copied();
            (!says.committed.is_none()).then(|| (says.members, host, says.epoch().or_else(known)))
        });
        let best = theirs.chain(own).max_by_key(|&(members, host, name)| {
            (members.len(), std::cmp::Reverse(members.lowest()), name.is_some(), host == self.me())
        });
        let Some((_, host, name)) = best else { return Origin::Nothing };
        let Some(name) = name else { return Origin::Unnamed };
        let own = self.committed.as_ref().filter(|own| (own.epoch, own.digest()) == name);
        match own.or_else(|| self.library.get(&name)) {
            Some(epoch) => Origin::Here(epoch),
            None => Origin::At(host, name),
        }
    }

    pub(in crate::node) fn is_to_propose(&self, now: Now) -> bool {
        if self.timers.is_set(Timer::Propose) {
            return false;
        }
        let Some(view) = self.view_to_propose(now) else { return false };
        let wanted = match &self.loaded {
            Some(_) => self.is_overtaken(view),
            None => self.wants_an_epoch(view),
        };
        wanted && !matches!(self.origin(view), Origin::At(..) | Origin::Unnamed)
    }

    pub(in crate::node) fn propose(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(view) = self.view_to_propose(now) else { return };
        let digest = self.configuration_for(view);
        let mut members = BTreeMap::new();
        for host in view.iter() {
            let (Some(incarnation), Some(weights)) = (self.incarnation_of(host), self.weights_by(host, digest)) else {
                return;
            };
            members.insert(host, Member { incarnation, weights });
        }
        self.highest = self.highest.saturating_add(1);
        let epoch = EpochId { counter: self.highest, lineage: self.challenges.draw() as u32 };
        let origin = match self.origin(view) {
            Origin::Here(origin) => Some(origin),
            Origin::Nothing => None,
            Origin::At(..) | Origin::Unnamed => return,
        };
        let renumbered = match (origin, &self.staged) {
            (Some(origin), Some(staged)) if digest == staged.digest && !self.is_switch(origin) => {
                Some(origin.rearranged(&staged.carried))
            }
            _ => None,
        };
        let origin = renumbered.as_ref().or(origin);
        // All members hear this host by the key it signs with, and so have that.
        let before = origin.into_iter().chain(&self.committed).map(|epoch| epoch.flow_key);
        let kept = before.filter(|_| self.is_crowded(view)).find(|&name| self.flow_key(name).is_some());
        let key = kept.unwrap_or(self.ring.own.name());
        let proposal = Proposal::compute(epoch, self.me(), digest, key, members, origin);
        let moved = match origin {
            None => 0,
            Some(origin) => moved(origin, &proposal),
        };
        self.timers.set(Timer::Propose, now.host + self.config.period / 4);
        out.push(Action::Report(Report::Proposed { epoch, view, moved }));
        self.load(proposal, now);
    }
}

/// Buckets with another owner, over all rules that go by bucket in both.
fn moved(before: &Proposal, after: &Proposal) -> u32 {
    let tables = (0..after.rules.len()).filter_map(|slot| before.table(slot).zip(after.table(slot)));
    tables.map(|(a, b)| a.moved(b) as u32).sum()
}
