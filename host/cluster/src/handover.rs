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

mod stream;

use std::collections::{BTreeMap, BTreeSet};

use weir_spec::flow::signature::signature;
use weir_spec::flow::{Connection, Entry, FlowKind};

use crate::flow::Flow;
use crate::flow_key::FlowKey;
use crate::host::HostId;

pub(crate) use stream::{Asked, Frame, Inbox, Outbox};

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
    use crate::epoch::EpochId;
    use crate::flow::Record;
    use crate::wire::records::Operation;

    #[test]
    fn the_flow_table_becomes_what_it_is_to_be_and_the_excess_is_told() {
        let mut handover = Handover::new(FlowKey::new([1; 40]));
        handover.reset();
        assert_eq!(handover.next_listing(10, false), None, "what it holds is not known, and it may not be cleared");
        let mut inbox = Inbox::default();
        let record = |bucket| Record { slot: 0, bucket, vip: 0, signature: u64::from(bucket) << 40 };
        let operations = (0..5).map(|bucket| Operation::Add(record(bucket))).collect();
        let frame = Frame { number: 0, complete: true, doubtful: false, operations };
        inbox.take(1, EpochId { counter: 3, lineage: 9 }, 1, &frame);
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
