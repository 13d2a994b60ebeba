//! What a NIC says it is, and the refusal of what this driver does not know.

use weir_spec::config::VIPS;
use weir_spec::map::SLOTS;
use weir_spec::regs::{self, LAYOUT, MAGIC, RegId};
use weir_spec::rules::RULES;

use crate::registers::Registers;
use crate::{AccessError, Bar};

/// The identity block of a NIC that this driver knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Minor version of the register layout; a higher one than ours only adds.
    pub layout_minor: u16,
    /// Bytes a beat of the data path, 8 or 64.
    pub width_bytes: u8,
    /// Core clock in kHz; 0 in a simulator.
    pub clock_khz: u32,
    /// First 32 bits of the commit the image was built from.
    pub git_hash: u32,
    /// Board number; 0 is the simulated NIC.
    pub board: u32,
    /// Entries of the flow table as a power of two; `None` without one.
    pub flows_log2: Option<u8>,
    /// Bucket heat counters are there.
    pub heat: bool,
    /// The flash controller is there.
    pub flash: bool,
}

/// Why a device is not driven.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The registers cannot be reached.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The BAR ends before the register map does.
    #[error("the BAR has {size:#x} bytes; a Weir NIC has at least {:#x}", regs::PORT_SIZE)]
    TooSmall {
        /// Its bytes.
        size: u32,
    },
    /// Some other device.
    #[error("not a Weir NIC: MAGIC reads {found:#010x}, not {MAGIC:#010x}")]
    NotWeir {
        /// What it reads.
        found: u32,
    },
    /// A layout from the future, or from before the first release.
    #[error("register layout {major}.{minor} is not known; this driver knows {}.x", LAYOUT >> 16)]
    UnknownLayout {
        /// Its major version.
        major: u32,
        /// Its minor version.
        minor: u32,
    },
    /// A capability with a value that this layout does not allow.
    #[error("capability {name} is {found}; this driver knows {known}")]
    UnknownCapability {
        /// Field of CAPS or FEATURES.
        name: &'static str,
        /// Its value.
        found: u32,
        /// The values that would be right.
        known: &'static str,
    },
}

impl Identity {
    /// Reads and judges the identity block.
    pub fn read<B: Bar + ?Sized>(bar: &mut B) -> Result<Identity, IdentityError> {
        if bar.size() < regs::PORT_SIZE {
            return Err(IdentityError::TooSmall { size: bar.size() });
        }
        let mut registers = Registers { bar };
        match registers.read(RegId::Magic)? {
            MAGIC => {}
            u32::MAX => return Err(AccessError::Gone { register: "MAGIC" }.into()),
            found => return Err(IdentityError::NotWeir { found }),
        }
        let layout = field(RegId::Layout, registers.read(RegId::Layout)?);
        if layout("major") != LAYOUT >> 16 {
            return Err(IdentityError::UnknownLayout { major: layout("major"), minor: layout("minor") });
        }
        let caps = field(RegId::Caps, registers.read(RegId::Caps)?);
        let known = |name, right: &[u32], known| match caps(name) {
            found if right.contains(&found) => Ok(found),
            found => Err(IdentityError::UnknownCapability { name, found, known }),
        };
        let width_bytes = known("width_bytes", &[8, 64], "8 and 64")? as u8;
        known("maps", &[SLOTS as u32], "64")?;
        known("rules", &[RULES as u32], "32")?;
        known("vips", &[VIPS as u32], "16")?;
        let features = field(RegId::Features, registers.read(RegId::Features)?);
        let flows_log2 = match features("flows_log2") {
            0 => None,
            found @ 1..=24 => Some(found as u8),
            found => {
                return Err(IdentityError::UnknownCapability { name: "flows_log2", found, known: "0 to 24" });
            }
        };
        Ok(Identity {
            layout_minor: layout("minor") as u16,
            width_bytes,
            clock_khz: registers.read(RegId::ClockKhz)?,
            git_hash: registers.read(RegId::GitHash)?,
            board: registers.read(RegId::Board)?,
            flows_log2,
            heat: features("heat") == 1,
            flash: features("flash") == 1,
        })
    }
}

fn field(id: RegId, word: u32) -> impl Fn(&'static str) -> u32 {
    move |name| regs::reg(id).field(name).get(word)
}
