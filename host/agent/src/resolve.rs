//! From the words of the configuration to what protocol and NIC are told.

use std::net::IpAddr;

use weir_cluster::config::{Addressing, Filtering, Keys, Load, Mode as PartitionMode, PortRule as ClusterRule};
use weir_cluster::host::{HostId, HostSet};
use weir_cluster::{Config as ClusterConfig, action};
use weir_nic::Program;
use weir_spec::mac::Mac;
use weir_spec::rules::Affinity;

use crate::config::{ClusterMode, Config, Mode, Partition};
use crate::flows::Sorter;

/// The longest a frame may wait between a peer's NIC and this agent's clock, in microseconds; at most a tenth of the time
/// after which a silent host is dead.
const SKEW_US: u64 = 20_000;

/// What the default rule hashes.
const DEFAULT_AFFINITY: Affinity = Affinity::Single;

/// What the protocol is told. `code` tells two hosts apart that claim one priority; `own` is the MAC of the interface.
pub(crate) fn cluster(config: &Config, code: u32, own: Mac) -> ClusterConfig {
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
        addressing: match config.cluster.mode {
            ClusterMode::Unicast => Addressing::Unicast,
            ClusterMode::Multicast => Addressing::Multicast { own },
            ClusterMode::Igmp => Addressing::Igmp { own },
        },
        legacy_ether_type: false,
        period: config.cluster.period_us,
        tolerance: config.cluster.tolerance,
        skew: SKEW_US.min(dead_after / 20),
        mode,
        rules: config.rules.iter().map(rule).collect(),
        default_affinity: DEFAULT_AFFINITY,
        shared: shared(config),
        keys: Keys { send: config.cluster.keys[0].0, accepted: config.cluster.keys.iter().cloned().collect() },
        flows: config.handover.flows,
        drain_limit: config.handover.drain_limit_us,
        cookie_settle: config.handover.cookie_settle_us,
    }
}

/// What sorts the kernel's connections as the NIC sorts their frames. `slots` are those of the protocol.
pub(crate) fn sorter(config: &Config, slots: Vec<ClusterRule>) -> Sorter {
    Sorter::new(config.cluster.vips.clone(), slots, DEFAULT_AFFINITY, &config.cluster.hash_key)
}

/// How long before its end a lease counts as ending, in microseconds: a period, after which a renewal is overdue.
pub(crate) fn warning(config: &Config) -> u32 {
    u32::try_from(config.cluster.period_us).expect("the configuration was checked: at most 10 s")
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

/// All that hosts must agree in besides rules: the same octets on every host of a cluster. Keys of the heartbeats are not among
/// it, as they are changed host by host; nor is the flow key, which every epoch names.
fn shared(config: &Config) -> Vec<u8> {
    let mut octets = config.cluster.hash_key.to_vec();
    octets.push(match config.cluster.mode {
        ClusterMode::Unicast => 0,
        ClusterMode::Multicast => 1,
        ClusterMode::Igmp => 2,
    });
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
        flow_key: *step.flow_key.octets(),
        default_rule: step.default_rule,
        ..weir_spec::Config::default()
    };
    for (place, vip) in spec.vips.iter_mut().zip(&config.cluster.vips) {
        *place = Some(*vip);
    }
    for (place, rule) in spec.rules.iter_mut().zip(&step.rules) {
        *place = Some(*rule);
    }
    spec.policy.quiesce = step.quiesce;
    Program { config: spec, maps: step.maps.clone() }
}

/// The MAC that frames for the cluster go to, and the one this host's frames leave with; `own` is that of its interface.
pub(crate) fn macs(config: &Config, own: Mac) -> (Mac, Mac) {
    let primary = config.cluster.primary;
    match config.cluster.mode {
        ClusterMode::Unicast => (Mac::cluster(primary), Mac::masked(config.host.priority, primary)),
        ClusterMode::Multicast => (Mac::multicast(primary), own),
        ClusterMode::Igmp => (Mac::igmp(primary), own),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use weir_cluster::flow_key::FlowKey;
    use weir_cluster::{NicTime, Step};

    use super::*;

    const OWN: Mac = Mac([0x02, 0, 0, 0, 1, 1]);
    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEXT: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f";

    fn host(priority: u8, cluster: &str, rule: &str) -> Config {
        let text = format!(
            "[cluster]\nvips = [\"10.77.0.100\", \"2001:db8::7\"]\n{cluster}\n\
             [host]\npriority = {priority}\ninterface = \"eth{priority}\"\nnic = \"sim\"\n\
             [[rule]]\nports = 80\n{rule}\n"
        );
        Config::parse(Path::new("weir.toml"), &text).expect("a good configuration")
    }

    fn step() -> action::Program {
        let default_rule = weir_spec::config::DefaultRule::default();
        let deadline = NicTime(0);
        let (rules, maps) = (Vec::new(), Vec::new());
        action::Program {
            epoch: 1,
            step: Step::Own,
            rules,
            default_rule,
            maps,
            deadline,
            quiesce: false,
            flow_key: FlowKey::new([0xa5; 40]),
            staged: false,
        }
    }

    #[test]
    fn the_flow_key_is_the_one_of_the_step_whatever_signs_heartbeats() {
        let old = host(1, &format!("key = \"{KEY}\""), "");
        let changed =
            host(1, &format!("key = \"{NEXT}\"\nkey_id = 2\n[[cluster.old_key]]\nid = 1\nkey = \"{KEY}\""), "");
        for config in [&old, &changed] {
            assert_eq!(program(config, &step()).config.flow_key, [0xa5; 40]);
        }
        // While keys are changed hosts must go on converging: what differs is no mismatch.
        assert_eq!(cluster(&old, 0, OWN).digest(), cluster(&changed, 0, OWN).digest());
    }

    #[test]
    fn hosts_of_different_modes_do_not_fit_each_other_and_hosts_of_different_adapters_do() {
        let modes = ["unicast", "multicast", "igmp"];
        let digest = |mode: &str, own: Mac| {
            let config = host(1, &format!("mode = \"{mode}\"\nkey = \"{KEY}\""), "");
            cluster(&config, 0, own).digest()
        };
        let digests = modes.map(|mode| digest(mode, OWN));
        for (index, mode) in modes.into_iter().enumerate() {
            assert_eq!(digests[index], digest(mode, Mac([0x02, 0, 0, 0, 1, 9])));
            assert!(!digests[..index].contains(&digests[index]), "{mode}");
        }
        let version = |version| host(1, &format!("mode = \"igmp\"\nigmp_version = {version}\nkey = \"{KEY}\""), "");
        assert_eq!(
            cluster(&version(1), 0, OWN).digest(),
            cluster(&version(3), 0, OWN).digest(),
            "changed host by host"
        );
    }

    #[test]
    fn only_in_unicast_mode_a_host_has_another_source_than_its_own() {
        let macs = |mode: &str| {
            let config = host(3, &format!("mode = \"{mode}\"\nkey = \"{KEY}\""), "");
            let (cluster, source) = macs(&config, OWN);
            (cluster.to_string(), source.to_string())
        };
        let own = OWN.to_string();
        assert_eq!(macs("unicast"), ("02-bf-0a-4d-00-64".into(), "02-03-0a-4d-00-64".into()));
        assert_eq!(macs("multicast"), ("03-bf-0a-4d-00-64".into(), own.clone()));
        assert_eq!(macs("igmp"), ("01-00-5e-7f-00-64".into(), own));
    }

    #[test]
    fn no_secret_is_shown_by_what_is_made_of_it() {
        let config = host(1, &format!("key = \"{KEY}\""), "");
        let step = step();
        let program = program(&config, &step);
        let shown = format!("{config:?} {:?} {step:?} {program:?}", cluster(&config, 0, OWN));
        for secret in [&config.cluster.keys[0].1.0[..], &program.config.flow_key] {
            let octets = format!("{:?}", &secret[..8]);
            assert!(!shown.contains(octets.trim_matches(['[', ']'])), "{shown}");
        }
    }
}
