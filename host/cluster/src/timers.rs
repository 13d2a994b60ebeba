//! All points in time a host waits for, in one table.

use std::collections::BTreeMap;

use crate::time::HostTime;

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Timer {
    /// The next periodic heartbeat.
    Beat,
    /// A start that was put off.
    Start,
    /// The end of the listening window.
    Listen,
    /// A chunk that was asked for has not come.
    Fetch,
    /// A proposer may make another proposal, the last one having failed.
    Propose,
    /// A proposer gives up a proposal that not all have followed.
    Patience,
    /// A NIC that failed is tried again.
    Nic,
    /// Records that were sent have not been answered.
    Records,
    /// What answers SYN cookies has had its time.
    Quiesce,
    /// Connections that drain are looked at again.
    Poll,
    /// Buckets without listed connections become ordinary ones again.
    Tidy,
    /// Connections that drain have had their time.
    Drain,
    /// Before that no epoch is proposed to move what is held.
    Batch,
    /// The end of the farewell after a stop.
    Farewell,
    /// The next moment at which a silence, a promise, a penalty or an alarm ends by itself.
    Horizon,
}

/// Timer to time.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Timers(BTreeMap<Timer, HostTime>);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: HostTime) {
        self.0.insert(timer, at);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.0.contains_key(&timer)
    }

    /// Whether the timer has run out; it is cleared then.
    pub(crate) fn expired(&mut self, timer: Timer, now: HostTime) -> bool {
        let due = self.0.get(&timer).is_some_and(|&at| now >= at);
        if due {
            self.clear(timer);
        }
        due
    }

    pub(crate) fn next(&self) -> Option<HostTime> {
        self.0.values().copied().min()
    }
}
