//! How many bits of a frame the pipeline takes in a clock.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A width of the data path; the circuits differ in nothing else that a bench can see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Width {
    /// 8 bytes a beat: 10 Gbit/s at 156.25 MHz.
    #[default]
    Bits64,
    /// 64 bytes a beat: 100 Gbit/s at 322.27 MHz.
    Bits512,
}

/// A width that no circuit has.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("width `{0}` is neither 64 nor 512")]
pub struct UnknownWidth(String);

impl Width {
    /// All of them, the narrow one first.
    pub const ALL: [Width; 2] = [Width::Bits64, Width::Bits512];

    /// Bytes a beat.
    pub const fn bytes(self) -> usize {
        match self {
            Width::Bits64 => 8,
            Width::Bits512 => 64,
        }
    }

    /// Bits a beat.
    pub const fn bits(self) -> usize {
        8 * self.bytes()
    }

    /// Beats of a frame of `length` bytes.
    pub const fn beats(self, length: usize) -> usize {
        length.div_ceil(self.bytes())
    }

    /// Clocks after the first beat of a frame in which its header must be complete: those of the header window, and four.
    pub const fn header_clocks(self) -> usize {
        match self {
            Width::Bits64 => 20,
            Width::Bits512 => 6,
        }
    }

    /// Name of the top module.
    pub fn top(self) -> &'static str {
        self.emitted().name()
    }

    /// The circuit that takes so many.
    pub const fn emitted(self) -> weir_hdl::Top {
        match self {
            Width::Bits64 => weir_hdl::Top::Weir64,
            Width::Bits512 => weir_hdl::Top::Weir512,
        }
    }

    pub(crate) fn of_bytes(bytes: usize) -> Option<Width> {
        Width::ALL.into_iter().find(|width| width.bytes() == bytes)
    }
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bits())
    }
}

impl FromStr for Width {
    type Err = UnknownWidth;

    fn from_str(text: &str) -> Result<Width, UnknownWidth> {
        let found = Width::ALL.into_iter().find(|width| width.to_string() == text);
        found.ok_or_else(|| UnknownWidth(text.to_string()))
    }
}
