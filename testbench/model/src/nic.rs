//! A NIC as far as the protocol can tell: maps, a flow table, and the lease, which is the specification's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use weir_cluster::{Flow, Listing, NicTime, Program, Step};
use weir_spec::flow::{Entry, FlowKind};
use weir_spec::lease::Lease;
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef};

use crate::bug::Bug;
use crate::{PERIOD, TOLERANCE};

/// A bit for each bucket of a rule.
pub type Bits = [u64; BUCKETS / 64];

/// What a NIC runs until it is told otherwise.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Maps {
    /// By slot, the default rule last.
    states: Vec<Map>,
    /// Of these, where new connections pass.
    accepts: Vec<Bits>,
}

/// One NIC.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Nic {
    lease: Lease,
    maps: Arc<Maps>,
    listed: BTreeSet<Entry>,
    bug: Option<Bug>,
}

impl Nic {
    /// After reset: fenced, and nothing in it.
    pub fn new(bug: Option<Bug>) -> Nic {
        Nic { lease: Lease::default(), maps: Arc::default(), listed: BTreeSet::new(), bug }
    }

    /// Whether rules accept anything when its clock shows `now`.
    pub fn is_open(&self, now: NicTime) -> bool {
        let mut lease = self.lease;
        lease.tick(now.0);
        !lease.fenced()
    }

    /// The buckets in which new connections pass while it is open, by slot.
    pub fn accepts(&self) -> &[Bits] {
        &self.maps.accepts
    }

    fn deadline(&self, until: NicTime) -> u64 {
        let drift = TOLERANCE - weir_cluster::lease::length(TOLERANCE, 0);
        if self.bug == Some(Bug::LeaseWithoutDrift) && until.0 > 0 { until.0 + drift } else { until.0 }
    }

    /// A COMMIT; whether the NIC is fenced after it.
    pub fn commit(&mut self, now: NicTime, program: &Program) -> bool {
        if self.bug == Some(Bug::FenceLeavesTheMap) && program.step == Step::Fence {
            return true;
        }
        let until = self.deadline(program.deadline);
        self.lease.tick(now.0);
        Lease::check(now.0, until).expect("the NIC would refuse this deadline");
        let until = match self.bug {
            Some(Bug::CommitLiftsAnyFence) if program.step != Step::Fence => until.max(now.0 + PERIOD),
            _ => until,
        };
        self.lease.commit(now.0, until);
        let map = |reference: MapRef| match reference {
            MapRef::Constant(state) => Map::filled(state),
            MapRef::Slot(slot) => program.maps[usize::from(slot)].clone(),
        };
        let mut states: Vec<Map> =
            program.rules.iter().map(|rule| rule.map).chain([program.default_rule.map]).map(map).collect();
        match self.bug {
            Some(Bug::DrainEndsWithTheEpoch) if program.step == Step::Own => {
                states.iter_mut().for_each(|map| replace(map, BucketState::Release, BucketState::None));
            }
            Some(Bug::AdoptedAsOwned) if program.step == Step::Own => {
                states.iter_mut().for_each(|map| replace(map, BucketState::Adopt, BucketState::Own));
            }
            _ => {}
        }
        let accepts = states.iter().map(bits).collect();
        self.maps = Arc::new(Maps { states, accepts });
        self.lease.fenced()
    }

    /// A plain renewal.
    pub fn renew(&mut self, now: NicTime, until: NicTime) {
        let until = self.deadline(until);
        // Refused while fenced, and that is as it should be.
        let _ = self.lease.renew(now.0, until);
    }

    /// The flow table becomes what is asked. It has room for all.
    pub fn list(&mut self, listing: &Listing) {
        if listing.clear {
            self.listed.clear();
        }
        for entry in &listing.remove {
            self.listed.remove(entry);
        }
        let lost = match self.bug {
            Some(Bug::PinsAreNotWritten) => Some(FlowKind::Pin),
            Some(Bug::ForeignEntriesAreNotWritten) => Some(FlowKind::Foreign),
            _ => None,
        };
        self.listed.extend(listing.add.iter().filter(|entry| Some(entry.kind) != lost));
    }

    /// Whether packets of an established connection pass.
    pub fn passes(&self, now: NicTime, flow: &Flow, signature: u64) -> bool {
        let state = self.maps.states.get(usize::from(flow.slot)).map(|map| map.get(flow.bucket.into()));
        let listed = |kind| self.listed.contains(&Entry { signature, vip: flow.vip, kind });
        self.is_open(now)
            && match state {
                None | Some(BucketState::None) => false,
                Some(BucketState::Own) => true,
                Some(BucketState::Adopt) => !listed(FlowKind::Foreign),
                Some(BucketState::Release) => listed(FlowKind::Pin),
            }
    }

    /// Whether a SYN that starts a connection passes.
    pub fn takes(&self, now: NicTime, flow: &Flow) -> bool {
        let bucket = usize::from(flow.bucket);
        let accepts = |slot: &Bits| slot[bucket / 64] >> (bucket % 64) & 1 == 1;
        self.is_open(now) && self.maps.accepts.get(usize::from(flow.slot)).is_some_and(accepts)
    }
}

fn replace(map: &mut Map, from: BucketState, to: BucketState) {
    (0..BUCKETS).for_each(|bucket| {
        if map.get(bucket) == from {
            map.set(bucket, to);
        }
    });
}

fn bits(map: &Map) -> Bits {
    let mut bits = [0; BUCKETS / 64];
    for bucket in (0..BUCKETS).filter(|&bucket| matches!(map.get(bucket), BucketState::Own | BucketState::Adopt)) {
        bits[bucket / 64] |= 1 << (bucket % 64);
    }
    bits
}
