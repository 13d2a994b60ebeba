//! PCI functions as the kernel shows them in sysfs: which there are, who drives them, and who shares their IOMMU group.
//!
//! Nothing here touches a device; [`bind`] changes which driver holds one.

mod address;
pub mod bind;
pub(crate) mod config;
mod function;
mod lockdown;
mod route;

pub use address::{Address, AddressError};
pub use config::{Endpoint, PciIdentity};
pub use function::{Driver, Function, Group, Resource, ScanError};

use std::fs;
use std::path::{Path, PathBuf};

/// The two file systems in which the kernel tells about devices and routes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kernel {
    sys: PathBuf,
    proc: PathBuf,
}

impl Default for Kernel {
    /// Those of this machine.
    fn default() -> Kernel {
        Kernel::at(Path::new("/"))
    }
}

impl Kernel {
    /// `sys` and `proc` under `root`: `/` on a real machine.
    pub fn at(root: &Path) -> Kernel {
        Kernel { sys: root.join("sys"), proc: root.join("proc") }
    }

    /// All PCI functions, by address.
    pub fn functions(&self) -> Result<Vec<Function>, ScanError> {
        let devices = self.sys.join("bus/pci/devices");
        let read = |source| ScanError::Read { path: devices.clone(), source };
        let mut found = Vec::new();
        let entries = match fs::read_dir(&devices) {
            // A machine without PCI has no functions.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            entries => entries.map_err(read)?,
        };
        for entry in entries {
            let name = entry.map_err(read)?.file_name();
            let Some(address) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            match self.function(address) {
                // It went between the list and the look.
                Err(ScanError::NoFunction { .. }) => {}
                function => found.push(function?),
            }
        }
        found.sort_by_key(|function| function.address);
        Ok(found)
    }

    /// The function at `address`.
    pub fn function(&self, address: Address) -> Result<Function, ScanError> {
        Function::read(self, address)
    }

    /// The folder of a function.
    pub(crate) fn folder(&self, address: Address) -> PathBuf {
        self.sys.join("bus/pci/devices").join(address.to_string())
    }
}

#[cfg(test)]
pub(crate) mod fixture;
