//! The mailbox of the flow table.

use super::RegId;
use super::block::{Block, bit, field, ro, rw, wo};

/// The flow mailbox.
pub const FLOW: Block = Block::single(
    "FLOW",
    0x04000,
    0x4000,
    &[
        wo(
            RegId::FlowCommand,
            "COMMAND",
            0x00,
            &[
                field(
                    "operation",
                    0,
                    4,
                    "1 write the entry made of SIGNATURE, vip and kind; 2 remove, 3 read the entry there; 4 clear all",
                ),
                field("way", 4, 2, "which way of the table; not of clear"),
                field("vip", 8, 4, "index of the virtual IP; of write alone"),
                field("kind", 12, 2, "1 PIN, 2 FOREIGN; of write alone"),
            ],
            "Doorbell: one operation on the entry at INDEX of a way. In force at once, without COMMIT, between two frames. Refused while busy, with an operation that is none of these, and with a kind that is neither PIN nor FOREIGN. Entry, INDEX and SIGNATURE need not belong together, but only what lies where its own signature says is ever found.",
        ),
        ro(
            RegId::FlowStatus,
            "STATUS",
            0x04,
            0,
            &[
                bit("busy", 0, "an operation is under way: every write to the mailbox is refused"),
                bit("occupied", 1, "the entry was in use before the operation"),
                field("vip", 4, 4, "its virtual IP; 0 when it was not in use"),
                field("kind", 8, 2, "its kind; 0 when it was not in use"),
            ],
            "The last operation and what it met. All zero after a clear and after reset, which clears all entries too. A clear or a reset takes some 1100 clocks, in which it is busy; the others a few.",
        ),
        rw(
            RegId::FlowSignatureLo,
            "SIGNATURE_LO",
            0x08,
            0,
            &[],
            "Bits 31:0 of the signature to write; after a read those of the entry that was read, 0 when it was not in use. Refused while busy.",
        ),
        rw(RegId::FlowSignatureHi, "SIGNATURE_HI", 0x0c, 0, &[], "Bits 63:32 of it."),
        rw(
            RegId::FlowIndex,
            "INDEX",
            0x10,
            0,
            &[field("index", 0, 10, "0 to 1023")],
            "Which entry of a way. A flow lies in way w at signature bits 10w+9 to 10w. Refused while busy.",
        ),
        ro(RegId::FlowCount, "COUNT", 0x14, 0, &[field("entries", 0, 13, "0 to 4096")], "Entries in use, of all ways."),
    ],
);
