//! What one host is told about its cluster.
//!
//! Two kinds of things stand here: those in which all hosts must agree (cluster IP, period and tolerance, partition mode,
//! the configured hosts, rules without their loads, and whatever the caller puts into [`Config::shared`]); and those of
//! this host alone (priority, addresses, load weights and handling priorities, keys). A digest of the first travels in
//! every heartbeat, and a host whose digest differs does not converge.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use sha2::{Digest, Sha256};
use weir_spec::mac::Mac;
use weir_spec::rules::{Affinity, Protocol, RULES, VipSelect};

use crate::host::{HostId, HostSet};
use crate::time::Micros;
use crate::wire::codes;

/// A host's share of a rule in multiple-host mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Load {
    /// As much as every other equal host. Beside hosts with a weight it counts as 50, the default of NLB's own class.
    #[default]
    Equal,
    /// 0..=100; shares are weight over the sum of weights, which need not be 100.
    Weight(u8),
}

impl Load {
    /// The weight to divide by, 0..=100.
    pub fn weight(self) -> u8 {
        match self {
            Load::Equal => 50,
            Load::Weight(weight) => weight,
        }
    }
}

/// How a rule's traffic is filtered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Filtering {
    /// Shared out over all hosts by weight.
    Multiple(Load),
    /// One host takes all: the active one with the lowest handling priority, 1..=32, unique per rule.
    Single(u8),
    /// Nobody takes it.
    Disabled,
}

/// One port rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PortRule {
    /// Virtual IPs.
    pub vip: VipSelect,
    /// First destination port.
    pub first_port: u16,
    /// Last destination port, inclusive.
    pub last_port: u16,
    /// Transport protocols.
    pub protocol: Protocol,
    /// What is hashed.
    pub affinity: Affinity,
    /// Who takes it.
    pub filtering: Filtering,
}

/// How frames reach all hosts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Addressing {
    /// Broadcast, from the masked source 02-priority-ip.
    Unicast,
    /// The cluster's multicast MAC 03-bf-ip, from the adapter's own address.
    Multicast {
        /// The adapter's own address.
        own: Mac,
    },
    /// The group MAC 01-00-5e-7f-y-z, from the adapter's own address.
    Igmp {
        /// The adapter's own address.
        own: Mac,
    },
}

/// What a part of a cluster does that cannot see the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Mode {
    /// It serves, as NLB does: any n - 1 hosts may fail, and both sides of a partition answer.
    #[default]
    Availability,
    /// It serves only with a majority of the configured hosts, of which there are at least three.
    Quorum,
}

/// A shared secret. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} octets)", self.0.len())
    }
}

/// The keys of a cluster: several are accepted, one is used to send, so that they can be changed without downtime.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Keys {
    /// The key to send with.
    pub send: u8,
    /// All keys that are accepted, by id.
    pub accepted: BTreeMap<u8, Secret>,
}

/// What one host is told about its cluster.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// This host.
    pub host: HostId,
    /// All configured hosts. They count in [`Mode::Quorum`]; a host not among them may join in [`Mode::Availability`].
    pub hosts: HostSet,
    /// The primary virtual IP: the cluster's name on the wire.
    pub cluster_ip: Ipv4Addr,
    /// The dedicated IP of this host; 0.0.0.0 if it has none.
    pub host_ip: Ipv4Addr,
    /// Tells two hosts apart that claim one priority; NLB uses the time of installation.
    pub unique_code: u32,
    /// How frames reach all hosts.
    pub addressing: Addressing,
    /// EtherType 0xbf01 of the earliest product instead of 0x886f.
    pub legacy_ether_type: bool,
    /// Time between heartbeats, 5 ms to 10 s.
    pub period: Micros,
    /// Missed heartbeats until a host is dead, 5..=100. Below 5 one lost frame could fence a host.
    pub tolerance: u32,
    /// The longest time a frame may wait between a peer's NIC and its agent's clock; taken off the lease.
    pub skew: Micros,
    /// What a part does that cannot see the rest.
    pub mode: Mode,
    /// Port rules, in any order, at most 32.
    pub rules: Vec<PortRule>,
    /// Affinity of the default rule, whose traffic the default host takes.
    pub default_affinity: Affinity,
    /// Everything else all hosts must agree in (virtual IPs, hash key, policies), in a form of the caller's choice that is
    /// the same octet for octet on every host.
    pub shared: Vec<u8>,
    /// Keys of the heartbeats.
    pub keys: Keys,
    /// Most entries of the NIC's flow table that are used. What lies above them is for entries to move about in.
    pub flows: usize,
    /// How long connections may go on in buckets that are another host's by now; `None`: as long as they like.
    pub drain_limit: Option<Micros>,
    /// How long the ACK that answers a SYN cookie may take; what is to be released takes no new connections for so long if
    /// cookies were sent of late. 0: it is not waited for.
    pub cookie_settle: Micros,
}

/// Entries of a NIC's flow table that can be used: of 4,096 the first that finds no place is the 3,835th or a later one.
pub const FLOWS: usize = 3584;

/// Why a configuration is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// Heartbeat period out of range.
    #[error("period is {0} us, must be 5000 to 10000000")]
    Period(Micros),
    /// Tolerance out of range.
    #[error("tolerance is {0}, must be 5 to 100")]
    Tolerance(u32),
    /// The queueing skew would eat the lease.
    #[error("skew is {skew} us, must be at most {most} us, a tenth of period x tolerance")]
    Skew {
        /// What was given.
        skew: Micros,
        /// What is possible.
        most: Micros,
    },
    /// This host is not among the configured ones.
    #[error("hosts are {hosts}, must include this host's priority {host}")]
    NotConfigured {
        /// This host.
        host: HostId,
        /// The configured hosts.
        hosts: HostSet,
    },
    /// Too few hosts for a majority to survive a loss.
    #[error("hosts are {0}, quorum needs at least 3")]
    TooFewForQuorum(HostSet),
    /// More rules than a NIC holds.
    #[error("{0} port rules, at most 32 fit")]
    TooManyRules(usize),
    /// A range that ends before it starts.
    #[error("ports {0}-{1} end before they start")]
    PortRange(u16, u16),
    /// A weight above 100.
    #[error("load weight of ports {ports} is {weight}, must be 0 to 100")]
    Weight {
        /// First port of the rule.
        ports: u16,
        /// What was given.
        weight: u8,
    },
    /// A handling priority out of range.
    #[error("handling priority of ports {ports} is {priority}, must be 1 to 32")]
    HandlingPriority {
        /// First port of the rule.
        ports: u16,
        /// What was given.
        priority: u8,
    },
    /// Two rules for one virtual IP and protocol share a port.
    #[error("ports {0}-{1} and {2}-{3} overlap for the same virtual IP and protocol")]
    Overlap(u16, u16, u16, u16),
    /// The key to send with is not among the accepted.
    #[error("send key id is {0}, must be one of the accepted keys")]
    NoSendKey(u8),
    /// A key that guesses quickly.
    #[error("key {id} has {len} octets, must have at least 16")]
    ShortKey {
        /// Its id.
        id: u8,
        /// Its length.
        len: usize,
    },
}

impl Config {
    /// The time after which a silent host is dead, and for which an echo is a promise: period x tolerance.
    pub fn dead_after(&self) -> Micros {
        self.period * Micros::from(self.tolerance)
    }

    /// The rules in the order of the heartbeat's slots: by first port, then by the rest (NLB sorts by start port).
    pub fn slots(&self) -> Vec<PortRule> {
        let mut rules = self.rules.clone();
        rules.sort_by_key(|rule| (rule.first_port, rule.last_port, rule.vip, rule.protocol));
        rules
    }

    /// Whether a cluster can be run with this.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(5_000..=10_000_000).contains(&self.period) {
            return Err(ConfigError::Period(self.period));
        }
        if !(5..=100).contains(&self.tolerance) {
            return Err(ConfigError::Tolerance(self.tolerance));
        }
        let most = self.dead_after() / 10;
        if self.skew > most {
            return Err(ConfigError::Skew { skew: self.skew, most });
        }
        if self.mode == Mode::Quorum {
            if !self.hosts.contains(self.host) {
                return Err(ConfigError::NotConfigured { host: self.host, hosts: self.hosts });
            }
            if self.hosts.len() < 3 {
                return Err(ConfigError::TooFewForQuorum(self.hosts));
            }
        }
        if !self.keys.accepted.contains_key(&self.keys.send) {
            return Err(ConfigError::NoSendKey(self.keys.send));
        }
        if let Some((&id, key)) = self.keys.accepted.iter().find(|(_, key)| key.0.len() < 16) {
            return Err(ConfigError::ShortKey { id, len: key.0.len() });
        }
        self.check_rules()
    }

    fn check_rules(&self) -> Result<(), ConfigError> {
        if self.rules.len() > RULES {
            return Err(ConfigError::TooManyRules(self.rules.len()));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let ports = rule.first_port;
            if rule.last_port < ports {
                return Err(ConfigError::PortRange(ports, rule.last_port));
            }
            match rule.filtering {
                Filtering::Multiple(Load::Weight(weight)) if weight > 100 => {
                    return Err(ConfigError::Weight { ports, weight });
                }
                Filtering::Single(priority) if HostId::new(priority).is_none() => {
                    return Err(ConfigError::HandlingPriority { ports, priority });
                }
                _ => {}
            }
            for other in &self.rules[..index] {
                let meet = rule.first_port <= other.last_port && other.first_port <= rule.last_port;
                let protocol =
                    rule.protocol.tcp() && other.protocol.tcp() || rule.protocol.udp() && other.protocol.udp();
                if meet && protocol && rule.vip == other.vip {
                    let (a, b) = (other.first_port, other.last_port);
                    return Err(ConfigError::Overlap(a, b, rule.first_port, rule.last_port));
                }
            }
        }
        Ok(())
    }

    /// Digest of all in which hosts must agree.
    pub fn digest(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(b"weir configuration 1");
        hash.update(self.cluster_ip.octets());
        hash.update(self.period.to_le_bytes());
        hash.update(self.tolerance.to_le_bytes());
        hash.update([self.mode as u8, self.default_affinity as u8]);
        if self.mode == Mode::Quorum {
            hash.update(self.hosts.0.to_le_bytes());
        }
        for rule in self.slots() {
            let vip = match rule.vip {
                VipSelect::All => 0xff,
                VipSelect::One(index) => index,
            };
            hash.update(codes::rule_code(&rule).to_le_bytes());
            hash.update(rule.first_port.to_le_bytes());
            hash.update(rule.last_port.to_le_bytes());
            hash.update([vip]);
        }
        hash.update((self.shared.len() as u64).to_le_bytes());
        hash.update(&self.shared);
        first_eight(&hash.finalize())
    }
}

/// The first eight octets of a digest: what heartbeats have room for.
pub(crate) fn first_eight(digest: &[u8]) -> [u8; 8] {
    digest[..8].try_into().expect("SHA-256 has 32 octets")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A configuration without rules.
    pub(crate) fn plain() -> Config {
        let host = HostId::new(1).expect("host");
        Config {
            host,
            hosts: HostSet::EMPTY.with(host),
            cluster_ip: Ipv4Addr::new(10, 0, 0, 100),
            host_ip: Ipv4Addr::new(10, 0, 0, 1),
            unique_code: 1,
            addressing: Addressing::Unicast,
            legacy_ether_type: false,
            period: 1_000_000,
            tolerance: 5,
            skew: 20_000,
            mode: Mode::Availability,
            rules: Vec::new(),
            default_affinity: Affinity::None,
            shared: Vec::new(),
            keys: Keys { send: 1, accepted: BTreeMap::from([(1, Secret(vec![7; 32]))]) },
            flows: FLOWS,
            drain_limit: None,
            cookie_settle: 0,
        }
    }
}
