//! What an image was built with.

use crate::config::VIPS;
use crate::map::SLOTS;
use crate::regs::{self, RegId};
use crate::rules::RULES;

/// What an image was built with: the words of the id block that differ from NIC to NIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Bytes a beat.
    pub width_bytes: u8,
    /// Core clock in kHz; 0 in a simulator.
    pub clock_khz: u32,
    /// First 32 bits of the commit.
    pub git_hash: u32,
    /// Board number; 0 is the simulated NIC.
    pub board: u32,
}

impl Default for Identity {
    /// The simulated 64-bit NIC.
    fn default() -> Identity {
        Identity { width_bytes: 8, clock_khz: 0, git_hash: 0, board: 0 }
    }
}

impl Identity {
    /// The CAPS register.
    pub fn caps(&self) -> u32 {
        let caps = regs::reg(RegId::Caps);
        caps.field("width_bytes").place(self.width_bytes.into())
            | caps.field("maps").place(SLOTS as u32)
            | caps.field("rules").place(RULES as u32)
            | caps.field("vips").place(VIPS as u32)
    }
}
