//! The two ends of a stream of records.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_spec::flow::Entry;

use super::Place;
use crate::epoch::EpochId;
use crate::flow::Record;
use crate::wire::records::{MOST, Operation};

/// A stream that goes out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Outbox {
    pub(crate) epoch: EpochId,
    pub(crate) generation: u32,
    /// Others may have answered what it tells.
    doubtful: bool,
    queue: VecDeque<Operation>,
    /// Of the queue, so many from the front are what there was to tell at the beginning.
    first: usize,
    begun: bool,
    /// Sent, and not answered.
    sent: Option<Vec<Operation>>,
    number: u16,
}

/// One frame of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub(crate) number: u16,
    pub(crate) complete: bool,
    pub(crate) doubtful: bool,
    pub(crate) operations: Vec<Operation>,
}

impl Outbox {
    pub(crate) fn new(epoch: EpochId, generation: u32, doubtful: bool, list: Vec<Operation>) -> Outbox {
        let first = list.len();
        Outbox { epoch, generation, doubtful, queue: list.into(), first, begun: false, sent: None, number: 0 }
    }

    /// It tells of a denial that was not answered.
    pub(crate) fn denies(&self) -> bool {
        let is_denial = |operation: &Operation| matches!(operation, Operation::Deny(_));
        self.queue.iter().chain(self.sent.iter().flatten()).any(is_denial)
    }

    pub(crate) fn push(&mut self, operation: Operation) {
        self.queue.push_back(operation);
    }

    /// Everything told was answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.begun && self.sent.is_none() && self.queue.is_empty()
    }

    /// What to send now; with `again`, what was sent and not answered. An empty list is told too.
    pub(crate) fn frame(&mut self, again: bool) -> Option<Frame> {
        if self.sent.is_some() {
            if !again {
                return None;
            }
        } else {
            if self.begun && self.queue.is_empty() {
                return None;
            }
            self.begun = true;
            let count = self.queue.len().min(MOST);
            self.first = self.first.saturating_sub(count);
            self.sent = Some(self.queue.drain(..count).collect());
        }
        let operations = self.sent.clone()?;
        Some(Frame { number: self.number, complete: self.first == 0, doubtful: self.doubtful, operations })
    }

    /// An answer came; true if it is the one waited for.
    pub(crate) fn answered(&mut self, generation: u32, next: u16) -> bool {
        let good = generation == self.generation && self.sent.is_some() && next == self.number.wrapping_add(1);
        if good {
            self.sent = None;
            self.number = next;
        }
        good
    }
}

/// What a frame asks for beside the list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Asked {
    /// Buckets that the sender keeps, or has no room for.
    pub(crate) holds: Vec<Place>,
    /// Connections of the addressee's that have been answered elsewhere since.
    pub(crate) denied: Vec<Record>,
}

/// A stream that comes in, and what is left of those before it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Inbox {
    incarnation: u64,
    generation: u32,
    next: u16,
    pub(crate) epoch: EpochId,
    pub(crate) complete: bool,
    /// Others may have answered what the sender tells.
    pub(crate) doubtful: bool,
    /// The sender's connections in this host's buckets.
    pub(crate) records: BTreeSet<Record>,
    /// Records of streams before, by their epochs: a sender may be an epoch ahead.
    pub(crate) kept: BTreeMap<EpochId, BTreeSet<Record>>,
    /// By epoch, buckets that the sender keeps though that gives them to this host, or to somebody else.
    pub(crate) holds: BTreeMap<EpochId, BTreeSet<Place>>,
    /// Records of the last frame that found no room.
    refused: Vec<Record>,
    /// The last frame has to be answered, once it is done.
    pub(super) owed: bool,
    /// Sequence of that frame, which heartbeats share.
    pub(crate) sequence: u32,
}

impl Inbox {
    /// Takes a frame; what it asks for beside the list, or `None` if it is not the one expected.
    pub(crate) fn take(&mut self, incarnation: u64, epoch: EpochId, generation: u32, frame: &Frame) -> Option<Asked> {
        if (incarnation, generation) != (self.incarnation, self.generation) {
            let newer = incarnation != self.incarnation || generation > self.generation;
            if !newer || frame.number != 0 {
                return None;
            }
            let mut kept = std::mem::take(&mut self.kept);
            if !self.records.is_empty() {
                kept.entry(self.epoch).or_default().append(&mut self.records);
            }
            let mut holds = std::mem::take(&mut self.holds);
            holds.remove(&epoch);
            *self = Inbox { incarnation, generation, epoch, kept, holds, ..Inbox::default() };
        }
        if frame.number.wrapping_add(1) == self.next {
            // Its answer was lost.
            self.owed = true;
            return None;
        }
        if frame.number != self.next {
            return None;
        }
        self.next = self.next.wrapping_add(1);
        self.complete |= frame.complete;
        self.doubtful |= frame.doubtful;
        self.owed = true;
        self.refused.clear();
        let mut asked = Asked::default();
        for operation in &frame.operations {
            match *operation {
                Operation::Add(record) => {
                    self.records.insert(record);
                }
                Operation::Remove(record) => self.forget(&record),
                Operation::Hold { slot, bucket } => asked.holds.push((slot, bucket)),
                Operation::Deny(record) => asked.denied.push(record),
            }
        }
        Some(asked)
    }

    /// A connection is not heeded any more.
    pub(crate) fn forget(&mut self, record: &Record) {
        self.records.remove(record);
        self.kept.values_mut().for_each(|records| {
            records.remove(record);
        });
    }

    /// A record found no room.
    pub(crate) fn refuse(&mut self, entry: &Entry) {
        let same = |record: &&Record| (record.signature, record.vip) == (entry.signature, entry.vip);
        if let Some(record) = self.records.iter().find(same).copied() {
            self.records.remove(&record);
            self.refused.push(record);
        }
    }

    /// The answer that is owed: generation, number expected next, and what found no room. Repeated if asked again.
    pub(crate) fn answer(&mut self) -> Option<(u32, u16, Vec<Operation>)> {
        let refused = || self.refused.iter().copied().map(Operation::Add).collect();
        std::mem::take(&mut self.owed).then(|| (self.generation, self.next, refused()))
    }

    /// Sender's incarnation, generation, and the frame expected next.
    pub(crate) fn stream(&self) -> (u64, u32, u16) {
        (self.incarnation, self.generation, self.next)
    }

    /// A stream that goes on.
    pub(crate) fn again(incarnation: u64, generation: u32, next: u16, epoch: EpochId, records: Vec<Record>) -> Inbox {
        let records = records.into_iter().collect();
        Inbox { incarnation, generation, next, epoch, complete: true, records, ..Inbox::default() }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().chain(self.kept.values().flatten())
    }

    /// All of them, with their epochs.
    pub(crate) fn with_epochs(&self) -> impl Iterator<Item = (EpochId, &Record)> {
        let kept = self.kept.iter().flat_map(|(&epoch, records)| records.iter().map(move |record| (epoch, record)));
        self.records.iter().map(|record| (self.epoch, record)).chain(kept)
    }

    /// What was listed by one epoch.
    pub(crate) fn by_epoch(&self, epoch: EpochId) -> impl Iterator<Item = &Record> {
        let records = (self.epoch == epoch).then_some(&self.records);
        records.into_iter().chain(self.kept.get(&epoch)).flatten()
    }

    /// Lists for an epoch above this one.
    pub(crate) fn is_ahead_of(&self, epoch: EpochId) -> bool {
        self.epoch > epoch
    }

    /// An epoch is in force: what was listed by others goes, but for buckets that are held. The stream stays if it `may_come`
    /// into force later; those before it were given up when it began.
    pub(crate) fn outdate(&mut self, epoch: EpochId, held: &BTreeSet<Place>, may_come: bool) {
        let stays = self.epoch == epoch || may_come && self.is_ahead_of(epoch);
        if !stays {
            let records = std::mem::take(&mut self.records);
            self.kept.entry(self.epoch).or_default().extend(records);
        }
        let by_epoch = self.kept.remove(&epoch);
        let others = std::mem::take(&mut self.kept);
        let is_held = |record: &Record| held.contains(&(record.slot, record.bucket));
        let mut staying: BTreeSet<Record> = others.into_values().flatten().filter(is_held).collect();
        staying.extend(by_epoch.into_iter().flatten());
        if !staying.is_empty() {
            self.kept.insert(epoch, staying);
        }
        self.holds.retain(|&of, _| of == epoch || stays && of == self.epoch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: EpochId = EpochId { counter: 3, lineage: 9 };

    fn record(bucket: u16) -> Record {
        Record { slot: 0, bucket, vip: 0, signature: u64::from(bucket) << 40 }
    }

    fn adds(buckets: std::ops::Range<u16>) -> Vec<Operation> {
        buckets.map(|bucket| Operation::Add(record(bucket))).collect()
    }

    #[test]
    fn a_stream_survives_lost_frames_and_lost_answers() {
        let mut outbox = Outbox::new(EPOCH, 1, false, adds(0..300));
        outbox.push(Operation::Remove(record(7)));
        let mut inbox = Inbox::default();
        let mut rounds = 0;
        while !outbox.is_idle() {
            rounds += 1;
            let frame = outbox.frame(rounds > 1).expect("something to send");
            if rounds % 3 == 0 {
                continue;
            }
            inbox.take(77, EPOCH, 1, &frame);
            let answer = inbox.answer();
            if rounds % 4 != 0
                && let Some((generation, next, refused)) = answer
            {
                assert!(refused.is_empty());
                outbox.answered(generation, next);
            }
            assert!(rounds < 40);
        }
        assert!(inbox.complete);
        assert_eq!(inbox.records.len(), 299);
        assert!(!inbox.records.contains(&record(7)));
    }

    #[test]
    fn a_new_generation_keeps_what_the_old_one_told_until_it_is_no_longer_needed() {
        let mut inbox = Inbox::default();
        let first = Frame { number: 0, complete: true, doubtful: false, operations: adds(0..3) };
        assert_eq!(inbox.take(77, EPOCH, 1, &first), Some(Asked::default()));
        let second = Frame { number: 0, complete: true, doubtful: false, operations: adds(2..4) };
        assert_eq!(inbox.take(77, EPOCH, 2, &second), Some(Asked::default()));
        assert_eq!(inbox.all().copied().collect::<BTreeSet<_>>(), (0..4).map(record).collect());
        assert_eq!(inbox.take(77, EPOCH, 1, &first), None, "older than what is known");
        let gone = Frame { number: 1, complete: true, doubtful: false, operations: vec![Operation::Remove(record(0))] };
        assert_eq!(inbox.take(77, EPOCH, 2, &gone), Some(Asked::default()));
        assert!(!inbox.all().any(|known| *known == record(0)), "what ended has ended in all of them");
    }

    #[test]
    fn what_was_listed_for_an_epoch_that_never_came_goes_with_the_next_commit_whatever_their_ranks() {
        let epoch = |lineage| EpochId { counter: 4, lineage };
        let list = |number, buckets| Frame { number, complete: true, doubtful: false, operations: adds(buckets) };
        let mut inbox = Inbox::default();
        inbox.take(77, epoch(9), 1, &list(0, 0..3));
        inbox.take(77, epoch(5), 2, &list(0, 2..4));
        inbox.outdate(epoch(5), &BTreeSet::new(), false);
        assert_eq!(inbox.all().copied().collect::<BTreeSet<_>>(), (2..4).map(record).collect());
        // The sender is ahead, and then it is not any more.
        inbox.take(77, epoch(7), 3, &list(0, 6..8));
        let mut gone = inbox.clone();
        inbox.outdate(epoch(5), &BTreeSet::new(), true);
        assert_eq!(inbox.all().copied().collect::<BTreeSet<_>>(), (2..4).chain(6..8).map(record).collect());
        gone.outdate(epoch(5), &BTreeSet::from([(0, 7)]), false);
        let left: BTreeSet<u16> = gone.by_epoch(epoch(5)).map(|record| record.bucket).collect();
        assert_eq!(left, BTreeSet::from([2, 3, 7]), "but for a bucket that is held");
    }
}
