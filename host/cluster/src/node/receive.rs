//! From octets to what peers say. What is not authentic, fresh and ours is counted and changes
//! nothing, but that who serves nothing does not begin to serve alone beside a cluster that it cannot hear.

use weir_spec::mac::Mac;

use super::Node;
use crate::action::{Action, Cause, Report};
use crate::config::{Mode, PortRule};
use crate::difference::Difference;
use crate::handover::Frame;
use crate::host::HostId;
use crate::peer::{Answered, Peer, Says};
use crate::phase::PhaseKind;
use crate::proposal;
use crate::status::FrameKind;
use crate::time::Now;
use crate::timers::Timer;
use crate::transfer::{self, Progress};
use crate::wire::bulk::{Bulk, Fault, Message};
use crate::wire::extension::{self, Extension, Read};
use crate::wire::heartbeat::{Heartbeat, SLOTS};
use crate::wire::identity::Identity;
use crate::wire::{self, ethernet};

impl Node {
    pub(super) fn receive(&mut self, now: Now, frame: &[u8], out: &mut Vec<Action>) {
        if self.phase == PhaseKind::Stopped {
            return;
        }
        let kind = match ethernet::payload(frame, ethernet::ether_type(&self.config)) {
            Some(payload) => match wire::signature(payload) {
                Some(wire::MEMBERSHIP) => self.heartbeat(now, ethernet::destination(frame), payload, out),
                Some(wire::BULK) => self.bulk(now, payload, out),
                Some(wire::IDENTITY) => Identity::read(payload).map_or(FrameKind::Truncated, |_| FrameKind::Identity),
                Some(_) => FrameKind::Unknown,
                None => FrameKind::Truncated,
            },
            None => FrameKind::Unknown,
        };
        *self.counters.entry(kind).or_default() += 1;
    }

    fn heartbeat(&mut self, now: Now, to: Option<Mac>, payload: &[u8], out: &mut Vec<Action>) -> FrameKind {
        let Some(view) = Heartbeat::new(payload) else { return FrameKind::Truncated };
        if view.cluster_ip() != self.config.cluster_ip {
            return FrameKind::OtherCluster;
        }
        let Ok(whole) = view.octets().try_into() else { return FrameKind::Truncated };
        let priority = u8::try_from(view.host()).unwrap_or(0);
        let extension = match extension::read(whole, &self.config.keys) {
            Read::Authentic(extension) => extension,
            Read::Unauthenticated => {
                self.tell_unauthenticated(priority, out);
                self.sealed_at = Some(now.host);
                return FrameKind::Unauthenticated;
            }
            Read::UnknownVersion => return FrameKind::Unknown,
            Read::Foreign => {
                if !self.recent(self.foreign_at, now) {
                    out.push(Action::Report(Report::Foreign { priority }));
                }
                self.foreign_at = Some(now.host);
                return FrameKind::Foreign;
            }
        };
        self.told_unauthenticated = false;
        let (Some(host), Some(says)) = (HostId::new(priority), says(&view, &extension)) else {
            return FrameKind::Unknown;
        };
        let says = Says { key: extension::key_id(whole), ..says };
        let kind = self.admit(now, host, extension.incarnation, extension.sequence, FrameKind::Heartbeat, out);
        if kind == FrameKind::Heartbeat {
            let apart = self.base.contains(host) && self.is_apart_for_a_moment(&says);
            let mismatch = if apart { None } else { self.mismatch(to, &view, &extension, &says) };
            self.believe(now, host, mismatch, &extension, says, out);
        }
        kind
    }

    fn tell_unauthenticated(&mut self, priority: u8, out: &mut Vec<Action>) {
        if !std::mem::replace(&mut self.told_unauthenticated, true) {
            out.push(Action::Report(Report::Unauthenticated { priority }));
        }
    }

    /// Judges an authentic frame by incarnation and sequence; `kind` comes back if it is to be acted on.
    fn admit(
        &mut self,
        now: Now,
        host: HostId,
        incarnation: u64,
        sequence: u32,
        kind: FrameKind,
        out: &mut Vec<Action>,
    ) -> FrameKind {
        if host == self.me() && incarnation == self.incarnation {
            return FrameKind::Own;
        }
        if host != self.me()
            && let Some(peer) = self.peers.get_mut(&host)
            && peer.incarnation == incarnation
        {
            let last = if kind == FrameKind::Bulk { &mut peer.bulk_sequence } else { &mut peer.sequence };
            if sequence <= *last {
                return FrameKind::Replayed;
            }
            *last = sequence;
            return kind;
        }
        if let Some(nonce) = self.challenges.ask(host, incarnation, now.host, self.config.period) {
            self.send_bulk(host, Message::Challenge { incarnation, nonce }, out);
        }
        FrameKind::Unproven
    }

    /// Puts questions again that may have been lost.
    pub(super) fn ask_again(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.phase == PhaseKind::Stopped {
            return;
        }
        for (host, incarnation, nonce) in self.challenges.ask_again(now.host, self.config.period) {
            self.send_bulk(host, Message::Challenge { incarnation, nonce }, out);
        }
    }

    /// A heartbeat to be acted on.
    fn believe(
        &mut self,
        now: Now,
        host: HostId,
        mismatch: Option<Difference>,
        extension: &Extension,
        says: Says,
        out: &mut Vec<Action>,
    ) {
        let echo = extension.echo[self.me().index()];
        let (awake_since, tolerance) = (self.awake_since, self.dead_after());
        let sent = self.beats.sent(echo);
        let Some(peer) = self.peers.get_mut(&host) else { return };
        let steady = peer.silence(now.host, awake_since).is_some_and(|silence| silence < tolerance);
        // After a silence the number could be of an earlier round.
        peer.echoed = if steady { sent } else { None };
        if !steady {
            out.push(Action::Report(Report::Heard { host }));
        }
        if let Some(difference) = mismatch
            && (mismatch != peer.mismatch || !steady)
        {
            out.push(Action::Report(Report::Mismatch { host, difference }));
        }
        peer.mismatch = mismatch;
        peer.heard = Some(now.host);
        peer.beat = extension.beat;
        self.highest = self.highest.max(says.committed.counter).max(says.proposed.counter);
        peer.says = says;
        self.end_promises(host, extension.incarnation);
        self.heed_absence(now, host, extension.sequence, out);
        if extension.lease & extension::ASKS != 0 && self.echoes(now).contains(host) {
            self.spoken = None;
        }
    }

    /// Whether a host says to own nothing in a way that ends promises: it has stopped for good, or it was restarted on the
    /// same machine and has loaded nothing we have. An incarnation never comes back from `Stopped`.
    fn end_promises(&mut self, host: HostId, incarnation: u64) {
        let Some(says) = self.peers.get(&host).map(|peer| &peer.says).filter(|says| says.owns_nothing()) else {
            return;
        };
        let bound = |epoch: &Option<proposal::Proposal>| {
            epoch.as_ref().and_then(|epoch| epoch.members.get(&host)).is_some_and(|m| m.incarnation == incarnation)
        };
        match says.phase {
            PhaseKind::Stopped => self.promises.stopped(host, says.machine()),
            PhaseKind::Listening if !bound(&self.loaded) && !bound(&self.committed) => {
                self.promises.restarted(host, incarnation, says.machine());
            }
            _ => {}
        }
    }

    /// In what a host differs. Where its frame went to only explains a digest that differs: no signature covers it.
    fn mismatch(
        &self,
        to: Option<Mac>,
        view: &Heartbeat<'_>,
        extension: &Extension,
        says: &Says,
    ) -> Option<Difference> {
        let quorum = extension.lease & extension::QUORUM != 0;
        if quorum != (self.config.mode == Mode::Quorum) {
            return Some(Difference::Mode(if quorum { Mode::Quorum } else { Mode::Availability }));
        }
        if says.weights.len() != self.weights.len() {
            // The default rule is counted in both.
            let theirs = says.weights.len().saturating_sub(1);
            return Some(Difference::RuleCount { ours: self.slots.len(), theirs });
        }
        let differs = |(slot, &ours): (usize, &PortRule)| {
            let theirs = view.code(slot)?;
            (theirs != self.codes[slot]).then_some(Difference::Rule { slot, ours, theirs })
        };
        self.slots
            .iter()
            .enumerate()
            .find_map(differs)
            .or_else(|| Difference::of_weights(&self.weights, &says.weights))
            .or_else(|| (extension.config_digest != self.config_digest).then(|| self.unexplained(to)))
    }

    fn unexplained(&self, to: Option<Mac>) -> Difference {
        let ours = ethernet::destination(&ethernet::header(&self.config));
        match (ours, to) {
            (Some(ours), Some(theirs)) if ours != theirs => Difference::Addressing { ours, theirs },
            _ => Difference::Digest,
        }
    }

    fn bulk(&mut self, now: Now, payload: &[u8], out: &mut Vec<Action>) -> FrameKind {
        let bulk = match Bulk::read(payload, &self.config.keys, self.config.cluster_ip) {
            Ok(bulk) => bulk,
            Err(Fault::Truncated) => return FrameKind::Truncated,
            Err(Fault::Unknown) => return FrameKind::Unknown,
            Err(Fault::OtherCluster) => return FrameKind::OtherCluster,
            Err(Fault::Unauthenticated) => {
                self.tell_unauthenticated(payload[7], out);
                return FrameKind::Unauthenticated;
            }
        };
        let (from, for_us) = (bulk.from, bulk.to == self.me());
        match bulk.message {
            Message::Challenge { incarnation, nonce } => {
                if for_us && incarnation == self.incarnation && bulk.incarnation != self.incarnation {
                    self.send_bulk(from, Message::Answer { nonce }, out);
                    // The sequence of the answer outdates all heartbeats before it.
                    self.spoken = None;
                }
                FrameKind::Challenge
            }
            Message::Answer { nonce } => {
                if for_us && let Answered::Proof { spoke } = self.challenges.answered(from, bulk.incarnation, nonce) {
                    self.prove(now, from, bulk.incarnation, bulk.sequence, out);
                    if spoke && from != self.me() {
                        // Its heartbeat may have overtaken the answer. Who is asked says everything anew.
                        let nonce = self.challenges.draw();
                        self.send_bulk(from, Message::Challenge { incarnation: bulk.incarnation, nonce }, out);
                    }
                }
                FrameKind::Challenge
            }
            message => match self.admit(now, from, bulk.incarnation, bulk.sequence, FrameKind::Bulk, out) {
                FrameKind::Bulk => {
                    self.transfer(now, from, for_us, message, out);
                    FrameKind::Bulk
                }
                other => other,
            },
        }
    }

    /// An incarnation has answered our nonce.
    fn prove(&mut self, now: Now, host: HostId, incarnation: u64, sequence: u32, out: &mut Vec<Action>) {
        if host == self.me() {
            if !self.recent(self.duplicate_at, now) {
                out.push(Action::Report(Report::DuplicatePriority));
            }
            self.duplicate_at = Some(now.host);
            return;
        }
        let known = self.peers.get(&host);
        if known.is_some_and(|peer| peer.heard.is_some_and(|heard| now.host - heard < 2 * self.config.period)) {
            // Two hosts of one priority, or a restart within two periods: the one we know goes on.
            return;
        }
        self.exclude(host, Cause::MemberLost, out);
        self.peers.insert(host, Peer::new(incarnation, sequence));
    }

    fn transfer(&mut self, now: Now, from: HostId, for_us: bool, message: Message, out: &mut Vec<Action>) {
        match message {
            Message::Request { epoch, digest, chunk } if for_us => {
                let own = [&self.loaded, &self.committed].into_iter().flatten();
                let held = own.chain(self.library.values()).find(|p| p.epoch == epoch && p.digest() == digest);
                if let Some(message) = held.and_then(|proposal| transfer::chunk(proposal, chunk)) {
                    self.send_bulk(from, message, out);
                }
            }
            Message::Chunk { epoch, digest, chunk, of, data } => {
                let Some(fetch) = &mut self.fetch else { return };
                match fetch.take((epoch, digest), chunk, of, &data) {
                    Progress::Unasked => {}
                    Progress::More => self.ask(now, out),
                    Progress::Broken => self.fetch = None,
                    Progress::Done(proposal) => {
                        self.library.insert((epoch, digest), *proposal);
                        self.fetch = None;
                        self.timers.clear(Timer::Fetch);
                    }
                }
            }
            Message::Records { epoch, generation, number, complete, doubtful, operations } if for_us => {
                let frame = Frame { number, complete, doubtful, operations };
                self.records_came(from, epoch, generation, &frame, out);
            }
            Message::Listed { incarnation, generation, next, refused } if for_us && incarnation == self.incarnation => {
                self.records_answered(from, generation, next, &refused, out);
            }
            Message::Waits { incarnation, sequence } if for_us && incarnation == self.incarnation => {
                self.absence.iter_mut().for_each(|absence| absence.is_promised(from, sequence));
            }
            Message::Staged { digest, weights } => {
                if let Some(peer) = self.peers.get_mut(&from) {
                    peer.offer = Some((digest, weights));
                }
            }
            _ => {}
        }
    }
}

fn says(view: &Heartbeat<'_>, extension: &Extension) -> Option<Says> {
    let rules = usize::from(view.rules()?);
    if rules > SLOTS {
        return None;
    }
    Some(Says {
        phase: PhaseKind::from_code(extension.phase)?,
        cause: Cause::from_code(extension.cause),
        // A question is of this frame alone.
        lease: extension.lease & !extension::ASKS,
        heard: extension.heard,
        members: extension.members,
        committed: extension.committed,
        proposed: extension.proposed,
        table_digest: extension.table_digest,
        weights: (0..rules).map(|slot| view.weight(slot)).collect::<Option<_>>()?,
        unique_code: view.unique_code()?,
        ip: Some(view.host_ip()),
        config_digest: extension.config_digest,
        staged: extension.staged,
        absence: extension.absence,
        key: 0,
    })
}
