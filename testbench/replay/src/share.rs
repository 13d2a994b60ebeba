//! What host k of N is told: equal shares for rules of several hosts, all of it for the first host elsewhere.

use weir_agent::config::{Mode, PortRule, Traffic};
use weir_cluster::HostId;
use weir_cluster::table::Table;
use weir_spec::config::{Config, DefaultRule};
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef};
use weir_spec::rules::{Affinity, DEFAULT_RULE, Rule, VipSelect};

/// The slot of the one map there is.
pub(crate) const SLOT: u8 = 0;

/// A cluster on which the traffic of a capture falls.
pub(crate) struct Cluster {
    traffic: Traffic,
    /// In the order of the hardware: the first match counts, and a rule of one virtual IP beats a rule of all.
    rules: Vec<PortRule>,
    table: Table,
    hosts: u8,
}

impl Cluster {
    /// `hosts` hosts, 1 to 32, of equal weight.
    pub(crate) fn new(traffic: Traffic, hosts: u8) -> Cluster {
        let weights: Vec<(HostId, u8)> = (1..=hosts).filter_map(HostId::new).map(|host| (host, 1)).collect();
        let table = Table::share_out(None, &weights, BUCKETS).expect("there is a host, and its weight is not zero");
        let mut rules = traffic.rules.clone();
        rules.sort_by_key(|rule| rule.vip == VipSelect::All);
        Cluster { traffic, rules, table, hosts }
    }

    /// How many hosts it has.
    pub(crate) fn hosts(&self) -> u8 {
        self.hosts
    }

    /// Configuration and map of host `number`. Host 1 is the default host, and the one active for rules of mode single.
    pub(crate) fn program(&self, number: u8) -> (Config, Map) {
        let host = HostId::new(number).expect("1 to 32");
        let mut map = Map::default();
        for (bucket, _) in self.table.owners().iter().enumerate().filter(|(_, owner)| **owner == host) {
            map.set(bucket, BucketState::Own);
        }
        let nothing = MapRef::Constant(BucketState::None);
        let first = if number == 1 { MapRef::Constant(BucketState::Own) } else { nothing };
        let mut config = Config {
            hash_key: self.traffic.hash_key,
            default_rule: DefaultRule { affinity: Affinity::Single, map: first },
            ..Config::default()
        };
        for (place, vip) in config.vips.iter_mut().zip(&self.traffic.vips) {
            *place = Some(*vip);
        }
        for (place, rule) in config.rules.iter_mut().zip(&self.rules) {
            let (affinity, map) = match rule.mode {
                Mode::Multiple { affinity, .. } => (affinity, MapRef::Slot(SLOT)),
                Mode::Single { .. } => (Affinity::Single, first),
                Mode::Disabled => (Affinity::Single, nothing),
            };
            let PortRule { vip, first_port, last_port, protocol, .. } = *rule;
            *place = Some(Rule { vip, first_port, last_port, protocol, affinity, map });
        }
        (config, map)
    }

    /// How many hosts have to accept a frame that went to rule `rule`.
    pub(crate) fn takers(&self, rule: u8) -> usize {
        let disabled = |rule: &PortRule| rule.mode == Mode::Disabled;
        usize::from(rule == DEFAULT_RULE || !self.rules.get(usize::from(rule)).is_some_and(disabled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_has_one_owner_whatever_the_number_of_hosts() {
        let traffic = Traffic { vips: vec![], hash_key: [0; 40], rules: vec![] };
        for hosts in 1..=32 {
            let cluster = Cluster::new(traffic.clone(), hosts);
            let maps: Vec<Map> = (1..=hosts).map(|host| cluster.program(host).1).collect();
            for bucket in 0..BUCKETS {
                let owners = maps.iter().filter(|map| map.get(bucket) == BucketState::Own).count();
                assert_eq!(owners, 1, "bucket {bucket} of {hosts} hosts");
            }
            let counts = maps.iter().map(|map| map.count(BucketState::Own));
            let (least, most) = (counts.clone().min(), counts.max());
            assert!(most <= least.map(|least| least + 1), "shares of {hosts} hosts are equal");
        }
    }
}
