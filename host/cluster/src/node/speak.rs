//! Heartbeats, bulk frames, lease renewals: what a host says, to others and to its NIC.

use super::{AT_ONCE, Node};
use crate::action::Action;
use crate::buckets::Buckets;
use crate::config::Mode;
use crate::epoch::EpochId;
use crate::handover::Stage;
use crate::host::{HostId, HostSet};
use crate::phase::PhaseKind;
use crate::staged::{Announced, Staged};
use crate::time::Now;
use crate::timers::Timer;
use crate::wire::bulk::{Bulk, Message};
use crate::wire::ethernet;
use crate::wire::extension::{self, Extension};
use crate::wire::heartbeat::{self, Fields, SLOTS};

/// What a change of makes a heartbeat due at once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Spoken {
    phase: PhaseKind,
    cause: u8,
    lease: u8,
    heard: HostSet,
    echoes: HostSet,
    members: HostSet,
    committed: EpochId,
    proposed: EpochId,
    digest: [u8; 8],
    weights: Vec<u32>,
    staged: Announced,
    absence: u16,
}

impl Node {
    pub(super) fn renew(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.pending.is_some() || self.committed.is_none() || self.lease.fenced() {
            return;
        }
        let until = self.renewal(now).and_then(|echoed| self.deadline_after(echoed, now));
        // An eighth of a period is not worth a write.
        if let Some(until) = until.filter(|&until| until > self.lease.until + self.config.period / 8) {
            self.lease.until = until;
            out.push(Action::Renew(until));
        }
    }

    pub(super) fn speak(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.phase == PhaseKind::Stopped && !self.timers.is_set(Timer::Farewell) {
            self.timers.clear(Timer::Beat);
            return;
        }
        let due = self.timers.expired(Timer::Beat, now.host);
        if due {
            self.timers.set(Timer::Beat, now.host + self.config.period);
            self.at_once = AT_ONCE;
        }
        let spoken = self.spoken(now);
        if !due {
            if self.spoken.as_ref() == Some(&spoken) || self.at_once == 0 {
                return;
            }
            self.at_once -= 1;
        }
        let asks = due && self.needs_an_echo(now);
        let payload = self.heartbeat_payload(now, &spoken, asks);
        self.spoken = Some(spoken);
        self.send(&payload, out);
        self.offer(due, out);
    }

    /// Tells everybody the loads by the staged configuration: with every periodic heartbeat, and when they change.
    fn offer(&mut self, due: bool, out: &mut Vec<Action>) {
        let staged = self.staged.as_ref().filter(|staged| !staged.no_room);
        let Some((digest, weights)) = staged.map(|staged| (staged.digest, self.staged_weights(staged))) else {
            self.offered = None;
            return;
        };
        if due || self.offered.as_ref() != Some(&weights) {
            self.offered = Some(weights.clone());
            self.send_bulk(self.me(), Message::Staged { digest, weights }, out);
        }
    }

    /// Hosts whose beats are echoed: the members, and those of the proposal that is loaded. To nobody else a promise is
    /// made, so that nobody else can hold up an epoch.
    pub(super) fn echoes(&self, now: Now) -> HostSet {
        let loaded = self.loaded.as_ref().map_or(HostSet::EMPTY, |loaded| loaded.view());
        let hosts = self.base.union(loaded).iter().filter(|&host| self.heard_of(host, now).is_some());
        if matches!(self.phase, PhaseKind::Stopped | PhaseKind::Leaving) { HostSet::EMPTY } else { hosts.collect() }
    }

    /// Whether half of the lease is over. When the next periodic heartbeat is due that is so only where beats or their echoes were lost.
    fn needs_an_echo(&self, now: Now) -> bool {
        let serves = self.committed.is_some() && !self.lease.fenced();
        serves && self.lease.until < now.nic + self.lease_length / 2
    }

    fn spoken(&self, now: Now) -> Spoken {
        let named = self.loaded.as_ref().or(self.committed.as_ref());
        let nothing = self.confirmed && self.pending.is_none() && self.loaded.is_none() && self.holding.is_nothing();
        let mut lease = 0;
        for (flag, set) in [
            (extension::FENCED, self.lease.fenced()),
            (extension::OWNS_NOTHING, nothing),
            (extension::QUORUM, self.config.mode == Mode::Quorum),
            (extension::HOLDS, self.holds()),
            (extension::QUIESCES, self.handover.stage == Stage::Quiescing),
            (extension::CROWDED, self.keeps_its_key()),
            (extension::RETURNED, self.absence.as_ref().is_some_and(|absence| absence.over)),
        ] {
            lease |= if set { flag } else { 0 };
        }
        Spoken {
            phase: self.phase,
            cause: if self.phase == PhaseKind::Stable { 0 } else { self.cause.0 as u8 },
            lease,
            heard: self.heard(now).map(|(host, _)| host).collect::<HostSet>().with(self.me()),
            echoes: self.echoes(now),
            members: self.committed.as_ref().map_or(HostSet::EMPTY, |epoch| epoch.view()),
            committed: self.committed.as_ref().map_or(EpochId::NONE, |epoch| epoch.epoch),
            proposed: self.loaded.as_ref().map_or(EpochId::NONE, |epoch| epoch.epoch),
            digest: named.map_or([0; 8], |epoch| epoch.digest()),
            weights: self.weights.clone(),
            staged: self.staged.as_ref().and_then(Staged::announced).unwrap_or_default(),
            absence: self.announced_absence(),
        }
    }

    fn heartbeat_payload(&mut self, now: Now, spoken: &Spoken, asks: bool) -> [u8; heartbeat::LEN] {
        let mut payload = [0; heartbeat::LEN];
        self.fields(spoken).emit(&mut payload);
        let fence = if self.committed.is_some() { self.lease.fenced_at } else { None };
        let beat = self.beats.next(now.host, now.nic, self.dead_after() / 64, fence);
        let mut echo = [0; 32];
        for host in spoken.echoes.iter() {
            if let Some((peer, heard)) = self.peers.get(&host).and_then(|peer| Some((peer, peer.heard?))) {
                echo[host.index()] = peer.beat;
                self.promises.give(host, peer.incarnation, heard, peer.says.machine());
            }
        }
        let sequence = self.next_sequence();
        if let Some(absence) = &mut self.absence {
            match spoken.absence {
                0 => absence.is_put_off(),
                _ => absence.announce(sequence, now.nic),
            }
        }
        let extension = Extension {
            incarnation: self.incarnation,
            sequence,
            beat,
            phase: spoken.phase as u8,
            lease: spoken.lease | if asks { extension::ASKS } else { 0 },
            cause: spoken.cause,
            heard: spoken.heard,
            committed: spoken.committed,
            proposed: spoken.proposed,
            table_digest: spoken.digest,
            config_digest: self.config_digest,
            echo,
            absence: spoken.absence,
            members: spoken.members,
            staged: spoken.staged,
        };
        extension.emit(&mut payload, &self.config.keys);
        payload
    }

    fn fields(&self, spoken: &Spoken) -> Fields {
        let default_host = self.committed.as_ref().map_or(self.base, |epoch| epoch.view()).lowest();
        let mut fields = Fields {
            version: heartbeat::VERSION,
            host: self.me().get().into(),
            cluster_ip: self.config.cluster_ip,
            host_ip: self.config.host_ip,
            my_host: self.me().index() as u16,
            default_host: default_host.unwrap_or(self.me()).index() as u16,
            state: if spoken.phase == PhaseKind::Stable { heartbeat::STEADY } else { 0 },
            rules: self.weights.len() as u16,
            unique_code: self.config.unique_code,
            packets: 0,
            teaming: 0,
            codes: [0; SLOTS],
            maps: [[0; SLOTS]; 4],
            weights: [0; SLOTS],
        };
        fields.codes[..self.codes.len()].copy_from_slice(&self.codes);
        fields.weights[..self.weights.len()].copy_from_slice(&self.weights);
        let coming = self.loaded.as_ref().map(|loaded| Buckets::given(loaded, self.me()));
        for slot in 0..self.weights.len() {
            fields.maps[0][slot] = self.holding.passes.slices(slot);
            fields.maps[1][slot] = coming.as_ref().unwrap_or(&self.holding.passes).slices(slot);
        }
        fields
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.saturating_add(1);
        self.sequence
    }

    fn send(&mut self, payload: &[u8], out: &mut Vec<Action>) {
        let mut frame = ethernet::header(&self.config).to_vec();
        frame.extend(payload);
        self.sent += 1;
        out.push(Action::Send(frame));
    }

    pub(super) fn send_bulk(&mut self, to: HostId, message: Message, out: &mut Vec<Action>) {
        let bulk = Bulk {
            from: self.me(),
            cluster_ip: self.config.cluster_ip,
            incarnation: self.incarnation,
            sequence: self.next_sequence(),
            to,
            message,
        };
        let payload = bulk.emit(&self.config.keys);
        self.send(&payload, out);
    }

    /// Asks for the next chunk of what is being fetched.
    pub(super) fn ask(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some((from, request)) = self.fetch.as_ref().map(|fetch| (fetch.from, fetch.request())) else { return };
        self.timers.set(Timer::Fetch, now.host + self.config.period / 4);
        self.send_bulk(from, request, out);
    }
}
