//! What a COMMIT brings into force: rules, virtual IPs, keys, policy.

use super::RegId;
use super::block::{Block, bit, field, rw};
use crate::config::VIPS;
use crate::rules::RULES;

/// Port rules, the default rule last.
pub const RULE: Block = Block::array(
    "RULE",
    0x01000,
    0x1000,
    RULES as u32 + 1,
    16,
    &[
        rw(
            RegId::RulePorts,
            "PORTS",
            0x0,
            0,
            &[
                field("first", 0, 16, "first destination port"),
                field("last", 16, 16, "last destination port, inclusive"),
            ],
            "Destination ports. Ignored in the default rule (entry 32).",
        ),
        rw(
            RegId::RuleMatch,
            "MATCH",
            0x4,
            0,
            &[
                bit("valid", 0, "the rule exists; ignored in the default rule, which always does"),
                bit("any_vip", 1, "every virtual IP"),
                field("vip", 2, 4, "index of the virtual IP, unless any_vip"),
                bit("tcp", 8, "for TCP"),
                bit("udp", 9, "for UDP"),
                field("affinity", 12, 2, "0 none, 1 single, 2 network"),
            ],
            "What the rule is for, and what it hashes. The first rule that matches counts.",
        ),
        rw(
            RegId::RuleMap,
            "MAP",
            0x8,
            64,
            &[field("map", 0, 7, "0 to 63 a map slot; 64 to 67 a constant NONE, OWN, ADOPT, RELEASE")],
            "Where the state of the bucket is looked up.",
        ),
    ],
)
.shadowed();

/// Virtual IPs.
pub const VIP: Block = Block::array(
    "VIP",
    0x02000,
    0x400,
    VIPS as u32,
    32,
    &[
        rw(
            RegId::VipControl,
            "CONTROL",
            0x00,
            0,
            &[bit("valid", 0, "the entry exists"), bit("ipv6", 1, "IPv6, else IPv4")],
            "Kind of the entry.",
        ),
        rw(
            RegId::VipAddress0,
            "ADDRESS0",
            0x10,
            0,
            &[],
            "The first four octets of the address, first octet in bits 31:24; all of an IPv4 address.",
        ),
        rw(RegId::VipAddress1, "ADDRESS1", 0x14, 0, &[], "The next four octets of an IPv6 address."),
        rw(RegId::VipAddress2, "ADDRESS2", 0x18, 0, &[], "The next four octets of an IPv6 address."),
        rw(RegId::VipAddress3, "ADDRESS3", 0x1c, 0, &[], "The last four octets of an IPv6 address."),
    ],
)
.shadowed();

/// The Toeplitz key.
pub const HASH_KEY: Block = Block::array(
    "HASH_KEY",
    0x02400,
    0x40,
    10,
    4,
    &[rw(RegId::HashKey, "WORD", 0, 0, &[], "Four octets of the 40-octet Toeplitz key, first octet in bits 31:24.")],
)
.shadowed();

/// The secret key of flow signatures.
pub const FLOW_KEY: Block = Block::array(
    "FLOW_KEY",
    0x02440,
    0x40,
    10,
    4,
    &[rw(RegId::FlowKey, "WORD", 0, 0, &[], "Four octets of the 40-octet secret key of flow signatures, first octet in bits 31:24. Signatures use its first 223 bits. A new key makes every entry of the flow table a stranger: clear them first.")],
)
.shadowed();

/// What no rule decides.
pub const POLICY: Block = Block::single(
    "POLICY",
    0x02500,
    0x100,
    &[rw(
        RegId::Policy,
        "POLICY",
        0x0,
        0,
        &[
            bit("echo_hash", 0, "ICMP echo requests by hash of the source; else they pass on every host"),
            field("echo_map", 8, 7, "map of hashed echo requests, coded as in RULE.MAP"),
            bit(
                "drop_portless_fragments",
                16,
                "later fragments of rules with affinity none are dropped; else they pass on every host",
            ),
            bit(
                "quiesce",
                17,
                "buckets in OWN take no new connections: SYN passes for a PIN alone, other TCP unless it is FOREIGN; write ADOPT for those that are to go on as OWN",
            ),
        ],
        "Decisions that belong to no rule.",
    )],
)
.shadowed();
