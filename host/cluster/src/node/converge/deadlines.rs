//! Until when this host may serve, by what others have promised.

use crate::config::Mode;
use crate::host::{HostId, HostSet};
use crate::lease;
use crate::node::Node;
use crate::peer::Peer;
use crate::phase::PhaseKind;
use crate::time::{NicTime, Now};

impl Node {
    /// The deadline a new epoch may start with: what all its members have echoed is good for.
    pub(in crate::node) fn commit_deadline(&self, view: HostSet, now: Now) -> Option<NicTime> {
        let others = view.without(self.me());
        let echoed = match others.is_empty() {
            true => self.beats.last()?,
            false => others.iter().map(|host| self.peers.get(&host)?.echoed).min()??,
        };
        self.deadline_after(echoed, now)
    }

    /// The deadline an echoed beat is good for, if it lies ahead.
    pub(in crate::node) fn deadline_after(&self, echoed: NicTime, now: Now) -> Option<NicTime> {
        let longest = now.nic + weir_spec::lease::LEASE_MAX;
        Some((echoed + self.lease_length).min(longest)).filter(|&until| until > now.nic)
    }

    /// The deadline to lift the fence with, if every member shows the epoch and echoes a beat sent after the fence. In availability mode
    /// one of them has not been fenced, or this host has listened for a tolerance.
    pub(in crate::node) fn recommit_deadline(&self, now: Now) -> Option<NicTime> {
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
        // Where all stood still together, a host outside the epoch may serve by now, and they hear each other before they hear that one.
        let fenced = |host: HostId| self.peers.get(&host).is_some_and(|peer| peer.says.fenced());
        if self.config.mode == Mode::Availability && others.iter().all(fenced) && !self.has_listened(now) {
            return None;
        }
        others.iter().all(|host| shows(host).is_some()).then(|| self.commit_deadline(own.view(), now))?
    }

    /// The least a lease may stand for by the mode's rule; `None` if nothing renews.
    pub(in crate::node) fn renewal(&self, now: Now) -> Option<NicTime> {
        let own = self.committed.as_ref()?;
        let others = own.view().without(self.me());
        match self.config.mode {
            Mode::Quorum => {
                let hosts = self.config.hosts;
                let echoed = hosts.without(self.me()).iter().filter_map(|host| self.peers.get(&host)?.echoed);
                lease::majority(hosts.len(), now.nic, echoed.collect())
            }
            Mode::Availability => {
                // Who has stopped echoes nobody, and enters no epoch any more.
                let runs = |host: &HostId| self.peers.get(host).is_some_and(Peer::runs);
                let mut heard = others.iter().filter(|&host| self.of_late(host, now)).filter(runs).peekable();
                match heard.peek() {
                    None => self.beats.last().filter(|_| self.has_listened(now)),
                    Some(_) => heard.map(|host| self.peers.get(&host)?.echoed).min()?,
                }
            }
        }
    }
}
