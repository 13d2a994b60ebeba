//! From frame to decision.

use std::net::IpAddr;

use crate::config::{Config, Echo, VIPS};
use crate::flow::{Connection, FlowTable, SignatureHash};
use crate::frame::{Packet, Parsed, Payload, Transport, parse};
use crate::map::{BucketState, MapRef};
use crate::rules::{Affinity, DEFAULT_RULE, RuleIndex, Target};
use crate::toeplitz::{BucketHash, Source};
use crate::verdict::{Class, Decision, Kind, Reason, Row};

/// The state of bucket `bucket` of map slot `slot`.
pub trait Maps {
    /// Looks one bucket up. `slot` is below 64, `bucket` below 4096.
    fn state(&self, slot: u8, bucket: u16) -> BucketState;
}

impl Maps for [crate::map::Map] {
    fn state(&self, slot: u8, bucket: u16) -> BucketState {
        self[usize::from(slot)].get(usize::from(bucket))
    }
}

/// A configuration prepared for classifying: what a NIC has in force.
#[derive(Clone, Debug)]
pub struct Classifier {
    /// A COMMIT has landed since reset.
    configured: bool,
    config: Config,
    index: RuleIndex,
    hash: BucketHash,
    signatures: SignatureHash,
    vips4: [u32; VIPS],
    vips4_valid: [bool; VIPS],
}

impl Classifier {
    /// Prepares `config`.
    pub fn new(config: Config) -> Classifier {
        let four = |vip: &Option<IpAddr>| match vip {
            Some(IpAddr::V4(address)) => Some(address.to_bits()),
            _ => None,
        };
        Classifier {
            configured: true,
            index: RuleIndex::new(&config.rules),
            hash: BucketHash::new(&config.hash_key),
            signatures: SignatureHash::new(&config.flow_key),
            vips4: std::array::from_fn(|i| four(&config.vips[i]).unwrap_or(0)),
            vips4_valid: std::array::from_fn(|i| four(&config.vips[i]).is_some()),
            config,
        }
    }

    /// What a NIC has in force from reset to its first COMMIT.
    ///
    /// It knows no virtual IP, so it cannot tell the cluster's traffic from its host's own: TCP and UDP do not pass at
    /// all. Else the host would reset every connection of the cluster that its stack knows nothing of.
    pub fn unconfigured() -> Classifier {
        Classifier { configured: false, ..Classifier::new(Config::default()) }
    }

    /// Whether a COMMIT has landed since reset.
    pub fn configured(&self) -> bool {
        self.configured
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Index of the first virtual IP that is `address` (network byte order, IPv4 in the first four bytes).
    pub fn vip(&self, ipv6: bool, address: &[u8; 16]) -> Option<u8> {
        let found = if ipv6 {
            self.config.vips.iter().position(|vip| matches!(vip, Some(IpAddr::V6(v)) if v.octets() == *address))
        } else {
            let wanted = u32::from_be_bytes([address[0], address[1], address[2], address[3]]);
            (0..VIPS).find(|&i| self.vips4[i] == wanted && self.vips4_valid[i])
        };
        found.map(|index| index as u8)
    }

    /// The signature of a connection under the key in force.
    pub fn signature(&self, connection: &Connection) -> u64 {
        self.signatures.signature(connection)
    }

    /// Decides on a received frame.
    pub fn decide<M: Maps + ?Sized>(&self, frame: &[u8], maps: &M, flows: &FlowTable, fenced: bool) -> Decision {
        let packet = match parse(frame) {
            Parsed::Malformed => return Decision::plain(false, Class::Malformed, Reason::Class),
            Parsed::NotIp => return Decision::plain(true, Class::NotIp, Reason::Class),
            Parsed::Ip(packet) => packet,
        };
        let Some(vip) = self.vip(packet.ipv6, &packet.destination) else {
            let held = !self.configured && packet.payload.is_transport();
            let reason = if held { Reason::Fenced } else { Reason::Class };
            return Decision::plain(!held, Class::NotVip, reason);
        };
        let target = |tcp, port| self.index.find(Target { vip, tcp, port });
        match packet.payload {
            Payload::Other => Decision::plain(true, Class::OtherProtocol, Reason::Class),
            Payload::Icmp { echo_request: false } => Decision::plain(true, Class::Icmp, Reason::Class),
            Payload::Icmp { echo_request: true } | Payload::LaterFragment(Transport::Icmp) => {
                match self.config.policy.echo {
                    Echo::PassAll => Decision::plain(true, Class::Echo, Reason::Policy),
                    Echo::Hash(map) => {
                        let bucket = self.bucket(&packet, 0, Affinity::Single);
                        self.look_up(maps, map, Class::Echo, None, bucket, Kind::Datagram, fenced)
                    }
                }
            }
            Payload::LaterFragment(transport) => {
                let rule = target(transport == Transport::Tcp, None);
                let (affinity, map) = self.rule(rule);
                if affinity == Affinity::None {
                    let accept = !self.config.policy.drop_portless_fragments;
                    let plain = Decision::plain(accept, Class::LaterFragment, Reason::Policy);
                    return Decision { rule: Some(rule), ..plain };
                }
                let bucket = self.bucket(&packet, 0, affinity);
                self.look_up(maps, map, Class::LaterFragment, Some(rule), bucket, Kind::Fragment, fenced)
            }
            Payload::BeyondWindow => {
                let bucket = self.bucket(&packet, 0, Affinity::Single);
                let map = self.config.default_rule.map;
                self.look_up(maps, map, Class::BeyondWindow, Some(DEFAULT_RULE), bucket, Kind::Tcp, fenced)
            }
            Payload::Tcp { source_port, destination_port, flags } => {
                let rule = target(true, Some(destination_port));
                let (affinity, map) = self.rule(rule);
                let bucket = self.bucket(&packet, source_port, affinity);
                let kind = Kind::of_tcp(flags);
                let missed = self.look_up(maps, map, Class::Transport, Some(rule), bucket, kind, fenced);
                let state = missed.bucket.map(|(_, state)| state).filter(|_| !fenced);
                let row = state.map(|state| Row::new(state, self.config.policy.quiesce));
                let Some((row, (listed, reason))) = row.and_then(|row| Some((row, row.overruled_by(kind)?))) else {
                    return missed;
                };
                let connection = Connection { source: packet.source, source_port, destination_port };
                if flows.contains(self.signature(&connection), vip, listed) {
                    Decision { accept: row.passes(kind, true), reason, ..missed }
                } else {
                    missed
                }
            }
            Payload::Udp { source_port, destination_port } => {
                let rule = target(false, Some(destination_port));
                let (affinity, map) = self.rule(rule);
                let bucket = self.bucket(&packet, source_port, affinity);
                self.look_up(maps, map, Class::Transport, Some(rule), bucket, Kind::Datagram, fenced)
            }
        }
    }

    fn rule(&self, rule: u8) -> (Affinity, MapRef) {
        match self.config.rules.get(usize::from(rule)) {
            Some(Some(rule)) => (rule.affinity, rule.map),
            _ => (self.config.default_rule.affinity, self.config.default_rule.map),
        }
    }

    fn bucket(&self, packet: &Packet, port: u16, affinity: Affinity) -> u16 {
        self.hash.bucket(Source { ipv6: packet.ipv6, address: packet.source, port }, affinity)
    }

    /// The decision by the bucket alone, no flow being listed.
    #[allow(clippy::too_many_arguments)]
    fn look_up<M: Maps + ?Sized>(
        &self,
        maps: &M,
        map: MapRef,
        class: Class,
        rule: Option<u8>,
        bucket: u16,
        kind: Kind,
        fenced: bool,
    ) -> Decision {
        let state = match map {
            MapRef::Constant(state) => state,
            MapRef::Slot(slot) => maps.state(slot, bucket),
        };
        let row = Row::new(state, self.config.policy.quiesce);
        let (accept, reason) = if fenced { (false, Reason::Fenced) } else { (row.passes(kind, false), Reason::Bucket) };
        Decision { accept, class, reason, rule, bucket: Some((bucket, state)) }
    }
}
