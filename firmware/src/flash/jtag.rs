//! A board behind JTAG, through openFPGALoader as Debian has it.
//!
//! What it cannot be trusted with, and what is done instead (version 0.13.1, each seen against the emulated board):
//!
//! - It ends with 0 and `Refresh: DONE` although the part fell back to its golden image. So the part is asked: USERCODE and status,
//!   by SVF, which openFPGALoader plays and compares.
//! - A raw file is written whatever part it is for. So only what was read as an image for this part gets here.
//! - Without `--verify` a bad cell goes unnoticed. So it is always given.
//! - It does not see all protection bits, and a protected flash does as if it wrote. So they are asked for, by SVF too.
//! - It erases the last block again for each 4 KiB of a file's odd end, up to 16 times a flash. So files are padded to blocks.
//! - While it reaches the flash the part is erased, and traffic through the board stops. So nothing is read for a dry run.

mod program;
mod svf;

use super::{Access, AccessError, Progress, Proof};
use crate::Flash;
use program::{Program, Scratch};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Erasing, writing and reading back 2 MiB over a slow cable takes minutes.
const PATIENCE: Duration = Duration::from_secs(900);
/// The slowest boot of the largest part: 2 MiB at 2.4 MHz, and as much again for a golden image.
const BOOT: Duration = Duration::from_secs(20);
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// openFPGALoader and the cable it is to use.
#[derive(Clone, Debug)]
pub struct Jtag {
    program: Program,
    scratch: Option<PathBuf>,
}

impl Jtag {
    /// `cable` are openFPGALoader's own options: `--cable ft2232`, or `--cable xvc-client --ip 127.0.0.1 --port 2542`.
    pub fn new(program: PathBuf, cable: Vec<String>) -> Jtag {
        Jtag { program: Program::new(program, cable), scratch: None }
    }

    /// Puts temporary files there instead of the system's place for them.
    pub fn with_scratch(self, folder: PathBuf) -> Jtag {
        Jtag { scratch: Some(folder), ..self }
    }

    fn scratch(&self) -> Result<Scratch, AccessError> {
        Scratch::new(self.scratch.as_deref())
    }

    /// Whether what the part answers is what a line of SVF demands.
    fn holds(&self, line: &str) -> Result<bool, AccessError> {
        let scratch = self.scratch()?;
        let file = scratch.write("ask.svf", svf::script(line).as_bytes())?;
        let ended = self.program.run(&["--file-type", "svf", &file], PATIENCE, &mut |_, _| {})?;
        match ended.success {
            true => Ok(true),
            false if ended.words.contains(svf::MISMATCH) => Ok(false),
            false => Err(ended.failed("ask the part")),
        }
    }
}

impl Access for Jtag {
    fn identify(&mut self) -> Result<Vec<u32>, AccessError> {
        let ended = self.program.run(&["--detect"], PATIENCE, &mut |_, _| {})?;
        let codes: Vec<u32> = ended.words.lines().filter_map(idcode).collect();
        if !ended.success || codes.is_empty() {
            return Err(ended.failed("find a part on JTAG"));
        }
        Ok(codes)
    }

    fn read(&mut self, from: u32, length: u32, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>, AccessError> {
        let scratch = self.scratch()?;
        let file = scratch.path("dump.bin");
        let (size, offset) = (length.to_string(), from.to_string());
        let arguments = ["--dump-flash", "--file-size", &size, "--offset", &offset, &file];
        let ended = self.program.run(&arguments, PATIENCE, &mut |stage, part| {
            progress(Progress { stage, done: portion(part, length), of: length.into() });
        })?;
        let octets = scratch.read("dump.bin").ok().filter(|octets| octets.len() == length as usize);
        // It ends with 1 when no image boots afterwards, which an erased flash is no failure of.
        octets.ok_or_else(|| ended.failed("read the flash"))
    }

    fn write(&mut self, from: u32, octets: &[u8], progress: &mut dyn FnMut(Progress)) -> Result<(), AccessError> {
        if !self.holds(svf::UNPROTECTED)? {
            // The part boots again what it has.
            self.holds(svf::REFRESH)?;
            return Err(AccessError::Protected { from, status: None });
        }
        let mut padded = octets.to_vec();
        padded.resize(octets.len().next_multiple_of(Flash::ERASE_BLOCK as usize), 0xff);
        let scratch = self.scratch()?;
        let file = scratch.write("image.bin", &padded)?;
        let (offset, of) = (from.to_string(), padded.len() as u32);
        let arguments = ["--write-flash", "--verify", "--offset", &offset, &file];
        let ended = self.program.run(&arguments, PATIENCE, &mut |stage, part| {
            progress(Progress { stage, done: portion(part, of), of: of.into() });
        })?;
        // What is not a primary image does not boot by itself, and the end is a failed refresh then: only what was written counts.
        let verified = ended.words.contains("Verifying write") && !ended.words.contains("Verification failed");
        if ended.success || (verified && ended.words.contains("Refresh: FAIL")) {
            return Ok(());
        }
        Err(ended.failed("write the flash"))
    }

    fn prove(&mut self, usercode: u32) -> Result<Proof, AccessError> {
        let begun = Instant::now();
        self.holds(svf::REFRESH)?;
        while !self.holds(svf::DONE)? {
            if begun.elapsed() > BOOT {
                return Ok(Proof::Dark);
            }
            std::thread::sleep(ASK_AGAIN);
        }
        if self.holds(svf::PRIMARY_FAILED)? {
            return Ok(Proof::FellBack);
        }
        Ok(if self.holds(&svf::usercode(usercode))? { Proof::Runs } else { Proof::Another })
    }
}

/// A line of `--detect`: `idcode 0x81112043`, with blanks around.
fn idcode(line: &str) -> Option<u32> {
    let code = line.trim().strip_prefix("idcode")?.trim().strip_prefix("0x")?;
    u32::from_str_radix(code, 16).ok()
}

fn portion(part: f64, of: u32) -> u64 {
    (part.clamp(0.0, 1.0) * f64::from(of)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idcodes_are_found_among_other_lines() {
        let told =
            "index 0:\n\tidcode 0x81112043\n\tmanufacturer lattice\nindex 1:\n\tidcode   0x191043\nidcode later\n";
        assert_eq!(told.lines().filter_map(idcode).collect::<Vec<_>>(), [0x8111_2043, 0x0019_1043]);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let mut jtag = Jtag::new("/nowhere/openFPGALoader".into(), Vec::new());
        let error = jtag.identify().expect_err("it is not there");
        assert_eq!(error.to_string(), "failed to run /nowhere/openFPGALoader");
    }
}
