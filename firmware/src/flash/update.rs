//! A package onto a board: what is to be written, in which order, and what came of it.

use super::{Access, AccessError, Progress, Proof};
use crate::ecp5::{self, Bitstream, Stream};
use crate::image::{Digest, ImagePackage, ImageVersion, Manifest, Refusal, Role, Target};
use crate::{Board, Flash};
use std::fmt;

/// What of the flash holds the manifest of what is installed: a length, a digest, the manifest.
const INSTALLED_MAGIC: &[u8; 8] = b"WEIRINST";
/// Octets in front of it: magic, length, SHA-256.
const INSTALLED_HEAD: usize = 8 + 4 + 32;

/// What the user wants beyond a plain update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Write the golden image and the block that leads to it. It needs [`Options::force`] as well.
    pub golden: bool,
    /// Do what leaves the board without a way back while it is done.
    pub force: bool,
    /// Take an earlier version than the installed one.
    pub downgrade: bool,
}

/// A package for a board, checked as far as that can be done without touching the flash.
#[derive(Debug)]
pub struct Update<'a> {
    board: &'a Board,
    package: &'a ImagePackage,
    layout: (u16, u16),
    options: Options,
    idcode: Option<u32>,
}

/// A region to write.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is.
    pub what: &'static str,
    /// Where it begins.
    pub from: u32,
    /// What goes there.
    pub octets: Vec<u8>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Step { what, from, octets } = self;
        let blocks = octets.len().div_ceil(Flash::ERASE_BLOCK as usize);
        write!(f, "{what}: {} octets at {from:#08x}, {blocks} erase blocks", octets.len())
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What will be done to a flash, which was read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What is installed by what the flash says, whole or not.
    pub installed: Option<ImageVersion>,
    /// USERCODE of the primary image that is there, if it is one.
    pub primary: Option<u32>,
    /// USERCODE of the golden image that a failed boot would lead to, if there is one.
    pub golden: Option<u32>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The image of the package runs: the part itself says so.
    Proven,
    /// Nothing had to be written, and a circuit of the package's commit runs: it says so itself.
    Circuit,
    /// It is written and verified, and runs after a cycle of power.
    PendingPowerCycle,
    /// It is written and verified, and did not boot: the golden image runs.
    FellBack,
    /// It is written and verified; another image runs, and not because this one failed.
    Another,
    /// Nothing runs.
    Dark,
}

/// Why nothing was done, or not all.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The package does not fit; nothing was written.
    #[error("nothing was written: {0}")]
    Refused(Refusal),
    /// The flash was not reached, or does not hold.
    #[error("failed during {during}")]
    Access {
        /// What was being done.
        during: &'static str,
        /// Why.
        source: AccessError,
    },
}

impl From<Refusal> for UpdateError {
    fn from(refusal: Refusal) -> UpdateError {
        UpdateError::Refused(refusal)
    }
}

impl UpdateError {
    /// What was expected, what was found and what to do, where this is such an error.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            UpdateError::Refused(refusal) => Some(refusal.clone()),
            UpdateError::Access { source, .. } => source.refusal(),
        }
    }
}

impl<'a> Update<'a> {
    /// Holds a package against a board, and against the part that answers.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Refused`]; the flash was not touched.
    pub fn new(
        board: &'a Board,
        package: &'a ImagePackage,
        layout: (u16, u16),
        options: Options,
        access: &mut dyn Access,
    ) -> Result<Update<'a>, UpdateError> {
        if options.golden && !options.force {
            return Err(refusal(
                "golden image",
                "to be written (--golden)",
                "left alone",
                "say --force too, if it is meant: while it is written a loss of power can leave the board without any image",
            ));
        }
        if options.golden && package.image(Role::Golden).is_none() {
            return Err(refusal("package", "without a golden image", "one with it", "pack it with --golden"));
        }
        let mut update = Update { board, package, layout, options, idcode: None };
        // Before anything answers, so that a wrong package is told whatever the board is.
        update.target(None).check(package)?;
        let idcodes =
            access.identify().map_err(|source| UpdateError::Access { during: "identifying the board", source })?;
        let wanted = board.facts.device.jtag_idcode;
        if !idcodes.is_empty() && !idcodes.contains(&wanted) {
            // A chain may have other parts in it; the first that is an ECP5 is meant.
            update.idcode = idcodes
                .iter()
                .copied()
                .find(|code| ecp5::Part::by_idcode(*code).is_some())
                .or(idcodes.first().copied());
            update.target(None).check(package)?;
        }
        Ok(update)
    }

    fn target(&self, installed: Option<ImageVersion>) -> Target<'_> {
        let (board, idcode, layout, downgrade) = (self.board, self.idcode, self.layout, self.options.downgrade);
        Target { board, idcode, installed, layout, downgrade }
    }

    /// Reads what is there, and says what there is to do; nothing is written.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Refused`] for an earlier version, or where no golden image would catch a failed boot.
    pub fn plan(&self, access: &mut dyn Access, progress: &mut dyn FnMut(Progress)) -> Result<Plan, UpdateError> {
        let flash = &self.board.facts.flash;
        let mut read = |from, length| {
            access
                .read(from, length, progress)
                .map_err(|source| UpdateError::Access { during: "reading the flash", source })
        };
        let there_primary = read(flash.primary.address, flash.room(Role::Primary).min(IMAGE_READ))?;
        let there_golden = read(flash.golden.address, flash.room(Role::Golden).min(IMAGE_READ))?;
        let there_installed = read(flash.installed.address, Flash::ERASE_BLOCK)?;
        let there_jump = read(flash.jump.address, flash.bytes - flash.jump.address)?;

        let idcode = Some(self.board.facts.device.jtag_idcode);
        let usercode = |octets: &[u8]| Bitstream::read(octets, idcode).ok().map(|image| image.usercode);
        let leads = matches!(Stream::read(&there_jump, idcode),
            Ok(Stream::Jump { target, .. }) if target == flash.golden.address);
        let golden = usercode(&there_golden).filter(|_| leads);
        let version = installed(&there_installed).map(|manifest| manifest.version);
        self.target(version).check(self.package)?;
        if golden.is_none() && !self.options.golden {
            return Err(refusal(
                "golden image",
                if leads { "not whole" } else { "not there, or no jump block leads to it" },
                "one that boots when the primary one fails",
                "write it once, by a package that has one: --golden --force",
            ));
        }

        let mut steps = Vec::new();
        let mut want = |what, from, octets: Vec<u8>, there: &[u8]| {
            if there.get(..octets.len()) != Some(&octets) {
                steps.push(Step { what, from, octets });
            }
        };
        let octets = |role| self.package.image(role).map(|(octets, _)| octets.to_vec()).unwrap_or_default();
        if self.options.golden {
            want("golden image", flash.golden.address, octets(Role::Golden), &there_golden);
            let (from, block) = jump_step(flash);
            let there = [&vec![0xff; (flash.jump.address - from) as usize][..], &there_jump].concat();
            want("jump block", from, block, &there);
        }
        want("primary image", flash.primary.address, octets(Role::Primary), &there_primary);
        let note = write_installed(self.package.manifest());
        want("note of what is installed", flash.installed.address, note, &there_installed);
        Ok(Plan { steps, installed: version, primary: usercode(&there_primary), golden })
    }

    /// Does what the plan says, step by step, each read back; then makes the part boot, and asks it what runs.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Access`] with the step; doing it all again goes on from there.
    pub fn execute(
        &self,
        plan: &Plan,
        access: &mut dyn Access,
        step: &mut dyn FnMut(&Step),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Outcome, UpdateError> {
        for due in &plan.steps {
            step(due);
            let written = access.write(due.from, &due.octets, progress);
            written.map_err(|source| UpdateError::Access { during: due.what, source })?;
        }
        let (_, image) = self.package.image(Role::Primary).expect("a package has a primary image");
        let proof = access.prove(image.usercode);
        let proof = proof.map_err(|source| UpdateError::Access { during: "asking what runs", source })?;
        Ok(match proof {
            Proof::Runs => Outcome::Proven,
            Proof::FellBack => Outcome::FellBack,
            Proof::Another => Outcome::Another,
            Proof::Dark => Outcome::Dark,
            // What was written this time is not what runs yet, though it may be of the same commit.
            Proof::Circuit { git_hash }
                if plan.steps.is_empty() && self.package.manifest().git_hash() == Some(git_hash) =>
            {
                Outcome::Circuit
            }
            Proof::Circuit { .. } | Proof::Unknown => Outcome::PendingPowerCycle,
        })
    }
}

/// More than any image of the family: what is behind it in its region is of no interest, and reading takes time.
const IMAGE_READ: u32 = 2 << 20;

/// The jump block with the erase block it ends, which is erased for it: a write begins at an erase block.
fn jump_step(flash: &Flash) -> (u32, Vec<u8>) {
    let from = flash.bytes - Flash::ERASE_BLOCK;
    let mut block = vec![0xff; (flash.jump.address - from) as usize];
    block.extend(ecp5::jump_block(flash.golden.address));
    (from, block)
}

fn write_installed(manifest: &Manifest) -> Vec<u8> {
    let text = manifest.write();
    let mut note = INSTALLED_MAGIC.to_vec();
    note.extend((text.len() as u32).to_be_bytes());
    note.extend(Digest::of(&text).0);
    note.extend(text);
    note
}

/// The manifest of what was written last, from the block of the flash that is kept for it; `None` if it is not there or does not
/// hold, as after a loss of power.
pub fn installed(block: &[u8]) -> Option<Manifest> {
    let head = block.get(..INSTALLED_HEAD)?;
    let length = u32::from_be_bytes(head[8..12].try_into().ok()?) as usize;
    let text = block.get(INSTALLED_HEAD..)?.get(..length)?;
    let holds = head[..8] == INSTALLED_MAGIC[..] && Digest::of(text).0 == head[12..];
    Manifest::read(text).ok().filter(|_| holds)
}

fn refusal(field: &'static str, found: &str, wanted: &str, remedy: &str) -> UpdateError {
    UpdateError::Refused(Refusal { field, found: found.into(), wanted: wanted.into(), remedy: remedy.into() })
}
