//! Who lists whose connections while buckets change hands.
//!
//! The old owner of a bucket tells its live connections to the new one, record by record, and goes on telling when they end.
//! A **stream** carries that from one host to another: it belongs to an epoch, begins with everything there is to tell by it,
//! and goes on with news. A new epoch, or a return to the one in force, begins a new stream of a higher generation, so a list is
//! never patched across epochs.
//!
//! Five rules keep every connection with its socket, and each new one with one host:
//!
//! 1. What leaves is listed with its new owner before it is released, and what came between with it before that is reported.
//!    Owners of a bucket that somebody else has connections in heed them before they report, even if they had it all along.
//! 2. Every host lists for every other what it has in buckets that are the other's, whoever had them in between; so a bucket
//!    that moves on before it has drained is listed by all who drain it.
//! 3. A connection that ends is unpinned first and told of then: at no time does its tuple pass at two hosts.
//! 4. Records are removed by who sent them, or by the commit of an epoch that they do not belong to. A silent host's stay until
//!    an epoch without it is committed: only then is its NIC known to be fenced. What belongs to an epoch above the committed
//!    one stays only if that may still come as it was listed: the sender is the same incarnation, is heard, and its last
//!    heartbeat shows that epoch or is older than the list. For names of epochs do not rise with time: a host that was
//!    restarted may not know how far others had counted, and lineages are random.
//!
//! 5. Of two hosts that both have a connection of one tuple, the one that was fenced while others owned its buckets has the older
//!    one. Its client has forgotten that, or it could not have begun the other. What such a host tells is *doubtful*: the owner of
//!    the bucket **denies** what itself, or somebody who was not left out, has as well, and the older one is ended while its host
//!    is still fenced.
//!
//! What a flow table has no room for is not moved: its bucket is *held* by the host that has it. The one it would go to is told
//! so, and so is whoever drains connections of that bucket: they are listed with its holder then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_spec::flow::signature::signature;
use weir_spec::flow::{Connection, Entry, FlowKind};

use crate::epoch::EpochId;
use crate::flow::{Flow, Record};
use crate::flow_key::FlowKey;
use crate::host::HostId;
use crate::wire::records::{MOST, Operation};

/// A rule slot and a bucket.
pub(crate) type Place = (u8, u16);

/// How far the hand-over of the loaded proposal is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) enum Stage {
    /// Nothing is loaded, or its first dump has not been asked for.
    #[default]
    Start,
    /// The first dump was asked for.
    FirstAsked,
    /// What leaves is being listed, or is.
    Listing,
    /// It is with the NIC to quiesce, or what answers SYN cookies is waited for.
    Quiescing,
    /// A release is with the NIC, or the second dump was asked for.
    Releasing,
    /// What came between the two dumps is being listed, or is.
    Closing,
}

/// What a dump was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Purpose {
    First,
    /// After what answers SYN cookies has had its time, and before anything is released.
    Quiesced,
    Second,
    Poll,
}

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
    owed: bool,
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

/// The signatures of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Signed {
    /// By the key the NIC runs.
    now: u64,
    /// By the key it is about to run, if that is another one.
    next: Option<u64>,
}

impl Signed {
    pub(crate) fn all(self) -> impl Iterator<Item = u64> {
        [Some(self.now), self.next].into_iter().flatten()
    }
}

/// The key a NIC signs connections by, and the one it is about to sign by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct FlowKeys {
    pub(crate) now: FlowKey,
    /// That of the loaded proposal, if it is another one.
    pub(crate) next: Option<FlowKey>,
}

impl FlowKeys {
    fn sign(&self, connection: &Connection) -> Signed {
        let by = |key: &FlowKey| signature(key.octets(), connection);
        Signed { now: by(&self.now), next: self.next.as_ref().map(by) }
    }
}

/// Everything about connections in buckets that change hands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Handover {
    pub(crate) stage: Stage,
    pub(crate) asked: Option<(u32, Purpose)>,
    keys: FlowKeys,
    /// This host's connections in buckets that leave it.
    pub(crate) pins: BTreeMap<Flow, Signed>,
    /// The pins by the configuration in force, while those above are by the staged one and nothing is released.
    pub(crate) pins_before: Option<BTreeMap<Flow, Signed>>,
    /// Others have owned this host's buckets while it was fenced: what it has may have been answered elsewhere.
    pub(crate) doubtful: bool,
    /// All connections that live here, by virtual IP and signature, where somebody's are doubtful.
    pub(crate) alive: BTreeMap<(u8, u64), Flow>,
    /// Answered elsewhere: they are not to be pinned again, should the kernel not have ended them.
    pub(crate) over: BTreeSet<Flow>,
    /// Unpinned, and not yet told of.
    pub(crate) unpinned: Vec<Flow>,
    /// Buckets this host keeps for want of room.
    pub(crate) held: BTreeSet<Place>,
    /// Buckets that another host keeps, which is to know of the connections here in place of the owner by the epoch.
    pub(crate) kept_by: BTreeMap<Place, HostId>,
    /// The same by the epoch in force, while another one is loaded.
    pub(crate) holders: BTreeMap<Place, HostId>,
    /// Buckets stay here that the epoch in force gives to others.
    pub(crate) holds: bool,
    pub(crate) outboxes: BTreeMap<HostId, Outbox>,
    pub(crate) inboxes: BTreeMap<HostId, Inbox>,
    /// What the flow table holds, if that is known.
    listed: Option<BTreeSet<Entry>>,
    /// What it will hold when the NIC has answered.
    listing: Option<(u32, BTreeSet<Entry>)>,
    /// What is to be listed has changed since it was last compared.
    pub(crate) dirty: bool,
    /// For the loaded proposal what answers SYN cookies was waited for.
    pub(crate) quiesced: bool,
    /// Buckets may have become ordinary ones.
    pub(crate) untidy: bool,
    generation: u32,
    ids: u32,
}

impl Handover {
    /// Of a NIC that signs by `key`.
    pub(crate) fn new(key: FlowKey) -> Handover {
        Handover {
            stage: Stage::Start,
            asked: None,
            keys: FlowKeys { now: key, next: None },
            pins: BTreeMap::new(),
            pins_before: None,
            doubtful: false,
            alive: BTreeMap::new(),
            over: BTreeSet::new(),
            unpinned: Vec::new(),
            held: BTreeSet::new(),
            kept_by: BTreeMap::new(),
            holders: BTreeMap::new(),
            holds: false,
            outboxes: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            listed: None,
            listing: None,
            dirty: false,
            quiesced: false,
            untidy: false,
            generation: 0,
            ids: 0,
        }
    }

    /// Forgets everything but the key of the NIC; the flow table is not known any more.
    pub(crate) fn reset(&mut self) {
        let fresh = Handover::new(self.keys.now.clone());
        *self = Handover { generation: self.generation, ids: self.ids, dirty: true, ..fresh };
    }

    /// By which keys connections are signed.
    pub(crate) fn keys(&self) -> &FlowKeys {
        &self.keys
    }

    /// Whether the commit of what is loaded changes the key of the NIC.
    pub(crate) fn changes_key(&self) -> bool {
        self.keys.next.is_some()
    }

    /// The key that comes into force with what is loaded; `None` if nothing is.
    pub(crate) fn expect_key(&mut self, next: Option<FlowKey>) {
        let next = next.filter(|next| *next != self.keys.now);
        if next != self.keys.next {
            self.keys.next = next;
            self.sign_anew();
        }
    }

    /// What was loaded is in force.
    pub(crate) fn runs_the_next_key(&mut self) {
        if let Some(next) = self.keys.next.take() {
            self.run_key(next);
        }
    }

    /// The NIC runs this key from here on.
    pub(crate) fn run_key(&mut self, now: FlowKey) {
        let keys = FlowKeys { now, next: None };
        if keys != self.keys {
            self.keys = keys;
            self.sign_anew();
        }
    }

    fn sign_anew(&mut self) {
        for (flow, signed) in self.pins.iter_mut().chain(self.pins_before.iter_mut().flatten()) {
            *signed = self.keys.sign(&flow.connection);
        }
        self.dirty = true;
    }

    pub(crate) fn pin(&mut self, flow: Flow) {
        self.pins.entry(flow).or_insert_with(|| self.keys.sign(&flow.connection));
    }

    /// Entries of the flow table, as far as they are known.
    pub(crate) fn entries(&self) -> usize {
        self.listed.as_ref().map_or(0, BTreeSet::len)
    }

    /// The flow table is not known any more.
    pub(crate) fn relist(&mut self) {
        self.listed = None;
        self.listing = None;
        self.dirty = true;
    }

    pub(crate) fn next_id(&mut self) -> u32 {
        self.ids = self.ids.wrapping_add(1);
        self.ids
    }

    pub(crate) fn next_generation(&mut self) -> u32 {
        self.generation += 1;
        self.generation
    }

    /// The flow table holds what it is to hold.
    pub(crate) fn in_sync(&self) -> bool {
        !self.dirty && self.listing.is_none() && self.listed.is_some()
    }

    /// Everything told was answered.
    pub(crate) fn all_answered(&self) -> bool {
        self.unpinned.is_empty() && self.outboxes.values().all(Outbox::is_idle)
    }

    pub(crate) fn unpin(&mut self, flow: &Flow) {
        if self.pins.remove(flow).is_some() {
            self.unpinned.push(*flow);
            self.dirty = true;
        }
    }

    fn wanted(&self) -> BTreeSet<Entry> {
        let pins = self.pins.iter().flat_map(|(flow, signed)| {
            signed.all().map(|signature| Entry { signature, vip: flow.vip, kind: FlowKind::Pin })
        });
        let foreign = self.inboxes.values().flat_map(Inbox::all).map(|record| Entry {
            signature: record.signature,
            vip: record.vip,
            kind: FlowKind::Foreign,
        });
        pins.chain(foreign).collect()
    }

    /// What to tell the NIC next, and what exceeds `most` entries; `None` while it is busy or has nothing to do. The flow table
    /// may be cleared only while the NIC accepts nothing (`may_clear`).
    pub(crate) fn next_listing(&mut self, most: usize, may_clear: bool) -> Option<(crate::flow::Listing, Vec<Entry>)> {
        if !self.dirty || self.listing.is_some() || self.listed.is_none() && !may_clear {
            return None;
        }
        self.dirty = false;
        let clear = self.listed.is_none();
        let before = self.listed.clone().unwrap_or_default();
        let wanted = self.wanted();
        let remove: Vec<Entry> = before.difference(&wanted).copied().collect();
        let room = most.saturating_sub(before.len() - remove.len());
        let mut add: Vec<Entry> = wanted.difference(&before).copied().collect();
        let excess = add.split_off(room.min(add.len()));
        if !clear && remove.is_empty() && add.is_empty() && excess.is_empty() {
            return None;
        }
        let id = self.next_id();
        let mut after = wanted;
        excess.iter().for_each(|entry| {
            after.remove(entry);
        });
        self.listing = Some((id, after));
        Some((crate::flow::Listing { id, clear, remove, add }, excess))
    }

    /// The NIC has answered; false if that was not asked.
    pub(crate) fn listed(&mut self, id: u32, refused: &[Entry]) -> bool {
        let Some((_, mut after)) = self.listing.take_if(|(asked, _)| *asked == id) else { return false };
        refused.iter().for_each(|entry| {
            after.remove(entry);
        });
        self.listed = Some(after);
        self.untidy = true;
        true
    }

    /// Nothing is under way, and nothing is held or kept.
    pub(crate) fn is_calm(&self) -> bool {
        let settled = |inbox: &Inbox| inbox.complete && inbox.kept.is_empty() && inbox.holds.is_empty() && !inbox.owed;
        self.in_sync()
            && self.all_answered()
            && self.held.is_empty()
            && self.kept_by.is_empty()
            && self.inboxes.values().all(settled)
    }

    pub(crate) fn last_generation(&self) -> u32 {
        self.generation
    }

    pub(crate) fn go_on_from(&mut self, generation: u32) {
        self.generation = generation;
    }

    /// The flow table holds what it is to hold: the process before saw to that.
    pub(crate) fn is_listed(&mut self) {
        self.listed = Some(self.wanted());
        self.dirty = false;
        self.untidy = true;
    }

    /// How many connections of others are listed here.
    pub(crate) fn foreign(&self) -> usize {
        self.inboxes.values().flat_map(Inbox::all).collect::<BTreeSet<_>>().len()
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

    #[test]
    fn the_flow_table_becomes_what_it_is_to_be_and_the_excess_is_told() {
        let mut handover = Handover::new(FlowKey::new([1; 40]));
        handover.reset();
        assert_eq!(handover.next_listing(10, false), None, "what it holds is not known, and it may not be cleared");
        let mut inbox = Inbox::default();
        inbox.take(1, EPOCH, 1, &Frame { number: 0, complete: true, doubtful: false, operations: adds(0..5) });
        handover.inboxes.insert(HostId::new(2).expect("host"), inbox);
        let (listing, excess) = handover.next_listing(3, true).expect("a listing");
        assert!(listing.clear);
        assert_eq!((listing.add.len(), excess.len()), (3, 2));
        assert!(handover.listed(listing.id, &listing.add[2..]));
        assert!(handover.in_sync());
        handover.inboxes.clear();
        handover.dirty = true;
        let (listing, _) = handover.next_listing(3, false).expect("a listing");
        assert_eq!((listing.clear, listing.remove.len(), listing.add.len()), (false, 2, 0));
    }
}
