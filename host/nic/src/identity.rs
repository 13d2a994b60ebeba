//! What a NIC says it is, and the refusal of what this driver does not know.

use weir_spec::config::VIPS;
use weir_spec::flow::table::FLOWS_LOG2;
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
    #[error("register layout {major}.{minor} is not known; this driver knows {}.{} and later of {0}.x", LAYOUT >> 16, LAYOUT & 0xffff)]
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
        if layout("major") != LAYOUT >> 16 || layout("minor") < LAYOUT & 0xffff {
            return Err(IdentityError::UnknownLayout { major: layout("major"), minor: layout("minor") });
        }
        let caps = field(RegId::Caps, registers.read(RegId::Caps)?);
        let features = field(RegId::Features, registers.read(RegId::Features)?);
        let known = |name, found: u32, right: &[u32], known| {
            if right.contains(&found) {
                Ok(found)
            } else {
                Err(IdentityError::UnknownCapability { name, found, known })
            }
        };
        let width_bytes = known("width_bytes", caps("width_bytes"), &[8, 64], "8 and 64")? as u8;
        known("maps", caps("maps"), &[SLOTS as u32], "64")?;
        known("rules", caps("rules"), &[RULES as u32], "32")?;
        known("vips", caps("vips"), &[VIPS as u32], "16")?;
        known("flows_log2", features("flows_log2"), &[FLOWS_LOG2], "12")?;
        known("heat", features("heat"), &[1], "1")?;
        known("quiesce", features("quiesce"), &[1], "1")?;
        Ok(Identity {
            layout_minor: layout("minor") as u16,
            width_bytes,
            clock_khz: registers.read(RegId::ClockKhz)?,
            git_hash: registers.read(RegId::GitHash)?,
            board: registers.read(RegId::Board)?,
            flash: features("flash") == 1,
        })
    }
}

fn field(id: RegId, word: u32) -> impl Fn(&'static str) -> u32 {
    move |name| regs::reg(id).field(name).get(word)
}
