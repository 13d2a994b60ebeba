//! TCP drops whatever came in a frame to a group MAC, by the packet type that the kernel derives from the MAC. One rule of
//! nftables at the ingress of the interface makes it `host` again for frames to the cluster's:
//!
//! ```text
//! table netdev weir-<port id> {
//!     flags owner
//!     chain ingress {
//!         type filter hook ingress device "eth0" priority filter; policy accept;
//!         ether daddr 03:bf:0a:63:00:64 meta pkttype set host
//!     }
//! }
//! ```
//! The table is owned by the netlink socket that made it: others, and `nft flush ruleset`, leave it alone, and the kernel
//! removes it when the socket is closed, however its process ends. Its name is that socket's, so that the table of the next
//! process stands beside it until the former ends.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, getsockname, recv, sendto, socket,
};
use weir_spec::mac::Mac;

/// Why there is no such rule.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleError {
    /// Netlink could not be spoken.
    #[error("failed to open netlink for nftables")]
    Open(#[source] io::Error),
    /// The kernel refused: it has no nftables for devices, or the agent may not.
    #[error("failed to add a table of nftables")]
    Refused(#[source] io::Error),
}

// linux/netfilter/nfnetlink.h
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NFTABLES: u16 = 10;
// linux/netfilter.h
const FAMILY_NETDEV: u8 = 5;
const ACCEPT: u32 = 1;
// linux/netfilter/nf_tables.h: messages
const NEW_TABLE: u16 = NFTABLES << 8;
const NEW_CHAIN: u16 = NFTABLES << 8 | 3;
const NEW_RULE: u16 = NFTABLES << 8 | 6;
const OWNER: u32 = 2;
const META_PACKET_TYPE: u32 = 19;
const REGISTER: u32 = 1;
/// PACKET_HOST of linux/if_packet.h.
const HOST: u8 = 0;
const CHAIN: &str = "ingress";

/// Adds the rule; it stays as long as the socket that is returned.
pub(super) fn rule(interface: &str, group: Mac) -> Result<OwnedFd, RuleError> {
    let open = || {
        let netlink = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkNetFilter,
        )?;
        bind(netlink.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        let port = getsockname::<NetlinkAddr>(netlink.as_raw_fd())?.pid();
        Ok((netlink, port))
    };
    let (netlink, port) = open().map_err(|errno: Errno| RuleError::Open(errno.into()))?;
    let batch = batch(&format!("weir-{port}"), interface, group);
    let sent = sendto(netlink.as_raw_fd(), &batch, &NetlinkAddr::new(0, 0), MsgFlags::empty());
    sent.map_err(|errno| RuleError::Refused(errno.into()))?;
    // What the kernel has to say to a batch it has said when the batch is sent.
    let mut buffer = [0; 8192];
    let mut done = 0;
    loop {
        match recv(netlink.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(length) => done += acknowledged(&buffer[..length]).map_err(RuleError::Refused)?,
            Err(Errno::EAGAIN) => break,
            Err(errno) => return Err(RuleError::Refused(errno.into())),
        }
    }
    let whole = io::Error::other(format!("{done} of 3 messages were acknowledged"));
    if done == 3 { Ok(netlink) } else { Err(RuleError::Refused(whole)) }
}

/// How many messages the kernel says it has carried out, or what it says that it could not.
fn acknowledged(mut messages: &[u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(header) = messages.first_chunk::<20>() {
        let [length, kind] =
            [0, 4].map(|at| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
        if kind as u16 == libc::NLMSG_ERROR as u16 {
            match i32::from_ne_bytes([header[16], header[17], header[18], header[19]]) {
                0 => done += 1,
                error => return Err(io::Error::from_raw_os_error(-error)),
            }
        }
        messages = messages.get(padded(length as usize).max(20)..).unwrap_or_default();
    }
    Ok(done)
}

fn batch(table: &str, interface: &str, group: Mac) -> Vec<u8> {
    const ASK: u16 = NLM_F_REQUEST | NLM_F_ACK;
    let hook = nested(4, &[word(1, 0), word(2, 0), text(3, interface)].concat());
    let rule = [
        // The destination MAC into the register: base link layer, from octet 0, 6 octets.
        expression("payload", &[word(1, REGISTER), word(2, 0), word(3, 0), word(4, 6)]),
        // Equal, or the rule ends here.
        expression("cmp", &[word(1, REGISTER), word(2, 0), nested(3, &attribute(1, &group.0))]),
        expression("immediate", &[word(1, REGISTER), nested(2, &attribute(1, &[HOST]))]),
        expression("meta", &[word(2, META_PACKET_TYPE), word(3, REGISTER)]),
    ];
    let chain = [text(1, table), text(3, CHAIN), hook, word(5, ACCEPT), text(7, "filter")];
    [
        message(BATCH_BEGIN, NLM_F_REQUEST, 0, NFTABLES, &[]),
        message(NEW_TABLE, ASK | NLM_F_CREATE, FAMILY_NETDEV, 0, &[text(1, table), word(2, OWNER)].concat()),
        message(NEW_CHAIN, ASK | NLM_F_CREATE, FAMILY_NETDEV, 0, &chain.concat()),
        message(
            NEW_RULE,
            ASK | NLM_F_CREATE,
            FAMILY_NETDEV,
            0,
            &[text(1, table), text(2, CHAIN), nested(4, &rule.concat())].concat(),
        ),
        message(BATCH_END, NLM_F_REQUEST, 0, NFTABLES, &[]),
    ]
    .concat()
}

/// One element of a rule.
fn expression(name: &str, data: &[Vec<u8>]) -> Vec<u8> {
    nested(1, &[text(1, name), nested(2, &data.concat())].concat())
}

/// A message: header of netlink, header of nfnetlink, attributes.
fn message(kind: u16, flags: u16, family: u8, resource: u16, attributes: &[u8]) -> Vec<u8> {
    let mut message = (20 + attributes.len() as u32).to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([family, 0]);
    message.extend(resource.to_be_bytes());
    message.extend(attributes);
    message
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = (4 + value.len() as u16).to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(padded(attribute.len()), 0);
    attribute
}

fn nested(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute(libc::NLA_F_NESTED as u16 | kind, attributes)
}

fn word(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Mac = Mac([0x03, 0xbf, 10, 99, 0, 100]);

    #[test]
    fn messages_fill_the_batch_and_attributes_the_messages() {
        let batch = batch("weir-7", "eth0", GROUP);
        let mut rest = &batch[..];
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_ne_bytes(rest[..4].try_into().expect("four octets")) as usize;
            assert_eq!(length % 4, 0, "no message needs padding");
            kinds.push(u16::from_ne_bytes([rest[4], rest[5]]));
            let mut attributes = &rest[20..length];
            while !attributes.is_empty() {
                let length = usize::from(u16::from_ne_bytes([attributes[0], attributes[1]]));
                assert!(length > 4);
                attributes = &attributes[padded(length)..];
            }
            rest = &rest[length..];
        }
        assert_eq!(kinds, [0x10, 0xa00, 0xa03, 0xa06, 0x11]);
        assert!(batch.windows(6).any(|window| window == GROUP.0));
    }

    #[test]
    fn acknowledgements_are_counted_and_the_first_refusal_is_told() {
        let answer = |error: i32| {
            let mut answer = message(libc::NLMSG_ERROR as u16, 0, 0, 0, &[0; 16]);
            answer[16..20].copy_from_slice(&error.to_ne_bytes());
            answer
        };
        assert_eq!(acknowledged(&[answer(0), answer(0)].concat()).expect("no refusal"), 2);
        let refused = acknowledged(&[answer(0), answer(-1), answer(-2)].concat()).expect_err("a refusal");
        assert_eq!(refused.raw_os_error(), Some(1));
        assert_eq!(acknowledged(&answer(0)[..19]).expect("cut short"), 0);
        let mut endless = answer(0);
        endless[..4].copy_from_slice(&[0; 4]);
        assert_eq!(acknowledged(&endless).expect("a length of nothing"), 1);
    }

    #[test]
    fn what_no_interface_can_be_called_is_refused() {
        assert!(matches!(rule(&"e".repeat(300), GROUP), Err(RuleError::Refused(_))));
    }
}
