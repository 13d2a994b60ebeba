//! The vectors of a card, which the kernel connects.

use super::{VfioBar, VfioError};
use crate::interrupt::Interrupt;
use crate::pci::config;

impl VfioBar {
    /// Switches on the first `count` vectors. Those of an earlier call end.
    pub fn interrupts(&mut self, count: u16) -> Result<Vec<Interrupt>, VfioError> {
        let address = self.address;
        let there = self.endpoint.vectors;
        if count > there {
            return Err(VfioError::NoVector { address, wanted: count - 1, there });
        }
        let failed = |source| VfioError::Io { address, step: "allow interrupts of", source };
        config::allow_interrupts(&mut self.config).map_err(failed)?;
        let made = |source| VfioError::Io { address, step: "make an event file for", source };
        let interrupts = (0..count).map(|_| Interrupt::new().map_err(made)).collect::<Result<Vec<_>, _>>()?;
        let enabled = self.device.enable_msix(interrupts.iter().map(Interrupt::event).collect());
        enabled.map_err(|source| VfioError::Refused { address, source })?;
        Ok(interrupts)
    }
}
