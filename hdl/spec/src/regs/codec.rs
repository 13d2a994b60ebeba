//! A configuration as register words, and back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{FLOW_KEY, HASH_KEY, POLICY, RULE, RegId, VIP, address, reg};
use crate::config::{Config, DefaultRule, Echo, Policy, VIPS};
use crate::map::MapRef;
use crate::rules::{Affinity, DEFAULT_RULE, Protocol, RULES, Rule, VipSelect};

/// Every shadow register with its word, as `config` wants it: rising offsets, maps not included.
pub fn encode(config: &Config) -> Vec<(u32, u32)> {
    let count = RULE.count * 3 + VIP.count * 5 + HASH_KEY.count + FLOW_KEY.count + POLICY.count;
    let mut words = Vec::with_capacity(count as usize);
    for (index, rule) in config.rules.iter().enumerate() {
        let (ports, matching, map) = rule.as_ref().map_or((0, 0, MapRef::default()), rule_words);
        push_rule(&mut words, index as u32, ports, matching, map);
    }
    let affinity = reg(RegId::RuleMatch).field("affinity").place(config.default_rule.affinity as u32);
    push_rule(&mut words, u32::from(DEFAULT_RULE), 0, affinity, config.default_rule.map);
    for (index, vip) in config.vips.iter().enumerate() {
        let (control, octets) = vip_words(*vip);
        words.push((address(RegId::VipControl, index as u32), control));
        for (id, chunk) in VIP_WORDS.into_iter().zip(octets) {
            words.push((address(id, index as u32), chunk));
        }
    }
    push_key(&mut words, RegId::HashKey, &config.hash_key);
    push_key(&mut words, RegId::FlowKey, &config.flow_key);
    words.push((address(RegId::Policy, 0), policy_word(config.policy)));
    words
}

/// The configuration that these shadow registers hold. `read` gives the word at an offset; any words give an answer.
pub fn decode(read: impl Fn(u32) -> u32) -> Config {
    let at = |id, index: usize| read(address(id, index as u32));
    let mut config = Config::default();
    for index in 0..RULES {
        config.rules[index] =
            rule_of(at(RegId::RulePorts, index), at(RegId::RuleMatch, index), at(RegId::RuleMap, index));
    }
    let default = usize::from(DEFAULT_RULE);
    config.default_rule = DefaultRule {
        affinity: Affinity::from_bits(reg(RegId::RuleMatch).field("affinity").get(at(RegId::RuleMatch, default))),
        map: MapRef::from_bits(at(RegId::RuleMap, default)),
    };
    for index in 0..VIPS {
        let octets = VIP_WORDS.map(|id| at(id, index));
        config.vips[index] = vip_of(at(RegId::VipControl, index), octets);
    }
    for (id, key) in [(RegId::HashKey, &mut config.hash_key), (RegId::FlowKey, &mut config.flow_key)] {
        for (index, octets) in key.chunks_exact_mut(4).enumerate() {
            octets.copy_from_slice(&at(id, index).to_be_bytes());
        }
    }
    config.policy = policy_of(at(RegId::Policy, 0));
    config
}

const VIP_WORDS: [RegId; 4] = [RegId::VipAddress0, RegId::VipAddress1, RegId::VipAddress2, RegId::VipAddress3];

fn push_rule(words: &mut Vec<(u32, u32)>, index: u32, ports: u32, matching: u32, map: MapRef) {
    words.push((address(RegId::RulePorts, index), ports));
    words.push((address(RegId::RuleMatch, index), matching));
    words.push((address(RegId::RuleMap, index), map.to_bits()));
}

fn push_key(words: &mut Vec<(u32, u32)>, id: RegId, key: &[u8; 40]) {
    for (index, octets) in (0..).zip(key.chunks_exact(4)) {
        words.push((address(id, index), u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]])));
    }
}

fn rule_words(rule: &Rule) -> (u32, u32, MapRef) {
    let (ports, matching) = (reg(RegId::RulePorts), reg(RegId::RuleMatch));
    let bit = |name, on: bool| matching.field(name).place(u32::from(on));
    let (any, vip) = match rule.vip {
        VipSelect::All => (true, 0),
        VipSelect::One(index) => (false, u32::from(index)),
    };
    (
        ports.field("first").place(rule.first_port.into()) | ports.field("last").place(rule.last_port.into()),
        bit("valid", true)
            | bit("any_vip", any)
            | matching.field("vip").place(vip)
            | bit("tcp", rule.protocol.tcp())
            | bit("udp", rule.protocol.udp())
            | matching.field("affinity").place(rule.affinity as u32),
        rule.map,
    )
}

fn rule_of(ports: u32, matching: u32, map: u32) -> Option<Rule> {
    let (port, field) = (reg(RegId::RulePorts), reg(RegId::RuleMatch));
    let bit = |name| field.field(name).get(matching) == 1;
    let protocol = match (bit("tcp"), bit("udp")) {
        (true, true) => Protocol::Both,
        (true, false) => Protocol::Tcp,
        (false, true) => Protocol::Udp,
        (false, false) => return None,
    };
    bit("valid").then(|| Rule {
        vip: if bit("any_vip") { VipSelect::All } else { VipSelect::One(field.field("vip").get(matching) as u8) },
        first_port: port.field("first").get(ports) as u16,
        last_port: port.field("last").get(ports) as u16,
        protocol,
        affinity: Affinity::from_bits(field.field("affinity").get(matching)),
        map: MapRef::from_bits(map),
    })
}

fn vip_words(vip: Option<IpAddr>) -> (u32, [u32; 4]) {
    let control = reg(RegId::VipControl);
    let valid = control.field("valid").place(1);
    match vip {
        None => (0, [0; 4]),
        Some(IpAddr::V4(address)) => (valid, [address.to_bits(), 0, 0, 0]),
        Some(IpAddr::V6(address)) => {
            let bits = address.to_bits();
            (valid | control.field("ipv6").place(1), [96, 64, 32, 0].map(|shift| (bits >> shift) as u32))
        }
    }
}

fn vip_of(control: u32, octets: [u32; 4]) -> Option<IpAddr> {
    let field = reg(RegId::VipControl);
    let bits = octets.iter().fold(0u128, |bits, &word| bits << 32 | u128::from(word));
    (field.field("valid").get(control) == 1).then(|| {
        if field.field("ipv6").get(control) == 1 {
            Ipv6Addr::from_bits(bits).into()
        } else {
            Ipv4Addr::from_bits(octets[0]).into()
        }
    })
}

fn policy_word(policy: Policy) -> u32 {
    let field = reg(RegId::Policy);
    let echo = match policy.echo {
        Echo::PassAll => 0,
        Echo::Hash(map) => field.field("echo_hash").place(1) | field.field("echo_map").place(map.to_bits()),
    };
    let bit = |name, on: bool| field.field(name).place(on.into());
    echo | bit("drop_portless_fragments", policy.drop_portless_fragments) | bit("quiesce", policy.quiesce)
}

fn policy_of(word: u32) -> Policy {
    let field = reg(RegId::Policy);
    let bit = |name| field.field(name).get(word) == 1;
    Policy {
        echo: if bit("echo_hash") {
            Echo::Hash(MapRef::from_bits(field.field("echo_map").get(word)))
        } else {
            Echo::PassAll
        },
        drop_portless_fragments: bit("drop_portless_fragments"),
        quiesce: bit("quiesce"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rules::tests::any_rule;
    use proptest::prelude::*;

    fn any_config() -> impl Strategy<Value = Config> {
        let vip = proptest::option::of(prop_oneof![
            any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits))),
            any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from_bits(bits))),
        ]);
        (
            proptest::collection::vec(vip, VIPS),
            proptest::collection::vec(proptest::option::of(any_rule()), RULES),
            (0u32..3, 0u32..68),
            proptest::collection::vec(any::<u8>(), 80),
            (proptest::option::of(0u32..68), any::<bool>(), any::<bool>()),
        )
            .prop_map(|(vips, rules, (affinity, map), keys, (echo, drop_portless_fragments, quiesce))| {
                Config {
                    vips: vips.try_into().expect("16 entries"),
                    rules: rules.try_into().expect("32 entries"),
                    default_rule: DefaultRule { affinity: Affinity::from_bits(affinity), map: MapRef::from_bits(map) },
                    hash_key: *keys.first_chunk().expect("40 of 80 octets"),
                    flow_key: *keys.last_chunk().expect("40 of 80 octets"),
                    policy: Policy {
                        echo: echo.map_or(Echo::PassAll, |map| Echo::Hash(MapRef::from_bits(map))),
                        drop_portless_fragments,
                        quiesce,
                    },
                }
            })
    }

    proptest! {
        #[test]
        fn configurations_round_trip_through_the_registers(config in any_config()) {
            let words: BTreeMap<u32, u32> = encode(&config).into_iter().collect();
            for (offset, word) in &words {
                let (_, reg, _) = crate::regs::find(*offset).expect("a register");
                prop_assert_eq!(word & !reg.writable(), 0, "{}", reg.name);
            }
            prop_assert_eq!(decode(|offset| words[&offset]), config);
        }

        #[test]
        fn any_words_are_some_configuration(seed: u32) {
            let config = decode(|offset| offset.wrapping_mul(0x9e37_79b9).wrapping_add(seed).rotate_left(seed % 32));
            prop_assert_eq!(config.rules.len(), RULES);
        }
    }

    #[test]
    fn reset_values_are_the_empty_configuration() {
        for (offset, word) in encode(&Config::default()) {
            let (_, reg, _) = crate::regs::find(offset).expect("a register");
            assert_eq!(word, reg.reset, "{}", reg.name);
        }
    }
}
