//! Hosts that served when they were last heard, and have fallen silent.
//!
//! A member that is lost has been promised something by every other member, so its lease ends with their promises. Who is in
//! no epoch with it has promised nothing, and its last heartbeats, which may have reached others only, renewed its lease
//! nevertheless. In quorum mode that is no matter: of a majority one has made a promise. In availability mode whoever serves
//! nothing, and would serve with nobody who has promised something, waits:
//!
//! - Two hosts that hear nothing of each other for a tolerance are beyond a partition, where both may serve. Short of that the
//!   last beat of the silent host, heard here or not, was sent before a tolerance after the last one that was heard here.
//! - A lease lasts for the L of [`lease`](crate::lease) from the sending of a beat.
//!
//! So two tolerances after it was last heard the silent host is fenced, or was beyond a partition: T (1 + drift) and L (1 + drift)
//! by the clock here are 2 T - skew.

use super::Node;
use crate::config::Mode;
use crate::host::{HostId, HostSet};
use crate::peer::Peer;
use crate::time::Now;

impl Node {
    /// A host outside `view` that is not heard any more, and whose NIC may accept still, for all that is known to a host that does
    /// not serve.
    pub(super) fn may_serve_still(&self, view: HostSet, now: Now) -> Option<HostId> {
        if self.config.mode == Mode::Quorum {
            return None;
        }
        let recent = |peer: &Peer| peer.heard.is_some_and(|heard| now.host - heard < 2 * self.dead_after());
        let blocks = |&(&host, peer): &(&HostId, &Peer)| {
            !view.contains(host)
                && recent(peer)
                && self.heard_of(host, now).is_none()
                && self.serves_beside(host, peer, view, now)
                && !self.is_promised_within(view, peer)
        };
        self.peers.iter().find(blocks).map(|(&host, _)| host)
    }

    /// Whether somebody in `view` was in one epoch with it, and has had an epoch ever since: while that one was heard by it, its
    /// lease ends with the promise, which is waited for anyway.
    fn is_promised_within(&self, view: HostSet, peer: &Peer) -> bool {
        view.intersection(peer.says.members).iter().any(|member| match member == self.me() {
            true => self.committed.is_some(),
            false => self.peers.get(&member).is_some_and(|peer| !peer.says.committed.is_none()),
        })
    }
}
