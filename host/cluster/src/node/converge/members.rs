//! Who is heard, who is a member, who may join, and what happens when two lineages meet.

use crate::action::{Action, Cause, Report, Step};
use crate::config::Mode;
use crate::host::{HostId, HostSet};
use crate::node::{Node, Work};
use crate::peer::Peer;
use crate::phase::PhaseKind;
use crate::program::Holding;
use crate::proposal::{Proposal, conflict};
use crate::time::{HostTime, NicTime, Now};
use crate::view;

/// The hosts that each host hears, computed once where all pairs are looked at.
pub(in crate::node) struct Links([HostSet; 32]);

impl Links {
    /// Whether two hosts hear each other.
    pub(in crate::node) fn both(&self, a: HostId, b: HostId) -> bool {
        self.0[a.index()].contains(b) && self.0[b.index()].contains(a)
    }
}

impl Node {
    /// Whether something was noticed within a tolerance.
    pub(in crate::node) fn recent(&self, at: Option<HostTime>, now: Now) -> bool {
        at.is_some_and(|at| now.host - at < self.dead_after())
    }

    /// A peer that is heard, or waited for.
    pub(in crate::node) fn heard_of(&self, host: HostId, now: Now) -> Option<&Peer> {
        let peer = self.peers.get(&host)?;
        let silence = peer.silence(now.host, self.awake_since)?;
        (silence < self.dead_after() || self.waits_for_host(host, now)).then_some(peer)
    }

    /// All peers that are heard.
    pub(in crate::node) fn heard(&self, now: Now) -> impl Iterator<Item = (HostId, &Peer)> {
        self.peers.keys().filter_map(move |&host| Some((host, self.heard_of(host, now)?)))
    }

    /// Whether a peer was heard within two periods.
    pub(in crate::node) fn of_late(&self, host: HostId, now: Now) -> bool {
        let silence = self.peers.get(&host).and_then(|peer| peer.silence(now.host, self.awake_since));
        silence.is_some_and(|silence| silence <= 2 * self.config.period)
    }

    /// Whether this host has listened for a whole tolerance since start, resume or link-up.
    pub(in crate::node) fn has_listened(&self, now: Now) -> bool {
        self.link && now.host - self.awake_since >= self.dead_after()
    }

    /// Who hears whom, by what they say.
    pub(in crate::node) fn links(&self, now: Now) -> Links {
        let mut links = Links([HostSet::EMPTY; 32]);
        for (host, peer) in self.heard(now) {
            links.0[host.index()] = peer.says.heard;
            links.0[self.me().index()].insert(host);
        }
        links
    }

    pub(in crate::node) fn weights_of(&self, host: HostId) -> Option<&[u32]> {
        if host == self.me() { Some(&self.weights) } else { Some(&self.peers.get(&host)?.says.weights) }
    }

    pub(in crate::node) fn incarnation_of(&self, host: HostId) -> Option<u64> {
        if host == self.me() { Some(self.incarnation) } else { Some(self.peers.get(&host)?.incarnation) }
    }

    /// Takes a host out of the group.
    pub(in crate::node) fn exclude(&mut self, host: HostId, cause: Cause, out: &mut Vec<Action>) {
        if let Some(peer) = self.peers.get_mut(&host) {
            peer.penalised = true;
            peer.linked_since = None;
        }
        if self.base.contains(host) {
            self.base.remove(host);
            self.cause = (cause, Some(host));
            out.push(Action::Report(Report::Lost { host, cause }));
        }
    }

    pub(in crate::node) fn update_members(&mut self, now: Now, out: &mut Vec<Action>) {
        for host in self.base.without(self.me()).iter() {
            match self.heard_of(host, now) {
                Some(peer) if peer.runs() && peer.mismatch.is_none() => {}
                peer => {
                    let cause =
                        peer.and_then(|peer| peer.mismatch).map_or(Cause::MemberLost, |differs| differs.cause());
                    self.exclude(host, cause, out);
                }
            }
        }
        self.apply_clique_rule(now, out);
        let links = self.links(now);
        let linked: Vec<HostId> = (self.heard(now).map(|(host, _)| host))
            .filter(|&host| self.base.iter().all(|member| member == host || links.both(member, host)))
            .collect();
        let tolerance = self.dead_after();
        for (host, peer) in &mut self.peers {
            if linked.contains(host) {
                let since = *peer.linked_since.get_or_insert(now.host);
                peer.penalised &= now.host - since < tolerance;
            } else {
                peer.linked_since = None;
            }
        }
    }

    /// Acts only on what lasts: while a member is late its silence decides, not the gossip about it (others may have given
    /// it up a little earlier), and a link must be missing for a period.
    pub(in crate::node) fn apply_clique_rule(&mut self, now: Now, out: &mut Vec<Action>) {
        // What a host said before this one stood still, or its agent was replaced, is no ground to exclude another one: it may be gone.
        let said =
            |host: HostId| self.peers.get(&host).and_then(|peer| peer.heard).is_some_and(|at| at >= self.awake_since);
        let late = self.base.iter().any(|host| host != self.me() && !(said(host) && self.of_late(host, now)));
        let links = self.links(now);
        let left = view::clique(self.base, |a, b| links.both(a, b));
        if late || left == self.base {
            self.asymmetric_since = None;
            return;
        }
        let since = *self.asymmetric_since.get_or_insert(now.host);
        if now.host - since < self.config.period {
            return;
        }
        self.asymmetric_since = None;
        if left.contains(self.me()) {
            for host in self.base.iter().filter(|&host| !left.contains(host)).collect::<Vec<_>>() {
                self.exclude(host, Cause::OneWay, out);
            }
        } else {
            self.leave_the_group();
            self.cause = (Cause::OneWay, Some(self.me()));
        }
    }

    /// On first contact of two lineages that both serve, the lesser fences at once. One that is fenced does not lift its fence beside
    /// one that serves, be that the lesser.
    pub(in crate::node) fn meet_other_lineages(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(own) = &self.committed else { return };
        let fenced = self.lease.fenced();
        if fenced && !(self.phase == PhaseKind::Stable && self.may_recommit(now)) {
            return;
        }
        let gives_way = |host: HostId, peer: &Peer| match fenced {
            false => self.yields_to(own, host, peer),
            true => !peer.says.fenced() && self.is_of_another_lineage(own, peer),
        };
        let Some(winner) = self.heard(now).find(|(host, peer)| gives_way(*host, peer)).map(|(host, _)| host) else {
            return;
        };
        self.forget_the_epoch((Cause::Partition, Some(winner)));
        self.phase = PhaseKind::Agreeing;
        if !fenced {
            out.push(Action::Report(Report::Fenced));
            self.lease.fenced_at = Some(now.nic);
        }
        self.program(Holding::nothing(self.weights.len()), Step::Fence, NicTime(0), Work::Fence, out);
    }

    /// Whether a host has an epoch that is neither this host's nor has this host in it.
    pub(in crate::node) fn is_of_another_lineage(&self, own: &Proposal, peer: &Peer) -> bool {
        let says = &peer.says;
        !says.committed.is_none() && says.committed != own.epoch && !says.members.contains(self.me())
    }

    pub(in crate::node) fn yields_to(&self, own: &Proposal, host: HostId, peer: &Peer) -> bool {
        let (theirs, says) = (peer.says.members, &peer.says);
        let ours = own.view();
        if says.fenced() || !self.is_of_another_lineage(own, peer) {
            return false;
        }
        if ours.contains(host) || !ours.intersection(theirs).is_empty() {
            // Somebody went on from our epoch without us; or is still to follow us.
            return says.committed > own.epoch;
        }
        (theirs.len(), ours.lowest()) > (ours.len(), theirs.lowest())
    }

    /// Hosts outside the group that could be taken in now.
    pub(in crate::node) fn joiners(&self, links: &Links, now: Now) -> HostSet {
        if self.members_are_apart() {
            return HostSet::EMPTY;
        }
        let ready = |peer: &Peer| {
            let same = peer.says.config_digest == self.config_digest;
            same && peer.runs() && peer.says.phase != PhaseKind::Listening && peer.mismatch.is_none() && !peer.penalised
        };
        let hosts = self
            .heard(now)
            .filter(|(host, peer)| ready(peer) && !self.base.contains(*host) && links.both(self.me(), *host));
        let mut joiners: HostSet = hosts.map(|(host, _)| host).collect();
        // Who is settled in a group comes with all of it: it would refuse to leave them.
        loop {
            let all = self.base.union(joiners);
            let torn = joiners.iter().find(|host| {
                let says = self.peers.get(host).map(|peer| &peer.says);
                says.is_some_and(|says| says.phase == PhaseKind::Stable && !says.members.is_subset(all))
            });
            match torn {
                Some(host) => joiners.remove(host),
                None => return joiners,
            }
        }
    }

    pub(in crate::node) fn fits(&self, links: &Links, a: HostId, b: HostId) -> bool {
        let weights = || self.weights_of(a).zip(self.weights_of(b));
        links.both(a, b) && weights().is_some_and(|(a, b)| !conflict(a, b))
    }

    /// The hosts this one would be with now.
    pub(in crate::node) fn view(&self, now: Now) -> HostSet {
        let links = self.links(now);
        view::extend(self.base, self.joiners(&links, now), |a, b| self.fits(&links, a, b))
    }

    pub(in crate::node) fn has_quorum(&self, view: HostSet) -> bool {
        let hosts = self.config.hosts;
        self.config.mode == Mode::Availability || view.intersection(hosts).len() * 2 > hosts.len()
    }
}
