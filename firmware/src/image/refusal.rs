//! Whether a package may be written to what is there.

use super::{ImagePackage, ImageVersion, Role};
use crate::{Board, ecp5::Part};
use std::fmt;

/// What a package is meant for, as far as it is known.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The board.
    pub board: &'a Board,
    /// What the part answered on JTAG, if it was asked.
    pub idcode: Option<u32>,
    /// What the running or installed image says of itself.
    pub installed: Option<ImageVersion>,
    /// Register layouts this program can drive, `(major, least minor)`.
    pub layout: (u16, u16),
    /// Whether an earlier version than the installed one is taken.
    pub downgrade: bool,
}

/// Why a package is not written: what was expected, what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What does not fit.
    pub field: &'static str,
    /// What the package says.
    pub found: String,
    /// What it should say.
    pub wanted: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { field, found, wanted, remedy } = self;
        write!(f, "{field} is {found}, should be {wanted}; {remedy}")
    }
}

impl std::error::Error for Refusal {}

impl Target<'_> {
    /// Everything a package is held against before anything is written.
    ///
    /// # Errors
    ///
    /// The first thing that does not fit.
    pub fn check(&self, package: &ImagePackage) -> Result<(), Refusal> {
        let (facts, manifest) = (&self.board.facts, package.manifest());
        let must = |holds: bool, refusal: &dyn Fn() -> Refusal| if holds { Ok(()) } else { Err(refusal()) };
        must(manifest.board == facts.name && manifest.board_number == facts.number, &|| Refusal {
            field: "board",
            found: format!("{} (number {})", manifest.board, manifest.board_number),
            wanted: format!("{} (number {})", facts.name, facts.number),
            remedy: format!("take a package that was built with --board {}", facts.name),
        })?;
        must(manifest.idcode == facts.device.jtag_idcode, &|| Refusal {
            field: "part",
            found: named(manifest.idcode),
            wanted: named(facts.device.jtag_idcode),
            remedy: "take a package that was built for this part".into(),
        })?;
        if let Some(idcode) = self.idcode {
            must(manifest.idcode == idcode, &|| Refusal {
                field: "part",
                found: named(manifest.idcode),
                wanted: format!("{}, which answers on JTAG", named(idcode)),
                remedy: "see the board's notes: boards of one name are sold with other parts".into(),
            })?;
        }
        let (major, least) = self.layout;
        let layout = manifest.register_layout.split_once('.');
        let layout = layout.and_then(|(major, minor)| Some((major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?)));
        must(layout.is_some_and(|told| told.0 == major && told.1 >= least), &|| Refusal {
            field: "register layout",
            found: format!("{:?}", manifest.register_layout),
            wanted: format!("{major}.{least} or a later {major}.x"),
            remedy: "take a weir that knows it: a host could not drive this NIC".into(),
        })?;
        if let Some(installed) = self.installed.filter(|_| !self.downgrade) {
            must(manifest.version >= installed, &|| Refusal {
                field: "version",
                found: manifest.version.to_string(),
                wanted: format!("{installed}, which is installed, or later"),
                remedy: "say --downgrade if it is meant".into(),
            })?;
        }
        self.check_room(package)
    }

    /// Each image in its own region of the flash.
    fn check_room(&self, package: &ImagePackage) -> Result<(), Refusal> {
        for (role, field) in [(Role::Primary, "size of the primary image"), (Role::Golden, "size of the golden image")]
        {
            let Some((octets, _)) = package.image(role) else {
                continue;
            };
            let room = self.board.facts.flash.room(role);
            if octets.len() as u64 > u64::from(room) {
                let wanted = format!("at most {room} octets, its region of the flash");
                let remedy = "compress the bitstream, or give it a larger region in board.toml".to_string();
                return Err(Refusal { field, found: format!("{} octets", octets.len()), wanted, remedy });
            }
        }
        Ok(())
    }
}

fn named(idcode: u32) -> String {
    Part::by_idcode(idcode).map_or_else(|| format!("IDCODE {idcode:#010x}"), |part| part.to_string())
}
