//! The flow table of a NIC on its way to a listing.
//!
//! An entry takes some dozen accesses to the NIC, and a listing may have thousands. Heartbeats and renewals cannot wait that
//! long, so a listing is written in slices, and the daemon does what else is due between them. Every entry is whole when a slice
//! ends: the driver's copy of the table and the NIC agree, and the next slice goes on from there.

use std::vec::IntoIter;

use weir_cluster::Listing;
use weir_nic::Bar;
use weir_nic::driver::{FlowError, Flows};
use weir_spec::flow::Entry;

/// A listing that is being written.
pub(crate) struct Writing {
    id: u32,
    clear: bool,
    remove: IntoIter<Entry>,
    add: IntoIter<Entry>,
    /// All that it is to add: what a NIC that is lost does not keep.
    whole: Vec<Entry>,
    refused: Vec<Entry>,
}

/// A listing that was written, or could not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Written {
    /// Names the listing.
    pub(crate) id: u32,
    /// What found no room.
    pub(crate) refused: Vec<Entry>,
}

impl Writing {
    pub(crate) fn new(listing: Listing) -> Writing {
        let Listing { id, clear, remove, add } = listing;
        Writing { id, clear, remove: remove.into_iter(), whole: add.clone(), add: add.into_iter(), refused: Vec::new() }
    }

    /// Writes while `more` says so, but one entry at least; true when nothing is left. After an error what the table holds is
    /// not known, and there is no going on.
    pub(crate) fn go_on<B: Bar>(
        &mut self,
        flows: &mut Flows<'_, B>,
        mut more: impl FnMut() -> bool,
    ) -> Result<bool, FlowError> {
        loop {
            if std::mem::take(&mut self.clear) {
                flows.clear()?;
            } else if let Some(entry) = self.remove.next() {
                flows.remove(&entry)?;
            } else if let Some(entry) = self.add.next() {
                match flows.insert(entry) {
                    Err(FlowError::Full { .. }) => self.refused.push(entry),
                    other => drop(other?),
                }
            }
            if self.remove.len() + self.add.len() == 0 {
                return Ok(true);
            }
            if !more() {
                return Ok(false);
            }
        }
    }

    /// It is at its end.
    pub(crate) fn written(self) -> Written {
        Written { id: self.id, refused: self.refused }
    }

    /// The NIC was lost on the way.
    pub(crate) fn lost(self) -> Written {
        Written { id: self.id, refused: self.whole }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_nic::Nic;
    use weir_nic::sim::Sim;
    use weir_spec::flow::FlowKind;

    use super::*;

    fn entry(number: u64) -> Entry {
        let kind = if number.is_multiple_of(3) { FlowKind::Pin } else { FlowKind::Foreign };
        Entry { signature: number.wrapping_mul(0x9e37_79b9_7f4a_7c15), vip: 0, kind }
    }

    fn entries(numbers: std::ops::Range<u64>) -> Vec<Entry> {
        numbers.map(entry).collect()
    }

    fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.sort();
        entries
    }

    /// Writes in slices of so many entries; what found no room, and how many slices it took.
    fn write(nic: &mut Nic<Sim>, listing: Listing, slice: usize) -> (Vec<Entry>, usize) {
        let mut writing = Writing::new(listing);
        let mut slices = 1;
        loop {
            let mut left = slice;
            let more = || {
                left -= 1;
                left > 0
            };
            if writing.go_on(&mut nic.flows(), more).expect("the NIC answers") {
                return (writing.written().refused, slices);
            }
            slices += 1;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn in_slices_the_table_becomes_what_it_becomes_at_once(
            first in 0..300u64,
            (from, to) in (0..300u64, 0..400u64),
            slice in 1..50usize,
        ) {
            let listings = || {
                let add = entries(0..first);
                let begin = Listing { id: 1, clear: true, remove: vec![entry(7)], add };
                [begin, Listing { id: 2, clear: false, remove: entries(0..from), add: entries(from.max(first)..to) }]
            };
            let (mut sliced, mut whole) = (Nic::open(Sim::new()).expect("a NIC"), Nic::open(Sim::new()).expect("a NIC"));
            for (parts, at_once) in listings().into_iter().zip(listings()) {
                let entries = parts.remove.len() + parts.add.len() + usize::from(parts.clear);
                let (refused, slices) = write(&mut sliced, parts, slice);
                prop_assert_eq!(slices, entries.div_ceil(slice).max(1));
                prop_assert_eq!((refused, 1), write(&mut whole, at_once, usize::MAX));
                prop_assert_eq!(sliced.flows().list().expect("as written"), whole.flows().list().expect("as written"));
            }
        }
    }

    #[test]
    fn what_finds_no_room_is_told_at_the_end_and_the_rest_is_listed() {
        let mut nic = Nic::open(Sim::new()).expect("a NIC");
        let add = entries(0..4200);
        let (refused, slices) =
            write(&mut nic, Listing { id: 1, clear: true, remove: Vec::new(), add: add.clone() }, 100);
        assert_eq!(slices, 43);
        assert!((104..400).contains(&refused.len()), "{} of 4200 refused by 4096 places", refused.len());
        let listed = nic.flows().list().expect("as written");
        assert_eq!(sorted([listed, refused].concat()), sorted(add));
    }

    #[test]
    fn an_empty_listing_ends_at_once() {
        let mut nic = Nic::open(Sim::new()).expect("a NIC");
        let listing = Listing { id: 1, clear: false, remove: Vec::new(), add: Vec::new() };
        assert_eq!(write(&mut nic, listing, 1), (vec![], 1));
    }

    #[test]
    fn one_that_breaks_off_leaves_every_entry_whole_and_refuses_all() {
        let sim = Sim::new();
        let mut nic = Nic::open(sim.clone()).expect("a NIC");
        let add = entries(0..3000);
        let mut writing = Writing::new(Listing { id: 9, clear: true, remove: Vec::new(), add: add.clone() });
        let mut left = 2500;
        let more = || {
            left -= 1;
            left > 0
        };
        assert!(!writing.go_on(&mut nic.flows(), more).expect("the NIC answers"));
        // Reset behind the driver's back.
        sim.nic().reset();
        let error = writing.go_on(&mut nic.flows(), || true).expect_err("another table than the one it wrote");
        assert!(matches!(error, FlowError::NotOurs { .. } | FlowError::CountDiffers { .. }), "{error}");
        assert_eq!(writing.lost(), Written { id: 9, refused: add });
        // Who takes it up again finds a table without half an entry.
        let mut next = Nic::open(sim).expect("a NIC");
        let found = next.flows().list().expect("consistent");
        assert!(found.len() <= 1, "{} entries in a table that was reset", found.len());
    }
}
