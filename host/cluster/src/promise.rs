//! What this host has promised by its echoes.
//!
//! Who is echoed may let its NIC go on for a while ([`lease`](crate::lease)), and until that is over this host enters no epoch
//! without it. The promise is made to one process: another one of the same number, be it on another machine, neither inherits
//! nor ends it, and an epoch with that is an epoch without the first. It ends by time, or by the word of a process on the same
//! machine that the NIC there owns nothing.
//!
//! Whoever announces an [absence](crate::absence) is promised more: until it is back, or that time is over.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::host::HostId;
use crate::proposal::Proposal;
use crate::time::{HostTime, Micros};

/// What a machine is known by: unique code and dedicated IP.
pub(crate) type Machine = (u32, Option<Ipv4Addr>);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Promise {
    /// When the beat that was last echoed was heard.
    heard: HostTime,
    machine: Machine,
    wait: Option<Wait>,
}

/// How long a host that is absent is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Wait {
    /// When its announcement was heard.
    pub(crate) heard: HostTime,
    /// Sequence of that heartbeat.
    pub(crate) sequence: u32,
    pub(crate) until: HostTime,
}

impl Promise {
    fn ends(&self, tolerance: Micros) -> HostTime {
        (self.heard + tolerance).max(self.wait.map_or(HostTime(0), |wait| wait.until))
    }
}

/// All promises, by host and incarnation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Promises(BTreeMap<(HostId, u64), Promise>);

impl Promises {
    /// A beat is echoed that was heard at `heard`.
    pub(crate) fn give(&mut self, host: HostId, incarnation: u64, heard: HostTime, machine: Machine) {
        let wait = self.wait(host, incarnation);
        self.0.insert((host, incarnation), Promise { heard, machine, wait });
    }

    /// A host that is about to be absent will be waited for.
    pub(crate) fn wait_for(&mut self, host: HostId, incarnation: u64, machine: Machine, wait: Wait) {
        let promise = self.0.entry((host, incarnation));
        promise.or_insert(Promise { heard: wait.heard, machine, wait: None }).wait = Some(wait);
    }

    /// A host says that it is not absent, and that its NIC's lease is an ordinary one.
    pub(crate) fn is_back(&mut self, host: HostId, incarnation: u64) {
        self.0.entry((host, incarnation)).and_modify(|promise| promise.wait = None);
    }

    /// How long a process is waited for, if it is.
    pub(crate) fn wait(&self, host: HostId, incarnation: u64) -> Option<Wait> {
        self.0.get(&(host, incarnation))?.wait
    }

    /// When the last host is waited for no longer.
    pub(crate) fn longest_wait(&self) -> Option<HostTime> {
        self.0.values().filter_map(|promise| Some(promise.wait?.until)).max()
    }

    /// Those end that are older than a tolerance, and in which nobody is waited for any more.
    pub(crate) fn expire(&mut self, now: HostTime, tolerance: Micros) {
        for promise in self.0.values_mut() {
            promise.wait = promise.wait.filter(|wait| wait.until > now);
        }
        self.0.retain(|_, promise| promise.ends(tolerance) > now);
    }

    /// When something of them ends.
    pub(crate) fn ends(&self, tolerance: Micros) -> impl Iterator<Item = HostTime> {
        let ends = move |promise: &Promise| [Some(promise.heard + tolerance), promise.wait.map(|wait| wait.until)];
        self.0.values().flat_map(ends).flatten()
    }

    /// A process has stopped for good: what was promised to it, and to those before it on its machine, is over.
    pub(crate) fn stopped(&mut self, host: HostId, machine: Machine) {
        self.0.retain(|&(of, _), promise| of != host || promise.machine != machine);
    }

    /// A process has programmed its NIC to own nothing: what was promised to those before it on its machine is over.
    pub(crate) fn restarted(&mut self, host: HostId, incarnation: u64, machine: Machine) {
        self.0.retain(|&(of, to), promise| of != host || to == incarnation || promise.machine != machine);
    }

    /// Whether there is none but to members of an epoch.
    pub(crate) fn are_over_but_in(&self, epoch: &Proposal) -> bool {
        let is_member = |(host, incarnation): &(HostId, u64)| {
            epoch.members.get(host).is_some_and(|member| member.incarnation == *incarnation)
        };
        self.0.keys().all(is_member)
    }

    /// Host, incarnation, when its beat was heard, its machine, and how long it is waited for.
    pub(crate) fn all(&self) -> impl Iterator<Item = (HostId, u64, HostTime, Machine, Option<Wait>)> {
        self.0
            .iter()
            .map(|(&(host, incarnation), promise)| (host, incarnation, promise.heard, promise.machine, promise.wait))
    }
}
