//! Another configuration: what of it applies at once, what is staged until all members announce it, and what is refused. The
//! rules are in the essay of [`staged`](crate::staged).

use super::{Node, Work};
use crate::action::{Action, Cause, Report, Step};
use crate::config::{Config, ConfigError, Filtering, Mode, PortRule};
use crate::flow_key::Ring;
use crate::handover::Stage;
use crate::host::{HostId, HostSet};
use crate::peer::{Peer, Says};
use crate::phase::PhaseKind;
use crate::program::Holding;
use crate::proposal::{Proposal, conflict};
use crate::staged::{Staged, name_of};
use crate::time::{NicTime, Now};
use crate::timers::Timer;
use crate::wire::codes;

/// What becomes of a configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Change {
    /// It is in force, or staged, already.
    Nothing,
    /// It applies at once: it differs in what is this host's own, or this host is in no epoch.
    AtOnce,
    /// It is announced, and comes into force when all members announce it.
    Staged,
}

/// Why a configuration is not taken while a host takes part.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is no good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It differs in what no epoch can change.
    #[error("{field} differs, which cannot change while the agent runs: drainstop this host and restart its agent")]
    Fixed {
        /// Which field, as the agent's configuration has it.
        field: &'static str,
    },
    /// Others know a key by its id.
    #[error(
        "key {0} is another one than the key of this id in force: give it a new id, first as an old_key on every host"
    )]
    SameKeyId(u8),
    /// Others would not be heard any more.
    #[error(
        "host {host} signs its heartbeats by key {id}, which this host would not take any more: keep that as an old_key until every host signs by another"
    )]
    KeyInUse {
        /// Who signs by it.
        host: HostId,
        /// The key's id.
        id: u8,
    },
    /// Another one is being put in force.
    #[error("a configuration is being put in force at this moment: try again when it is")]
    Busy,
    /// Two hosts would have one handling priority.
    #[error("handling priority of ports {ports} is that of host {host}, must be unique")]
    Taken {
        /// First port of the rule; 0: the default rule.
        ports: u16,
        /// Who has it.
        host: HostId,
    },
}

impl Node {
    /// What [`Event::Configure`](crate::Event::Configure) would do with a configuration now.
    pub fn change(&self, now: Now, new: &Config) -> Result<Change, ChangeError> {
        new.check()?;
        let old = &self.config;
        let quorum = |config: &Config| (config.mode == Mode::Quorum).then_some(config.hosts);
        for (field, same) in [
            ("host.priority", new.host == old.host),
            ("host.dip", new.host_ip == old.host_ip),
            ("the first of cluster.vips", new.cluster_ip == old.cluster_ip),
            ("cluster.mode", (new.addressing, new.legacy_ether_type) == (old.addressing, old.legacy_ether_type)),
            ("cluster.period_ms", new.period == old.period && new.skew == old.skew),
            ("cluster.tolerance", new.tolerance == old.tolerance),
            ("cluster.partition", new.mode == old.mode),
            ("cluster.hosts", quorum(new) == quorum(old)),
        ] {
            if !same {
                return Err(ChangeError::Fixed { field });
            }
        }
        if let Some(id) = self.ring.contradiction(Ring::new(new).names()) {
            return Err(ChangeError::SameKeyId(id));
        }
        let accepted = |config: &Config, id: u8| config.keys.accepted.get(&id).cloned();
        let unheard = |&(_, peer): &(HostId, &Peer)| accepted(new, peer.says.key) != accepted(old, peer.says.key);
        if let Some((host, peer)) = self.heard(now).find(unheard) {
            return Err(ChangeError::KeyInUse { host, id: peer.says.key });
        }
        if self.is_being_put_in_force() {
            return Err(ChangeError::Busy);
        }
        let digest = new.digest();
        if digest == self.config_digest {
            return self.change_of_loads(new);
        }
        let new = Config { unique_code: old.unique_code, ..new.clone() };
        Ok(match &self.staged {
            Some(staged) if staged.config == new && !staged.no_room => Change::Nothing,
            _ if self.may_take_up(now) => Change::AtOnce,
            _ => Change::Staged,
        })
    }

    fn change_of_loads(&self, new: &Config) -> Result<Change, ChangeError> {
        let slots = new.slots();
        for (host, peer) in &self.peers {
            let theirs = &peer.says.weights;
            for (slot, rule) in slots.iter().enumerate() {
                let own = codes::encode_weight(rule.filtering);
                let single = matches!(rule.filtering, Filtering::Single(_));
                if single && peer.runs() && theirs.get(slot).is_some_and(|&theirs| conflict(&[theirs], &[own])) {
                    return Err(ChangeError::Taken { ports: rule.first_port, host: *host });
                }
            }
        }
        let loads = slots.iter().zip(&self.weights);
        let same_loads =
            loads.clone().all(|(rule, weight)| codes::encode_weight(rule.filtering) == weight & !codes::STATES);
        let rest = |config: &Config| (config.keys.clone(), config.flows, config.drain_limit, config.cookie_settle);
        let same = same_loads && rest(new) == rest(&self.config) && self.staged.is_none();
        Ok(if same { Change::Nothing } else { Change::AtOnce })
    }

    pub(super) fn configure(&mut self, now: Now, new: Config, out: &mut Vec<Action>) {
        let new = Config { unique_code: self.config.unique_code, ..new };
        match self.change(now, &new) {
            Err(_) | Ok(Change::Nothing) => {}
            Ok(Change::AtOnce) if new.digest() == self.config_digest => {
                self.withdraw(out);
                self.slots = new.slots();
                for (rule, weight) in self.slots.iter().zip(&mut self.weights) {
                    *weight = codes::encode_weight(rule.filtering) | *weight & codes::STATES;
                }
                if new.drain_limit != self.config.drain_limit {
                    self.timers.clear(Timer::Drain);
                }
                self.ring = Ring::new(&new);
                self.config = new;
            }
            Ok(Change::AtOnce | Change::Staged) => {
                let staged = Staged::new(new, &self.config);
                out.push(Action::Report(Report::Staged { name: name_of(staged.digest) }));
                self.staged = Some(staged);
            }
        }
    }

    pub(super) fn withdraw(&mut self, out: &mut Vec<Action>) {
        if !self.is_being_put_in_force() && self.staged.take().is_some() {
            out.push(Action::Report(Report::Withdrawn));
        }
    }

    /// Whether others may go by the staged configuration already, on this host's word.
    pub fn is_being_put_in_force(&self) -> bool {
        let owning = self.pending.as_ref().is_some_and(|pending| matches!(pending.work, Work::Own(_)));
        let told = self.loaded.as_ref().is_some_and(|loaded| self.is_switch(loaded))
            && (self.phase == PhaseKind::Released || owning);
        let ahead = |host| self.peers.get(&host).is_some_and(|peer| self.is_ahead(&peer.says));
        told || self.base.iter().any(ahead)
    }

    /// A host that is in no epoch need not wait, unless there are others to join by the configuration in force.
    fn may_take_up(&self, now: Now) -> bool {
        let nothing = self.committed.is_none() && self.loaded.is_none() && self.holding.is_nothing();
        let with_others = || self.heard(now).any(|(_, peer)| self.goes_by_the_old(peer)) && !self.is_barred(now);
        nothing && self.pending.is_none() && (self.phase == PhaseKind::Stopped || !with_others())
    }

    fn announces_the_same(&self, peer: &Peer) -> bool {
        self.staged.as_ref().and_then(Staged::announced).is_some_and(|name| peer.says.staged == name)
    }

    /// Whether a host goes by the configuration in force here, and not only until it can take up the staged one.
    fn goes_by_the_old(&self, peer: &Peer) -> bool {
        let waits = !peer.says.serves() && self.announces_the_same(peer);
        peer.runs() && peer.says.config_digest == self.config_digest && !waits
    }

    /// Whether this host is kept from serving by others that go by the configuration that is staged here: they found it in their
    /// files when they started. Who goes by the one in force has it staged as well.
    fn is_barred(&self, now: Now) -> bool {
        let Some(staged) = self.staged.as_ref().filter(|staged| !staged.no_room) else { return false };
        let there = |peer: &Peer| peer.mismatch.is_some() && peer.says.config_digest == staged.digest;
        let follows = |peer: &Peer| peer.says.config_digest != self.config_digest || self.announces_the_same(peer);
        let running = || self.heard(now).map(|(_, peer)| peer).filter(|peer| peer.runs());
        let view = || self.view(now);
        running().any(there)
            && running().all(follows)
            && (!self.has_quorum(view()) || self.obstacle(view(), now).is_some())
    }

    /// Whether this host was left behind, and barred: it is fenced by an epoch of the configuration before, or has released for an epoch
    /// that others have committed, and echo it still.
    fn is_stranded(&self, now: Now) -> bool {
        let behind = self.committed.is_some() && self.loaded.is_none() && (self.lease.fenced() || self.partial);
        let idle = self.phase == PhaseKind::Agreeing && self.pending.is_none();
        behind && idle && self.has_listened(now) && self.is_barred(now)
    }

    pub(super) fn take_up_what_is_staged(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.is_stranded(now) {
            self.forget_the_epoch((Cause::Rules, None));
            self.program(Holding::nothing(self.weights.len()), Step::Fence, NicTime(0), Work::Fence, out);
        }
        if self.staged.is_some() && self.may_take_up(now) {
            self.activate(out);
            self.holding = Holding::nothing(self.weights.len());
            self.handover.reset();
        }
    }

    /// The staged configuration is the one in force from here on.
    pub(super) fn activate(&mut self, out: &mut Vec<Action>) {
        let Some(staged) = self.staged.take() else { return };
        self.weights = self.staged_weights(&staged);
        if staged.config.drain_limit != self.config.drain_limit {
            self.timers.clear(Timer::Drain);
        }
        self.config_digest = staged.digest;
        self.codes = staged.codes;
        self.slots = staged.slots;
        self.ring = Ring::new(&staged.config);
        self.config = staged.config;
        self.just_released = crate::buckets::Buckets::none(self.weights.len());
        out.push(Action::Activated);
        out.push(Action::Report(Report::Reconfigured));
    }

    /// What heartbeats of this host will say of its loads. What is drained by command stays so, and so
    /// does what is unfit.
    pub(super) fn staged_weights(&self, staged: &Staged) -> Vec<u32> {
        let own = Filtering::Single(self.me().get());
        let filterings = staged.slots.iter().map(|rule: &PortRule| rule.filtering).chain([own]);
        // There is always a default rule, though its buckets may mean something else.
        let last = self.weights.len().saturating_sub(1);
        let before = staged.carried.iter().enumerate().map(|(slot, before)| match before {
            None if slot == staged.slots.len() => Some(last),
            carried => *carried,
        });
        let states = |before: Option<usize>| {
            let carried = before.and_then(|before| self.weights.get(before)).map_or(0, |weight| weight & codes::STATES);
            if self.draining { carried | codes::DRAINS } else { carried }
        };
        filterings.zip(before).map(|(filtering, before)| codes::encode_weight(filtering) | states(before)).collect()
    }

    /// Whether a proposal is for another configuration than the one in force.
    pub(super) fn is_switch(&self, proposal: &Proposal) -> bool {
        proposal.config_digest != self.config_digest
    }

    /// The staged configuration, if it is the one that a proposal is for.
    pub(super) fn staged_for(&self, proposal: &Proposal) -> Option<&Staged> {
        self.staged.as_ref().filter(|staged| self.is_switch(proposal) && staged.digest == proposal.config_digest)
    }

    /// Whether a proposal is for a configuration this host has.
    pub(super) fn has_configuration_of(&self, proposal: &Proposal) -> bool {
        !self.is_switch(proposal) || self.staged_for(proposal).is_some_and(|staged| !staged.no_room)
    }

    /// Whether every other member still has the configuration that a proposal is for. What one has taken back is dropped by all.
    pub(super) fn is_announced_by_all(&self, proposal: &Proposal) -> bool {
        let (name, digest) = (name_of(proposal.config_digest), proposal.config_digest);
        let has = |host| self.peers.get(&host).is_some_and(|p| p.says.staged == name || p.says.config_digest == digest);
        !self.is_switch(proposal) || proposal.view().without(self.me()).iter().all(has)
    }

    /// Whether a host has committed an epoch with this one in it that this one has not.
    fn is_ahead(&self, says: &Says) -> bool {
        says.members.contains(self.me())
            && says.config_digest != self.config_digest
            && self.staged.as_ref().is_some_and(|staged| staged.digest == says.config_digest)
    }

    /// Whether a member goes by another configuration only until both of us have committed one epoch: it is ahead of this
    /// host, or behind it.
    pub(super) fn is_apart_for_a_moment(&self, says: &Says) -> bool {
        let behind = says.config_digest != self.config_digest && says.staged == name_of(self.config_digest);
        behind || self.is_ahead(says)
    }

    /// Nobody joins meanwhile.
    pub(super) fn members_are_apart(&self) -> bool {
        let apart = |host| self.peers.get(&host).is_some_and(|peer| self.is_apart_for_a_moment(&peer.says));
        self.base.iter().any(apart)
    }

    /// A host's weight slots by the configuration with this digest, if it has that.
    pub(super) fn weights_by(&self, host: HostId, digest: [u8; 8]) -> Option<Vec<u32>> {
        if host == self.me() {
            if digest == self.config_digest {
                return Some(self.weights.clone());
            }
            let staged = self.staged.as_ref().filter(|staged| staged.digest == digest && !staged.no_room)?;
            return Some(self.staged_weights(staged));
        }
        let peer = self.peers.get(&host)?;
        if peer.says.config_digest == digest {
            return Some(peer.says.weights.clone());
        }
        let (offered, weights) = peer.offer.as_ref()?;
        (*offered == digest && peer.says.staged == name_of(digest)).then(|| weights.clone())
    }

    /// Digest of the configuration that an epoch of `view` is to be for: the staged one as soon as all have it.
    pub(super) fn configuration_for(&self, view: HostSet) -> [u8; 8] {
        let ready = |staged: &&Staged| {
            let weights: Option<Vec<Vec<u32>>> = view.iter().map(|host| self.weights_by(host, staged.digest)).collect();
            let fit = |weights: &Vec<Vec<u32>>| {
                weights.iter().enumerate().all(|(index, a)| weights[..index].iter().all(|b| !conflict(a, b)))
            };
            weights.as_ref().is_some_and(fit)
        };
        self.staged.as_ref().filter(ready).map_or(self.config_digest, |staged| staged.digest)
    }

    /// Connections would have to be listed for which a flow table has no room: the change is not made.
    pub(super) fn has_no_room_to_switch(&mut self, out: &mut Vec<Action>) {
        // What was reported to be released is not taken back.
        let early = self.phase != PhaseKind::Released && self.handover.stage > Stage::FirstAsked;
        if let Some(staged) = self.staged.as_mut().filter(|staged| early && !staged.no_room) {
            staged.no_room = true;
            out.push(Action::Report(Report::NoRoom));
        }
    }

    /// Members that do not announce the staged configuration, or whose loads by it do not fit.
    pub(super) fn waits_for(&self, now: Now) -> HostSet {
        let Some(staged) = &self.staged else { return HostSet::EMPTY };
        let own = self.staged_weights(staged);
        let missing = |host: &HostId| {
            *host != self.me() && self.weights_by(*host, staged.digest).is_none_or(|theirs| conflict(&theirs, &own))
        };
        self.view(now).iter().filter(missing).collect()
    }
}
