//! Faults that are planted, so that the checks have something to find.

use weir_cluster::{Program, Step};
use weir_spec::map::{BucketState, MapRef};

/// What is wrong with one host, by its index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Plant {
    /// Nothing.
    #[default]
    Nothing,
    /// The lease of its NIC never ends.
    EndlessLease(usize),
    /// Its NIC is never told to release anything, and its agent believes that it was.
    SkippedRelease(usize),
    /// Every fifth socket is missing in what its kernel tells.
    ForgetfulDump(usize),
    /// No agent sees that its kernel sends SYN cookies.
    UnseenCookies,
    /// Its NIC owns the first buckets, whatever it is told.
    GreedyMap(usize),
}

impl Plant {
    /// Makes of a program what is to be wrong with it.
    pub(crate) fn spoil(self, host: usize, program: &mut Program) {
        if self != Plant::GreedyMap(host) || program.step != Step::Own {
            return;
        }
        if let Some(MapRef::Slot(slot)) = program.rules.first().map(|rule| rule.map) {
            (0..16).for_each(|bucket| program.maps[usize::from(slot)].set(bucket, BucketState::Own));
        }
    }
}
