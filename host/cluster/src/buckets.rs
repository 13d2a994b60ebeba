//! Sets of buckets, a set for each rule.

use weir_spec::map::BUCKETS;

use crate::host::HostId;
use crate::proposal::{Assignment, Proposal};

const WORDS: usize = BUCKETS / 64;

/// Buckets of one rule.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Set {
    None,
    All,
    Some(Box<[u64; WORDS]>),
}

impl Set {
    fn from_words(words: Box<[u64; WORDS]>) -> Set {
        if words.iter().all(|&word| word == 0) { Set::None } else { Set::Some(words) }
    }

    fn word(&self, index: usize) -> u64 {
        match self {
            Set::None => 0,
            Set::All => u64::MAX,
            Set::Some(words) => words[index],
        }
    }

    /// Word by word. What is all or nothing by itself stays a constant, which costs a NIC no memory.
    fn combine(&self, other: &Set, by: impl Fn(u64, u64) -> u64) -> Set {
        match (self, other) {
            (Set::Some(_), _) | (_, Set::Some(_)) => {
                Set::from_words(Box::new(std::array::from_fn(|index| by(self.word(index), other.word(index)))))
            }
            _ if by(self.word(0), other.word(0)) == 0 => Set::None,
            _ => Set::All,
        }
    }

    pub(crate) fn contains(&self, bucket: usize) -> bool {
        self.word(bucket / 64) >> (bucket % 64) & 1 == 1
    }

    fn insert(&mut self, bucket: usize) {
        if let Set::None = self {
            *self = Set::Some(Box::new([0; WORDS]));
        }
        if let Set::Some(words) = self {
            words[bucket / 64] |= 1 << (bucket % 64);
        }
    }

    fn count(&self) -> usize {
        (0..WORDS).map(|index| self.word(index).count_ones() as usize).sum()
    }

    fn slices(&self) -> u64 {
        (0..WORDS).fold(0, |bits, index| bits | u64::from(self.word(index) != 0) << index)
    }
}

/// Buckets of all rules by slot, the default rule last.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Buckets(Vec<Set>);

impl Buckets {
    /// None of `slots` rules.
    pub(crate) fn none(slots: usize) -> Buckets {
        Buckets(vec![Set::None; slots])
    }

    /// What an epoch gives to `host`.
    pub(crate) fn given(proposal: &Proposal, host: HostId) -> Buckets {
        let set = |(slot, rule): (usize, &Assignment)| match rule {
            Assignment::Host(owner) if *owner == host => Set::All,
            Assignment::Table(_) => proposal.table(slot).map_or(Set::None, |table| {
                let mut set = Set::None;
                for (bucket, _) in table.owners().iter().enumerate().filter(|(_, owner)| **owner == host) {
                    set.insert(bucket);
                }
                set
            }),
            _ => Set::None,
        };
        Buckets(proposal.rules.iter().enumerate().map(set).collect())
    }

    /// Exactly these, by slot and bucket.
    pub(crate) fn of(slots: usize, places: impl Iterator<Item = (u8, u16)>) -> Buckets {
        let mut buckets = Buckets::none(slots);
        for (slot, bucket) in places {
            if let Some(set) = buckets.0.get_mut(usize::from(slot)) {
                set.insert(usize::from(bucket));
            }
        }
        buckets
    }

    /// Those whose state must heed connections at these places, and more where that saves a NIC memory: rules that share a
    /// table must go on sharing a map, so a bucket of one is a bucket of all `by_bucket`; of any other rule it is all or none.
    /// That does no harm, since what is listed decides, and a connection is listed for one rule.
    pub(crate) fn touched(by_bucket: &[bool], places: impl Iterator<Item = (u8, u16)>) -> Buckets {
        let mut shared = Set::None;
        let mut buckets = Buckets::none(by_bucket.len());
        for (slot, bucket) in places {
            match by_bucket.get(usize::from(slot)) {
                Some(true) => shared.insert(usize::from(bucket)),
                Some(false) => buckets.0[usize::from(slot)] = Set::All,
                None => {}
            }
        }
        for (set, _) in buckets.0.iter_mut().zip(by_bucket).filter(|(_, by_bucket)| **by_bucket) {
            *set = shared.clone();
        }
        buckets
    }

    /// Slot by slot those of another slot, or none.
    pub(crate) fn rearranged(&self, from: impl Iterator<Item = Option<usize>>) -> Buckets {
        Buckets(from.map(|slot| slot.map_or(Set::None, |slot| self.slot(slot).clone())).collect())
    }

    fn combine(&self, other: &Buckets, by: impl Fn(u64, u64) -> u64) -> Buckets {
        Buckets(self.0.iter().zip(&other.0).map(|(a, b)| a.combine(b, &by)).collect())
    }

    /// Those in both.
    pub(crate) fn both(&self, other: &Buckets) -> Buckets {
        self.combine(other, |a, b| a & b)
    }

    /// Those in either.
    pub(crate) fn either(&self, other: &Buckets) -> Buckets {
        self.combine(other, |a, b| a | b)
    }

    /// Those that are not in `other`.
    pub(crate) fn without(&self, other: &Buckets) -> Buckets {
        self.combine(other, |a, b| a & !b)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.0.iter().all(|set| set.count() == 0)
    }

    pub(crate) fn slot(&self, slot: usize) -> &Set {
        self.0.get(slot).unwrap_or(&Set::None)
    }

    pub(crate) fn contains(&self, (slot, bucket): (u8, u16)) -> bool {
        self.slot(usize::from(slot)).contains(usize::from(bucket))
    }

    /// Buckets of a rule.
    pub(crate) fn count(&self, slot: usize) -> usize {
        self.slot(slot).count()
    }

    /// A bit for each slice of 64 buckets of which any is in it.
    pub(crate) fn slices(&self, slot: usize) -> u64 {
        self.slot(slot).slices()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn members(set: &Set) -> BTreeSet<usize> {
        (0..BUCKETS).filter(|&bucket| set.contains(bucket)).collect()
    }

    fn any_set() -> impl Strategy<Value = Set> {
        prop_oneof![
            Just(Set::None),
            Just(Set::All),
            proptest::collection::vec(0..BUCKETS, 0..40).prop_map(|buckets| {
                let mut set = Set::None;
                buckets.into_iter().for_each(|bucket| set.insert(bucket));
                set
            }),
        ]
    }

    proptest! {
        #[test]
        fn sets_are_what_a_tree_of_numbers_says(a in any_set(), b in any_set()) {
            let (x, y) = (members(&a), members(&b));
            let (a, b) = (Buckets(vec![a]), Buckets(vec![b]));
            prop_assert_eq!(members(a.both(&b).slot(0)), x.intersection(&y).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(members(a.either(&b).slot(0)), x.union(&y).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(members(a.without(&b).slot(0)), x.difference(&y).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(a.count(0), x.len());
            prop_assert_eq!(a.is_nothing(), x.is_empty());
        }
    }

    #[test]
    fn rules_by_bucket_share_what_is_touched_and_others_are_touched_whole() {
        let touched = Buckets::touched(&[true, true, false, false], [(0, 7), (1, 4095), (2, 5)].into_iter());
        assert_eq!(touched.slot(0), touched.slot(1));
        assert_eq!(members(touched.slot(0)), BTreeSet::from([7, 4095]));
        assert_eq!((touched.slot(2), touched.slot(3)), (&Set::All, &Set::None));
    }
}
