//! What the NIC is told: random configurations in register words, and the addresses that mean something to them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;
use weir_spec::config::{Config, DefaultRule, Echo, Policy};
use weir_spec::map::{BucketState, MapRef, SLOTS, WORDS};
use weir_spec::regs::{self, RegId, codec};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

use crate::seed::{chance, pick};

/// One configuration as it is written, with the maps its rules use.
pub(crate) struct Setting {
    /// Shadow registers, offset and word.
    pub(crate) words: Vec<(u32, u32)>,
    /// Map slots that are written.
    pub(crate) maps: Vec<(u8, Box<[u32; WORDS]>)>,
    /// What the words mean.
    pub(crate) config: Config,
}

/// Ports that rules and frames draw from, so that they meet, at both ends and beyond.
const PORTS: [u16; 12] = [0, 1, 53, 79, 80, 81, 443, 444, 1023, 8080, 65534, 65535];

/// Slots used: few, so that writing them takes few clocks, and always the outermost.
fn slots(rng: &mut Rng) -> [u8; 4] {
    [0, SLOTS as u8 - 1, rng.u8(1..32), rng.u8(32..63)]
}

fn port(rng: &mut Rng) -> u16 {
    if chance(rng, 80) { PORTS[rng.usize(..PORTS.len())] } else { rng.u16(..) }
}

fn vip(rng: &mut Rng, given: &[Option<IpAddr>]) -> Option<IpAddr> {
    let earlier = |rng: &mut Rng| given.get(rng.usize(..given.len().max(1))).copied().flatten();
    match rng.u32(..20) {
        0..2 => None,
        // Twice the same: the first counts.
        2 => earlier(rng),
        // One bit beside another one.
        3 => earlier(rng).map(|vip| match vip {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() ^ 1 << rng.u32(..32)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() ^ 1 << rng.u32(..128)).into(),
        }),
        // The other family with the same first octets.
        4 => earlier(rng).map(|vip| match vip {
            IpAddr::V4(v4) => Ipv6Addr::from_bits(u128::from(v4.to_bits()) << 96).into(),
            IpAddr::V6(v6) => Ipv4Addr::from_bits((v6.to_bits() >> 96) as u32).into(),
        }),
        5..13 => Some(Ipv4Addr::from_bits(rng.u32(..)).into()),
        _ => Some(Ipv6Addr::from_bits(rng.u128(..)).into()),
    }
}

fn map(rng: &mut Rng, slots: &[u8; 4]) -> MapRef {
    if chance(rng, 75) {
        MapRef::Slot(slots[rng.usize(..4)])
    } else {
        MapRef::Constant(BucketState::from_bits(rng.u32(..4)))
    }
}

fn affinity(rng: &mut Rng) -> Affinity {
    Affinity::from_bits(rng.u32(..3))
}

fn rule(rng: &mut Rng, slots: &[u8; 4]) -> Rule {
    let first_port = port(rng);
    Rule {
        vip: if chance(rng, 40) { VipSelect::All } else { VipSelect::One(rng.u8(..16)) },
        first_port,
        // Some ranges of one port, some wide ones, some that hold nothing.
        last_port: if chance(rng, 40) { first_port } else { port(rng) },
        protocol: [Protocol::Tcp, Protocol::Udp, Protocol::Both][rng.usize(..3)],
        affinity: affinity(rng),
        map: map(rng, slots),
    }
}

/// A random configuration. Some words hold what no host would write: any words have a meaning.
pub(crate) fn random(rng: &mut Rng) -> Setting {
    let slots = slots(rng);
    let mut config = Config::default();
    for index in 0..config.vips.len() {
        config.vips[index] = vip(rng, &config.vips[..index]);
    }
    let density = pick(rng, &[(1, 0), (2, 20), (4, 90)]);
    for entry in &mut config.rules {
        *entry = chance(rng, density).then(|| rule(rng, &slots));
    }
    config.default_rule = DefaultRule { affinity: affinity(rng), map: map(rng, &slots) };
    rng.fill(&mut config.hash_key);
    rng.fill(&mut config.flow_key);
    config.policy = Policy {
        echo: if chance(rng, 30) { Echo::PassAll } else { Echo::Hash(map(rng, &slots)) },
        drop_portless_fragments: rng.bool(),
        quiesce: chance(rng, 40),
    };
    let mut words = codec::encode(&config);
    if chance(rng, 50) {
        for (offset, word) in &mut words {
            let (_, reg, _) = regs::find(*offset).expect("a shadow register");
            let odd = match reg.id {
                RegId::VipAddress1 | RegId::VipAddress2 | RegId::VipAddress3 => chance(rng, 20),
                RegId::RuleMatch | RegId::RuleMap | RegId::Policy => chance(rng, 5),
                _ => false,
            };
            if odd {
                *word ^= rng.u32(..) & rng.u32(..);
            }
        }
    }
    let written: std::collections::BTreeMap<u32, u32> = words
        .iter()
        .map(|&(offset, word)| (offset, word & regs::find(offset).expect("a shadow register").1.writable()))
        .collect();
    Setting {
        config: codec::decode(|offset| written[&offset]),
        words,
        maps: slots.iter().map(|&slot| (slot, Box::new(std::array::from_fn(|_| rng.u32(..))))).collect(),
    }
}

impl Setting {
    /// Another random one with the same virtual IPs and the same key of signatures, as a host keeps them while flows are
    /// listed.
    pub(crate) fn beside(&self, rng: &mut Rng) -> Setting {
        let next = random(rng);
        let stays = |&(offset, _): &(u32, u32)| {
            matches!(
                regs::find(offset).expect("a shadow register").1.id,
                RegId::VipControl
                    | RegId::VipAddress0
                    | RegId::VipAddress1
                    | RegId::VipAddress2
                    | RegId::VipAddress3
                    | RegId::FlowKey
            )
        };
        let mut words: Vec<(u32, u32)> = self.words.iter().copied().filter(stays).collect();
        words.extend(next.words.iter().copied().filter(|word| !stays(word)));
        let (vips, flow_key) = (self.config.vips, self.config.flow_key);
        Setting { words, maps: next.maps, config: Config { vips, flow_key, ..next.config } }
    }

    /// A virtual IP of the family, if there is one.
    pub(crate) fn vip(&self, rng: &mut Rng, ipv6: bool) -> Option<IpAddr> {
        let vips: Vec<IpAddr> =
            self.config.vips.iter().flatten().filter(|vip| vip.is_ipv6() == ipv6).copied().collect();
        (!vips.is_empty()).then(|| vips[rng.usize(..vips.len())])
    }

    /// A port that some rule begins or ends at, or one beside it, or any.
    pub(crate) fn port(&self, rng: &mut Rng) -> u16 {
        let rules: Vec<&Rule> = self.config.rules.iter().flatten().collect();
        if rules.is_empty() || chance(rng, 20) {
            return rng.u16(..);
        }
        let rule = rules[rng.usize(..rules.len())];
        match rng.u32(..8) {
            0..3 => rule.first_port,
            3..6 => rule.last_port,
            6 => rule.first_port.wrapping_sub(1),
            _ => rule.last_port.wrapping_add(1),
        }
    }
}
