//! A NIC as its bus has it: registers, a reset of the whole function, and interrupts.

use std::io;

use weir_spec::interrupt::INTERRUPTS;

use crate::Bar;
use crate::eth::{EthBar, Wire};
use crate::interrupt::Interrupt;
use crate::pci::PciIdentity;
use crate::sim::Sim;
use crate::socket::{SocketBar, SocketError};
use crate::sysfs::SysfsBar;
use crate::vfio::{VfioBar, VfioError};

/// What every back-end that reaches a whole function can do.
pub trait Device: Bar {
    /// What the configuration space says the function is; `None` where there is no configuration space.
    fn pci(&self) -> Option<PciIdentity>;

    /// An access is a load or a store of the processor, and no call.
    fn is_mapped(&self) -> bool;

    /// Resets the function: the NIC is fenced and holds nothing. What was known of it is not so any more: open it anew.
    fn reset(&mut self) -> Result<(), DeviceError>;

    /// One file a vector, readable after its interrupt, in the order of [`weir_spec::interrupt::INTERRUPTS`]; none where
    /// the way to the NIC carries no interrupts, and STATUS has to be asked. Those of an earlier call end.
    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError>;
}

/// Why a function was not reset, or gave no interrupts.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Behind VFIO.
    #[error(transparent)]
    Vfio(#[from] VfioError),
    /// Behind a socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// By control frames.
    #[error("a board is not reset by control frames: cycle its power, or have JTAG configure it anew")]
    Board,
    /// By sysfs.
    #[error("failed to reset the function by {path}: the kernel knows no way to reset it alone, or you are not root")]
    Sysfs {
        /// The file.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Device for VfioBar {
    fn pci(&self) -> Option<PciIdentity> {
        Some(self.endpoint().identity)
    }

    fn is_mapped(&self) -> bool {
        VfioBar::is_mapped(self)
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        Ok(VfioBar::reset(self)?)
    }

    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError> {
        match self.endpoint().vectors.min(INTERRUPTS.len() as u16) {
            0 => Ok(Vec::new()),
            there => Ok(VfioBar::interrupts(self, there)?),
        }
    }
}

impl Device for SysfsBar {
    fn pci(&self) -> Option<PciIdentity> {
        None
    }

    fn is_mapped(&self) -> bool {
        true
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        let path = self.reset_file();
        std::fs::write(path, "1").map_err(|source| DeviceError::Sysfs { path: path.display().to_string(), source })
    }

    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError> {
        Ok(Vec::new())
    }
}

impl Device for SocketBar {
    fn pci(&self) -> Option<PciIdentity> {
        Some(SocketBar::pci(self))
    }

    fn is_mapped(&self) -> bool {
        false
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        Ok(SocketBar::reset(self)?)
    }

    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError> {
        let there = self.vectors()?.min(INTERRUPTS.len() as u32);
        Ok(SocketBar::interrupts(self, there as u16)?)
    }
}

impl Device for Sim {
    fn pci(&self) -> Option<PciIdentity> {
        None
    }

    fn is_mapped(&self) -> bool {
        false
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        self.nic().reset();
        Ok(())
    }

    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError> {
        Ok(Vec::new())
    }
}

impl<W: Wire> Device for EthBar<W> {
    fn pci(&self) -> Option<PciIdentity> {
        None
    }

    fn is_mapped(&self) -> bool {
        false
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        Err(DeviceError::Board)
    }

    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError> {
        Ok(Vec::new())
    }
}

/// A pointer to a device is a device.
impl<D: Device + ?Sized> Device for Box<D> {
    fn pci(&self) -> Option<PciIdentity> {
        (**self).pci()
    }

    fn is_mapped(&self) -> bool {
        (**self).is_mapped()
    }

    fn reset(&mut self) -> Result<(), DeviceError> {
        (**self).reset()
    }

    fn interrupts(&mut self) -> Result<Vec<Interrupt>, DeviceError> {
        (**self).interrupts()
    }
}
