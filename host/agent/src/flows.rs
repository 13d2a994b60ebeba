//! From the kernel's connections to what the protocol knows of them, and back.

use std::net::{IpAddr, SocketAddr};

use weir_cluster::{Flow, PortRule};
use weir_spec::flow::Connection as Signed;
use weir_spec::rules::{Affinity, VipSelect};
use weir_spec::toeplitz::{BucketHash, Source};

use crate::control::RuleName;
use crate::sockets::Connection;

/// The rules as NICs apply them to a connection.
pub(crate) struct Sorter {
    vips: Vec<IpAddr>,
    slots: Vec<PortRule>,
    default_affinity: Affinity,
    hash: BucketHash,
}

impl Sorter {
    /// `slots` in the protocol's order.
    pub(crate) fn new(vips: Vec<IpAddr>, slots: Vec<PortRule>, default_affinity: Affinity, key: &[u8; 40]) -> Sorter {
        Sorter { vips, slots, default_affinity, hash: BucketHash::new(key) }
    }

    /// Rule and bucket of a connection; `None` if its local address is no virtual IP.
    pub(crate) fn flow(&self, connection: &Connection) -> Option<Flow> {
        let vip = self.vips.iter().position(|vip| *vip == connection.local.ip())? as u8;
        let port = connection.local.port();
        let slot = self.slot(vip, port).unwrap_or(self.slots.len());
        let affinity = self.slots.get(slot).map_or(self.default_affinity, |rule| rule.affinity);
        let signed = Signed::new(connection.remote.ip(), connection.remote.port(), port);
        let source = Source { ipv6: connection.remote.is_ipv6(), address: signed.source, port: signed.source_port };
        Some(Flow { slot: slot as u8, bucket: self.hash.bucket(source, affinity), vip, connection: signed })
    }

    /// The rule for TCP to a port of a virtual IP, one for that virtual IP alone first; `None`: the default rule.
    fn slot(&self, vip: u8, port: u16) -> Option<usize> {
        let of = |vip| self.slots.iter().position(|rule| rule.vip == vip && has(rule, port) && rule.protocol.tcp());
        of(VipSelect::One(vip)).or_else(|| of(VipSelect::All))
    }

    /// The rule that a person means: with a virtual IP one for that alone, without it the one for all of them, or the only one
    /// there is. Where TCP and UDP have a rule each and it says of neither, the one for TCP. An error says what would be right.
    pub(crate) fn named(&self, name: RuleName) -> Result<usize, String> {
        let RuleName { vip, port, transport } = name;
        let wanted = |rule: &PortRule| transport.is_none_or(|transport| transport.is_of(rule.protocol));
        let find = |of: &dyn Fn(VipSelect) -> bool| {
            let slots =
                self.slots.iter().enumerate().filter(|(_, rule)| has(rule, port) && wanted(rule) && of(rule.vip));
            let mut found: Vec<usize> = slots.map(|(slot, _)| slot).collect();
            found.sort_by_key(|slot| !self.slots[*slot].protocol.tcp());
            found
        };
        let nothing = || format!("no rule for {name}; `weir display` lists them");
        let of_all = find(&|vip| vip == VipSelect::All).first().copied();
        if let Some(address) = vip {
            let index = self.vip(address);
            let index = index
                .ok_or_else(|| format!("{address} is no virtual IP of this cluster; `weir display` lists them"))?;
            let own = find(&|vip| vip == VipSelect::One(index));
            return own.first().copied().ok_or_else(|| match of_all {
                Some(_) => {
                    let right = RuleName { vip: None, ..name };
                    format!("port {port} of {address} is in the rule for all virtual IPs: name it {right}")
                }
                None => nothing(),
            });
        }
        let some = find(&|vip| vip != VipSelect::All);
        let mut vips: Vec<&IpAddr> = some.iter().filter_map(|&slot| self.alone(self.slots[slot].vip)).collect();
        vips.sort_unstable();
        vips.dedup();
        match (of_all, some.first(), &vips[..]) {
            (Some(slot), ..) => Ok(slot),
            (None, None, _) => Err(nothing()),
            (None, Some(_), [one, _, ..]) => {
                let vips: Vec<String> = vips.iter().map(|vip| vip.to_string()).collect();
                let example = RuleName { vip: Some(**one), ..name };
                Err(format!(
                    "port {port} is in rules of {}: name one with its virtual IP, as {example}",
                    vips.join(", ")
                ))
            }
            (None, Some(&slot), _) => Ok(slot),
        }
    }

    /// The only virtual IP of a rule.
    fn alone(&self, vip: VipSelect) -> Option<&IpAddr> {
        match vip {
            VipSelect::All => None,
            VipSelect::One(index) => self.vips.get(usize::from(index)),
        }
    }

    /// Index of a virtual IP.
    fn vip(&self, address: IpAddr) -> Option<u8> {
        self.vips.iter().position(|vip| *vip == address).map(|index| index as u8)
    }

    /// The inverse of [`flow`](Sorter::flow).
    pub(crate) fn connection(&self, flow: &Flow) -> Option<Connection> {
        let vip = *self.vips.get(usize::from(flow.vip))?;
        let Signed { source, source_port, destination_port } = flow.connection;
        let remote = match vip {
            IpAddr::V4(_) => IpAddr::from(<[u8; 4]>::try_from(&source[..4]).ok()?),
            IpAddr::V6(_) => IpAddr::from(source),
        };
        let local = SocketAddr::new(vip, destination_port);
        Some(Connection { local, remote: SocketAddr::new(remote, source_port) })
    }
}

/// Whether a rule has a port.
fn has(rule: &PortRule, port: u16) -> bool {
    (rule.first_port..=rule.last_port).contains(&port)
}

#[cfg(test)]
mod tests {
    use weir_cluster::{Filtering, Load};
    use weir_spec::config::{Config, RSS_KEY};
    use weir_spec::map::{BucketState, MapRef};
    use weir_spec::rules::{Protocol, Rule, Target, first_match};

    use super::*;

    fn sorter() -> Sorter {
        let rule = |vip, first_port, last_port, protocol, affinity| PortRule {
            vip,
            first_port,
            last_port,
            protocol,
            affinity,
            filtering: Filtering::Multiple(Load::Equal),
        };
        let vips = vec!["10.0.0.1".parse().expect("an address"), "2001:db8::1".parse().expect("an address")];
        let slots = vec![
            rule(VipSelect::All, 53, 53, Protocol::Udp, Affinity::Single),
            rule(VipSelect::All, 80, 90, Protocol::Tcp, Affinity::None),
            rule(VipSelect::One(1), 85, 85, Protocol::Both, Affinity::Network),
        ];
        Sorter::new(vips, slots, Affinity::Single, &RSS_KEY)
    }

    #[test]
    fn a_connection_has_the_rule_that_a_nic_finds_for_its_frames_and_comes_back_as_it_was() {
        let sorter = sorter();
        let mut config = Config::default();
        let mut order: Vec<usize> = vec![2, 0, 1];
        for (place, &slot) in config.rules.iter_mut().zip(&order) {
            let rule = sorter.slots[slot];
            *place = Some(Rule {
                vip: rule.vip,
                first_port: rule.first_port,
                last_port: rule.last_port,
                protocol: rule.protocol,
                affinity: rule.affinity,
                map: MapRef::Constant(BucketState::Own),
            });
        }
        order.push(3);
        for (vip, remote) in [("10.0.0.1", "192.0.2.7:40000"), ("[2001:db8::1]", "[2001:db8:9::7]:40000")] {
            for port in [53, 79, 80, 85, 90, 91] {
                let local: SocketAddr = format!("{vip}:{port}").parse().expect("an address");
                let connection = Connection { local, remote: remote.parse().expect("an address") };
                let flow = sorter.flow(&connection).expect("a virtual IP");
                let found = first_match(&config.rules, Target { vip: flow.vip, tcp: true, port: Some(port) });
                let expected = order.get(usize::from(found)).copied().unwrap_or(3);
                assert_eq!(usize::from(flow.slot), expected, "{local}");
                assert_eq!(sorter.connection(&flow), Some(connection));
            }
        }
        let elsewhere =
            Connection { local: "10.0.0.2:80".parse().expect("a"), remote: "10.0.0.3:1".parse().expect("b") };
        assert_eq!(sorter.flow(&elsewhere), None);
    }

    fn named(sorter: &Sorter, name: &str) -> Result<usize, String> {
        sorter.named(name.parse().expect("a name"))
    }

    #[test]
    fn a_person_names_a_rule_by_port_and_perhaps_address() {
        let sorter = sorter();
        assert_eq!(named(&sorter, "53"), Ok(0), "UDP");
        assert_eq!(named(&sorter, "[2001:db8::1]:85"), Ok(2));
        assert_eq!(named(&sorter, "85"), Ok(1), "that for all; the other one has a virtual IP to be named with");
        assert!(named(&sorter, "7").is_err_and(|error| error.starts_with("no rule for 7")));
        assert!(named(&sorter, "10.0.0.1:7").is_err_and(|error| error.starts_with("no rule for 10.0.0.1:7")));
        assert!(named(&sorter, "10.0.0.9:80").is_err_and(|error| error.contains("10.0.0.9 is no virtual IP")));
    }

    #[test]
    fn a_name_with_a_virtual_ip_is_no_rule_for_all_of_them() {
        let wanted = "port 80 of 2001:db8::1 is in the rule for all virtual IPs: name it 80";
        assert_eq!(named(&sorter(), "[2001:db8::1]:80"), Err(wanted.into()));
        let wanted = "port 53 of 10.0.0.1 is in the rule for all virtual IPs: name it 53";
        assert_eq!(named(&sorter(), "10.0.0.1:53"), Err(wanted.into()));
    }

    #[test]
    fn rules_for_udp_are_named_with_their_virtual_ips() {
        let mut sorter = sorter();
        let dns = PortRule { vip: VipSelect::One(0), ..sorter.slots[0] };
        sorter.slots = vec![dns];
        assert_eq!((named(&sorter, "10.0.0.1:53"), named(&sorter, "53")), (Ok(0), Ok(0)));
        sorter.slots.push(PortRule { vip: VipSelect::One(1), ..dns });
        assert_eq!((named(&sorter, "10.0.0.1:53"), named(&sorter, "[2001:db8::1]:53")), (Ok(0), Ok(1)));
        let wanted = "port 53 is in rules of 10.0.0.1, 2001:db8::1: name one with its virtual IP, as 10.0.0.1:53";
        assert_eq!(named(&sorter, "53"), Err(wanted.into()));
        let tcp = PortRule { protocol: Protocol::Tcp, ..dns };
        sorter.slots.push(tcp);
        assert_eq!(named(&sorter, "10.0.0.1:53"), Ok(2), "TCP, where both have one");
        assert_eq!((named(&sorter, "10.0.0.1:53/udp"), named(&sorter, "10.0.0.1:53/tcp")), (Ok(0), Ok(2)));
        assert_eq!(named(&sorter, "53/tcp"), Ok(2), "the only one for TCP");
        let wanted = wanted.replace("10.0.0.1:53", "10.0.0.1:53/udp");
        assert_eq!(named(&sorter, "53/udp"), Err(wanted));
        assert!(
            named(&sorter, "[2001:db8::1]:53/tcp")
                .is_err_and(|error| error.starts_with("no rule for [2001:db8::1]:53/tcp"))
        );
    }
}
