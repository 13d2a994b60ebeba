//! Port rules: which traffic of which virtual IP goes by which map.

use crate::map::MapRef;

/// Port rules of a NIC besides the default rule (TechNet cc787142 gives the number).
pub const RULES: usize = 32;
/// Index of the default rule in counters and decisions.
pub const DEFAULT_RULE: u8 = RULES as u8;

/// What of a client's identity goes into the hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Affinity {
    /// Source address and source port: each connection for itself.
    #[default]
    None = 0,
    /// Source address: all connections of a client meet one host.
    Single = 1,
    /// The client's network: /24 of IPv4, /64 of IPv6.
    Network = 2,
}

impl Affinity {
    /// From the two register bits; the unused code 3 reads as `Network`, as in the circuit.
    pub fn from_bits(bits: u32) -> Affinity {
        match bits & 3 {
            0 => Affinity::None,
            1 => Affinity::Single,
            _ => Affinity::Network,
        }
    }
}

/// Which virtual IPs a rule is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum VipSelect {
    /// Every virtual IP (255.255.255.255 in NLB's own tools).
    #[default]
    All,
    /// The virtual IP with this index, 0..16.
    One(u8),
}

/// Which transport protocols a rule is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Protocol {
    /// TCP alone.
    Tcp,
    /// UDP alone.
    Udp,
    /// TCP and UDP.
    #[default]
    Both,
}

impl Protocol {
    /// Whether the rule is for TCP.
    pub fn tcp(self) -> bool {
        self != Protocol::Udp
    }

    /// Whether the rule is for UDP.
    pub fn udp(self) -> bool {
        self != Protocol::Tcp
    }
}

/// One port rule as the NIC sees it. The first that matches counts: the host sorts exact virtual IPs first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rule {
    /// Virtual IPs.
    pub vip: VipSelect,
    /// First destination port.
    pub first_port: u16,
    /// Last destination port, inclusive; below `first_port` the rule matches nothing but later fragments.
    pub last_port: u16,
    /// Transport protocols.
    pub protocol: Protocol,
    /// What is hashed.
    pub affinity: Affinity,
    /// Where the bucket's state is looked up.
    pub map: MapRef,
}

/// The destination a frame is matched against.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Index of the virtual IP that matched.
    pub vip: u8,
    /// TCP, else UDP.
    pub tcp: bool,
    /// Destination port; `None` in a later fragment, which carries none and matches any range.
    pub port: Option<u16>,
}

impl Rule {
    /// Whether the rule is for this destination.
    pub fn matches(&self, target: Target) -> bool {
        let vip = match self.vip {
            VipSelect::All => true,
            VipSelect::One(index) => index == target.vip,
        };
        let protocol = if target.tcp { self.protocol.tcp() } else { self.protocol.udp() };
        vip && protocol && target.port.is_none_or(|p| (self.first_port..=self.last_port).contains(&p))
    }
}

/// Index of the first rule that matches; [`DEFAULT_RULE`] if none does.
pub fn first_match(rules: &[Option<Rule>; RULES], target: Target) -> u8 {
    rules
        .iter()
        .position(|rule| rule.as_ref().is_some_and(|rule| rule.matches(target)))
        .map_or(DEFAULT_RULE, |index| index as u8)
}

/// The rules prepared for one look-up a frame: for each virtual IP and protocol the port space cut into ranges.
///
/// Gives exactly what [`first_match`] gives.
#[derive(Clone, Debug)]
pub struct RuleIndex {
    /// One a virtual IP and protocol: range starts, rising, the first 0, and the rule from there on.
    ranges: Vec<Vec<(u16, u8)>>,
    /// One a virtual IP and protocol: the rule of later fragments.
    fragments: Vec<u8>,
}

impl RuleIndex {
    /// Prepares `rules`.
    pub fn new(rules: &[Option<Rule>; RULES]) -> RuleIndex {
        let mut index = RuleIndex { ranges: Vec::new(), fragments: Vec::new() };
        for vip in 0..crate::config::VIPS as u8 {
            for tcp in [false, true] {
                let mut starts = vec![0u16];
                for rule in rules.iter().flatten() {
                    starts.push(rule.first_port);
                    starts.extend(rule.last_port.checked_add(1));
                }
                starts.sort_unstable();
                starts.dedup();
                let mut ranges: Vec<(u16, u8)> = starts
                    .into_iter()
                    .map(|port| (port, first_match(rules, Target { vip, tcp, port: Some(port) })))
                    .collect();
                ranges.dedup_by_key(|range| range.1);
                index.ranges.push(ranges);
                index.fragments.push(first_match(rules, Target { vip, tcp, port: None }));
            }
        }
        index
    }

    /// Index of the first rule that matches; [`DEFAULT_RULE`] if none does. `target.vip` is below 16.
    pub fn find(&self, target: Target) -> u8 {
        let key = usize::from(target.vip) * 2 + usize::from(target.tcp);
        match target.port {
            None => self.fragments[key],
            Some(port) => {
                let ranges = &self.ranges[key];
                ranges[ranges.partition_point(|range| range.0 <= port) - 1].1
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_rule() -> impl Strategy<Value = Rule> {
        (proptest::option::of(0u8..4), any::<(u16, u16)>(), 0..3u32, 0u32..3, 0u32..68, 0u16..100).prop_map(
            |(vip, (a, b), protocol, affinity, map, short)| Rule {
                vip: vip.map_or(VipSelect::All, VipSelect::One),
                first_port: if short < 50 { short } else { a },
                last_port: if short < 50 { short + 3 } else { b },
                protocol: [Protocol::Tcp, Protocol::Udp, Protocol::Both][protocol as usize],
                affinity: Affinity::from_bits(affinity),
                map: MapRef::from_bits(map),
            },
        )
    }

    proptest! {
        #[test]
        fn the_index_finds_what_the_first_match_finds(
            list in proptest::collection::vec(proptest::option::of(any_rule()), RULES),
            vip in 0u8..16, tcp in any::<bool>(), ports in proptest::collection::vec(any::<u16>(), 20),
        ) {
            let rules: [Option<Rule>; RULES] = list.try_into().expect("32 rules");
            let index = RuleIndex::new(&rules);
            let edges = rules.iter().flatten()
                .flat_map(|r| [r.first_port, r.last_port, r.last_port.wrapping_add(1), r.first_port.wrapping_sub(1)]);
            for port in edges.chain(ports).chain([0, 65535]).map(Some).chain([None]) {
                let target = Target { vip, tcp, port };
                prop_assert_eq!(index.find(target), first_match(&rules, target), "{:?}", target);
            }
        }
    }

    #[test]
    fn the_first_of_two_matching_rules_counts() {
        let rule = |vip, first_port| Rule {
            vip,
            first_port,
            last_port: 100,
            protocol: Protocol::Tcp,
            affinity: Affinity::None,
            map: MapRef::Slot(0),
        };
        let mut rules = [None; RULES];
        rules[3] = Some(rule(VipSelect::One(2), 80));
        rules[4] = Some(rule(VipSelect::All, 0));
        let at = |vip, tcp, port| first_match(&rules, Target { vip, tcp, port });
        assert_eq!(at(2, true, Some(80)), 3);
        assert_eq!(at(2, true, Some(79)), 4);
        assert_eq!(at(1, true, Some(80)), 4);
        assert_eq!(at(1, true, Some(101)), DEFAULT_RULE);
        assert_eq!(at(2, false, Some(80)), DEFAULT_RULE);
        assert_eq!(at(2, true, None), 3);
    }
}
