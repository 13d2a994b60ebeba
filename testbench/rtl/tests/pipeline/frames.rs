//! Frames that reach every branch of the parser: built header by header, wrong in one place now and then, then cut.

use std::net::IpAddr;
use std::rc::Rc;

use fastrand::Rng;

use crate::configs::Setting;
use crate::seed::{chance, pick};
use crate::shot::{Made, Shot};

/// Which end of the connection the virtual IP is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Toward {
    /// The frame comes from a client.
    Vip,
    /// The frame goes to a client.
    Client,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const EXTENSIONS: [u8; 4] = [0, 43, 44, 60];
/// Neighbours of what the parser knows: AH, ESP, no next header, SCTP, GRE, IPv4 in IP.
const OTHERS: [u8; 8] = [51, 50, 59, 132, 47, 4, 135, 255];

struct Builder<'a> {
    rng: &'a mut Rng,
    setting: &'a Setting,
    toward: Toward,
    bytes: Vec<u8>,
    made: Made,
}

/// A random frame.
pub(crate) fn random(rng: &mut Rng, setting: &Setting, toward: Toward) -> Shot {
    if chance(rng, 2) {
        let mut bytes = vec![0; rng.usize(1..200)];
        rng.fill(&mut bytes);
        return Shot::plain(bytes);
    }
    let mut builder = Builder { rng, setting, toward, bytes: Vec::new(), made: Made::default() };
    builder.ethernet();
    let headers = builder.bytes.len();
    builder.length(headers);
    let Builder { bytes, made, .. } = builder;
    Shot { bytes: Rc::new(bytes), waits: Vec::new(), bad: false, made }
}

impl Builder<'_> {
    fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.rng.u8(..))
    }

    fn ethernet(&mut self) {
        let macs: [u8; 12] = self.random_bytes();
        self.bytes.extend(macs);
        self.made.vlans = pick(self.rng, &[(12, 0), (4, 1), (4, 2), (1, 3)]);
        for _ in 0..self.made.vlans {
            let tag = if self.rng.bool() { [0x81, 0x00] } else { [0x88, 0xa8] };
            self.bytes.extend(tag);
            let control: [u8; 2] = self.random_bytes();
            self.bytes.extend(control);
        }
        let ethertype: u16 = pick(
            self.rng,
            &[(45, 0x0800), (45, 0x86dd), (1, 0x0806), (1, 0x886f), (1, 0x0100), (1, 0x9100), (1, 0x8847), (1, 0)],
        );
        let ethertype = if ethertype == 0 { self.rng.u16(..) } else { ethertype };
        self.bytes.extend(ethertype.to_be_bytes());
        match ethertype {
            0x0800 => self.ipv4(),
            0x86dd => self.ipv6(),
            _ => {}
        }
    }

    /// Client and virtual IP, in the order of the header.
    fn addresses(&mut self, ipv6: bool) -> Vec<u8> {
        let octets = |address: IpAddr| match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let length = if ipv6 { 16 } else { 4 };
        let mut client = vec![0; length];
        self.rng.fill(&mut client);
        let mut vip = vec![0; length];
        self.rng.fill(&mut vip);
        if chance(self.rng, 92)
            && let Some(known) = self.setting.vip(self.rng, ipv6)
        {
            vip = octets(known);
            if chance(self.rng, 4) {
                let bit = self.rng.usize(..8 * length);
                vip[bit / 8] ^= 1 << (bit % 8);
            }
        }
        match self.toward {
            Toward::Vip => [client, vip].concat(),
            Toward::Client => [vip, client].concat(),
        }
    }

    /// A length field: right in most frames, else at an edge or anything.
    fn length_field(&mut self, right: usize, edges: &[usize]) -> [u8; 2] {
        let value = match self.rng.u32(..20) {
            0 => edges[self.rng.usize(..edges.len())],
            1 => self.rng.usize(..=65535),
            2 => right + self.rng.usize(..4),
            _ => right,
        };
        (value as u16).to_be_bytes()
    }

    fn ipv4(&mut self) {
        let good = chance(self.rng, 97);
        let options = chance(self.rng, 40);
        let ihl = match (good, options) {
            (false, _) => self.rng.u8(..5),
            (true, true) => self.rng.u8(5..16),
            (true, false) => 5,
        };
        let version = if chance(self.rng, 98) { 4 } else { self.rng.u8(..16) };
        let protocol = self.protocol(ICMP);
        (self.made.family, self.made.ihl, self.made.protocol) = (4, ihl, protocol);
        let header = usize::from(ihl.max(5)) * 4;
        let body = self.transport(protocol, 8);
        let fragment: u16 = match self.rng.u32(..20) {
            0..3 => self.rng.u16(1..0x2000) | self.rng.u16(..8) << 13,
            3 => 0x2000,
            4 => 1 << self.rng.u32(..16),
            5..10 => 0x4000,
            _ => 0,
        };
        let right = header + body.len();
        let total = self
            .length_field(right, &[0, 19, 20, header - 1, header, header + 7, header + 8, header + 19, header + 20]);
        let start = self.bytes.len();
        self.bytes.extend([version << 4 | ihl, self.rng.u8(..)]);
        self.bytes.extend(total);
        let id: [u8; 2] = self.random_bytes();
        self.bytes.extend(id);
        self.bytes.extend(fragment.to_be_bytes());
        self.bytes.extend([64, protocol, 0, 0]);
        let addresses = self.addresses(false);
        self.bytes.extend(addresses);
        while self.bytes.len() < start + header {
            self.bytes.push(self.rng.u8(..));
        }
        self.bytes.extend(body);
    }

    fn protocol(&mut self, icmp: u8) -> u8 {
        match self.rng.u32(..20) {
            0..9 => TCP,
            9..14 => UDP,
            14..17 => icmp,
            // ICMP of the other family is any other protocol.
            17 => ICMP + ICMPV6 - icmp,
            18 => OTHERS[self.rng.usize(..OTHERS.len())],
            _ => self.rng.u8(..),
        }
    }

    fn ipv6(&mut self) {
        let version = if chance(self.rng, 98) { 6 } else { self.rng.u8(..16) };
        let protocol = self.protocol(ICMPV6);
        let count = pick(self.rng, &[(10, 0u8), (4, 1), (3, 2), (3, 3), (3, 4), (3, 5), (2, 6), (1, 7)]);
        (self.made.family, self.made.extensions, self.made.protocol) = (6, count, protocol);
        let kinds: Vec<u8> = (0..count).map(|_| EXTENSIONS[self.rng.usize(..4)]).collect();
        let mut chain = Vec::new();
        for (index, kind) in kinds.iter().enumerate() {
            chain.push(kinds.get(index + 1).copied().unwrap_or(protocol));
            let first: [u8; 7] = self.random_bytes();
            chain.extend(first);
            let at = chain.len() - 7;
            if *kind == 44 {
                // Its second byte is reserved, and says nothing of its length.
                let offset: u16 = if chance(self.rng, 30) { self.rng.u16(1..0x2000) } else { 0 };
                chain[at + 1..at + 3].copy_from_slice(&(offset << 3 | self.rng.u16(..8)).to_be_bytes());
            } else {
                let units = pick(self.rng, &[(16, 0u8), (3, 1), (2, 2), (1, 3), (1, 4), (1, 7), (1, 255)]);
                chain[at] = units;
                // A header of 2 KiB is claimed and not sent: the frame ends long before.
                let padding = if units == 255 { 0 } else { 8 * usize::from(units) };
                chain.extend((0..padding).map(|_| self.rng.u8(..)));
            }
        }
        let extended = chain.len();
        let body = self.transport(protocol, 128);
        chain.extend(body);
        let length = self.length_field(
            chain.len(),
            &[0, extended, extended + 7, extended + 8, extended + 19, extended + 20, extended.saturating_sub(1)],
        );
        self.bytes.extend([version << 4 | self.rng.u8(..16), self.rng.u8(..), self.rng.u8(..), self.rng.u8(..)]);
        self.bytes.extend(length);
        self.bytes.extend([kinds.first().copied().unwrap_or(protocol), 64]);
        let addresses = self.addresses(true);
        self.bytes.extend(addresses);
        self.bytes.extend(chain);
    }

    fn transport(&mut self, protocol: u8, echo: u8) -> Vec<u8> {
        let mut header: [u8; 20] = self.random_bytes();
        let ports = match self.toward {
            Toward::Vip => [self.rng.u16(..), self.setting.port(self.rng)],
            Toward::Client => [self.setting.port(self.rng), self.rng.u16(..)],
        };
        match protocol {
            TCP => {
                header[..2].copy_from_slice(&ports[0].to_be_bytes());
                header[2..4].copy_from_slice(&ports[1].to_be_bytes());
                header[12] = 0x50;
                header[13] = pick(
                    self.rng,
                    &[
                        (4, 0x02),
                        (4, 0x10),
                        (1, 0x12),
                        (1, 0x18),
                        (1, 0x04),
                        (1, 0x11),
                        (1, 0x06),
                        (1, 0x03),
                        (1, 0xc2),
                    ],
                );
                if chance(self.rng, 30) {
                    header[13] = self.rng.u8(..);
                }
                header.to_vec()
            }
            UDP => {
                header[..2].copy_from_slice(&ports[0].to_be_bytes());
                header[2..4].copy_from_slice(&ports[1].to_be_bytes());
                header[..8].to_vec()
            }
            _ => {
                if chance(self.rng, 60) {
                    header[0] = echo;
                }
                // Headers that look like those in front, as tunnels and attackers send them: nobody may follow them.
                if chance(self.rng, 20) {
                    return self.nested();
                }
                header[..8].to_vec()
            }
        }
    }

    /// A whole packet to a virtual IP, where something else should be.
    fn nested(&mut self) -> Vec<u8> {
        let outer = (std::mem::take(&mut self.bytes), self.made);
        if self.rng.bool() {
            self.ipv4()
        } else {
            self.ipv6()
        }
        let inner = std::mem::replace(&mut self.bytes, outer.0);
        self.made = outer.1;
        inner
    }

    /// Gives the frame its end: payload up to a length worth trying, or a cut in the headers.
    fn length(&mut self, headers: usize) {
        match self.rng.u32(..20) {
            0..2 => {
                self.made.cut = true;
                self.bytes.truncate(self.rng.usize(1..=headers));
            }
            2 => self.pad_to(57, 8),
            3 => self.pad_to(124, 8),
            4..6 => self.pad_to(headers, 300),
            6 if chance(self.rng, 30) => self.pad_to(1, 1599),
            _ => self.pad_to(headers, 15),
        }
        // What comes from a wire is no runt, except now and then.
        if self.bytes.len() < 60 && chance(self.rng, 85) {
            self.pad_to(60, 0);
        }
    }

    /// Appends bytes up to a length of `least` to `least + more`.
    fn pad_to(&mut self, least: usize, more: usize) {
        let length = least + self.rng.usize(..=more);
        while self.bytes.len() < length {
            self.bytes.push(self.rng.u8(..));
        }
    }
}
