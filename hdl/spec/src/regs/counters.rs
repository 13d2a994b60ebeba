//! What is counted: classes, rules and verdicts in a snapshot, buckets as they are.

use super::RegId;
use super::block::{Block, field, ro, wo};
use crate::counters::COUNTERS;
use crate::map::BUCKETS;

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

/// Frames a bucket, over all rules.
pub const HEAT: Block = Block::array(
    "HEAT",
    0x10000,
    0x4000,
    BUCKETS as u32,
    4,
    &[ro(
        RegId::Heat,
        "FRAMES",
        0,
        0,
        &[field("frames", 0, 24, "frames; wraps")],
        "Received frames whose verdict asked for this bucket, by whatever map, fenced or not. Read as it is, not by snapshot. Kept through reset and zero after power-on in a simulator, anything on a card: take differences.",
    )],
);
