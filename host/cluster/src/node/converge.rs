//! Who is a member, who proposes, what is loaded, released and owned, and what happens when two lineages meet.

use std::collections::BTreeMap;

use super::{Node, Work};
use crate::action::{Action, Cause, Report, Step};
use crate::buckets::Buckets;
use crate::config::Mode;
use crate::epoch::EpochId;
use crate::handover::Stage;
use crate::host::{HostId, HostSet};
use crate::lease;
use crate::peer::{Peer, Says};
use crate::phase::{self, Facts, Move, PhaseKind};
use crate::program::Holding;
use crate::proposal::{Member, Proposal, conflict};
use crate::time::{HostTime, NicTime, Now};
use crate::timers::Timer;
use crate::transfer::{Fetch, Name};
use crate::view;

/// From which table a proposer starts.
enum Origin<'a> {
    /// Nobody has one.
    Nothing,
    /// It is here.
    Here(&'a Proposal),
    /// It has to be fetched from this host.
    At(HostId, Name),
    /// Somebody has one, but shows the proposal that is under way: its name is not known until that has ended.
    Unnamed,
}

/// The hosts that each host hears, computed once where all pairs are looked at.
struct Links([HostSet; 32]);

impl Links {
    /// Whether two hosts hear each other.
    fn both(&self, a: HostId, b: HostId) -> bool {
        self.0[a.index()].contains(b) && self.0[b.index()].contains(a)
    }
}

impl Node {
    pub(super) fn step(&mut self, now: Now, out: &mut Vec<Action>) {
        self.run_timers(now, out);
        if self.is_drained() {
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

    /// Whether something was noticed within a tolerance.
    pub(super) fn recent(&self, at: Option<HostTime>, now: Now) -> bool {
        at.is_some_and(|at| now.host - at < self.dead_after())
    }

    /// A peer that is heard, or waited for.
    pub(super) fn heard_of(&self, host: HostId, now: Now) -> Option<&Peer> {
        let peer = self.peers.get(&host)?;
        let silence = peer.silence(now.host, self.awake_since)?;
        (silence < self.dead_after() || self.waits_for_host(host, now)).then_some(peer)
    }

    /// All peers that are heard.
    pub(super) fn heard(&self, now: Now) -> impl Iterator<Item = (HostId, &Peer)> {
        self.peers.keys().filter_map(move |&host| Some((host, self.heard_of(host, now)?)))
    }

    /// Whether a peer was heard within two periods.
    pub(super) fn of_late(&self, host: HostId, now: Now) -> bool {
        let silence = self.peers.get(&host).and_then(|peer| peer.silence(now.host, self.awake_since));
        silence.is_some_and(|silence| silence <= 2 * self.config.period)
    }

    /// Whether this host has listened for a whole tolerance since start, resume or link-up.
    pub(super) fn has_listened(&self, now: Now) -> bool {
        self.link && now.host - self.awake_since >= self.dead_after()
    }

    /// Who hears whom, by what they say.
    fn links(&self, now: Now) -> Links {
        let mut links = Links([HostSet::EMPTY; 32]);
        for (host, peer) in self.heard(now) {
            links.0[host.index()] = peer.says.heard;
            links.0[self.me().index()].insert(host);
        }
        links
    }

    fn weights_of(&self, host: HostId) -> Option<&[u32]> {
        if host == self.me() { Some(&self.weights) } else { Some(&self.peers.get(&host)?.says.weights) }
    }

    fn incarnation_of(&self, host: HostId) -> Option<u64> {
        if host == self.me() { Some(self.incarnation) } else { Some(self.peers.get(&host)?.incarnation) }
    }

    /// Takes a host out of the group.
    pub(super) fn exclude(&mut self, host: HostId, cause: Cause, out: &mut Vec<Action>) {
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

    fn update_members(&mut self, now: Now, out: &mut Vec<Action>) {
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
    fn apply_clique_rule(&mut self, now: Now, out: &mut Vec<Action>) {
        let late = self.base.iter().any(|host| host != self.me() && !self.of_late(host, now));
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
    fn meet_other_lineages(&mut self, now: Now, out: &mut Vec<Action>) {
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
    fn is_of_another_lineage(&self, own: &Proposal, peer: &Peer) -> bool {
        let says = &peer.says;
        !says.committed.is_none() && says.committed != own.epoch && !says.members.contains(self.me())
    }

    fn yields_to(&self, own: &Proposal, host: HostId, peer: &Peer) -> bool {
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
    fn joiners(&self, links: &Links, now: Now) -> HostSet {
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

    fn fits(&self, links: &Links, a: HostId, b: HostId) -> bool {
        let weights = || self.weights_of(a).zip(self.weights_of(b));
        links.both(a, b) && weights().is_some_and(|(a, b)| !conflict(a, b))
    }

    /// The hosts this one would be with now.
    pub(super) fn view(&self, now: Now) -> HostSet {
        let links = self.links(now);
        view::extend(self.base, self.joiners(&links, now), |a, b| self.fits(&links, a, b))
    }

    pub(super) fn has_quorum(&self, view: HostSet) -> bool {
        let hosts = self.config.hosts;
        self.config.mode == Mode::Availability || view.intersection(hosts).len() * 2 > hosts.len()
    }

    /// Whether its NIC accepts by an epoch.
    fn serves(&self) -> bool {
        self.committed.is_some() && !self.lease.fenced()
    }

    /// Whether a host is fenced by an epoch that cannot come back: the fence is lifted by it when all members are stable in it, and
    /// this host is not, or another one that is heard.
    fn is_fenced_for_good(&self, host: HostId, says: &Says, now: Now) -> bool {
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

    /// Why a host that does not serve must not enter `view`.
    pub(super) fn obstacle(&self, view: HostSet, now: Now) -> Option<(Cause, Option<HostId>)> {
        if self.serves() {
            return None;
        }
        if self.recent(self.foreign_at, now) {
            return Some((Cause::ForeignHost, None));
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
    pub(super) fn serves_beside(&self, host: HostId, peer: &Peer, view: HostSet, now: Now) -> bool {
        peer.says.serves()
            && !self.is_fenced_for_good(host, &peer.says, now)
            && (view.len() == 1 || peer.says.heard.contains(self.me()))
    }

    /// Whether this host may form an epoch of its own.
    pub(super) fn may_be_alone(&self, now: Now) -> bool {
        let in_the_way = |peer: &Peer| {
            let unheard = !peer.says.heard.contains(self.me());
            // Who does not serve is in no hurry: those who fit are waited for.
            peer.runs() && (unheard || !self.serves() && peer.mismatch.is_none())
        };
        self.has_listened(now) && !self.heard(now).any(|(_, peer)| in_the_way(peer))
    }

    /// The view this host is to propose an epoch for, if it is the one to do so.
    fn view_to_propose(&self, now: Now) -> Option<HostSet> {
        let view = self.view(now);
        if self.absence.is_some() || view.iter().any(|host| self.waits_for_host(host, now)) {
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
    fn wants_an_epoch(&self, view: HostSet) -> bool {
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
    fn is_overtaken(&self, view: HostSet) -> bool {
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
    fn origin(&self, view: HostSet) -> Origin<'_> {
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

    fn is_to_propose(&self, now: Now) -> bool {
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

    /// Whether an epoch ranks above all that this host has taken, and is none it cannot follow any more.
    fn may_take(&self, epoch: EpochId) -> bool {
        let taken = [&self.loaded, &self.committed].into_iter().flatten().map(|epoch| epoch.epoch);
        epoch > taken.max().unwrap_or_default() && self.forsaken.values().all(|forsaken| *forsaken != epoch)
    }

    /// Whether a proposal of another host fits what this host knows, and ranks above all it has taken.
    fn is_acceptable(&self, proposal: &Proposal, now: Now) -> bool {
        let view = proposal.view();
        let shown = self.heard_of(proposal.proposer, now).is_some_and(|peer| peer.says.proposed == proposal.epoch);
        // Two hosts that do not hear each other may both propose an epoch with this one, and would take it from each other for
        // ever: of theirs that of the lower number stands, until it is withdrawn.
        let stands = self.loaded.as_ref().is_some_and(|loaded| loaded.proposer < proposal.proposer);
        if !self.may_take(proposal.epoch) || !shown || stands {
            return false;
        }
        let links = self.links(now);
        let fits = |a, b| a != self.me() || self.fits(&links, a, b);
        let reachable = view::extend(self.base, self.joiners(&links, now), fits);
        view.lowest() == Some(proposal.proposer)
            && view.contains(self.me())
            && self.absence.is_none()
            && self.base.is_subset(view)
            && view.is_subset(reachable)
            && self.has_quorum(view)
            && self.flow_key(proposal.flow_key).is_some()
            && self.is_announced_by_all(proposal)
            && self.weights_by(self.me(), proposal.config_digest).as_ref()
                == proposal.members.get(&self.me()).map(|member| &member.weights)
            && proposal.members.iter().all(|(&host, m)| self.incarnation_of(host) == Some(m.incarnation))
            && self.obstacle(view, now).is_none()
    }

    fn best_offer(&self, now: Now) -> Option<&Proposal> {
        self.library.values().rev().find(|proposal| self.is_acceptable(proposal, now))
    }

    fn fetch_what_is_missing(&mut self, now: Now, out: &mut Vec<Action>) {
        let offered = self.heard(now).filter_map(|(host, peer)| Some((peer.says.proposal()?, std::cmp::Reverse(host))));
        let offer = offered
            .filter(|(name, _)| self.may_take(name.0) && !self.library.contains_key(name))
            .max()
            .map(|(name, host)| (name, host.0));
        let missing = || match self.view_to_propose(now).map(|view| self.origin(view)) {
            Some(Origin::At(host, name)) => Some((name, host)),
            _ => None,
        };
        let Some((name, host)) = offer.or_else(missing) else { return };
        if self.phase != PhaseKind::Listening && self.fetch.as_ref().is_none_or(|fetch| fetch.name != name) {
            self.fetch = Some(Fetch::new(name, host));
            self.ask(now, out);
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

    /// The deadline a new epoch may start with: what all its members have echoed is good for.
    fn commit_deadline(&self, view: HostSet, now: Now) -> Option<NicTime> {
        let others = view.without(self.me());
        let echoed = match others.is_empty() {
            true => self.beats.last()?,
            false => others.iter().map(|host| self.peers.get(&host)?.echoed).min()??,
        };
        self.deadline_after(echoed, now)
    }

    /// The deadline an echoed beat is good for, if it lies ahead.
    pub(super) fn deadline_after(&self, echoed: NicTime, now: Now) -> Option<NicTime> {
        let longest = now.nic + weir_spec::lease::LEASE_MAX;
        Some((echoed + self.lease_length).min(longest)).filter(|&until| until > now.nic)
    }

    /// The deadline to lift the fence with, if every member shows the epoch and echoes a beat sent after the fence.
    fn recommit_deadline(&self, now: Now) -> Option<NicTime> {
        let (own, fenced_at) = (self.committed.as_ref()?, self.lease.fenced_at?);
        let others = own.view().without(self.me());
        if others.is_empty() {
            let alone = self.may_be_alone(now) && self.may_serve_still(own.view(), now).is_none();
            let fresh = self.beats.last().filter(|&sent| sent > fenced_at && alone);
            return fresh.and_then(|sent| self.deadline_after(sent, now));
        }
        let shows = |host: HostId| {
            let peer = self.peers.get(&host)?;
            let same = peer.says.epoch() == Some((own.epoch, own.digest())) && peer.says.phase == PhaseKind::Stable;
            let incarnation = own.members.get(&host).map(|member| member.incarnation);
            let fresh = peer.echoed.is_some_and(|sent| sent > fenced_at);
            (same && fresh && incarnation == Some(peer.incarnation) && self.of_late(host, now)).then_some(())
        };
        others.iter().all(|host| shows(host).is_some()).then(|| self.commit_deadline(own.view(), now))?
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

    fn propose(&mut self, now: Now, out: &mut Vec<Action>) {
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

    fn load(&mut self, proposal: Proposal, now: Now) {
        let Some(key) = self.flow_key(proposal.flow_key).cloned() else { return };
        match self.committed {
            Some(_) => self.handover.expect_key(Some(key)),
            // The NIC owns nothing yet.
            None => self.handover.run_key(key),
        }
        let newcomer = proposal.view().iter().find(|&host| !self.base.contains(host));
        let lost = self.committed.as_ref().is_some_and(|own| !own.view().is_subset(proposal.view()));
        self.cause = match newcomer {
            Some(host) => (Cause::NewMember, Some(host)),
            None if lost => self.cause,
            None => (Cause::Parameters, None),
        };
        self.highest = self.highest.max(proposal.epoch.counter);
        self.library.insert((proposal.epoch, proposal.digest()), proposal.clone());
        self.loaded = Some(proposal);
        self.phase = PhaseKind::Loaded;
        self.handover.stage = Stage::Start;
        self.handover.held.clear();
        self.handover.kept_by.clear();
        self.handover.quiesced = false;
        self.timers.clear(Timer::Quiesce);
        self.just_released = Buckets::none(self.weights.len());
        self.timers.set(Timer::Patience, now.host + 2 * self.dead_after());
        self.fetch = None;
        self.timers.clear(Timer::Fetch);
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

    /// Tables that nobody shows or runs any more are forgotten.
    fn prune_library(&mut self) {
        let run: Vec<EpochId> = self.peers.values().map(|peer| peer.says.committed).collect();
        let shown: Vec<Name> =
            self.peers.values().flat_map(|peer| [peer.says.proposal(), peer.says.epoch()]).flatten().collect();
        let own: Vec<Name> =
            [&self.loaded, &self.committed].into_iter().flatten().map(|p| (p.epoch, p.digest())).collect();
        self.library.retain(|name, _| shown.contains(name) || own.contains(name) || run.contains(&name.0));
    }

    /// The least a lease may stand for by the mode's rule; `None` if nothing renews.
    pub(super) fn renewal(&self, now: Now) -> Option<NicTime> {
        let own = self.committed.as_ref()?;
        let others = own.view().without(self.me());
        match self.config.mode {
            Mode::Quorum => {
                let hosts = self.config.hosts;
                let echoed = hosts.without(self.me()).iter().filter_map(|host| self.peers.get(&host)?.echoed);
                lease::majority(hosts.len(), now.nic, echoed.collect())
            }
            Mode::Availability => {
                let mut heard = others.iter().filter(|&host| self.of_late(host, now)).peekable();
                match heard.peek() {
                    None => self.beats.last().filter(|_| self.has_listened(now)),
                    Some(_) => heard.map(|host| self.peers.get(&host)?.echoed).min()?,
                }
            }
        }
    }
}

/// Buckets with another owner, over all rules that go by bucket in both.
fn moved(before: &Proposal, after: &Proposal) -> u32 {
    let tables = (0..after.rules.len()).filter_map(|slot| before.table(slot).zip(after.table(slot)));
    tables.map(|(a, b)| a.moved(b) as u32).sum()
}
