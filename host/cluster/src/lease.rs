//! How long a NIC may go on without a word: beats, echoes and the deadline they earn.
//!
//! Each heartbeat carries a beat number, and for every host the last beat heard from it. **An echo is a promise**: no epoch
//! without you until tolerance x period after I heard that beat (or until you report to own nothing). So a host whose beat
//! `b` was echoed may let its NIC accept until
//!
//! ```text
//! NIC time read before b was sent + L,    L = (tolerance x period x (1 - drift) - skew) / (1 + drift)
//! ```
//!
//! and its NIC is fenced before anybody can own its buckets, whatever happens to its agent, its links, or the write that
//! was under way when it was paused. `drift` is 200 ppm between any two clocks, `skew` the longest time a frame may queue
//! before the receiver's clock stamps it. What does *not* renew was found by model to be unsafe: hearing others without
//! being echoed (a host whose transmit path died would go on answering), and the state of convergence.
//!
//! - Quorum mode: `b` is the newest beat echoed by a majority of the configured hosts, this one counted.
//! - Availability mode: the oldest of the newest beats echoed by the members heard of late (two periods) that have not stopped:
//!   those enter no epoch any more. If none is heard of late, this host is alone, and `b` is its own last beat, once it has listened for a whole tolerance since start,
//!   resume or link-up. (Not the time of the renewal: who starts between the two listens for a tolerance from then on.)
//!
//! A beat is one octet. It advances at most 64 times a tolerance; frames between share it and the older NIC time. A peer's
//! echo is taken only if the frame before it came within a tolerance, so that a number never means a later round.

use std::collections::VecDeque;

use crate::time::{HostTime, Micros, NicTime};

/// The drift between any two clocks, in parts per million.
pub const DRIFT_PPM: Micros = 200;
/// Beats remembered: two tolerances' worth, and less than half of the numbers.
const REMEMBERED: usize = 127;

/// The L of the formula above.
pub fn length(dead_after: Micros, skew: Micros) -> Micros {
    let (million, drift) = (1_000_000u128, u128::from(DRIFT_PPM));
    let slowed = u128::from(dead_after) * (million - drift) / million;
    let length = slowed.saturating_sub(u128::from(skew)) * million / (million + drift);
    Micros::try_from(length).unwrap_or(Micros::MAX)
}

/// The beats this host has sent.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Beats {
    sent: VecDeque<(u8, NicTime)>,
    advanced: HostTime,
}

impl Beats {
    /// The beat for a frame about to be sent. `nic` was read before. Advances if `gap` has passed since it last did, or if
    /// the current one is not younger than `after`.
    pub(crate) fn next(&mut self, host: HostTime, nic: NicTime, gap: Micros, after: Option<NicTime>) -> u8 {
        match self.sent.back() {
            Some(&(beat, sent)) if host - self.advanced < gap && after.is_none_or(|after| sent > after) => beat,
            last => {
                let beat = last.map_or(1, |&(beat, _)| if beat == u8::MAX { 1 } else { beat + 1 });
                self.sent.push_back((beat, nic));
                if self.sent.len() > REMEMBERED {
                    self.sent.pop_front();
                }
                self.advanced = host;
                beat
            }
        }
    }

    /// All that are remembered, and when the last one was new.
    pub(crate) fn sent_so_far(&self) -> (Vec<(u8, u64)>, HostTime) {
        (self.sent.iter().map(|&(beat, nic)| (beat, nic.0)).collect(), self.advanced)
    }

    /// The inverse of [`sent_so_far`](Beats::sent_so_far).
    pub(crate) fn again(sent: Vec<(u8, u64)>, advanced: HostTime) -> Beats {
        Beats { sent: sent.into_iter().map(|(beat, nic)| (beat, NicTime(nic))).collect(), advanced }
    }

    /// The NIC time read before the newest beat was first sent.
    pub(crate) fn last(&self) -> Option<NicTime> {
        self.sent.back().map(|&(_, nic)| nic)
    }

    /// The NIC time read before a beat was first sent; `None` if it is forgotten or was never sent.
    pub(crate) fn sent(&self, beat: u8) -> Option<NicTime> {
        self.sent.iter().find(|(sent, _)| *sent == beat).map(|&(_, nic)| nic)
    }
}

/// The deadline as this host knows it. The NIC may have fenced itself earlier, never later.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Lease {
    /// Given to the NIC last.
    pub(crate) until: NicTime,
    /// Since when it accepts nothing, as far as known; `None` while it accepts.
    pub(crate) fenced_at: Option<NicTime>,
}

impl Default for Lease {
    fn default() -> Lease {
        Lease { until: NicTime(0), fenced_at: Some(NicTime(0)) }
    }
}

impl Lease {
    /// The NIC's clock reached `now`. True if the fence fell by it.
    pub(crate) fn tick(&mut self, now: NicTime) -> bool {
        let falls = self.fenced_at.is_none() && now >= self.until;
        if falls {
            self.fenced_at = Some(now);
        }
        falls
    }

    pub(crate) fn fenced(&self) -> bool {
        self.fenced_at.is_some()
    }
}

/// The newest time a majority stands for: this host, and the best of `echoed`. `None` if they are too few.
pub(crate) fn majority(hosts: usize, own: NicTime, mut echoed: Vec<NicTime>) -> Option<NicTime> {
    let others = hosts / 2;
    if others == 0 {
        return Some(own);
    }
    echoed.sort_unstable_by(|a, b| b.cmp(a));
    echoed.get(others - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_before_the_promise_however_the_clocks_drift() {
        for (period, tolerance) in [(1_000_000, 5), (5_000, 5), (10_000_000, 100)] {
            let dead_after = period * tolerance;
            let lease = length(dead_after, 0);
            // The NIC's clock slow by the drift, the peer's fast by it: the lease as the peer's clock sees it.
            let seen = lease + lease * DRIFT_PPM / 1_000_000;
            assert!(seen <= dead_after - dead_after * DRIFT_PPM / 1_000_000);
            assert!(lease > dead_after - dead_after * 3 * DRIFT_PPM / 1_000_000, "and wastes little");
        }
    }

    #[test]
    fn frames_between_advances_share_the_older_time() {
        let mut beats = Beats::default();
        assert_eq!(beats.next(HostTime(1000), NicTime(10), 100, None), 1);
        assert_eq!(beats.next(HostTime(1050), NicTime(60), 100, None), 1);
        assert_eq!(beats.sent(1), Some(NicTime(10)));
        assert_eq!(beats.next(HostTime(1100), NicTime(110), 100, None), 2);
        assert_eq!(
            beats.next(HostTime(1101), NicTime(111), 100, Some(NicTime(110))),
            3,
            "a fence asks for a fresh beat"
        );
        assert_eq!(beats.sent(4), None);
    }

    #[test]
    fn zero_is_never_a_beat_and_old_numbers_are_forgotten_before_they_return() {
        let mut beats = Beats::default();
        for round in 1..=600u64 {
            let beat = beats.next(HostTime(round * 100), NicTime(round), 100, None);
            assert_ne!(beat, 0);
            assert_eq!(beats.sent(beat), Some(NicTime(round)));
        }
    }

    #[test]
    fn a_majority_of_four_needs_two_others() {
        let at = |list: &[u64]| majority(4, NicTime(99), list.iter().map(|&t| NicTime(t)).collect());
        assert_eq!(at(&[50]), None);
        assert_eq!(at(&[50, 70]), Some(NicTime(50)));
        assert_eq!(at(&[50, 70, 60]), Some(NicTime(60)));
    }
}
