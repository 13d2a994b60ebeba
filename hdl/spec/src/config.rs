//! What one epoch tells a NIC: virtual IPs, rules, keys and policies. Maps lie beside it, in slots.

use std::fmt;
use std::net::IpAddr;

use crate::map::MapRef;
use crate::rules::{Affinity, RULES, Rule};

/// Virtual IPs of a NIC, IPv4 and IPv6 together.
pub const VIPS: usize = 16;

/// The Toeplitz key of the published RSS verification vectors; a cluster may use its own.
pub const RSS_KEY: [u8; 40] = [
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b,
    0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
    0x01, 0xfa,
];

/// What happens to ICMP echo requests for a virtual IP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Echo {
    /// Every host answers, as NLB does.
    #[default]
    PassAll,
    /// One host answers: the bucket of the source address in this map decides.
    Hash(MapRef),
}

/// Decisions that belong to no rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Policy {
    /// ICMP echo requests.
    pub echo: Echo,
    /// Later fragments whose rule has affinity none are dropped; else they pass on every host. (They carry no ports.)
    pub drop_portless_fragments: bool,
    /// Buckets in OWN take no new connections: SYN passes for a pinned flow alone, other TCP unless the flow is FOREIGN, all
    /// else as ever. What goes on as OWN meanwhile is written as ADOPT.
    pub quiesce: bool,
}

/// The rule for TCP and UDP that no port rule matches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct DefaultRule {
    /// What is hashed.
    pub affinity: Affinity,
    /// Where the bucket's state is looked up; a constant OWN on the default host, a constant NONE elsewhere.
    pub map: MapRef,
}

/// The shadowed configuration: everything but the maps that a COMMIT puts in force at once. Its `Debug` shows no key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Config {
    /// Virtual IPs; a rule names them by index.
    pub vips: [Option<IpAddr>; VIPS],
    /// Port rules, first match first.
    pub rules: [Option<Rule>; RULES],
    /// The rule behind them.
    pub default_rule: DefaultRule,
    /// Toeplitz key of the bucket.
    pub hash_key: [u8; 40],
    /// Secret key of flow signatures.
    pub flow_key: [u8; 40],
    /// What no rule decides.
    pub policy: Policy,
}

/// What a NIC holds after reset: no virtual IP, no rule, keys of zeros.
impl Default for Config {
    fn default() -> Config {
        Config {
            vips: [None; VIPS],
            rules: [None; RULES],
            default_rule: DefaultRule::default(),
            hash_key: [0; 40],
            flow_key: [0; 40],
            policy: Policy::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { vips, rules, default_rule, hash_key: _, flow_key: _, policy } = self;
        f.debug_struct("Config")
            .field("vips", vips)
            .field("rules", rules)
            .field("default_rule", default_rule)
            .field("policy", policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_shows_all_but_its_keys() {
        let mut config = Config { hash_key: [201; 40], flow_key: [202; 40], ..Config::default() };
        config.vips[0] = Some([10, 77, 0, 100].into());
        let shown = format!("{config:?}");
        assert!(shown.contains("10.77.0.100"), "{shown}");
        assert!(!shown.contains("201") && !shown.contains("202"), "{shown}");
    }
}
