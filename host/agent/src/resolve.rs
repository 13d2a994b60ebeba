//! From the words of the configuration to what protocol and NIC are told.

use std::net::IpAddr;

use weir_cluster::config::{Addressing, Filtering, Keys, Load, Mode as PartitionMode, PortRule as ClusterRule, Secret};
use weir_cluster::host::{HostId, HostSet};
use weir_cluster::{Config as ClusterConfig, action};
use weir_nic::Program;
use weir_spec::mac::Mac;
use weir_spec::rules::Affinity;

use crate::config::{Config, Mode, Partition};

/// The longest a frame may wait between a peer's NIC and this agent's clock, in microseconds; at most a tenth of the time
/// after which a silent host is dead.
const SKEW_US: u64 = 20_000;

/// What the protocol is told. `code` tells two hosts apart that claim one priority.
pub(crate) fn cluster(config: &Config, code: u32) -> ClusterConfig {
    let dead_after = config.cluster.period_us * u64::from(config.cluster.tolerance);
    let host = HostId::new(config.host.priority).expect("the configuration was checked");
    let (mode, hosts) = match &config.cluster.partition {
        Partition::Availability => (PartitionMode::Availability, HostSet::EMPTY.with(host)),
        Partition::Quorum(hosts) => (PartitionMode::Quorum, hosts.iter().copied().filter_map(HostId::new).collect()),
    };
    ClusterConfig {
        host,
        hosts,
        cluster_ip: config.cluster.primary,
        host_ip: config.host.dip,
        unique_code: code,
        addressing: Addressing::Unicast,
        legacy_ether_type: false,
        period: config.cluster.period_us,
        tolerance: config.cluster.tolerance,
        skew: SKEW_US.min(dead_after / 20),
        mode,
        rules: config.rules.iter().map(rule).collect(),
        default_affinity: Affinity::Single,
        shared: shared(config),
        keys: Keys {
            send: config.cluster.keys[0].0,
            accepted: config.cluster.keys.iter().map(|(id, key)| (*id, Secret(key.to_vec()))).collect(),
        },
    }
}

fn rule(rule: &crate::config::PortRule) -> ClusterRule {
    let (affinity, filtering) = match rule.mode {
        Mode::Multiple { affinity, weight } => {
            (affinity, Filtering::Multiple(weight.map_or(Load::Equal, Load::Weight)))
        }
        Mode::Single { priority } => (Affinity::Single, Filtering::Single(priority)),
        Mode::Disabled => (Affinity::Single, Filtering::Disabled),
    };
    ClusterRule {
        vip: rule.vip,
        first_port: rule.first_port,
        last_port: rule.last_port,
        protocol: rule.protocol,
        affinity,
        filtering,
    }
}

/// All that hosts must agree in besides rules: the same octets on every host of a cluster.
fn shared(config: &Config) -> Vec<u8> {
    let mut octets = config.cluster.hash_key.to_vec();
    for vip in &config.cluster.vips {
        match vip {
            IpAddr::V4(address) => octets.extend([&[4][..], &address.octets()].concat()),
            IpAddr::V6(address) => octets.extend([&[6][..], &address.octets()].concat()),
        }
    }
    octets
}

/// What the NIC is told for one step of the protocol.
pub(crate) fn program(config: &Config, step: &action::Program) -> Program {
    let mut spec = weir_spec::Config {
        hash_key: config.cluster.hash_key,
        default_rule: step.default_rule,
        ..weir_spec::Config::default()
    };
    for (place, vip) in spec.vips.iter_mut().zip(&config.cluster.vips) {
        *place = Some(*vip);
    }
    for (place, rule) in spec.rules.iter_mut().zip(&step.rules) {
        *place = Some(*rule);
    }
    Program { config: spec, maps: step.maps.clone() }
}

/// The MAC that frames for the cluster go to, and the one this host's frames leave with.
pub(crate) fn macs(config: &Config) -> (Mac, Mac) {
    (Mac::cluster(config.cluster.primary), Mac::masked(config.host.priority, config.cluster.primary))
}
