//! Neighbour discovery for IPv6 (RFC 4861): solicitations are read, advertisements written.

use std::net::Ipv6Addr;

use weir_spec::mac::Mac;

/// EtherType of IPv6.
pub const ETHERTYPE: u16 = 0x86dd;
/// Octets of an advertisement with its frame: headers, message, and one option.
pub const FRAME: usize = 14 + 40 + 24 + 8;

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Option: the link-layer address of who asks.
const SOURCE_LINK_LAYER: u8 = 1;
/// Option: the link-layer address of who is asked for.
const TARGET_LINK_LAYER: u8 = 2;
/// All nodes of the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

mod field {
    use std::ops::Range;

    pub(super) const SOURCE_MAC: Range<usize> = 6..12;
    pub(super) const TYPE: Range<usize> = 12..14;
    pub(super) const VERSION: usize = 14;
    pub(super) const LENGTH: Range<usize> = 18..20;
    pub(super) const NEXT: usize = 20;
    pub(super) const HOPS: usize = 21;
    pub(super) const SOURCE: Range<usize> = 22..38;
    pub(super) const DESTINATION: Range<usize> = 38..54;
    /// The message; places below are in it.
    pub(super) const MESSAGE: usize = 54;
    pub(super) const CHECKSUM: Range<usize> = 2..4;
    pub(super) const TARGET: Range<usize> = 8..24;
    pub(super) const OPTIONS: usize = 24;
}

/// The solicited-node group of an address: who has the address listens to it (RFC 4291).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]))
}

/// The MAC that frames for a group go to (RFC 2464).
pub fn group_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    Mac([0x33, 0x33, a, b, c, d])
}

/// A neighbour solicitation: who has `target`?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Solicitation {
    /// Who asks; unspecified while somebody looks whether the target is free.
    pub source: Ipv6Addr,
    /// Where the answer goes: as the option says, else the source of the frame.
    pub reply_to: Mac,
    /// Whose link-layer address is wanted.
    pub target: Ipv6Addr,
}

impl Solicitation {
    /// Reads a whole frame; `None` if it is no valid solicitation (RFC 4861, section 7.1.1). The message must follow the
    /// IPv6 header directly: with a fragment header it is not valid (RFC 6980), and no other one is in use.
    pub fn read(frame: &[u8]) -> Option<Solicitation> {
        let headers: &[u8; field::MESSAGE] = frame.first_chunk()?;
        let ipv6 = headers[field::TYPE] == ETHERTYPE.to_be_bytes() && headers[field::VERSION] >> 4 == 6;
        if !ipv6 || headers[field::NEXT] != ICMPV6 || headers[field::HOPS] != 255 {
            return None;
        }
        let [a, b] = *headers[field::LENGTH].first_chunk()?;
        let message = frame[field::MESSAGE..].get(..usize::from(u16::from_be_bytes([a, b])))?;
        if message.len() < field::OPTIONS || message[0] != SOLICITATION || message[1] != 0 {
            return None;
        }
        let source = address(headers, field::SOURCE);
        let destination = address(headers, field::DESTINATION);
        let target = address(message, field::TARGET);
        // The sum over a message that carries its own checksum is zero.
        if target.is_multicast() || checksum(source, destination, message) != 0 {
            return None;
        }
        let told = link_layer(&message[field::OPTIONS..])?;
        let reply_to = if source.is_unspecified() {
            if destination != solicited_node(target) || told.is_some() {
                return None;
            }
            group_mac(ALL_NODES)
        } else {
            let mac = told.unwrap_or(Mac(headers[field::SOURCE_MAC].try_into().expect("a MAC has six octets")));
            if source.is_multicast() || mac.0[0] & 1 != 0 {
                return None;
            }
            mac
        };
        Some(Solicitation { source, reply_to, target })
    }

    /// The advertisement that answers it with `mac`.
    pub fn answer(&self, mac: Mac) -> Advertisement {
        let to = if self.source.is_unspecified() { None } else { Some((self.source, self.reply_to)) };
        Advertisement { target: self.target, mac, to }
    }
}

/// The source link-layer address among the options, if there is one; `None` if they are no options.
#[expect(clippy::option_option, reason = "not valid, and valid without it, are two things")]
fn link_layer(mut options: &[u8]) -> Option<Option<Mac>> {
    let mut found = None;
    while let Some(&[kind, units]) = options.first_chunk() {
        let length = usize::from(units) * 8;
        if length == 0 {
            return None;
        }
        let (option, rest) = options.split_at_checked(length)?;
        if kind == SOURCE_LINK_LAYER && length == 8 {
            found = Some(Mac(option[2..8].try_into().expect("a MAC has six octets")));
        }
        options = rest;
    }
    options.is_empty().then_some(found)
}

/// A neighbour advertisement: `target` is at `mac`, whatever was known before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Advertisement {
    /// The address.
    pub target: Ipv6Addr,
    /// Where it is.
    pub mac: Mac,
    /// Whom it answers; `None`: it is for all nodes.
    pub to: Option<(Ipv6Addr, Mac)>,
}

impl Advertisement {
    /// The frame from the MAC `source` that carries it. Its IPv6 source is the target itself.
    pub fn emit(&self, source: Mac) -> [u8; FRAME] {
        const SOLICITED: u8 = 0x40;
        const OVERRIDE: u8 = 0x20;
        let (to, to_mac) = self.to.unwrap_or((ALL_NODES, group_mac(ALL_NODES)));
        let mut frame = [0; FRAME];
        frame[..6].copy_from_slice(&to_mac.0);
        frame[field::SOURCE_MAC].copy_from_slice(&source.0);
        frame[field::TYPE].copy_from_slice(&ETHERTYPE.to_be_bytes());
        frame[field::VERSION] = 6 << 4;
        frame[field::LENGTH].copy_from_slice(&((FRAME - field::MESSAGE) as u16).to_be_bytes());
        frame[field::NEXT] = ICMPV6;
        frame[field::HOPS] = 255;
        frame[field::SOURCE].copy_from_slice(&self.target.octets());
        frame[field::DESTINATION].copy_from_slice(&to.octets());
        let message = &mut frame[field::MESSAGE..];
        message[0] = ADVERTISEMENT;
        message[4] = OVERRIDE | if self.to.is_some() { SOLICITED } else { 0 };
        message[field::TARGET].copy_from_slice(&self.target.octets());
        message[field::OPTIONS..][..2].copy_from_slice(&[TARGET_LINK_LAYER, 1]);
        message[field::OPTIONS + 2..].copy_from_slice(&self.mac.0);
        let sum = checksum(self.target, to, message);
        message[field::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        frame
    }
}

fn address(octets: &[u8], range: std::ops::Range<usize>) -> Ipv6Addr {
    Ipv6Addr::from(<[u8; 16]>::try_from(&octets[range]).expect("an address has sixteen octets"))
}

/// The checksum of ICMPv6 with its pseudo-header (RFC 4443); zero over a message that holds the right one.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let words = |octets: &[u8]| -> u32 {
        octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum()
    };
    // A message has at most 65,535 octets: the sum stays far below 2^32.
    let mut sum = words(&source.octets()) + words(&destination.octets()) + words(message);
    sum += message.len() as u32 + u32::from(ICMPV6);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const VIP: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x12, 0x3456);
    const CLIENT: Mac = Mac([0x02, 0, 0, 0, 0, 0xfe]);
    const OWN: Mac = Mac([0x02, 0, 0, 0, 1, 1]);
    const GROUP: Mac = Mac([0x03, 0xbf, 10, 99, 0, 100]);

    /// A solicitation, with its checksum made right.
    fn question(source: Ipv6Addr, options: &[u8]) -> Vec<u8> {
        let group = solicited_node(VIP);
        let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        message.extend(VIP.octets());
        message.extend(options);
        let sum = checksum(source, group, &message);
        message[field::CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        let mut frame = [group_mac(group).0, CLIENT.0].concat();
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, message.len() as u8, ICMPV6, 255]);
        frame.extend(source.octets());
        frame.extend(group.octets());
        frame.extend(message);
        frame
    }

    fn from_client() -> Vec<u8> {
        question(ASKER, &[&[SOURCE_LINK_LAYER, 1][..], &CLIENT.0].concat())
    }

    #[test]
    fn groups_and_their_macs_are_those_of_the_rfcs() {
        // RFC 4291, section 2.7.1.
        let example: Ipv6Addr = "4037::01:800:200e:8c6c".parse().expect("an address");
        assert_eq!(solicited_node(example), "ff02::1:ff0e:8c6c".parse::<Ipv6Addr>().expect("an address"));
        assert_eq!(group_mac(solicited_node(example)).to_string(), "33-33-ff-0e-8c-6c");
    }

    #[test]
    fn the_answer_is_solicited_and_overrides_and_names_the_group() {
        let asked = Solicitation::read(&from_client()).expect("a solicitation");
        assert_eq!(asked, Solicitation { source: ASKER, reply_to: CLIENT, target: VIP });
        let frame = asked.answer(GROUP).emit(OWN);
        assert_eq!(frame[..14], [CLIENT.0.as_slice(), &OWN.0, &[0x86, 0xdd]].concat());
        assert_eq!(frame[14..22], [0x60, 0, 0, 0, 0, 32, 58, 255]);
        assert_eq!(frame[22..54], [VIP.octets(), ASKER.octets()].concat());
        assert_eq!((frame[54], frame[55], frame[58]), (136, 0, 0x60));
        assert_eq!(frame[62..78], VIP.octets());
        assert_eq!(frame[78..86], [2, 1, 0x03, 0xbf, 10, 99, 0, 100]);
        assert_eq!(checksum(VIP, ASKER, &frame[54..]), 0);
    }

    #[test]
    fn the_checksum_is_the_sum_over_pseudo_header_and_message() {
        let source: Ipv6Addr = "::1".parse().expect("an address");
        let destination: Ipv6Addr = "::2".parse().expect("an address");
        // 1 + 2 + length 4 + next header 58 + 0x8000 = 0x8041, complemented.
        assert_eq!(checksum(source, destination, &[0x80, 0, 0, 0]), !0x8041);
        // An odd octet at the end counts as the high half of a word.
        assert_eq!(checksum(source, destination, &[0x80, 0, 0, 0, 1]), !(0x8042 + 0x100));
    }

    #[test]
    fn a_probe_for_a_free_address_is_answered_to_all_and_not_as_solicited() {
        let asked = Solicitation::read(&question(Ipv6Addr::UNSPECIFIED, &[])).expect("a probe");
        let frame = asked.answer(GROUP).emit(OWN);
        assert_eq!(frame[..6], group_mac(ALL_NODES).0);
        assert_eq!(frame[38..54], ALL_NODES.octets());
        assert_eq!(frame[58], 0x20);
        assert_eq!(checksum(VIP, ALL_NODES, &frame[54..]), 0);
        let told = question(Ipv6Addr::UNSPECIFIED, &[&[SOURCE_LINK_LAYER, 1][..], &CLIENT.0].concat());
        assert_eq!(Solicitation::read(&told), None, "who has no address has no link-layer address to tell");
    }

    #[test]
    fn without_the_option_the_source_of_the_frame_is_answered() {
        // A nonce (RFC 7527) is passed over.
        let asked = Solicitation::read(&question(ASKER, &[14, 1, 1, 2, 3, 4, 5, 6])).expect("a solicitation");
        assert_eq!(asked.reply_to, CLIENT);
    }

    #[test]
    fn what_is_not_valid_is_not_read() {
        let good = from_client();
        for length in 0..good.len() {
            assert_eq!(Solicitation::read(&good[..length]), None, "{length} octets");
        }
        for place in [13, 14, 19, 20, 21, 54, 55, 56, 62, 79] {
            let mut bad = good.clone();
            bad[place] ^= 1;
            if place == 14 {
                bad[place] ^= 0x11;
            }
            assert_eq!(Solicitation::read(&bad), None, "octet {place}");
        }
        assert_eq!(Solicitation::read(&question(ASKER, &[1, 0, 0, 0, 0, 0, 0, 0])), None, "an option without length");
        assert_eq!(Solicitation::read(&question(ASKER, &[14, 2, 0, 0, 0, 0, 0, 0])), None, "an option that is cut");
        let group = question(ASKER, &[&[SOURCE_LINK_LAYER, 1][..], &GROUP.0].concat());
        assert_eq!(Solicitation::read(&group), None, "nobody is at a group");
    }

    #[test]
    fn padding_behind_the_packet_does_not_count() {
        let mut padded = from_client();
        padded.extend([0x55; 9]);
        assert_eq!(Solicitation::read(&padded), Solicitation::read(&from_client()));
    }
}
