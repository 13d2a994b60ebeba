//! The parts of the family, by the IDCODE a stream demands.

use std::fmt;

/// An ECP5 by its IDCODE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name without package and speed, `LFE5UM5G-45F`.
    pub name: &'static str,
    /// What the part answers on JTAG, and what a stream for it carries.
    pub idcode: u32,
    /// Frames of its configuration.
    pub frames: u16,
    /// Octets of a frame.
    pub frame_octets: usize,
}

/// Frames and octets of a frame go with the die; the 12F is a 25F by another IDCODE. Source: `devices.json` of Project Trellis.
const PARTS: &[Part] = &[
    part("LFE5U-12F", 0x2111_1043, 7_562, 592),
    part("LFE5U-25F", 0x4111_1043, 7_562, 592),
    part("LFE5U-45F", 0x4111_2043, 9_470, 848),
    part("LFE5U-85F", 0x4111_3043, 13_294, 1_136),
    part("LFE5UM-25F", 0x0111_1043, 7_562, 592),
    part("LFE5UM-45F", 0x0111_2043, 9_470, 848),
    part("LFE5UM-85F", 0x0111_3043, 13_294, 1_136),
    part("LFE5UM5G-25F", 0x8111_1043, 7_562, 592),
    part("LFE5UM5G-45F", 0x8111_2043, 9_470, 848),
    part("LFE5UM5G-85F", 0x8111_3043, 13_294, 1_136),
];

const fn part(name: &'static str, idcode: u32, frames: u16, bits: usize) -> Part {
    Part { name, idcode, frames, frame_octets: bits / 8 }
}

impl Part {
    /// The part that answers this IDCODE.
    pub fn by_idcode(idcode: u32) -> Option<Part> {
        PARTS.iter().copied().find(|part| part.idcode == idcode)
    }

    /// The part of this name.
    pub fn by_name(name: &str) -> Option<Part> {
        PARTS.iter().copied().find(|part| part.name == name)
    }

    /// Octets a frame is padded to before it is compressed.
    pub(super) fn compressed_octets(self) -> usize {
        self.frame_octets.next_multiple_of(8)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (IDCODE {:#010x})", self.name, self.idcode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_parts_answer_alike() {
        for (at, part) in PARTS.iter().enumerate() {
            assert_eq!(Part::by_idcode(part.idcode), Some(*part));
            assert_eq!(Part::by_name(part.name), Some(*part));
            assert!(PARTS[..at].iter().all(|other| other.idcode != part.idcode && other.name != part.name));
        }
    }
}
