//! The serial flash of a board, as a file: what it boots from, and what its page of registers writes.
//!
//! The flash is the emulated one of `weir-board`. Every erase and every page is in the file when the command that brought it is
//! over, so a device that is killed leaves what a board would that loses its power then.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use weir_board::{Fpga, Nor, Running};
use weir_firmware::ecp5::{Bitstream, StreamError};
use weir_firmware::flash::installed;
use weir_firmware::image::Role;
use weir_firmware::{Board, Flash};
use weir_spec::board::{FLASH_PAGE, FlashMap};

/// Which board a device is, and its flash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BoardFlash {
    /// The board: its number, its part and the places of its flash.
    pub board: Board,
    /// The contents of its flash.
    pub file: PathBuf,
}

/// Why a board does not boot.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// The file.
    #[error("failed to {what} flash {}", path.display())]
    File {
        /// Open or read.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It is no flash of this board.
    #[error("flash {} has {found} octets, should have {wanted} as that of {board}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its octets.
        found: u64,
        /// Those of the board's.
        wanted: u32,
        /// The board.
        board: String,
    },
    /// Nothing can pass through a board without an image.
    #[error("nothing boots from flash {}: bring a primary and a golden image onto it by JTAG", path.display())]
    Dark {
        /// The file.
        path: PathBuf,
        /// Why the primary image does not.
        source: Option<StreamError>,
    },
    /// A board without a place for a key takes no control frames.
    #[error("flash.key of board {board} is absent, should be an erase block for the key of control frames")]
    Keyless {
        /// The board.
        board: String,
    },
}

/// What a board booted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Booted {
    /// Which of the two.
    pub(crate) role: Role,
    /// What JTAG would read.
    pub(crate) usercode: u32,
    /// First 32 bits of the commit it was made of; 0 where the flash has no note of this image.
    pub(crate) git_hash: u32,
}

/// A flash that a board has booted from.
pub(crate) struct FlashFile {
    fpga: Fpga,
    map: FlashMap,
    number: u32,
    booted: Booted,
    file: File,
    path: PathBuf,
    /// The file could not be written: as a flash without power, it answers nothing from then on.
    lost: bool,
}

impl FlashFile {
    /// Power comes on.
    pub(crate) fn boot(from: &BoardFlash) -> Result<FlashFile, FlashError> {
        let (facts, path) = (&from.board.facts, &from.file);
        let map = facts.flash.map().ok_or_else(|| FlashError::Keyless { board: facts.name.clone() })?;
        let failed = |what| move |source| FlashError::File { what, path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(failed("open"))?;
        let found = file.metadata().map_err(failed("read"))?.len();
        if found != u64::from(facts.flash.bytes) {
            let (board, wanted) = (facts.name.clone(), facts.flash.bytes);
            return Err(FlashError::Size { path: path.clone(), found, wanted, board });
        }
        let mut cells = Vec::with_capacity(found as usize);
        file.read_to_end(&mut cells).map_err(failed("read"))?;
        let mut fpga = Fpga::new(facts.device.jtag_idcode, Nor::new(cells));
        let (role, image) = match fpga.power_on() {
            Running::Primary(image) => (Role::Primary, image.clone()),
            Running::Golden(image) | Running::Loaded(image) => (Role::Golden, image.clone()),
            Running::Nothing(error) => return Err(FlashError::Dark { path: path.clone(), source: error.clone() }),
        };
        let git_hash = noted(fpga.nor().cells(), &facts.flash, role, &image).unwrap_or_default();
        let booted = Booted { role, usercode: image.usercode, git_hash };
        Ok(FlashFile { fpga, map, number: facts.number, booted, file, path: path.clone(), lost: false })
    }

    pub(crate) fn map(&self) -> FlashMap {
        self.map
    }

    /// The board's number.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn booted(&self) -> Booted {
        self.booted
    }

    fn keep(&self, changed: Range<usize>) -> io::Result<()> {
        self.file.write_all_at(&self.fpga.nor().cells()[changed.clone()], changed.start as u64)
    }
}

impl weir_spec::board::Flash for FlashFile {
    fn transfer(&mut self, out: &[u8], answer: usize) -> Vec<u8> {
        if self.lost {
            return vec![0xff; answer];
        }
        let told = weir_spec::board::Flash::transfer(self.fpga.nor_mut(), out, answer);
        let kept = changed(out).map_or(Ok(()), |changed| self.keep(changed));
        if let Err(error) = kept {
            tracing::error!("flash {} is lost: failed to write it: {error}", self.path.display());
            self.lost = true;
        }
        told
    }
}

/// What a command may have changed.
fn changed(out: &[u8]) -> Option<Range<usize>> {
    let [opcode @ (0x02 | 0xd8), high, middle, low, ..] = *out else {
        return None;
    };
    let length = if opcode == 0x02 { FLASH_PAGE } else { Flash::ERASE_BLOCK } as usize;
    let at = u32::from_be_bytes([0, high, middle, low]) as usize;
    let from = at - at % length;
    Some(from..from + length)
}

/// The commit of an image, if the note of what is installed is of this very image.
fn noted(cells: &[u8], flash: &Flash, role: Role, image: &Bitstream) -> Option<u32> {
    let manifest = installed(cells.get(flash.installed.address as usize..)?)?;
    let payload = manifest.payloads.get(&role)?;
    let same = payload.usercode == image.usercode && payload.contents.0 == image.contents;
    manifest.git_hash().filter(|_| same)
}

#[cfg(test)]
mod tests {
    use weir_board::stream::Stream;
    use weir_firmware::ecp5::jump_block;
    use weir_spec::board::Flash as _;

    use super::*;

    const PRIMARY: u32 = 0x0000_0101;
    const GOLDEN: u32 = 0x600d_0001;

    /// A file of 16 MiB with these octets in it.
    fn flash(parts: &[(usize, &[u8])]) -> (tempfile::TempDir, BoardFlash) {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("flash");
        let mut cells = vec![0xff; 16 << 20];
        parts.iter().for_each(|(at, octets)| cells[*at..][..octets.len()].copy_from_slice(octets));
        std::fs::write(&file, cells).expect("room");
        let board = Board::built_in().find(|board| board.facts.name == "ecp5-versa-5g").expect("the Versa");
        (dir, BoardFlash { board, file })
    }

    fn image(usercode: u32) -> Vec<u8> {
        Stream { usercode, ..Stream::default() }.write()
    }

    #[test]
    fn the_primary_image_boots_or_else_the_golden_one_or_nothing() {
        let (primary, golden) = (image(PRIMARY), image(GOLDEN));
        let jump = jump_block(0x80_0000);
        let whole = [(0, &primary[..]), (0x80_0000, &golden), (0xff_ff00, &jump)];
        let booted = |parts: &[(usize, &[u8])]| {
            let (_dir, flash) = flash(parts);
            FlashFile::boot(&flash).map(|flash| (flash.booted().role, flash.booted().usercode))
        };
        assert_eq!(booted(&whole).expect("it boots"), (Role::Primary, PRIMARY));
        assert_eq!(booted(&whole[1..]).expect("it boots"), (Role::Golden, GOLDEN));
        let error = booted(&whole[1..2]).expect_err("nothing leads there").to_string();
        assert!(error.contains("nothing boots from flash") && error.contains("by JTAG"), "{error}");
    }

    #[test]
    fn what_is_no_flash_of_the_board_is_told() {
        let (dir, flash) = flash(&[]);
        let boot = |flash: &BoardFlash| FlashFile::boot(flash).map(drop).expect_err("it does not boot");
        std::fs::write(&flash.file, [0xff; 4096]).expect("room");
        let error = boot(&flash).to_string();
        assert!(error.ends_with("has 4096 octets, should have 16777216 as that of ecp5-versa-5g"), "{error}");
        let nowhere = BoardFlash { file: dir.path().join("nowhere"), ..flash.clone() };
        assert!(matches!(boot(&nowhere), FlashError::File { what: "open", .. }));
        let mut keyless = flash;
        keyless.board.facts.flash.key = None;
        assert!(boot(&keyless).to_string().starts_with("flash.key of board ecp5-versa-5g is absent, should be"));
    }

    #[test]
    fn what_is_written_is_in_the_file_and_what_cannot_be_is_answered_by_nothing() {
        let (_dir, from) = flash(&[(0, &image(PRIMARY))]);
        let mut flash = FlashFile::boot(&from).expect("it boots");
        let change = |flash: &mut FlashFile, command: &[u8]| {
            flash.transfer(&[0x06], 0);
            flash.transfer(command, 0);
            while flash.transfer(&[0x05], 1)[0] & 1 == 1 && !flash.lost {}
        };
        change(&mut flash, &[0xd8, 0x01, 0x01, 0x23]);
        change(&mut flash, &[0x02, 0x01, 0x01, 0x10, 1, 2, 3]);
        let cells = std::fs::read(&from.file).expect("the file");
        assert!(cells[0x1_0000..0x1_0110].iter().chain(&cells[0x1_0113..0x2_0000]).all(|octet| *octet == 0xff));
        assert_eq!(cells[0x1_0110..0x1_0113], [1, 2, 3]);
        assert_eq!(flash.booted().usercode, PRIMARY, "what runs is in the part");

        flash.file = File::open(&from.file).expect("for reading alone");
        change(&mut flash, &[0x02, 0x01, 0x01, 0x20, 1]);
        assert_eq!(flash.transfer(&[0x9f], 3), [0xff; 3]);
        assert_eq!(std::fs::read(&from.file).expect("the file"), cells);
    }
}
