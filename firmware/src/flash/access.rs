//! What reaches a board's flash and its running image.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::image::Refusal;

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
    /// It is another board, or another flash, than the package is for; nothing was written.
    #[error("{0}; nothing was written")]
    Another(Refusal),
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

impl AccessError {
    /// What was expected, what was found and what to do, where this is such an error.
    pub fn refusal(&self) -> Option<Refusal> {
        let refusal =
            |field, found, wanted: &str, remedy: String| Refusal { field, found, wanted: wanted.into(), remedy };
        match self {
            AccessError::Another(refusal) => Some(refusal.clone()),
            AccessError::Protected { from, status } => Some(refusal(
                "status register of the flash",
                status.map_or("one that protects blocks".into(), |status| format!("{status:#04x}")),
                "bits 2 to 6 clear",
                format!("clear them, as whoever set them would; nothing was written at {from:#08x}"),
            )),
            AccessError::Verify { at, found, wanted } => Some(refusal(
                "octet of the flash",
                format!("{found:#04x} at {at:#08x}"),
                &format!("{wanted:#04x}"),
                "do it again; one that stays so is a worn or broken cell, or somebody else writes the board".into(),
            )),
            _ => None,
        }
    }
}

/// An error with all its causes, for where only words are carried on.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let (mut words, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        words += &format!(": {cause}");
        next = cause.source();
    }
    words
}

fn told(status: Option<u8>) -> String {
    status.map_or(String::new(), |status| format!(" ({status:#04x})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::UpdateError;
    use crate::image::{ImagePackage, Manifest, PackageError, Role, SignatureError, Trust, TrustError, signer};

    fn chain(error: &dyn Error) -> Vec<String> {
        let (mut lines, mut next) = (vec![error.to_string()], error.source());
        while let Some(cause) = next {
            lines.push(cause.to_string());
            next = cause.source();
        }
        lines
    }

    #[test]
    fn no_refusal_says_the_words_of_its_cause_beside_it() {
        let io = || io::Error::other("the kernel said so");
        let refusal = || Refusal { field: "board", found: "a".into(), wanted: "b".into(), remedy: "take b".into() };
        let reached = [
            AccessError::Run { program: "openFPGALoader".into(), source: io() },
            AccessError::Program { program: "openFPGALoader", what: "write the flash", words: "it broke".into() },
            AccessError::File { what: "make a temporary folder", source: io() },
            AccessError::Bus("nobody answers".into()),
            AccessError::Another(refusal()),
            AccessError::Protected { from: 0, status: Some(0x26) },
            AccessError::Busy { what: "an erase", at: 0, polls: 3 },
            AccessError::Verify { at: 0, found: 1, wanted: 2 },
        ];
        let updates = reached.into_iter().map(|source| UpdateError::Access { during: "primary image", source });
        let mut errors: Vec<Box<dyn Error>> = updates.map(|error| Box::new(error) as Box<dyn Error>).collect();
        errors.push(Box::new(UpdateError::Refused(refusal())));
        let stream = crate::ecp5::Bitstream::read(b"no stream", None).expect_err("it is none");
        errors.push(Box::new(PackageError::Image { role: Role::Primary, source: stream }));
        errors.push(Box::new(ImagePackage::read(b"").expect_err("octets that are none")));
        errors.push(Box::new(PackageError::Manifest(Manifest::read(b"{").expect_err("it is none"))));
        errors.push(Box::new(TrustError::Signature(SignatureError::Broken { key: "01".into() })));
        errors.push(Box::new(TrustError::Unknown { found: "01".into(), trusted: "02 (release)".into() }));
        errors.push(Box::new(Trust::read("x = 1").expect_err("no keys")));
        let minisign = signer("no signature").expect_err("it is none");
        errors.push(Box::new(TrustError::Signature(minisign)));
        for error in errors {
            let lines = chain(&*error);
            for (at, line) in lines.iter().enumerate() {
                let again = lines[at + 1..].iter().find(|cause| line.contains(cause.as_str()));
                assert_eq!(again, None, "{lines:?}");
            }
        }
    }

    #[test]
    fn words_have_all_causes() {
        let error = AccessError::File { what: "make a temporary folder", source: io::Error::other("it is full") };
        assert_eq!(with_causes(&error), "failed to make a temporary folder: it is full");
    }
}
