//! What can be wrong with a board's folder.

use std::io;
use std::path::PathBuf;

use crate::LpfError;

/// A value that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, should be {wanted}")]
pub struct Wrong {
    /// The field with its table, `flash.golden.address`, or the pin, `eth0_rx_clk`.
    pub field: String,
    /// What it says.
    pub value: String,
    /// What would be right.
    pub wanted: String,
}

impl Wrong {
    pub(crate) fn new(field: impl Into<String>, value: impl ToString, wanted: impl Into<String>) -> Wrong {
        Wrong { field: field.into(), value: value.to_string(), wanted: wanted.into() }
    }
}

/// Why a board is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// A file or a folder could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not TOML, a key that is unknown or missing, or a value of the wrong type.
    #[error("failed to read {}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, excerpt and what was expected.
        message: String,
    },
    /// A preference file that does not hang together.
    #[error("failed to read {}", path.display())]
    Pins {
        /// The file.
        path: PathBuf,
        /// The line and what is wrong with it.
        source: LpfError,
    },
    /// Files that can be read and say something a board cannot be.
    #[error("failed to accept {}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The field, its value and what would be right.
        source: Wrong,
    },
    /// Two boards with one number: a host could not tell their NICs apart.
    #[error(
        "failed to tell boards apart: number is {number} in {first} and in {second}, should be another in one of them"
    )]
    SameNumber {
        /// The number.
        number: u32,
        /// A board's name.
        first: String,
        /// The other's.
        second: String,
    },
}
