//! ARP for IPv4 on Ethernet (RFC 826), and its announcements (RFC 5227).

use std::net::Ipv4Addr;

use weir_spec::mac::Mac;

/// EtherType of ARP.
pub const ETHERTYPE: u16 = 0x0806;
/// Octets of an ARP frame: the shortest that Ethernet carries.
pub const FRAME: usize = 60;

/// Ethernet with 6 octets of address, IPv4 with 4.
const KINDS: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];

mod field {
    use std::ops::Range;

    pub(super) const DESTINATION: Range<usize> = 0..6;
    pub(super) const SOURCE: Range<usize> = 6..12;
    pub(super) const TYPE: Range<usize> = 12..14;
    pub(super) const KINDS: Range<usize> = 14..20;
    pub(super) const OPERATION: Range<usize> = 20..22;
    pub(super) const SENDER_MAC: Range<usize> = 22..28;
    pub(super) const SENDER: Range<usize> = 28..32;
    pub(super) const TARGET_MAC: Range<usize> = 32..38;
    pub(super) const TARGET: Range<usize> = 38..42;
}

/// What an ARP packet does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// It asks who has the target address, or announces the sender's.
    Request,
    /// It says that the sender has an address.
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arp {
    /// What it does.
    pub operation: Operation,
    /// Who sends, as the packet says, which need not be the source of the frame.
    pub sender_mac: Mac,
    /// The sender's address; 0.0.0.0 in a probe.
    pub sender: Ipv4Addr,
    /// Zero in a request.
    pub target_mac: Mac,
    /// The address that is asked for.
    pub target: Ipv4Addr,
}

impl Arp {
    /// Reads a whole frame; `None` if it is no ARP request or reply for IPv4 on Ethernet.
    pub fn read(frame: &[u8]) -> Option<Arp> {
        let frame: &[u8; field::TARGET.end] = frame.first_chunk()?;
        if frame[field::TYPE] != ETHERTYPE.to_be_bytes() || frame[field::KINDS] != KINDS {
            return None;
        }
        let operation = match frame[field::OPERATION] {
            [0, 1] => Operation::Request,
            [0, 2] => Operation::Reply,
            _ => return None,
        };
        let mac = |range: std::ops::Range<usize>| Mac(frame[range].try_into().expect("a MAC has six octets"));
        let address = |range: std::ops::Range<usize>| {
            Ipv4Addr::from(<[u8; 4]>::try_from(&frame[range]).expect("an address has four octets"))
        };
        Some(Arp {
            operation,
            sender_mac: mac(field::SENDER_MAC),
            sender: address(field::SENDER),
            target_mac: mac(field::TARGET_MAC),
            target: address(field::TARGET),
        })
    }

    /// The reply to this packet that says `mac`; `None` if it asks nothing, or could not be answered: an announcement, or a
    /// sender whose MAC is none of one station.
    pub fn answer(&self, mac: Mac) -> Option<Arp> {
        let announcement = self.sender == self.target;
        let one = self.sender_mac != Mac::default() && self.sender_mac.0[0] & 1 == 0;
        (self.operation == Operation::Request && !announcement && one).then_some(Arp {
            operation: Operation::Reply,
            sender_mac: mac,
            sender: self.target,
            target_mac: self.sender_mac,
            target: self.sender,
        })
    }

    /// Announcements that `address` is at `mac`, to be broadcast: as a request, which RFC 5227 wants, and as a reply, since
    /// there are routers that ignore the one or the other.
    pub fn announcements(address: Ipv4Addr, mac: Mac) -> [Arp; 2] {
        [(Operation::Request, Mac::default()), (Operation::Reply, mac)].map(|(operation, target_mac)| Arp {
            operation,
            sender_mac: mac,
            sender: address,
            target_mac,
            target: address,
        })
    }

    /// The frame from `source` to `destination` that carries it.
    pub fn emit(&self, destination: Mac, source: Mac) -> [u8; FRAME] {
        let mut frame = [0; FRAME];
        let operation: u16 = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        frame[field::DESTINATION].copy_from_slice(&destination.0);
        frame[field::SOURCE].copy_from_slice(&source.0);
        frame[field::TYPE].copy_from_slice(&ETHERTYPE.to_be_bytes());
        frame[field::KINDS].copy_from_slice(&KINDS);
        frame[field::OPERATION].copy_from_slice(&operation.to_be_bytes());
        frame[field::SENDER_MAC].copy_from_slice(&self.sender_mac.0);
        frame[field::SENDER].copy_from_slice(&self.sender.octets());
        frame[field::TARGET_MAC].copy_from_slice(&self.target_mac.0);
        frame[field::TARGET].copy_from_slice(&self.target.octets());
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Mac = Mac([0x02, 0, 0, 0, 0, 0xfe]);
    const OWN: Mac = Mac([0x02, 0, 0, 0, 1, 1]);
    const GROUP: Mac = Mac([0x03, 0xbf, 10, 99, 0, 100]);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 100);

    /// As the kernel of 10.99.1.1 asks for 10.99.0.100.
    #[rustfmt::skip]
    const QUESTION: [u8; 42] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0xfe, 0x08, 0x06,
        0, 1, 8, 0, 6, 4, 0, 1,
        0x02, 0, 0, 0, 0, 0xfe, 10, 99, 1, 1,
        0, 0, 0, 0, 0, 0, 10, 99, 0, 100,
    ];

    #[test]
    fn the_answer_names_the_group_inside_and_the_own_mac_outside() {
        let question = Arp::read(&QUESTION).expect("a request");
        assert_eq!((question.operation, question.target), (Operation::Request, VIP));
        let frame = question.answer(GROUP).expect("it asks").emit(CLIENT, OWN);
        assert_eq!(frame[..14], [CLIENT.0.as_slice(), &OWN.0, &[0x08, 0x06]].concat());
        #[rustfmt::skip]
        assert_eq!(frame[14..42], [
            0, 1, 8, 0, 6, 4, 0, 2,
            0x03, 0xbf, 10, 99, 0, 100, 10, 99, 0, 100,
            0x02, 0, 0, 0, 0, 0xfe, 10, 99, 1, 1,
        ]);
        assert_eq!(frame[42..], [0; 18]);
    }

    #[test]
    fn a_probe_is_answered_and_announcements_and_replies_are_not() {
        let question = Arp::read(&QUESTION).expect("a request");
        let probe = Arp { sender: Ipv4Addr::UNSPECIFIED, ..question };
        assert_eq!(probe.answer(GROUP).expect("somebody has the address").target, Ipv4Addr::UNSPECIFIED);
        for announcement in Arp::announcements(VIP, GROUP) {
            assert_eq!(announcement.answer(GROUP), None);
            assert_eq!((announcement.sender, announcement.target), (VIP, VIP));
        }
        assert_eq!(question.answer(GROUP).expect("it asks").answer(GROUP), None, "a reply");
        assert_eq!(Arp { sender_mac: GROUP, ..question }.answer(GROUP), None, "nobody is at a group");
        assert_eq!(Arp { sender_mac: Mac::default(), ..question }.answer(GROUP), None);
    }

    #[test]
    fn what_is_cut_short_or_of_other_kinds_is_no_arp() {
        for length in 0..QUESTION.len() {
            assert_eq!(Arp::read(&QUESTION[..length]), None, "{length} octets");
        }
        for (place, octet) in [(13, 0x00), (15, 6), (16, 0x86), (18, 8), (19, 16), (21, 3)] {
            let mut other = QUESTION;
            other[place] = octet;
            assert_eq!(Arp::read(&other), None, "octet {place}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let question = Arp::read(&QUESTION).expect("a request");
        for arp in [question, question.answer(GROUP).expect("it asks")] {
            assert_eq!(Arp::read(&arp.emit(CLIENT, OWN)), Some(arp));
        }
    }
}
