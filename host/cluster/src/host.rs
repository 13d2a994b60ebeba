//! Hosts by priority, and sets of them in the 32-bit form that heartbeats carry.

use std::fmt;

/// A host priority, 1..=32: unique in a cluster, the lowest number ranks highest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(u8);

impl HostId {
    /// The host with this priority; `None` outside 1..=32.
    pub fn new(priority: u8) -> Option<HostId> {
        (1..=32).contains(&priority).then_some(HostId(priority))
    }

    /// The priority, 1..=32.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The priority less one, 0..32: the index of arrays and bits.
    pub fn index(self) -> usize {
        usize::from(self.0 - 1)
    }

    /// All 32, lowest number first.
    pub fn all() -> impl Iterator<Item = HostId> {
        (1..=32).map(HostId)
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host {}", self.0)
    }
}

/// A set of hosts; bit `n` is the host with priority `n + 1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HostSet(pub u32);

impl HostSet {
    /// Nobody.
    pub const EMPTY: HostSet = HostSet(0);

    /// Whether `host` is in it.
    pub fn contains(self, host: HostId) -> bool {
        self.0 >> host.index() & 1 == 1
    }

    /// Adds `host`.
    pub fn insert(&mut self, host: HostId) {
        self.0 |= 1 << host.index();
    }

    /// Takes `host` out.
    pub fn remove(&mut self, host: HostId) {
        self.0 &= !(1 << host.index());
    }

    /// The set with `host` in it.
    pub fn with(mut self, host: HostId) -> HostSet {
        self.insert(host);
        self
    }

    /// The set without `host`.
    pub fn without(mut self, host: HostId) -> HostSet {
        self.remove(host);
        self
    }

    /// How many.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every host of this set is in `other`.
    pub fn is_subset(self, other: HostSet) -> bool {
        self.0 & !other.0 == 0
    }

    /// Hosts in either.
    pub fn union(self, other: HostSet) -> HostSet {
        HostSet(self.0 | other.0)
    }

    /// Hosts in both.
    pub fn intersection(self, other: HostSet) -> HostSet {
        HostSet(self.0 & other.0)
    }

    /// The host with the lowest number: the default host, if this is the view.
    pub fn lowest(self) -> Option<HostId> {
        self.iter().next()
    }

    /// Lowest number first.
    pub fn iter(self) -> impl Iterator<Item = HostId> {
        HostId::all().filter(move |&host| self.contains(host))
    }
}

impl FromIterator<HostId> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostId>>(hosts: I) -> HostSet {
        hosts.into_iter().fold(HostSet::EMPTY, HostSet::with)
    }
}

impl fmt::Display for HostSet {
    /// `1, 2, 5`, as NLB lists members.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.iter().enumerate() {
            write!(f, "{}{host}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for HostSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_its_hosts_by_number_and_its_lowest_is_the_default_host() {
        let set: HostSet = [9, 32, 1].into_iter().filter_map(HostId::new).collect();
        assert_eq!(set.to_string(), "1, 9, 32");
        assert_eq!(set.0, 0x8000_0101);
        assert_eq!(set.without(HostId(1)).lowest(), HostId::new(9));
        assert!(HostId::new(0).is_none() && HostId::new(33).is_none());
    }
}
