//! What a package says of itself.

use super::{Digest, ImageVersion, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The form of manifests this reads and writes.
const FORMAT: u32 = 1;

/// What a package is for, what it was made from, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this manifest, 1.
    pub format: u32,
    /// The board by name, as its folder below `constraints/`.
    pub board: String,
    /// The board's number, which a NIC answers in BOARD.
    pub board_number: u32,
    /// The part, `LFE5UM5G-45F`.
    pub part: String,
    /// The IDCODE the part answers on JTAG.
    pub idcode: u32,
    /// The version of the images.
    pub version: ImageVersion,
    /// Register layout of the circuit, `major.minor`, as a NIC answers it in LAYOUT.
    pub register_layout: String,
    /// What the circuit was emitted from: a git hash in hexadecimal, with `-dirty` behind it if the tree was changed.
    pub source: String,
    /// The tools and their versions, by the stage they ran in.
    pub tools: BTreeMap<String, String>,
    /// The payloads by their role.
    pub payloads: BTreeMap<Role, Payload>,
    /// What the clocks reach, of the primary image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timing: Vec<Timing>,
    /// What of the part the primary image takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utilisation: Vec<Utilisation>,
}

/// A bitstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Its length in octets.
    pub bytes: u32,
    /// Of the file as it is written into the flash.
    pub sha256: Digest,
    /// Of frames and block RAM as the part holds them, whatever compresses the file.
    pub contents: Digest,
    /// What JTAG reads while it runs; tells it from every other image.
    pub usercode: u32,
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Its net.
    pub clock: String,
    /// What the placed and routed circuit reaches, kHz.
    pub reached_khz: u32,
    /// What was asked of it, kHz.
    pub wanted_khz: u32,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utilisation {
    /// Its name, as the placer calls it.
    pub resource: String,
    /// How many are used.
    pub used: u32,
    /// How many the part has.
    pub of: u32,
}

/// Why octets are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not of these fields.
    #[error("failed to read the manifest")]
    Syntax(#[from] serde_json::Error),
    /// A later form than this program knows.
    #[error("format of the manifest is {found}, should be {FORMAT}: a newer weir reads it")]
    Format {
        /// What it says.
        found: u32,
    },
}

impl Manifest {
    /// The form that [`Manifest::write`] writes.
    pub const FORMAT: u32 = FORMAT;

    /// Reads a manifest; unknown fields are refused, since they may say what must not be passed over.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Format`] before anything else, so that a newer form is told as one.
    pub fn read(octets: &[u8]) -> Result<Manifest, ManifestError> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let Form { format } = serde_json::from_slice(octets)?;
        if format != FORMAT {
            return Err(ManifestError::Format { found: format });
        }
        Ok(serde_json::from_slice(octets)?)
    }

    /// What a NIC of its images answers of their source: the first 32 bits of the commit. `None` of a source that is no hash.
    pub fn git_hash(&self) -> Option<u32> {
        u32::from_str_radix(self.source.get(..8)?, 16).ok()
    }

    /// The same octets for the same manifest.
    pub fn write(&self) -> Vec<u8> {
        let mut octets = serde_json::to_vec_pretty(self).expect("a manifest has string keys alone");
        octets.push(b'\n');
        octets
    }
}
