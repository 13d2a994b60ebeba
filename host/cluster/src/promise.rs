//! What this host has promised by its echoes.
//!
//! Who is echoed may let its NIC go on for a while ([`lease`](crate::lease)), and until that is over this host enters no epoch
//! without it. The promise is made to one process: another one of the same number, be it on another machine, neither inherits
//! nor ends it, and an epoch with that is an epoch without the first. It ends by time, or by the word of a process on the same
//! machine that the NIC there owns nothing.

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
}

/// All promises, by host and incarnation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Promises(BTreeMap<(HostId, u64), Promise>);

impl Promises {
    /// A beat is echoed that was heard at `heard`.
    pub(crate) fn give(&mut self, host: HostId, incarnation: u64, heard: HostTime, machine: Machine) {
        self.0.insert((host, incarnation), Promise { heard, machine });
    }

    /// Those end that are older than a tolerance.
    pub(crate) fn expire(&mut self, now: HostTime, tolerance: Micros) {
        self.0.retain(|_, promise| promise.heard + tolerance > now);
    }

    /// When the next one ends.
    pub(crate) fn ends(&self, tolerance: Micros) -> Option<HostTime> {
        self.0.values().map(|promise| promise.heard + tolerance).min()
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

    /// Host, incarnation, when its beat was heard, and its machine.
    pub(crate) fn all(&self) -> impl Iterator<Item = (HostId, u64, HostTime, Machine)> {
        self.0.iter().map(|(&(host, incarnation), promise)| (host, incarnation, promise.heard, promise.machine))
    }
}
