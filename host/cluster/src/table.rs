//! Who owns which bucket: sticky tables.
//!
//! Shares are exact to one bucket: with weights w, a host's share is floor or ceiling of `buckets * w / sum`. Which hosts
//! get the ceiling is decided first by who already holds that many (so that nothing moves that need not), then by largest
//! remainder, then by lower number. Given the shares, exactly the surplus of each owner moves, and the buckets of those who
//! are gone: no assignment within a bucket of the exact shares moves fewer. (Proof: moves = orphans + sum of max(0, held -
//! share). Raising a share by one lowers that by one for a host that holds more than the floor, and by nothing for others.
//! So the ceilings are best given to the former, as is done. A test enumerates all assignments of small cases.)
//!
//! Among hosts of equal weight, or when all survivors gain, no bucket moves between two hosts that both stay. NLB says the
//! same of a leaving host ("others are unaffected") and left its algorithm unpublished. All weights zero: nobody owns.
//!
//! What is free is dealt in order of bucket and host, so that a fresh table has one range a host and the 64 slices of a
//! heartbeat's map read well. The hash spreads clients anyway.

use std::collections::BTreeMap;

use crate::host::HostId;

/// The owner of every bucket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(Vec<HostId>);

impl Table {
    /// A table with these owners.
    pub fn new(owners: Vec<HostId>) -> Table {
        Table(owners)
    }

    /// Owners by bucket.
    pub fn owners(&self) -> &[HostId] {
        &self.0
    }

    /// How many buckets `host` owns.
    pub fn count(&self, host: HostId) -> usize {
        self.0.iter().filter(|&&owner| owner == host).count()
    }

    /// How many buckets each host owns; hosts with none are absent.
    pub fn counts(&self) -> BTreeMap<HostId, u16> {
        let mut counts = [0; 32];
        self.0.iter().for_each(|owner| counts[owner.index()] += 1);
        HostId::all().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// Shares out `buckets` buckets by `weights` (0..=100, each host once), moving as few as possible from `base`.
    ///
    /// `None` if all weights are zero. `base`, if any, has `buckets` buckets.
    pub fn share_out(base: Option<&Table>, weights: &[(HostId, u8)], buckets: usize) -> Option<Table> {
        let held = |host| base.map_or(0, |base| base.count(host));
        let mut shares = shares(weights, buckets, held)?;
        let mut owners: Vec<Option<HostId>> = match base {
            None => vec![None; buckets],
            Some(base) => {
                // Each keeps the first of its buckets, as many as its share.
                let keep = |&owner: &HostId| {
                    let (_, left) = shares.iter_mut().find(|(host, _)| *host == owner)?;
                    *left = left.checked_sub(1)?;
                    Some(owner)
                };
                base.0.iter().map(keep).collect()
            }
        };
        let mut gainers = shares.into_iter().flat_map(|(host, left)| std::iter::repeat_n(host, left));
        for owner in owners.iter_mut().filter(|owner| owner.is_none()) {
            *owner = gainers.next();
        }
        Some(Table(owners.into_iter().map(|owner| owner.expect("shares add up to all buckets")).collect()))
    }

    /// How many buckets have another owner in `other`.
    pub fn moved(&self, other: &Table) -> usize {
        self.0.iter().zip(&other.0).filter(|(a, b)| a != b).count()
    }

    /// Five bits an owner, first bucket in the low bits: 2560 octets for 4096 buckets.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut octets = vec![0u8; (self.0.len() * 5).div_ceil(8)];
        for (bucket, owner) in self.0.iter().enumerate() {
            let bits = (owner.index() as u16) << (bucket * 5 % 8);
            let at = bucket * 5 / 8;
            octets[at] |= bits as u8;
            if bits > 0xff {
                octets[at + 1] |= (bits >> 8) as u8;
            }
        }
        octets
    }

    /// The inverse of [`pack`](Table::pack); `None` if the length does not fit.
    pub(crate) fn unpack(octets: &[u8], buckets: usize) -> Option<Table> {
        if octets.len() != (buckets * 5).div_ceil(8) {
            return None;
        }
        let owner = |bucket: usize| {
            let at = bucket * 5 / 8;
            let high = octets.get(at + 1).copied().unwrap_or(0);
            let index = u16::from_le_bytes([octets[at], high]) >> (bucket * 5 % 8) & 31;
            HostId::new(index as u8 + 1)
        };
        (0..buckets).map(owner).collect::<Option<Vec<_>>>().map(Table)
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.counts()).finish()
    }
}

/// Exact shares, in the order of host numbers.
fn shares(weights: &[(HostId, u8)], buckets: usize, held: impl Fn(HostId) -> usize) -> Option<Vec<(HostId, usize)>> {
    let sum: usize = weights.iter().map(|(_, weight)| usize::from(*weight)).sum();
    if sum == 0 {
        return None;
    }
    let mut shares: Vec<(HostId, usize)> =
        weights.iter().map(|&(host, weight)| (host, buckets * usize::from(weight) / sum)).collect();
    shares.sort_unstable();
    let left = buckets - shares.iter().map(|(_, share)| share).sum::<usize>();
    let remainder = |host: HostId| {
        let weight = weights.iter().find(|(other, _)| *other == host).map_or(0, |(_, weight)| usize::from(*weight));
        buckets * weight % sum
    };
    let mut order: Vec<usize> = (0..shares.len()).filter(|&index| remainder(shares[index].0) > 0).collect();
    order.sort_by_key(|&index| {
        let (host, floor) = shares[index];
        (held(host) <= floor, std::cmp::Reverse(remainder(host)), host)
    });
    for &index in &order[..left] {
        shares[index].1 += 1;
    }
    Some(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host(number: u8) -> HostId {
        HostId::new(number).expect("1..=32")
    }

    fn counts(table: &Table, hosts: u8) -> Vec<usize> {
        (1..=hosts).map(|number| table.count(host(number))).collect()
    }

    #[test]
    fn thirty_and_sixty_share_one_to_two() {
        let table = Table::share_out(None, &[(host(1), 30), (host(2), 60)], 4096).expect("weights");
        assert_eq!(counts(&table, 2), [1365, 2731]);
    }

    #[test]
    fn all_weights_zero_leave_nobody() {
        assert_eq!(Table::share_out(None, &[(host(1), 0), (host(2), 0)], 4096), None);
        assert_eq!(Table::share_out(None, &[], 4096), None);
    }

    #[test]
    fn weight_zero_owns_nothing() {
        let table = Table::share_out(None, &[(host(1), 0), (host(2), 1)], 4096).expect("weights");
        assert_eq!(counts(&table, 2), [0, 4096]);
    }

    #[test]
    fn no_bucket_moves_between_survivors_of_equal_weight_whoever_leaves() {
        for n in 2..=32u8 {
            let all: Vec<_> = (1..=n).map(|number| (host(number), 50)).collect();
            let before = Table::share_out(None, &all, 4096).expect("weights");
            for gone in 1..=n {
                let left: Vec<_> = all.iter().copied().filter(|(h, _)| *h != host(gone)).collect();
                let Some(after) = Table::share_out(Some(&before), &left, 4096) else { continue };
                let moved = before.owners().iter().zip(after.owners()).filter(|(a, b)| a != b && **a != host(gone));
                assert_eq!(moved.count(), 0, "{gone} of {n} left");
                assert_eq!(before.moved(&after), before.count(host(gone)));
            }
        }
    }

    #[test]
    fn the_imbalance_of_32_equal_hosts_is_nil() {
        let all: Vec<_> = HostId::all().map(|host| (host, 50)).collect();
        let table = Table::share_out(None, &all, 4096).expect("weights");
        assert!(counts(&table, 32).iter().all(|&count| count == 128));
    }

    /// Fewest moves of any assignment whose shares are within a bucket of exact, by trying all.
    fn fewest_moves(base: &[u8], weights: &[u8], sum: usize) -> usize {
        let (buckets, hosts) = (base.len(), weights.len());
        let mut best = usize::MAX;
        for code in 0..hosts.pow(buckets as u32) {
            let owners: Vec<usize> = (0..buckets).map(|b| code / hosts.pow(b as u32) % hosts).collect();
            let exact = weights.iter().enumerate().all(|(h, &w)| {
                let count = owners.iter().filter(|&&o| o == h).count();
                (count * sum).abs_diff(buckets * usize::from(w)) < sum
            });
            if exact {
                let moves = owners.iter().zip(base).filter(|(o, b)| **o + 1 != usize::from(**b)).count();
                best = best.min(moves);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn shares_are_exact_to_a_bucket_and_moves_are_the_fewest_possible(
            base in proptest::collection::vec(1u8..=4, 1..=7),
            weights in proptest::collection::vec(0u8..=5, 1..=3),
        ) {
            // Owner 4 is never among the hosts: its buckets are those of a host that is gone.
            let sum: usize = weights.iter().map(|&w| usize::from(w)).sum();
            prop_assume!(sum > 0);
            let table = Table::new(base.iter().map(|&number| host(number)).collect());
            let hosts: Vec<_> = weights.iter().enumerate().map(|(i, &w)| (host(i as u8 + 1), w)).collect();
            let shared = Table::share_out(Some(&table), &hosts, base.len()).expect("sum > 0");
            for &(h, w) in &hosts {
                let ideal = base.len() * usize::from(w);
                prop_assert!((shared.count(h) * sum).abs_diff(ideal) < sum, "{h}: {} of {ideal}/{sum}", shared.count(h));
            }
            prop_assert_eq!(table.moved(&shared), fewest_moves(&base, &weights, sum));
            prop_assert_eq!(Table::share_out(Some(&shared), &hosts, base.len()), Some(shared), "settled");
        }

        #[test]
        fn packed_tables_unpack_to_themselves(owners in proptest::collection::vec(1u8..=32, 0..70)) {
            let table = Table::new(owners.into_iter().map(host).collect());
            let packed = table.pack();
            prop_assert_eq!(Table::unpack(&packed, table.owners().len()), Some(table.clone()));
            prop_assert_eq!(Table::unpack(&packed, table.owners().len() + 8), None);
        }
    }
}
