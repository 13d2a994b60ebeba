//! From the kernel's connections to what the protocol knows of them, and back.

use std::net::{IpAddr, SocketAddr};

use weir_cluster::{Flow, PortRule};
use weir_spec::flow::Connection as Signed;
use weir_spec::rules::{Affinity, VipSelect};
use weir_spec::toeplitz::{BucketHash, Source};

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
        let slot = self.slot(Some(vip), port).unwrap_or(self.slots.len());
        let affinity = self.slots.get(slot).map_or(self.default_affinity, |rule| rule.affinity);
        let signed = Signed::new(connection.remote.ip(), connection.remote.port(), port);
        let source = Source { ipv6: connection.remote.is_ipv6(), address: signed.source, port: signed.source_port };
        Some(Flow { slot: slot as u8, bucket: self.hash.bucket(source, affinity), vip, connection: signed })
    }

    /// The rule for TCP to a port of a virtual IP, one for that virtual IP alone first; `None`: the default rule.
    /// Without a virtual IP, the first rule that has the port.
    pub(crate) fn slot(&self, vip: Option<u8>, port: u16) -> Option<usize> {
        let fits = |rule: &PortRule, exact: bool| {
            let address = match rule.vip {
                VipSelect::All => !exact,
                VipSelect::One(index) => exact && vip.is_none_or(|vip| vip == index),
            };
            address && (rule.first_port..=rule.last_port).contains(&port)
        };
        let tcp = |rule: &PortRule, exact| fits(rule, exact) && rule.protocol.tcp();
        let find = |by: &dyn Fn(&PortRule, bool) -> bool| {
            [true, false].into_iter().find_map(|exact| self.slots.iter().position(|rule| by(rule, exact)))
        };
        // A person may name a rule for UDP, too; a connection never has one.
        find(&tcp).or_else(|| vip.is_none().then(|| find(&fits))?)
    }

    /// Index of a virtual IP.
    pub(crate) fn vip(&self, address: IpAddr) -> Option<u8> {
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

    #[test]
    fn a_person_names_a_rule_by_port_and_perhaps_address() {
        let sorter = sorter();
        assert_eq!(sorter.slot(None, 53), Some(0));
        assert_eq!(sorter.slot(Some(0), 85), Some(1));
        assert_eq!(sorter.slot(Some(1), 85), Some(2));
        assert_eq!(sorter.slot(None, 85), Some(2));
        assert_eq!(sorter.slot(None, 7), None);
    }
}
