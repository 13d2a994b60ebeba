//! Absence that is announced: this host's own, and those of others that it waits for. The rules are in the essay of
//! [`absence`](crate::absence).

use super::{Node, Work};
use crate::absence::{Absence, AbsenceError, LONGEST};
use crate::action::{Action, Report, Step};
use crate::config::Mode;
use crate::host::{HostId, HostSet};
use crate::lease;
use crate::phase::PhaseKind;
use crate::promise::Wait;
use crate::proposal::Member;
use crate::time::{HostTime, Micros, NicTime, Now};
use crate::timers::Timer;
use crate::wire::bulk::Message;

/// A promise to wait that is being laid down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Remembering {
    host: HostId,
    incarnation: u64,
    wait: Wait,
}

/// A start that waits until promises of the process before are over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Deferred {
    incarnation: u64,
    entropy: [u8; 32],
}

fn span(seconds: u16) -> Micros {
    Micros::from(seconds) * 1_000_000
}

impl Node {
    /// Whether [`Event::Absent`](crate::Event::Absent) would be taken for so many seconds.
    pub fn may_be_absent(&self, now: Now, seconds: u16) -> Result<(), AbsenceError> {
        let others = self.committed.as_ref().map(|epoch| epoch.view().without(self.me())).unwrap_or_default();
        if seconds == 0 || seconds > LONGEST {
            return Err(AbsenceError::Length(seconds));
        }
        if others.is_empty() || self.phase == PhaseKind::Leaving {
            return Err(AbsenceError::Alone);
        }
        self.serve_without_this_host(others)?;
        if let Some(other) = self.is_anybody_waited_for(now) {
            return Err(AbsenceError::Another(other));
        }
        if self.absence.is_some() { Err(AbsenceError::Already) } else { Ok(()) }
    }

    /// Whether a lease of theirs can be renewed without this host.
    fn serve_without_this_host(&self, others: HostSet) -> Result<(), AbsenceError> {
        let (others, hosts) = (others.intersection(self.config.hosts).len(), self.config.hosts.len());
        match self.config.mode {
            Mode::Quorum if others * 2 <= hosts => Err(AbsenceError::NoQuorum { others, hosts }),
            _ => Ok(()),
        }
    }

    pub(super) fn be_absent(&mut self, now: Now, seconds: u16) {
        if seconds > 0 && self.may_be_absent(now, seconds).is_ok() {
            self.absence = Some(Absence::new(seconds));
        } else if seconds == 0 {
            // What the NIC was not told of is over at once.
            self.absence.take_if(|absence| absence.until.is_none());
            self.absence.iter_mut().for_each(|absence| absence.over = true);
        }
    }

    /// Whether its NIC has been given a lease for its absence, or is about to be: it enters no epoch before that is over.
    pub(super) fn is_bound_by_its_absence(&self) -> bool {
        self.absence.as_ref().is_some_and(|absence| absence.until.is_some())
    }

    /// For how many seconds it says that it will be absent. While an epoch is wanted or under way it does not, as that comes first, nor
    /// when members have been lost without whom the rest is no majority.
    pub(super) fn announced_absence(&self) -> u16 {
        let others = self.committed.as_ref().map(|epoch| epoch.view().without(self.me())).unwrap_or_default();
        let calm = self.phase == PhaseKind::Stable && self.loaded.is_none();
        let may = calm && self.serve_without_this_host(others).is_ok();
        let absence = self.absence.as_ref().filter(|absence| may || absence.until.is_some());
        absence.map_or(0, |absence| absence.seconds)
    }

    /// Whether a host is waited for: it has announced to be absent, and is not known to be back.
    pub(super) fn waits_for_host(&self, host: HostId, now: Now) -> bool {
        self.waited_for(host, now).is_some()
    }

    /// The member that is absent, if one is.
    pub(super) fn is_anybody_waited_for(&self, now: Now) -> Option<HostId> {
        self.committed.as_ref()?.view().without(self.me()).iter().find(|&host| self.waits_for_host(host, now))
    }

    /// How much longer it is waited for.
    pub(super) fn waited_for(&self, host: HostId, now: Now) -> Option<Micros> {
        let wait = self.promises.wait(host, self.peers.get(&host)?.incarnation)?;
        (wait.until > now.host).then(|| wait.until - now.host)
    }

    /// What a peer's heartbeat says of its absence.
    pub(super) fn heed_absence(&mut self, now: Now, host: HostId, sequence: u32, out: &mut Vec<Action>) {
        let Some(peer) = self.peers.get(&host) else { return };
        let (incarnation, seconds, returned) = (peer.incarnation, peer.says.absence, peer.says.returned());
        if seconds == 0 {
            if self.promises.wait(host, incarnation).is_some() {
                self.promises.is_back(host, incarnation);
                out.push(Action::Report(Report::Back { host }));
                // A crash from here on costs no longer a wait. One that is being laid down would be cut short.
                if self.remembering.is_none() {
                    out.push(Action::Remember { until: self.promises.longest_wait().unwrap_or(now.host) });
                }
            }
            return;
        }
        let member = self.committed.as_ref().and_then(|epoch| epoch.members.get(&host));
        let is_one = member.is_some_and(|member| member.incarnation == incarnation) && self.base.contains(host);
        let settled = self.phase == PhaseKind::Stable && self.loaded.is_none() && self.absence.is_none();
        if !is_one || !settled || returned || seconds > LONGEST || self.could_not_be_alone_with(host, now) {
            return;
        }
        // What was promised a moment ago is as good: the answer may have been lost.
        let promised = self.promises.wait(host, incarnation);
        if let Some(wait) = promised.filter(|wait| now.host - wait.heard < self.dead_after() / 2) {
            self.send_bulk(host, Message::Waits { incarnation, sequence: wait.sequence }, out);
        } else if self.remembering.is_none() {
            let until = now.host + self.dead_after() + span(seconds);
            let wait = Wait { heard: now.host, sequence, until };
            self.remembering = Some(Remembering { host, incarnation, wait });
            out.push(Action::Remember { until });
        }
    }

    /// Whether the lease of this host would end while the other one is absent: it would be alone, and has not listened for a tolerance since
    /// it was away itself.
    fn could_not_be_alone_with(&self, host: HostId, now: Now) -> bool {
        let left = self.base.without(self.me()).without(host);
        self.config.mode == Mode::Availability && left.is_empty() && !self.has_listened(now)
    }

    /// A promise to wait was laid down, or could not be.
    pub(super) fn remembered(&mut self, until: HostTime, kept: bool, out: &mut Vec<Action>) {
        let Some(Remembering { host, incarnation, wait }) = self.remembering.take_if(|r| r.wait.until == until) else {
            return;
        };
        let Some(peer) = self.peers.get(&host).filter(|peer| peer.incarnation == incarnation) else { return };
        let (seconds, returned, machine) = (peer.says.absence, peer.says.returned(), peer.says.machine());
        // Meanwhile a proposal may have been loaded, or the host stays.
        let settled = self.phase == PhaseKind::Stable && self.loaded.is_none() && self.base.contains(host);
        if !kept || seconds == 0 || returned || !settled {
            return;
        }
        if self.promises.wait(host, incarnation).is_none() {
            out.push(Action::Report(Report::Waits { host, seconds }));
        }
        self.promises.wait_for(host, incarnation, machine, wait);
        self.send_bulk(host, Message::Waits { incarnation, sequence: wait.sequence }, out);
    }

    /// Brings this host's absence forward.
    pub(super) fn see_to_the_absence(&mut self, now: Now, out: &mut Vec<Action>) {
        if let Some(until) = self.deadline_to_go(now) {
            self.absence.iter_mut().for_each(|absence| absence.until = Some(until));
            self.program(self.holding.clone(), Step::Tidy, until, Work::Tidy(self.holding.clone()), out);
        }
        self.end_absence(now, out);
    }

    /// The deadline to go with: every other member has promised to wait, and the protocol is calm.
    fn deadline_to_go(&self, now: Now) -> Option<NicTime> {
        let absence = self.absence.as_ref().filter(|absence| !absence.over && absence.until.is_none())?;
        let epoch = self.committed.as_ref().filter(|_| self.is_calm() && self.announced_absence() > 0)?;
        let promised = absence.promised_by(epoch.view().without(self.me()))?;
        let until = promised + lease::length(self.dead_after() + span(absence.seconds), self.config.skew);
        let until = until.min(now.nic + weir_spec::lease::LEASE_MAX);
        (until > now.nic + span(absence.seconds)).then_some(until)
    }

    /// Gives the NIC of a host that is back, or does not go, an ordinary lease.
    fn end_absence(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(absence) = &self.absence else { return };
        if absence.until.is_some_and(|until| now.nic >= until) {
            // It has run out.
            self.absence = None;
            return;
        }
        // Others may have been lost meanwhile: an epoch without them waits for this.
        let settled = matches!(self.phase, PhaseKind::Stable | PhaseKind::Agreeing) && self.committed.is_some();
        if !absence.over || !settled || self.loaded.is_some() || self.pending.is_some() || self.lease.fenced() {
            return;
        }
        let by_others = || self.renewal(now).or_else(|| self.promised_by_who_is_left(now));
        let ordinary = if self.is_the_last_process(now) { self.beats.last() } else { by_others() };
        let ordinary = ordinary.and_then(|echoed| self.deadline_after(echoed, now));
        // An echo that is old would leave little of it.
        let ordinary = ordinary.filter(|&until| until > now.nic + self.lease_length / 2);
        if self.is_the_last_process(now) && ordinary.is_some_and(|until| until >= self.lease.until) {
            // It is an ordinary one by now.
            self.absence = None;
            return;
        }
        if let Some(until) = ordinary.filter(|&until| until < self.lease.until) {
            self.program(self.holding.clone(), Step::Tidy, until, Work::Tidy(self.holding.clone()), out);
        }
    }

    /// The oldest of the newest beats echoed by those processes of its epoch that are heard: one that was started since has promised
    /// nothing, and takes this host into no epoch before what it waits for is over.
    fn promised_by_who_is_left(&self, now: Now) -> Option<NicTime> {
        let own = self.committed.as_ref().filter(|_| self.config.mode == Mode::Availability)?;
        let others = own.members.iter().filter(|(host, _)| **host != self.me() && self.of_late(**host, now));
        let peers = others.filter_map(|(host, member)| Some((self.peers.get(host)?, member)));
        let left = peers.filter(|(peer, member)| peer.incarnation == member.incarnation && peer.runs());
        left.map(|(peer, _)| peer.echoed).min()?
    }

    /// Whether all other processes of its epoch have ended, so that nobody is left who has promised it anything. Who was started
    /// since and hears it serves with it, or waits for as long as an ordinary lease may last. While somebody listens yet there is
    /// no epoch to be had.
    fn is_the_last_process(&self, now: Now) -> bool {
        let Some(own) = self.committed.as_ref().filter(|_| self.config.mode == Mode::Availability) else {
            return false;
        };
        let ended = |(host, member): (&HostId, &Member)| {
            let peer = self.peers.get(host);
            *host == self.me() || peer.is_some_and(|peer| peer.incarnation != member.incarnation || !peer.runs())
        };
        let listens = self.heard(now).any(|(_, peer)| peer.says.phase == PhaseKind::Listening);
        self.has_listened(now) && !listens && own.members.iter().all(ended)
    }

    /// The NIC has taken a program with this deadline.
    pub(super) fn is_leased_until(&mut self, deadline: NicTime) {
        self.absence.take_if(|absence| absence.until.is_some_and(|until| deadline < until));
    }

    /// A process before this one has promised to wait for somebody, and this one knows no more of it.
    pub(super) fn promised_before(&mut self, until: HostTime) {
        if self.phase == PhaseKind::Stopped {
            self.not_before = self.not_before.max(until);
        }
    }

    /// Puts a start off until what was promised before is over; whether it is.
    pub(super) fn defers(&mut self, now: Now, incarnation: u64, entropy: [u8; 32], out: &mut Vec<Action>) -> bool {
        let waits = self.not_before > now.host;
        if waits {
            self.timers.set(Timer::Start, self.not_before);
            out.push(Action::Report(Report::Deferred { span: self.not_before - now.host }));
        }
        self.deferred = waits.then_some(Deferred { incarnation, entropy });
        waits
    }

    pub(super) fn start_that_was_deferred(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.timers.expired(Timer::Start, now.host)
            && let Some(Deferred { incarnation, entropy }) = self.deferred.take()
        {
            self.start(now, incarnation, entropy, out);
        }
    }
}
