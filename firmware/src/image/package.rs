//! A package of images: what [`pldm`](super::pldm) holds, held against its manifest.

use super::pldm::{self, Component, Device, Package};
use super::{Digest, ImageVersion, Manifest, ManifestError, Payload, PldmError};
use crate::ecp5::{Bitstream, StreamError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

const FIRMWARE: u16 = 0x000a;
const OTHER: u16 = 0x0001;
/// Bit 5: in force after a cycle of AC power, at the latest.
const POWER_CYCLE: u16 = 1 << 5;
const TITLE_IDCODE: &str = "JTAG-IDCODE";
const TITLE_BOARD: &str = "WEIR-BOARD";

/// What a bitstream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The image that runs, and that is updated.
    Primary,
    /// The image that runs when the primary one cannot; written once.
    Golden,
}

impl Role {
    /// Component identifier in the package; the manifest has [`MANIFEST`].
    fn identifier(self) -> u16 {
        match self {
            Role::Primary => 1,
            Role::Golden => 2,
        }
    }
}

/// Component identifier of the manifest.
const MANIFEST: u16 = 3;

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Primary => "primary",
            Role::Golden => "golden",
        })
    }
}

/// Images and their manifest; one that exists is whole: header, manifest and payloads agree, and every payload is a bitstream
/// for the manifest's part with all its CRCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePackage {
    manifest: Manifest,
    released: i64,
    images: BTreeMap<Role, (Vec<u8>, Bitstream)>,
}

/// Why octets are no package, or what is given makes none.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The container.
    #[error(transparent)]
    Pldm(#[from] PldmError),
    /// The manifest by itself.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Header or manifest say something that is not so.
    #[error("{field} is {found}, should be {wanted}")]
    Disagree {
        /// What.
        field: String,
        /// What it says.
        found: String,
        /// What is so.
        wanted: String,
    },
    /// A payload that is no image for the part.
    #[error("the {role} image is not accepted")]
    Image {
        /// Which.
        role: Role,
        /// Why.
        source: StreamError,
    },
}

fn must(field: impl fmt::Display, found: impl fmt::Display, wanted: impl fmt::Display) -> Result<(), PackageError> {
    let (field, found, wanted) = (field.to_string(), found.to_string(), wanted.to_string());
    if found == wanted { Ok(()) } else { Err(PackageError::Disagree { field, found, wanted }) }
}

impl ImagePackage {
    /// Makes a package. The manifest's payloads are computed here; whatever it says of them is replaced.
    ///
    /// `released` is in seconds since 1970: for packages that can be made again that of the source, not of the clock.
    ///
    /// # Errors
    ///
    /// [`PackageError::Image`] for a bitstream of another part or one that does not hold; [`PackageError::Disagree`] without
    /// a primary image, or if two images share their USERCODE, by which the running one is told.
    pub fn new(
        mut manifest: Manifest,
        released: i64,
        images: BTreeMap<Role, Vec<u8>>,
    ) -> Result<ImagePackage, PackageError> {
        let images = checked(manifest.idcode, images)?;
        manifest.payloads = images.iter().map(|(role, (octets, image))| (*role, payload(octets, image))).collect();
        let package = ImagePackage { manifest, released, images };
        package.check()?;
        Ok(package)
    }

    /// Reads a package whole.
    ///
    /// # Errors
    ///
    /// Whatever does not hold first: container, manifest, payloads.
    pub fn read(octets: &[u8]) -> Result<ImagePackage, PackageError> {
        let Package { version, released, device, components } = pldm::read(octets)?;
        let mut manifest = None;
        let mut images = BTreeMap::new();
        for Component { identifier, classification, stamp, activation, version: told, octets } in components {
            let role = [Role::Primary, Role::Golden].into_iter().find(|role| role.identifier() == identifier);
            must("component version", told, &version)?;
            must("component activation", format!("{activation:#x}"), format!("{POWER_CYCLE:#x}"))?;
            must("component stamp", stamp, version_of(&version)?.stamp())?;
            match role {
                Some(role) if !images.contains_key(&role) => {
                    must("component class", classification, FIRMWARE)?;
                    images.insert(role, octets);
                }
                None if identifier == MANIFEST && manifest.is_none() => {
                    must("component class", classification, OTHER)?;
                    must("SHA-256 of the manifest", Digest::of(&octets), hex(&device.data))?;
                    let read = Manifest::read(&octets)?;
                    let same = read.write() == octets;
                    must("form of the manifest", if same { "weir's" } else { "another" }, "weir's")?;
                    manifest = Some(read);
                }
                _ => must("component", identifier, "1 (primary), 2 (golden) or 3 (manifest), each once")?,
            }
        }
        let wanted = "a manifest, component 3";
        let missing =
            || PackageError::Disagree { field: "package".into(), found: "without one".into(), wanted: wanted.into() };
        let manifest = manifest.ok_or_else(missing)?;
        let images = checked(manifest.idcode, images)?;
        for role in [Role::Primary, Role::Golden] {
            let is = images.get(&role).map(|(octets, image)| payload(octets, image));
            let told = manifest.payloads.get(&role);
            must(format!("payload {role} of the manifest"), shown(told), shown(is.as_ref()))?;
        }
        let package = ImagePackage { manifest, released, images };
        package.check()?;
        must("package version", version, package.manifest.version)?;
        if device != package.device() {
            must("device record", "for another board", format!("for {}", package.manifest.board))?;
        }
        Ok(package)
    }

    /// The file's octets; the same for the same package.
    ///
    /// # Errors
    ///
    /// [`PldmError::Field`] for what the format has no room for.
    pub fn write(&self) -> Result<Vec<u8>, PldmError> {
        let version = self.manifest.version;
        let component = |classification, identifier, octets| Component {
            classification,
            identifier,
            stamp: version.stamp(),
            activation: POWER_CYCLE,
            version: version.to_string(),
            octets,
        };
        let images = self.images.iter();
        let images = images.map(|(role, (octets, _))| component(FIRMWARE, role.identifier(), octets.clone()));
        let components = images.chain([component(OTHER, MANIFEST, self.manifest.write())]).collect();
        let (version, released) = (version.to_string(), self.released);
        pldm::write(&Package { version, released, device: self.device(), components })
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// When it was made, in seconds since 1970.
    pub fn released(&self) -> i64 {
        self.released
    }

    /// The octets of an image and what they are.
    pub fn image(&self, role: Role) -> Option<(&[u8], &Bitstream)> {
        self.images.get(&role).map(|(octets, image)| (octets.as_slice(), image))
    }

    fn check(&self) -> Result<(), PackageError> {
        let Manifest { idcode, part, .. } = &self.manifest;
        if !self.images.contains_key(&Role::Primary) {
            return must("package", "without a primary image", "one with it");
        }
        let known = crate::ecp5::Part::by_idcode(*idcode).map_or("unknown", |part| part.name);
        must("part of the manifest", part, known)?;
        let codes: Vec<u32> = self.images.values().map(|(_, image)| image.usercode).collect();
        if codes.len() == 2 && codes[0] == codes[1] {
            let told = format!("{:#010x} in both images", codes[0]);
            return must("USERCODE", told, "another in each, since the running image is told by it");
        }
        Ok(())
    }

    fn device(&self) -> Device {
        let Manifest { board, board_number, idcode, .. } = &self.manifest;
        let vendor = vec![
            (TITLE_IDCODE.to_string(), idcode.to_le_bytes().to_vec()),
            (TITLE_BOARD.to_string(), board_number.to_le_bytes().to_vec()),
        ];
        Device { uuid: uuid(board), vendor, data: Digest::of(&self.manifest.write()).0.to_vec() }
    }
}

/// A board's UUID, of version 8 (RFC 9562): the first octets of a SHA-256 over its name.
fn uuid(board: &str) -> [u8; 16] {
    let digest = Digest::of(format!("weir board {board}").as_bytes()).0;
    let mut uuid: [u8; 16] = digest[..16].try_into().expect("a SHA-256 has 32 octets");
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

fn checked(idcode: u32, images: BTreeMap<Role, Vec<u8>>) -> Result<BTreeMap<Role, (Vec<u8>, Bitstream)>, PackageError> {
    let check = |(role, octets): (Role, Vec<u8>)| match Bitstream::read(&octets, Some(idcode)) {
        Ok(image) => Ok((role, (octets, image))),
        Err(source) => Err(PackageError::Image { role, source }),
    };
    images.into_iter().map(check).collect()
}

fn payload(octets: &[u8], image: &Bitstream) -> Payload {
    Payload {
        bytes: u32::try_from(octets.len())
            .expect("a flash is smaller than 4 GiB, and so is a bitstream for 16 MiB of it"),
        sha256: Digest::of(octets),
        contents: Digest(image.contents),
        usercode: image.usercode,
    }
}

fn shown(payload: Option<&Payload>) -> String {
    payload.map_or("absent".to_string(), |Payload { bytes, sha256, contents, usercode }| {
        format!("{bytes} octets, sha256 {sha256}, contents {contents}, USERCODE {usercode:#010x}")
    })
}

fn version_of(text: &str) -> Result<ImageVersion, PackageError> {
    text.parse().map_err(|error: super::VersionError| PackageError::Disagree {
        field: "package version".into(),
        found: format!("{text:?}"),
        wanted: error.to_string(),
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
