//! What can be wrong with a configuration stream, and what the FPGA calls it.

use super::Part;

/// Why octets are no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The mark that every stream begins with is not there: an erased flash, or something else altogether.
    #[error("no preamble (ff ff bd b3) in the first {searched} octets: erased, or not an ECP5 image")]
    NoPreamble {
        /// How many octets were looked at.
        searched: usize,
    },
    /// The octets end inside a command or before the one that ends an image.
    #[error("ends at octet {at} inside {inside}: {missing} octets are missing at least")]
    Truncated {
        /// Where the octets end.
        at: usize,
        /// What was being read.
        inside: &'static str,
        /// How many more were needed for it.
        missing: usize,
    },
    /// An opcode that no image for this family carries.
    #[error("unknown command {opcode:#04x} at octet {at}")]
    UnknownCommand {
        /// Where.
        at: usize,
        /// The opcode.
        opcode: u8,
    },
    /// The IDCODE is not of a part that is known.
    #[error("IDCODE {idcode:#010x} at octet {at} is of no ECP5")]
    UnknownPart {
        /// Where.
        at: usize,
        /// What it says.
        idcode: u32,
    },
    /// An image for another part than the one it was read for.
    #[error("IDCODE {found:#010x}{} at octet {at}, should be {wanted:#010x}{}", named(*found), named(*wanted))]
    OtherPart {
        /// Where.
        at: usize,
        /// The IDCODE of the image.
        found: u32,
        /// The IDCODE of the part.
        wanted: u32,
    },
    /// A CRC that is not that of what it stands behind.
    #[error("CRC {found:04x} at octet {at} behind {behind}, computed {computed:04x}")]
    Crc {
        /// Where the CRC stands.
        at: usize,
        /// What it covers last.
        behind: &'static str,
        /// What it says.
        found: u16,
        /// What it should say.
        computed: u16,
    },
    /// Frames before the IDCODE that says how long they are.
    #[error("{command} at octet {at} before the IDCODE of the part")]
    BeforePart {
        /// Where.
        at: usize,
        /// Which command.
        command: &'static str,
    },
    /// Frames of another count than the part has.
    #[error("{count} frames at octet {at}, {part} has {}", part.frames)]
    FrameCount {
        /// Where.
        at: usize,
        /// How many the image has.
        count: u16,
        /// The part.
        part: Part,
    },
    /// Compressed frames without the dictionary they are compressed by.
    #[error("compressed frames at octet {at} without a dictionary before them")]
    NoDictionary {
        /// Where.
        at: usize,
    },
    /// A frame's compressed form whose padding is not zero: the compressor and the reader disagree on where octets begin.
    #[error("padding of the compressed frame at octet {at} is not zero")]
    Padding {
        /// Where the frame begins.
        at: usize,
    },
    /// A stream that wakes the part up without having configured it.
    #[error("ends at octet {at} with {frames} frames written, should be {}", part.map_or("those of a part".into(), |part| part.frames.to_string()))]
    Unconfigured {
        /// Where.
        at: usize,
        /// Frames before it.
        frames: u32,
        /// The part, if one was named.
        part: Option<Part>,
    },
    /// A jump to another image where an image was asked for.
    #[error("a jump to {target:#08x} at octet {at}, should be an image")]
    Jump {
        /// Where.
        at: usize,
        /// The address in the flash.
        target: u32,
    },
}

/// What the configuration engine calls a failure, as bits 25:23 of its status register (FPGA-TN-02039).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The IDCODE is of another part.
    Id = 1,
    /// A command that is not known, or an end too early.
    Command = 2,
    /// A CRC.
    Crc = 3,
    /// No preamble.
    Preamble = 4,
}

impl StreamError {
    /// The code the FPGA gives.
    pub fn boot_error(&self) -> BootError {
        match self {
            StreamError::NoPreamble { .. } => BootError::Preamble,
            StreamError::UnknownPart { .. } | StreamError::OtherPart { .. } => BootError::Id,
            StreamError::Crc { .. } => BootError::Crc,
            _ => BootError::Command,
        }
    }
}

fn named(idcode: u32) -> String {
    Part::by_idcode(idcode).map_or(String::new(), |part| format!(" ({})", part.name))
}
