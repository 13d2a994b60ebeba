//! One process leaves its part of the cluster to the next: see [`saved`](crate::saved).

use std::net::Ipv4Addr;

use super::Node;
use crate::absence::Absence;
use crate::action::Cause;
use crate::buckets::Buckets;
use crate::config::{Config, ConfigError};
use crate::flow_key::FlowKey;
use crate::handover::{Inbox, Outbox};
use crate::host::HostId;
use crate::lease::Lease;
use crate::peer::{Peer, Says};
use crate::phase::PhaseKind;
use crate::program::Holding;
use crate::promise::Wait;
use crate::proposal::Proposal;
use crate::saved::{Saved, SavedPeer, SavedPromise, VERSION};
use crate::time::{HostTime, NicTime, Now};
use crate::timers::Timer;
use crate::wire::codes;

/// The host's clock and the NIC's are read one after the other, by a process that may be kept waiting in between.
const CLOCKS_APART: u64 = 100_000;

/// Why a process cannot go on where the one before it ended. It may start anew.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ResumeError {
    /// The configuration is no good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Written by another version, or broken.
    #[error("what was left is not of this version")]
    Unreadable,
    /// The NIC's clock does not go on where it was: beats that were sent by it say nothing of a lease now.
    #[error("the clock of the NIC was set back, or another one answers")]
    Clock,
    /// What all hosts must agree in has changed, or the priority, or a key without its id.
    #[error(
        "the configuration differs in what all hosts must agree in, in host.priority, or has another key of the same id"
    )]
    Changed,
}

impl Node {
    /// What the next process needs to go on as this host; `None` while there is more to it than an epoch that is in force
    /// and connections that drain. Whoever takes this must not call [`handle`](Node::handle) again.
    pub fn save(&self, now: Now) -> Option<Vec<u8>> {
        let epoch = self.committed.as_ref().filter(|_| self.is_calm())?;
        // Two processes that follow each other at once would be away for longer than a lease: each begins with one that is
        // renewed, by beats that were sent two periods ago at most.
        let renewed = now.nic.0 + self.lease_length.saturating_sub(2 * self.config.period);
        if !self.lease.fenced() && self.lease.until.0 < renewed {
            return None;
        }
        // Who announces to be absent goes when it may; who is back, when its NIC's lease is an ordinary one.
        let absence = match &self.absence {
            None => None,
            Some(absence) if absence.over => return None,
            Some(absence) => Some((absence.seconds, absence.until?.0)),
        };
        let peers = epoch.view().without(self.me()).iter().map(|host| {
            let peer = self.peers.get(&host)?;
            let inbox = self.handover.inboxes.get(&host);
            let inbox = inbox.filter(|inbox| inbox.stream().0 == peer.incarnation && inbox.epoch == epoch.epoch);
            Some(SavedPeer {
                host,
                incarnation: peer.incarnation,
                sequence: peer.sequence,
                bulk_sequence: peer.bulk_sequence,
                heard: peer.heard?.0,
                beat: peer.beat,
                echoed: peer.echoed.map(|time| time.0),
                unique_code: peer.says.unique_code,
                ip: peer.says.ip.map(|ip| ip.octets()),
                told: self.handover.outboxes.contains_key(&host),
                stream: inbox.map(|inbox| (inbox.stream().1, inbox.stream().2)),
                records: inbox.into_iter().flat_map(|inbox| inbox.records.iter().copied()).collect(),
            })
        });
        let promises = self.promises.all().map(|(host, incarnation, heard, (unique_code, ip), wait)| SavedPromise {
            host,
            incarnation,
            heard: heard.0,
            unique_code,
            ip: ip.map(|ip| ip.octets()),
            wait: wait.map(|wait| (wait.heard.0, (wait.sequence, wait.until.0))),
        });
        let (entropy, drawn) = self.challenges.source();
        let (beats, advanced) = self.beats.sent_so_far();
        let saved = Saved {
            version: VERSION,
            host: self.me(),
            config_digest: self.config_digest,
            flow_key: *self.handover.keys().now.octets(),
            keys: self.ring.names().collect(),
            unique_code: self.config.unique_code,
            incarnation: self.incarnation,
            sequence: self.sequence,
            entropy,
            drawn,
            highest: self.highest,
            serial: self.serial,
            generation: self.handover.last_generation(),
            draining: self.draining,
            configured: configured(&self.config),
            weights: self.weights.clone(),
            epoch: epoch.encode(),
            until: self.lease.until.0,
            absence,
            beats,
            advanced: advanced.0,
            awake_since: self.awake_since.0,
            saved_at: now.host.0,
            saved_at_nic: now.nic.0,
            pins: self.handover.pins.keys().copied().collect(),
            peers: peers.collect::<Option<_>>()?,
            promises: promises.collect(),
        };
        Some(saved.encode())
    }

    /// Whether there is no more to this host than an epoch that is in force and connections that drain.
    pub(super) fn is_calm(&self) -> bool {
        self.committed.as_ref().is_some_and(|epoch| {
            epoch.view() == self.base
                && self.phase == PhaseKind::Stable
                && self.loaded.is_none()
                && self.pending.is_none()
                && !self.partial
                && !self.lease.fenced()
                && !self.handover.holds
                && self.handover.is_calm()
                && self.handover.inboxes.iter().all(|(&host, inbox)| self.is_of_epoch(host, inbox, epoch))
        })
    }

    /// Whether all that a host has listed here is by the epoch in force. One that is an epoch ahead goes on with its stream, and
    /// the next process would know nothing of its beginning.
    fn is_of_epoch(&self, host: HostId, inbox: &Inbox, epoch: &Proposal) -> bool {
        match self.peers.get(&host) {
            Some(peer) if peer.incarnation == inbox.stream().0 => inbox.epoch == epoch.epoch,
            _ => inbox.all().next().is_none(),
        }
    }

    /// Goes on where the process before ended. The NIC still runs what it ran then.
    pub fn resume(config: Config, left: &[u8], now: Now) -> Result<Node, ResumeError> {
        let saved = Saved::decode(left).ok_or(ResumeError::Unreadable)?;
        if !goes_on(&saved, now) {
            return Err(ResumeError::Clock);
        }
        // The others know this host by that.
        let mut node = Node::new(Config { unique_code: saved.unique_code, ..config })?;
        let epoch = Proposal::decode(&saved.epoch).ok_or(ResumeError::Unreadable)?;
        let key = FlowKey::new(saved.flow_key);
        if key.name() != epoch.flow_key {
            return Err(ResumeError::Unreadable);
        }
        let same = node.me() == saved.host
            && node.config_digest == saved.config_digest
            && node.ring.contradiction(saved.keys).is_none()
            && epoch.members.contains_key(&saved.host)
            && saved.weights.len() == node.weights.len();
        if !same {
            return Err(ResumeError::Changed);
        }
        // An edited weight counts; else what was changed by command goes on.
        if configured(&node.config) == saved.configured {
            node.weights = saved.weights;
        } else {
            let states = saved.weights.iter().map(|weight| weight & codes::STATES);
            node.weights.iter_mut().zip(states).for_each(|(weight, states)| *weight |= states);
        }
        let away = now.host - HostTime(saved.saved_at);
        let late = away > node.config.period / 2;
        node.phase = PhaseKind::Stable;
        node.cause = (Cause::None, None);
        node.draining = saved.draining;
        node.incarnation = saved.incarnation;
        node.sequence = saved.sequence;
        node.challenges = crate::peer::Challenges::from_source(saved.entropy, saved.drawn);
        node.highest = saved.highest;
        node.serial = saved.serial;
        node.base = epoch.view();
        node.confirmed = true;
        node.lease = Lease { until: NicTime(saved.until), fenced_at: None };
        node.beats = crate::lease::Beats::again(saved.beats, HostTime(saved.advanced));
        node.awake_since = if late { now.host } else { HostTime(saved.awake_since) };
        node.handover.go_on_from(saved.generation);
        node.handover.run_key(key);
        for SavedPromise { host, incarnation, heard, unique_code, ip, wait } in saved.promises {
            let machine = (unique_code, ip.map(Ipv4Addr::from));
            node.promises.give(host, incarnation, HostTime(heard), machine);
            if let Some((heard, (sequence, until))) = wait {
                let wait = Wait { heard: HostTime(heard), sequence, until: HostTime(until) };
                node.promises.wait_for(host, incarnation, machine, wait);
            }
        }
        node.absence = saved.absence.map(|(seconds, until)| Absence::returned(seconds, NicTime(until)));
        for mut peer in saved.peers {
            if away >= node.dead_after() {
                // Its numbers may have gone round since: it is echoed when it is heard.
                peer.beat = 0;
            }
            node.take_back(peer, &epoch);
        }
        node.committed = Some(epoch);
        node.pin(&saved.pins.into_iter().collect());
        node.start_streams();
        let given = node.committed.as_ref().map(|epoch| Buckets::given(epoch, node.me()));
        let given = given.unwrap_or_else(|| Buckets::none(node.weights.len()));
        node.holding = Holding::new(given, &node.foreign(None), &node.pinned(None));
        node.handover.is_listed();
        node.timers.set(Timer::Beat, now.host);
        node.timers.set(Timer::Poll, now.host);
        Ok(node)
    }

    fn take_back(&mut self, saved: SavedPeer, epoch: &Proposal) {
        let host = saved.host;
        let mut peer = Peer::new(saved.incarnation, saved.sequence);
        peer.bulk_sequence = saved.bulk_sequence;
        peer.heard = Some(HostTime(saved.heard));
        peer.beat = saved.beat;
        peer.echoed = saved.echoed.map(NicTime);
        // What it says until it says it again: it is in the epoch and content.
        peer.says = Says {
            phase: PhaseKind::Stable,
            heard: epoch.view(),
            members: epoch.view(),
            committed: epoch.epoch,
            table_digest: epoch.digest(),
            config_digest: epoch.config_digest,
            weights: epoch.members.get(&host).map(|member| member.weights.clone()).unwrap_or_default(),
            unique_code: saved.unique_code,
            ip: saved.ip.map(Ipv4Addr::from),
            key: self.config.keys.send,
            ..Says::default()
        };
        self.peers.insert(host, peer);
        if let Some((generation, next)) = saved.stream {
            let inbox = Inbox::again(saved.incarnation, generation, next, epoch.epoch, saved.records);
            self.handover.inboxes.insert(host, inbox);
        }
        if saved.told {
            self.handover.outboxes.insert(host, Outbox::new(epoch.epoch, 0, false, Vec::new()));
        }
    }
}

/// Whether both clocks have run on together, as far as clocks do that drift apart by less than a hundredth.
fn goes_on(saved: &Saved, now: Now) -> bool {
    let passed = (now.host.0.checked_sub(saved.saved_at), now.nic.0.checked_sub(saved.saved_at_nic));
    matches!(passed, (Some(host), Some(nic)) if host.abs_diff(nic) <= CLOCKS_APART + host / 100)
}

fn configured(config: &Config) -> Vec<u32> {
    config.slots().iter().map(|rule| codes::encode_weight(rule.filtering)).collect()
}
