//! Which proposals of others are taken, and how what is missing of them comes.

use crate::action::{Action, Cause};
use crate::buckets::Buckets;
use crate::epoch::EpochId;
use crate::handover::Stage;
use crate::node::Node;
use crate::node::converge::propose::Origin;
use crate::phase::PhaseKind;
use crate::proposal::Proposal;
use crate::time::Now;
use crate::timers::Timer;
use crate::transfer::{Fetch, Name};
use crate::view;

impl Node {
    /// Whether an epoch ranks above all that this host has taken, and is none it cannot follow any more.
    pub(in crate::node) fn may_take(&self, epoch: EpochId) -> bool {
        let taken = [&self.loaded, &self.committed].into_iter().flatten().map(|epoch| epoch.epoch);
        epoch > taken.max().unwrap_or_default() && self.forsaken.values().all(|forsaken| *forsaken != epoch)
    }

    /// Whether a proposal of another host fits what this host knows, and ranks above all it has taken.
    pub(in crate::node) fn is_acceptable(&self, proposal: &Proposal, now: Now) -> bool {
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
            && !self.is_bound_by_its_absence()
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

    pub(in crate::node) fn best_offer(&self, now: Now) -> Option<&Proposal> {
        self.library.values().rev().find(|proposal| self.is_acceptable(proposal, now))
    }

    pub(in crate::node) fn fetch_what_is_missing(&mut self, now: Now, out: &mut Vec<Action>) {
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

    pub(in crate::node) fn load(&mut self, proposal: Proposal, now: Now) {
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

    /// Tables that nobody shows or runs any more are forgotten.
    pub(in crate::node) fn prune_library(&mut self) {
        let run: Vec<EpochId> = self.peers.values().map(|peer| peer.says.committed).collect();
        let shown: Vec<Name> =
            self.peers.values().flat_map(|peer| [peer.says.proposal(), peer.says.epoch()]).flatten().collect();
        let own: Vec<Name> =
            [&self.loaded, &self.committed].into_iter().flatten().map(|p| (p.epoch, p.digest())).collect();
        self.library.retain(|name, _| shown.contains(name) || own.contains(name) || run.contains(&name.0));
    }
}
