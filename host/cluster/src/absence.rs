//! A host that announces to be absent for a while: its agent ends, its NIC goes on, and another process takes over.
//!
//! An ordinary lease is good for a tolerance, since nobody is promised more ([`lease`](crate::lease)). So a host that will be away
//! for longer says so before, and goes only when all others have promised to wait:
//!
//! 1. It **announces**: every heartbeat says for how many seconds it will be absent. While an epoch is wanted or under way it does
//!    not: that comes first, and what was promised before is over.
//! 2. Whoever hears that as a member of the same epoch, with no proposal loaded, **promises** no epoch without that process until
//!    a tolerance and the announced time after it heard the heartbeat. It has to keep that even if it is restarted, so it lays the
//!    promise down where a crash cannot reach it before it gives it, in a bulk frame that names the heartbeat by its sequence.
//! 3. With a promise of *every* other member, the host sets its NIC's deadline: NIC time read before the oldest of those
//!    heartbeats was sent, and the L of the lease for a tolerance and the announced time. It loads no proposal from here on. Now it
//!    may end, and leaves what it knows to the next process.
//! 4. Who has promised does not count its silence, and proposes no epoch meanwhile, with it or without it.
//! 5. The next process goes on announcing, for its NIC may still go on for longer than any echo says. When echoes stand for an
//!    ordinary deadline again it gives the NIC that, and when the NIC has confirmed it the heartbeats say 0: all that was promised
//!    is over.
//!    What a process that was started since would have to echo is not waited for, as it has promised nothing. If all others of the epoch
//!    are gone, an ordinary deadline is one by the host's own beat, once it has listened for a tolerance and nobody listens yet.
//! 6. Who does not return is lost when the promises are over, as any silent host; its NIC is fenced before.
//!
//! A process that is started and finds a promise laid down by one before it, without knowing more, neither speaks nor listens
//! until that is over: for the others it has crashed, and is not back yet. So whatever restarts, nobody who is able to form an epoch
//! has forgotten the host that is away, as long as a member lives to tell, or a quorum is asked for.
//!
//! Echoes that were given before an absence of a tolerance or more say nothing after it: numbers of beats have gone round since. The
//! process that returns echoes nobody it has not heard, and is believed to echo from its second frame on.

use std::collections::{BTreeMap, VecDeque};

use crate::host::{HostId, HostSet};
use crate::time::NicTime;

/// The longest absence, in seconds: a NIC takes no deadline that is further ahead.
pub const LONGEST: u16 = 60;

/// Announcements remembered: promises name one of them.
const REMEMBERED: usize = 256;

/// Why a host cannot be absent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AbsenceError {
    /// No NIC goes on for so long, or there is nothing to announce.
    #[error("absence is {0} s, should be 1 to {LONGEST}")]
    Length(u16),
    /// It is in no epoch, or alone in it.
    #[error("this host is in no epoch with others, who could promise to wait for it")]
    Alone,
    /// The others could not go on without a majority.
    #[error("{others} other hosts of {hosts} are no majority: their NICs would be fenced while this one is absent")]
    NoQuorum {
        /// Other members that count.
        others: usize,
        /// Configured hosts.
        hosts: usize,
    },
    /// One at a time.
    #[error("host {0} is absent, or about to be: wait until it is back")]
    Another(HostId),
    /// It was absent, and its NIC has not yet been given an ordinary lease.
    #[error("this host is about to be absent, or has been just now")]
    Already,
}

/// This host's own absence, from its announcement until its NIC's lease is an ordinary one again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Absence {
    /// For how long.
    pub(crate) seconds: u16,
    /// It is back, or does not go.
    pub(crate) over: bool,
    /// The deadline its NIC was given for it.
    pub(crate) until: Option<NicTime>,
    /// Sequences of heartbeats that announced it, with the NIC time read before each was sent.
    announced: VecDeque<(u32, NicTime)>,
    /// By host, that time of the heartbeat that is promised upon.
    promised: BTreeMap<HostId, NicTime>,
}

impl Absence {
    pub(crate) fn new(seconds: u16) -> Absence {
        Absence { seconds, over: false, until: None, announced: VecDeque::new(), promised: BTreeMap::new() }
    }

    /// Of a process that returns.
    pub(crate) fn returned(seconds: u16, until: NicTime) -> Absence {
        Absence { over: true, until: Some(until), ..Absence::new(seconds) }
    }

    /// A heartbeat announces it.
    pub(crate) fn announce(&mut self, sequence: u32, nic: NicTime) {
        self.announced.push_back((sequence, nic));
        if self.announced.len() > REMEMBERED {
            self.announced.pop_front();
        }
    }

    /// A heartbeat does not announce it, which takes back all promises.
    pub(crate) fn is_put_off(&mut self) {
        self.announced.clear();
        self.promised.clear();
    }

    /// A host has promised to wait, from the heartbeat with this sequence on.
    pub(crate) fn is_promised(&mut self, host: HostId, sequence: u32) {
        let Some(&(_, sent)) = self.announced.iter().find(|(announced, _)| *announced == sequence) else { return };
        let promised = self.promised.entry(host).or_insert(sent);
        *promised = sent.max(*promised);
    }

    /// From when on all of these hosts will wait, if all have promised to.
    pub(crate) fn promised_by(&self, hosts: HostSet) -> Option<NicTime> {
        hosts.iter().map(|host| self.promised.get(&host).copied()).min()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_heartbeat_that_is_promised_upon_counts_and_all_have_to_promise() {
        let hosts: Vec<HostId> = [2, 3].into_iter().filter_map(HostId::new).collect();
        let others: HostSet = hosts.iter().copied().collect();
        let mut absence = Absence::new(30);
        absence.announce(7, NicTime(100));
        absence.announce(9, NicTime(200));
        absence.is_promised(hosts[0], 9);
        assert_eq!(absence.promised_by(others), None);
        absence.is_promised(hosts[1], 8);
        assert_eq!(absence.promised_by(others), None, "no heartbeat of this sequence announced it");
        absence.is_promised(hosts[1], 7);
        assert_eq!(absence.promised_by(others), Some(NicTime(100)));
        absence.is_promised(hosts[1], 9);
        absence.is_promised(hosts[0], 7);
        assert_eq!(absence.promised_by(others), Some(NicTime(200)), "an older promise takes nothing back");
    }
}
