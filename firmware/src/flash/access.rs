//! What reaches a board's flash and its running image.

use std::io;
use std::path::PathBuf;

/// How far a long step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done: `read`, `erase`, `write`, `verify`.
    pub stage: &'static str,
    /// Octets so far.
    pub done: u64,
    /// Octets in all.
    pub of: u64,
}

/// Which image runs, as the part itself answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The one that was asked for.
    Runs,
    /// Another, after the primary one did not boot.
    FellBack,
    /// Another, and the primary one booted: an old one.
    Another,
    /// None: the part is not configured.
    Dark,
    /// A circuit of this commit, as its id block says; which image of it cannot be asked here.
    Circuit {
        /// First 32 bits of the commit.
        git_hash: u32,
    },
    /// It cannot be asked here, or not before the next power cycle.
    Unknown,
}

/// A way to a board.
pub trait Access {
    /// IDCODEs that answer; empty if this way cannot ask.
    ///
    /// # Errors
    ///
    /// If nothing answers at all.
    fn identify(&mut self) -> Result<Vec<u32>, AccessError>;

    /// Reads the flash.
    ///
    /// # Errors
    ///
    /// [`AccessError`].
    fn read(&mut self, from: u32, length: u32, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, AccessError>;

    /// Makes the flash hold these octets: erases the blocks they lie in, writes, and reads them back. `from` is the start of
    /// an erase block; the rest of the last block is erased. The first block is without a preamble until all others hold.
    ///
    /// # Errors
    ///
    /// [`AccessError::Verify`] if it does not hold what was written.
    fn write(&mut self, from: u32, octets: &[u8], progress: &mut dyn FnMut(Progress)) -> Result<(), AccessError>;

    /// Configures the part from its flash, if that can be done without a cycle of power, and says what runs: whether it is the
    /// image of this USERCODE.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the part cannot be asked.
    fn prove(&mut self, usercode: u32) -> Result<Proof, AccessError>;
}

/// Why a board was not reached, or not written.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A program that is not there, or a file of it.
    #[error("failed to run {}", program.display())]
    Run {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program that ended with an error, or never.
    #[error("{program} failed to {what}: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it was to do.
        what: &'static str,
        /// Its last words.
        words: String,
    },
    /// A temporary file.
    #[error("failed to {what}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The way itself.
    #[error("failed to reach the flash: {0}")]
    Bus(String),
    /// It is another board, or another flash, than the package is for.
    #[error("{what} {found}, should be {wanted}: nothing was written")]
    Another {
        /// Of which this is told.
        what: &'static str,
        /// What it says.
        found: String,
        /// What the board's description says.
        wanted: String,
    },
    /// Blocks that are protected: silicon that protects them does as if it wrote, and says nothing.
    #[error("the flash protects blocks by its status register{}: nothing was written at {from:#08x}; clear bits 2 to 6 of it, as whoever set them would", told(*status))]
    Protected {
        /// First octet that was to be written.
        from: u32,
        /// What the status register says, where it can be read.
        status: Option<u8>,
    },
    /// A flash that stays busy.
    #[error("the flash is still busy with {what} at {at:#08x} after {polls} polls")]
    Busy {
        /// What.
        what: &'static str,
        /// Where.
        at: u32,
        /// How often it was asked.
        polls: u32,
    },
    /// It does not hold what was written.
    #[error(
        "the flash holds {found:#04x} at {at:#08x}, should be {wanted:#04x}: a worn or broken cell, or a board that is written by somebody else"
    )]
    Verify {
        /// Where.
        at: u32,
        /// What is read.
        found: u8,
        /// What was written.
        wanted: u8,
    },
}

fn told(status: Option<u8>) -> String {
    status.map_or(String::new(), |status| format!(" ({status:#04x})"))
}
