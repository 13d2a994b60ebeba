//! The register map as data: the one definition that circuits, driver, device model and docs are made from.
//!
//! 256 KiB a port, 32-bit little-endian registers, aligned word accesses only. A [`Block`] is an array of equal
//! entries; a [`Reg`] is one word of an entry. Names, offsets, access and meaning are here and nowhere else.

mod block;
pub mod codec;

use crate::counters::COUNTERS;
use crate::map::{SLOTS, WORDS};
use crate::{config::VIPS, rules::RULES};
pub use block::{Access, Block, Field, Reg};
use block::{bit, field, ro, rw, wo};

/// Bytes a port occupies in the BAR.
pub const PORT_SIZE: u32 = 0x40000;
/// `WEIR` in ASCII, W in the top byte.
pub const MAGIC: u32 = 0x5745_4952;
/// Version of this layout, major in the upper half: a host refuses a major it does not know.
pub const LAYOUT: u32 = 0x0001_0000;

/// Names every register once; an array register is named by this and an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)] // the table below documents each
pub enum RegId {
    Magic,
    Layout,
    Caps,
    Features,
    ClockKhz,
    GitHash,
    Board,
    Scratch,
    Commit,
    EpochActive,
    Status,
    RefusedCount,
    RefusedAddress,
    NicTimeLo,
    NicTimeHi,
    LeaseNextLo,
    LeaseNextHi,
    Renew,
    LeaseUntilLo,
    LeaseUntilHi,
    LeaseMax,
    ClusterMacLo,
    ClusterMacHi,
    MaskedMacLo,
    MaskedMacHi,
    RulePorts,
    RuleMatch,
    RuleMap,
    VipControl,
    VipAddress0,
    VipAddress1,
    VipAddress2,
    VipAddress3,
    HashKey,
    FlowKey,
    Policy,
    MapCrc,
    Snapshot,
    SnapSeq,
    CounterLo,
    CounterHi,
    FlowCommand,
    FlowStatus,
    FlowSignatureLo,
    FlowSignatureHi,
    FlowIndex,
    FlowCount,
    Heat,
    MapWord,
}

/// Id block: what this is, and the control registers.
pub const ID: Block = Block::single(
    "ID",
    0x00000,
    0x1000,
    &[
        ro(RegId::Magic, "MAGIC", 0x000, MAGIC, &[], "`WEIR` in ASCII, W on top. All ones: the device is gone."),
        ro(
            RegId::Layout,
            "LAYOUT",
            0x004,
            LAYOUT,
            &[
                field("minor", 0, 16, "additions that an older host may ignore"),
                field("major", 16, 16, "a host refuses one it does not know"),
            ],
            "Version of this register layout.",
        ),
        ro(
            RegId::Caps,
            "CAPS",
            0x008,
            0,
            &[
                field("width_bytes", 0, 8, "bytes a beat of the data path: 8 or 64"),
                field("maps", 8, 8, "map slots"),
                field("rules", 16, 8, "port rules, the default rule not counted"),
                field("vips", 24, 8, "virtual IPs"),
            ],
            "What the pipeline was built with; read-only for the life of an image.",
        ),
        ro(
            RegId::Features,
            "FEATURES",
            0x00c,
            0,
            &[
                field("flows_log2", 0, 8, "flow table entries as a power of two; 0: no flow table"),
                bit("heat", 8, "bucket heat counters are there"),
                bit("flash", 9, "the flash controller is there"),
                bit("irq", 10, "interrupts are there"),
            ],
            "Which optional blocks exist. A block that does not exist reads as zero and refuses writes.",
        ),
        ro(RegId::ClockKhz, "CLOCK_KHZ", 0x010, 0, &[], "Core clock in kHz; 0 in a simulator, which has none."),
        ro(RegId::GitHash, "GIT_HASH", 0x014, 0, &[], "First 32 bits of the commit the image was built from."),
        ro(RegId::Board, "BOARD", 0x018, 0, &[], "Board number; 0 is the simulated NIC."),
        rw(RegId::Scratch, "SCRATCH", 0x01c, 0, &[], "Holds what is written; no effect."),
        wo(
            RegId::Commit,
            "COMMIT",
            0x040,
            &[field("epoch", 0, 32, "low word of the epoch to activate")],
            "Doorbell: rules, virtual IPs, keys, policy and LEASE_NEXT come into force together, between two frames. Refused while one is under way or when LEASE_NEXT is more than LEASE_MAX ahead. With a deadline that is past, the epoch changes and the NIC stays fenced.",
        ),
        ro(
            RegId::EpochActive,
            "EPOCH_ACTIVE",
            0x044,
            0,
            &[],
            "Low word of the epoch in force; changes when no frame of the old one is left in the pipeline.",
        ),
        ro(
            RegId::Status,
            "STATUS",
            0x048,
            1,
            &[
                bit("fenced", 0, "rules accept nothing"),
                bit("busy", 1, "a COMMIT is under way: shadow and map writes are refused"),
                bit(
                    "configured",
                    2,
                    "a COMMIT has landed since reset; before that no TCP or UDP passes in either direction",
                ),
            ],
            "State of lease and commit.",
        ),
        ro(
            RegId::RefusedCount,
            "REFUSED_COUNT",
            0x04c,
            0,
            &[],
            "Writes refused since reset; wraps. A posted write has no other way to say so.",
        ),
        ro(RegId::RefusedAddress, "REFUSED_ADDRESS", 0x050, 0, &[], "Offset of the last write that was refused."),
        ro(
            RegId::NicTimeLo,
            "NIC_TIME_LO",
            0x058,
            0,
            &[],
            "Bits 31:0 of the NIC's free-running clock, microseconds; a read latches NIC_TIME_HI.",
        ),
        ro(RegId::NicTimeHi, "NIC_TIME_HI", 0x05c, 0, &[], "Bits 63:32 as latched by the last read of NIC_TIME_LO."),
        rw(
            RegId::LeaseNextLo,
            "LEASE_NEXT_LO",
            0x060,
            0,
            &[],
            "Bits 31:0 of the deadline that RENEW or COMMIT will take, microseconds of NIC_TIME.",
        ),
        rw(RegId::LeaseNextHi, "LEASE_NEXT_HI", 0x064, 0, &[], "Bits 63:32 of it."),
        wo(
            RegId::Renew,
            "RENEW",
            0x068,
            &[],
            "Doorbell, any value: LEASE_NEXT becomes the deadline. Refused while fenced or when it is more than LEASE_MAX ahead; a deadline that is past fences.",
        ),
        ro(RegId::LeaseUntilLo, "LEASE_UNTIL_LO", 0x070, 0, &[], "Bits 31:0 of the deadline in force."),
        ro(RegId::LeaseUntilHi, "LEASE_UNTIL_HI", 0x074, 0, &[], "Bits 63:32 of it."),
        ro(
            RegId::LeaseMax,
            "LEASE_MAX",
            0x078,
            crate::lease::LEASE_MAX as u32,
            &[],
            "How far ahead a deadline may lie, microseconds.",
        ),
        rw(
            RegId::ClusterMacLo,
            "CLUSTER_MAC_LO",
            0x080,
            0,
            &[],
            "Octets 0 to 3 of the source MAC that may not leave, octet 0 in bits 7:0. In force at once.",
        ),
        rw(
            RegId::ClusterMacHi,
            "CLUSTER_MAC_HI",
            0x084,
            0,
            &[
                field("octets", 0, 16, "octets 4 and 5"),
                bit("enable", 31, "replace it; while clear, no frame leaves whose source begins 02-bf"),
            ],
            "The rest of it, and whether masking is on. In force at once: write it last.",
        ),
        rw(
            RegId::MaskedMacLo,
            "MASKED_MAC_LO",
            0x088,
            0,
            &[],
            "Octets 0 to 3 of the source MAC that leaves instead. In force at once.",
        ),
        rw(
            RegId::MaskedMacHi,
            "MASKED_MAC_HI",
            0x08c,
            0,
            &[field("octets", 0, 16, "octets 4 and 5")],
            "The rest of it.",
        ),
    ],
);

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
    &[rw(RegId::FlowKey, "WORD", 0, 0, &[], "Four octets of the key of flow signatures. Exists with the flow table.")],
)
.shadowed()
.optional();

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
        ],
        "Decisions that belong to no rule.",
    )],
)
.shadowed();

/// Running CRCs of the map slots.
pub const MAP_CRC: Block = Block::array(
    "MAP_CRC",
    0x02800,
    0x400,
    SLOTS as u32,
    4,
    &[ro(
        RegId::MapCrc,
        "CRC",
        0,
        0xffff_ffff,
        &[],
        "Running CRC-32 (0xedb88320, start all ones, no inversion) over word index (16 bit) and word (32 bit) of every write to the slot since reset, in order, little-endian.",
    )],
);

/// The snapshot doorbell.
pub const SNAP: Block = Block::single(
    "SNAP",
    0x03000,
    0x400,
    &[
        wo(
            RegId::Snapshot,
            "SNAPSHOT",
            0x0,
            &[],
            "Doorbell, any value: all counters are frozen at one clock and become readable when SNAP_SEQ has risen. Refused while one is under way.",
        ),
        ro(RegId::SnapSeq, "SNAP_SEQ", 0x4, 0, &[], "Snapshots taken since reset; wraps."),
    ],
);

/// The counters as frozen by the last snapshot.
pub const COUNTER: Block = Block::array(
    "COUNTER",
    0x03400,
    0x400,
    COUNTERS as u32,
    8,
    &[
        ro(RegId::CounterLo, "LO", 0, 0, &[], "Bits 31:0 of a counter in the last snapshot."),
        ro(RegId::CounterHi, "HI", 4, 0, &[], "Bits 63:32 of it."),
    ],
);

/// The flow mailbox.
pub const FLOW: Block = Block::single(
    "FLOW",
    0x04000,
    0x4000,
    &[
        rw(
            RegId::FlowCommand,
            "COMMAND",
            0x00,
            0,
            &[
                field("operation", 0, 4, "1 insert, 2 remove, 3 read the entry at INDEX, 4 clear all"),
                bit("foreign", 8, "a FOREIGN entry, else a PIN"),
                field("way", 12, 4, "which way of the table"),
            ],
            "Doorbell of the mailbox; the operands are in the registers behind.",
        ),
        ro(
            RegId::FlowStatus,
            "STATUS",
            0x04,
            0,
            &[bit("busy", 0, "an operation is under way"), bit("occupied", 1, "the entry is in use")],
            "Outcome of the last operation.",
        ),
        rw(RegId::FlowSignatureLo, "SIGNATURE_LO", 0x08, 0, &[], "Bits 31:0 of a flow signature."),
        rw(RegId::FlowSignatureHi, "SIGNATURE_HI", 0x0c, 0, &[], "Bits 63:32 of it."),
        rw(RegId::FlowIndex, "INDEX", 0x10, 0, &[], "Which entry of a way."),
        ro(RegId::FlowCount, "COUNT", 0x14, 0, &[], "Entries in use."),
    ],
)
.optional();

/// Frames a bucket, over all rules.
pub const HEAT: Block = Block::array(
    "HEAT",
    0x10000,
    0x4000,
    crate::map::BUCKETS as u32,
    4,
    &[ro(RegId::Heat, "FRAMES", 0, 0, &[], "Frames that were looked up in this bucket; wraps.")],
)
.optional();

/// The pool of maps.
pub const MAP: Block = Block::array(
    "MAP",
    0x20000,
    0x20000,
    (SLOTS * WORDS) as u32,
    4,
    &[rw(RegId::MapWord, "WORD", 0, 0, &[], "Sixteen buckets, two bits each, the lowest bucket in bits 1:0: 0 NONE, 1 OWN, 2 ADOPT, 3 RELEASE. 256 words a slot. Kept through reset; zero after power-on in a simulator, anything on a card.")],
)
.shadowed();

/// All blocks, rising. 0x8000 to 0xffff is kept for the flash controller.
pub const BLOCKS: &[Block] = &[ID, RULE, VIP, HASH_KEY, FLOW_KEY, POLICY, MAP_CRC, SNAP, COUNTER, FLOW, HEAT, MAP];

/// What lies at a byte offset: the register, and the entry of its block.
pub fn find(offset: u32) -> Option<(&'static Block, &'static Reg, u32)> {
    BLOCKS.iter().find_map(|block| block.find(offset).map(|(reg, index)| (block, reg, index)))
}

/// The byte offset of entry `index` of a register. Panics when the block has no such entry.
pub fn address(id: RegId, index: u32) -> u32 {
    BLOCKS
        .iter()
        .find_map(|block| block.regs.iter().find(|reg| reg.id == id).map(|reg| block.address(reg, index)))
        .expect("every register is in a block")
}

/// The table entry of a register.
pub fn reg(id: RegId) -> &'static Reg {
    BLOCKS.iter().flat_map(|block| block.regs).find(|reg| reg.id == id).expect("every register is in a block")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_rise_and_do_not_overlap() {
        let mut end = 0;
        for block in BLOCKS {
            assert!(block.base >= end, "{} overlaps what is before it", block.name);
            assert!(block.count * block.stride <= block.size, "{} is larger than its place", block.name);
            end = block.base + block.size;
        }
        assert_eq!(end, PORT_SIZE);
    }

    #[test]
    fn registers_are_aligned_rise_and_keep_inside_their_entry() {
        for block in BLOCKS {
            let mut next = 0;
            for reg in block.regs {
                assert!(reg.offset % 4 == 0 && reg.offset >= next, "{}.{}", block.name, reg.name);
                next = reg.offset + 4;
                let mut free = 0;
                for field in reg.fields {
                    assert!(field.low >= free && field.low + field.width <= 32, "{}.{}", reg.name, field.name);
                    free = field.low + field.width;
                }
            }
            assert!(next <= block.stride, "{}", block.name);
        }
    }

    #[test]
    fn every_register_is_found_at_its_address_and_nowhere_else() {
        let mut found = 0;
        for offset in (0..PORT_SIZE).step_by(4) {
            if let Some((block, reg, index)) = find(offset) {
                assert_eq!(block.address(reg, index), offset);
                assert_eq!(address(reg.id, index), offset);
                found += 1;
            }
            assert!(find(offset + 1).is_none(), "an unaligned address is no register");
        }
        assert_eq!(found, BLOCKS.iter().map(|b| b.count * b.regs.len() as u32).sum::<u32>());
    }

    #[test]
    fn every_name_is_used_once() {
        let mut ids: Vec<RegId> = BLOCKS.iter().flat_map(|b| b.regs).map(|r| r.id).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
