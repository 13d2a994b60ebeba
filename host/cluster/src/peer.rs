//! What is known of another host, and when to believe it.
//!
//! A frame that is authentic may still be old: recorded and played again. Each start of a host has a random incarnation of
//! 64 bits. An incarnation not known yet is challenged with a nonce and believed once it has answered it; from then on the
//! sequence must strictly rise, from the answer's on (of heartbeats and of bulk frames each for itself, so that one may
//! overtake the other). An old incarnation cannot answer. While the believed incarnation is
//! still heard (two periods), another one of the same priority is not a restart but a second host: it stays unbelieved.
//!
//! A question is put again a quarter of a period after the last time if a frame of that incarnation has come since, whether
//! or not another one comes: the question may have been lost, or the link may have been down in that direction, and in
//! availability mode both sides accept until the lesser one believes what it hears.

use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};

use crate::action::Cause;
use crate::config::first_eight;
use crate::difference::Difference;
use crate::epoch::EpochId;
use crate::host::{HostId, HostSet};
use crate::phase::PhaseKind;
use crate::promise::Machine;
use crate::staged::Announced;
use crate::time::{HostTime, Micros, NicTime};
use crate::wire::extension;

/// What a host said in its last heartbeat.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Says {
    pub(crate) phase: PhaseKind,
    pub(crate) cause: Cause,
    pub(crate) lease: u8,
    pub(crate) heard: HostSet,
    pub(crate) members: HostSet,
    pub(crate) committed: EpochId,
    pub(crate) proposed: EpochId,
    pub(crate) table_digest: [u8; 8],
    pub(crate) weights: Vec<u32>,
    pub(crate) config_digest: [u8; 8],
    /// Names the configuration it has staged.
    pub(crate) staged: Announced,
    /// For so many seconds it will be absent, or was.
    pub(crate) absence: u16,
    /// Id of the key that signs it.
    pub(crate) key: u8,
    pub(crate) unique_code: u32,
    pub(crate) ip: Option<Ipv4Addr>,
}

impl Says {
    pub(crate) fn fenced(&self) -> bool {
        self.lease & extension::FENCED != 0
    }

    pub(crate) fn owns_nothing(&self) -> bool {
        self.lease & extension::OWNS_NOTHING != 0
    }

    pub(crate) fn machine(&self) -> Machine {
        (self.unique_code, self.ip)
    }

    pub(crate) fn holds(&self) -> bool {
        self.lease & extension::HOLDS != 0
    }

    pub(crate) fn quiesces(&self) -> bool {
        self.lease & extension::QUIESCES != 0
    }

    pub(crate) fn crowded(&self) -> bool {
        self.lease & extension::CROWDED != 0
    }

    /// Whether the absence it announces is over.
    pub(crate) fn returned(&self) -> bool {
        self.lease & extension::RETURNED != 0
    }

    /// Whether its committed epoch is in force, or may come into force again without a new one.
    pub(crate) fn serves(&self) -> bool {
        let may_again = self.phase.may_serve();
        !self.committed.is_none() && (!self.fenced() || may_again)
    }

    /// Name of the table it has loaded, if it has.
    pub(crate) fn proposal(&self) -> Option<(EpochId, [u8; 8])> {
        (!self.proposed.is_none()).then_some((self.proposed, self.table_digest))
    }

    /// Name of the epoch it has committed, if that is the one its digest is of.
    pub(crate) fn epoch(&self) -> Option<(EpochId, [u8; 8])> {
        (self.proposed.is_none() && !self.committed.is_none()).then_some((self.committed, self.table_digest))
    }
}

/// A host whose incarnation is believed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Peer {
    pub(crate) incarnation: u64,
    /// Of the last heartbeat accepted.
    pub(crate) sequence: u32,
    /// Of the last bulk frame accepted.
    pub(crate) bulk_sequence: u32,
    /// When the last heartbeat came; `None` before the first.
    pub(crate) heard: Option<HostTime>,
    /// Its last beat.
    pub(crate) beat: u8,
    /// NIC time of our newest beat it echoes.
    pub(crate) echoed: Option<NicTime>,
    /// Since when it has been linked with this host and all members; `None` while it is not.
    pub(crate) linked_since: Option<HostTime>,
    /// Was excluded: has to be linked for a whole tolerance before it counts again.
    pub(crate) penalised: bool,
    /// In what it does not fit.
    pub(crate) mismatch: Option<Difference>,
    pub(crate) says: Says,
    /// Digest of the configuration it has staged, and its weight slots by that.
    pub(crate) offer: Option<([u8; 8], Vec<u32>)>,
}

impl Peer {
    pub(crate) fn new(incarnation: u64, sequence: u32) -> Peer {
        Peer {
            incarnation,
            sequence,
            bulk_sequence: sequence,
            heard: None,
            beat: 0,
            echoed: None,
            linked_since: None,
            penalised: false,
            mismatch: None,
            says: Says::default(),
            offer: None,
        }
    }

    /// Time since its last heartbeat that counts as silence: only while our own timers ran.
    pub(crate) fn silence(&self, now: HostTime, awake_since: HostTime) -> Option<Micros> {
        self.heard.map(|heard| now - heard.max(awake_since))
    }

    /// Whether it takes part.
    pub(crate) fn runs(&self) -> bool {
        !matches!(self.says.phase, PhaseKind::Stopped | PhaseKind::Leaving)
    }
}

/// A question put to an incarnation that is not believed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Challenge {
    host: HostId,
    incarnation: u64,
    nonce: u64,
    drawn: HostTime,
    asked: HostTime,
    /// A frame of it has come since it was asked.
    speaks: bool,
    /// It has answered. Who has and is not believed nevertheless is asked no more often than others.
    answered: bool,
}

/// What an answer is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answered {
    /// Nothing: it answers no question under way.
    Nothing,
    /// The incarnation is to be believed.
    Proof {
        /// Something it said has come before the answer, and was not believed.
        spoke: bool,
    },
}

/// A question is put again after this part of a period.
const AGAIN: Micros = 4;

/// Questions under way, at most four a host, and where nonces come from.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Challenges {
    entropy: [u8; 32],
    drawn: u64,
    open: Vec<Challenge>,
}

impl Challenges {
    pub(crate) fn new(entropy: [u8; 32]) -> Challenges {
        Challenges { entropy, drawn: 0, open: Vec::new() }
    }

    /// Where numbers come from, and how many came.
    pub(crate) fn source(&self) -> ([u8; 32], u64) {
        (self.entropy, self.drawn)
    }

    /// Goes on where another one ended, with no question under way.
    pub(crate) fn from_source(entropy: [u8; 32], drawn: u64) -> Challenges {
        Challenges { entropy, drawn, open: Vec::new() }
    }

    /// The next random number: SHA-256 over the secret entropy and a counter.
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        let hash = Sha256::new().chain_update(self.entropy).chain_update(self.drawn.to_le_bytes()).finalize();
        u64::from_le_bytes(first_eight(&hash))
    }

    /// A frame of an incarnation that is not believed came: the nonce to ask with, unless it was asked a moment ago. A nonce
    /// is good for a period, so that an answer which takes long is not outdated by the question being put again.
    pub(crate) fn ask(&mut self, host: HostId, incarnation: u64, now: HostTime, period: Micros) -> Option<u64> {
        let same = |c: &Challenge| c.host == host && c.incarnation == incarnation;
        if let Some(known) = self.open.iter_mut().find(|c| same(c)) {
            if now - known.asked < period / AGAIN {
                known.speaks = true;
                return None;
            }
            if !known.answered && now - known.drawn < period {
                (known.asked, known.speaks) = (now, false);
                return Some(known.nonce);
            }
        }
        let nonce = self.draw();
        self.open.retain(|c| !same(c));
        if self.open.iter().filter(|c| c.host == host).count() >= 4
            && let Some(oldest) = self.open.iter().position(|c| c.host == host)
        {
            self.open.remove(oldest);
        }
        self.open.push(Challenge { host, incarnation, nonce, drawn: now, asked: now, speaks: false, answered: false });
        Some(nonce)
    }

    /// What is to be asked again by now: the host, its incarnation, and the nonce.
    pub(crate) fn ask_again(&mut self, now: HostTime, period: Micros) -> Vec<(HostId, u64, u64)> {
        let due = |c: &&Challenge| c.speaks && now - c.asked >= period / AGAIN;
        let due: Vec<_> = self.open.iter().filter(due).map(|c| (c.host, c.incarnation)).collect();
        let ask = |(host, incarnation)| Some((host, incarnation, self.ask(host, incarnation, now, period)?));
        due.into_iter().filter_map(ask).collect()
    }

    /// When the next question is to be put again.
    pub(crate) fn next(&self, period: Micros) -> Option<HostTime> {
        self.open.iter().filter(|c| c.speaks).map(|c| c.asked + period / AGAIN).min()
    }

    /// What an answer to a question under way proves, which is closed then.
    pub(crate) fn answered(&mut self, host: HostId, incarnation: u64, nonce: u64) -> Answered {
        let asked = |c: &&mut Challenge| !c.answered && (c.host, c.incarnation, c.nonce) == (host, incarnation, nonce);
        let Some(closed) = self.open.iter_mut().find(asked) else { return Answered::Nothing };
        closed.answered = true;
        Answered::Proof { spoke: std::mem::take(&mut closed.speaks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: Answered = Answered::Proof { spoke: false };

    #[test]
    fn an_answer_counts_once_and_only_for_the_incarnation_that_was_asked() {
        let host = HostId::new(3).expect("host");
        let mut challenges = Challenges::new([7; 32]);
        let nonce = challenges.ask(host, 1, HostTime(0), 100).expect("first question");
        assert_eq!(challenges.answered(host, 2, nonce), Answered::Nothing);
        assert_eq!(challenges.answered(host, 1, nonce ^ 1), Answered::Nothing);
        assert_eq!(challenges.answered(host, 1, nonce), PROOF);
        assert_eq!(challenges.answered(host, 1, nonce), Answered::Nothing);
    }

    #[test]
    fn a_question_is_put_again_with_the_same_nonce_for_a_period_if_its_incarnation_speaks() {
        let host = HostId::new(3).expect("host");
        let mut challenges = Challenges::new([7; 32]);
        let nonce = challenges.ask(host, 1, HostTime(0), 100).expect("first question");
        assert_eq!(challenges.ask_again(HostTime(30), 100), [], "it has not spoken since");
        assert_eq!(challenges.ask(host, 1, HostTime(31), 100), Some(nonce));
        assert_eq!(challenges.next(100), None);
        assert_eq!(challenges.ask(host, 1, HostTime(40), 100), None, "not twice in a row");
        assert_eq!(challenges.next(100), Some(HostTime(56)));
        assert_eq!(challenges.ask_again(HostTime(55), 100), []);
        assert_eq!(challenges.ask_again(HostTime(56), 100), [(host, 1, nonce)]);
        assert_eq!(challenges.next(100), None, "asked, and silent since");
        let fresh = challenges.ask(host, 1, HostTime(100), 100).expect("another question");
        assert_ne!(fresh, nonce, "a nonce is good for a period");
        assert_eq!(challenges.answered(host, 1, nonce), Answered::Nothing);
        assert_eq!(challenges.ask(host, 1, HostTime(101), 100), None);
        assert_eq!(challenges.answered(host, 1, fresh), Answered::Proof { spoke: true });
        assert_eq!(challenges.ask(host, 1, HostTime(124), 100), None, "who is not believed is not asked more often");
        assert!(challenges.ask(host, 1, HostTime(125), 100).is_some_and(|nonce| nonce != fresh));
    }

    #[test]
    fn a_flood_of_incarnations_keeps_four_questions() {
        let host = HostId::new(3).expect("host");
        let mut challenges = Challenges::new([7; 32]);
        let first = challenges.ask(host, 0, HostTime(0), 10).expect("question");
        for incarnation in 1..100 {
            challenges.ask(host, incarnation, HostTime(0), 10);
        }
        assert_eq!(challenges.open.len(), 4);
        assert_eq!(challenges.answered(host, 0, first), Answered::Nothing);
    }
}
