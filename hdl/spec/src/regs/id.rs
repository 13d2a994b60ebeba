//! What this is, and the control registers.

use super::block::{Block, bit, field, ro, rw, wo};
use super::{LAYOUT, MAGIC, RegId};
use crate::flow::table::FLOWS_LOG2;
use crate::lease::LEASE_MAX;

/// The FEATURES register of this layout.
const FEATURES: u32 = FLOWS_LOG2 | 1 << 8 | 1 << 10;

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
            FEATURES,
            &[
                field("flows_log2", 0, 8, "flow table entries as a power of two"),
                bit("heat", 8, "bucket heat counters are there; always 1"),
                bit("flash", 9, "the flash controller is there"),
                bit("irq", 10, "the conditions of interrupts show in STATUS; always 1"),
            ],
            "What there is besides. The flash controller has no registers in this layout.",
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
                bit("lease_ending", 3, "not fenced, and the deadline is less than WARN_LEASE ahead"),
                bit("flows_high", 4, "the flow table holds WARN_FLOWS entries or more"),
                bit("link_down", 5, "the port has no link"),
            ],
            "State of lease, commit and port. Interrupts, by vector: 0 lease_ending, 1 fenced, 2 flows_high, 3 link_down, each sent when its bit rises.",
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
            LEASE_MAX as u32,
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
        rw(
            RegId::WarnLease,
            "WARN_LEASE",
            0x090,
            0,
            &[],
            "How long before its deadline a lease counts as ending, microseconds; 0 never. In force at once.",
        ),
        rw(
            RegId::WarnFlows,
            "WARN_FLOWS",
            0x094,
            0,
            &[field("entries", 0, 13, "entries; 0 never")],
            "From how many entries on the flow table counts as high. In force at once.",
        ),
    ],
);
