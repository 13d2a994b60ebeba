//! Who can be in one epoch: the clique rule.
//!
//! A link counts only if both ends hear each other. Every heartbeat gossips the hosts its sender hears, so that all see one
//! graph. Of the members, the host with the fewest links goes (tie: the highest number), until a clique is left; with one
//! one-way link a naive view never settles (found by model). All compute this from the same gossip, so all but the host in
//! question agree on who goes, and it learns the same from what it hears.

use crate::host::{HostId, HostSet};

/// Takes hosts out of `hosts` until all that are left are linked with each other.
pub(crate) fn clique(mut hosts: HostSet, linked: impl Fn(HostId, HostId) -> bool) -> HostSet {
    loop {
        let links = |host: HostId| hosts.iter().filter(|&other| other != host && linked(host, other)).count();
        if hosts.iter().all(|host| links(host) + 1 == hosts.len()) {
            return hosts;
        }
        let Some(worst) = hosts.iter().min_by_key(|&host| (links(host), std::cmp::Reverse(host))) else { return hosts };
        hosts.remove(worst);
    }
}

/// Adds to `members` those of `joiners` that are linked with all before them, lowest number first.
pub(crate) fn extend(members: HostSet, joiners: HostSet, linked: impl Fn(HostId, HostId) -> bool) -> HostSet {
    joiners.iter().fold(members, |view, joiner| {
        if view.iter().all(|member| linked(member, joiner)) { view.with(joiner) } else { view }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u8]) -> HostSet {
        numbers.iter().filter_map(|&number| HostId::new(number)).collect()
    }

    #[test]
    fn one_broken_link_takes_out_the_higher_number_and_nobody_else() {
        let broken = |a: HostId, b: HostId| set(&[2, 3]) != HostSet::EMPTY.with(a).with(b);
        assert_eq!(clique(set(&[1, 2, 3, 4]), broken), set(&[1, 2, 4]));
    }

    #[test]
    fn the_host_that_lost_most_links_goes_first() {
        let mute = |a: HostId, b: HostId| a.get() != 1 && b.get() != 1;
        assert_eq!(clique(set(&[1, 2, 3, 4]), mute), set(&[2, 3, 4]));
    }

    #[test]
    fn what_is_left_is_always_a_clique() {
        for graph in 0u32..1 << 10 {
            let pairs: Vec<(u8, u8)> = (1..=5).flat_map(|a| (a + 1..=5).map(move |b| (a, b))).collect();
            let linked = |a: HostId, b: HostId| {
                let pair = (a.get().min(b.get()), a.get().max(b.get()));
                pairs.iter().position(|&p| p == pair).is_some_and(|index| graph >> index & 1 == 1)
            };
            let left = clique(set(&[1, 2, 3, 4, 5]), linked);
            assert!(!left.is_empty());
            for (a, b) in left.iter().flat_map(|a| left.iter().map(move |b| (a, b))) {
                assert!(a == b || linked(a, b), "{graph:010b}: {left:?}");
            }
        }
    }

    #[test]
    fn joiners_must_be_linked_with_each_other_too() {
        let linked = |a: HostId, b: HostId| set(&[3, 4]) != HostSet::EMPTY.with(a).with(b);
        assert_eq!(extend(set(&[1, 2]), set(&[3, 4, 5]), linked), set(&[1, 2, 3, 5]));
    }
}
