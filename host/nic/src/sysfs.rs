//! A card by its resource file in sysfs: no IOMMU needed, no interrupts given.
//!
//! For a machine without an IOMMU, or for a card whose own driver keeps moving frames while Weir has the registers.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use memmap2::MmapOptions;
use weir_spec::regs::PORT_SIZE;

use crate::mapped::Mapped;
use crate::pci::{Address, Driver, Kernel, ScanError};
use crate::{Bar, BarError};

/// BAR 0 of a function, mapped from its resource file.
pub struct SysfsBar {
    bar: Mapped,
    reset: PathBuf,
    // Keeps the mapping's file from being taken for another.
    _file: File,
}

/// Why a card's registers could not be mapped.
#[derive(Debug, thiserror::Error)]
pub enum SysfsError {
    /// The function, or what the kernel says of it.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// BAR 0 cannot be that of a Weir NIC.
    #[error("BAR 0 of {address} is no memory of at least {PORT_SIZE:#x} bytes, so this is no Weir NIC")]
    NoRegisters {
        /// The function.
        address: Address,
    },
    /// A program may have it already, and vfio-pci gives no way in beside itself.
    #[error("{address} is held by {driver}; open it as `vfio:{address}`")]
    HeldByVfio {
        /// The function.
        address: Address,
        /// The driver.
        driver: Driver,
    },
    /// Lockdown forbids it to everybody.
    #[error(
        "the kernel is locked down ({mode}): nobody maps a card from user space; use `vfio:{address}`, or boot without \
         lockdown (it comes with secure boot)"
    )]
    Lockdown {
        /// The function.
        address: Address,
        /// `integrity` or `confidentiality`.
        mode: String,
    },
    /// Not root.
    #[error("no permission for {}: only root may map a card", path.display())]
    Permission {
        /// The file.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("failed to {step} {}", path.display())]
    Io {
        /// What was tried.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl SysfsBar {
    /// Maps BAR 0 of the function at `address`.
    pub fn open(kernel: &Kernel, address: Address) -> Result<SysfsBar, SysfsError> {
        let function = kernel.function(address)?;
        let Some(registers) = function.registers() else { return Err(SysfsError::NoRegisters { address }) };
        if let driver @ Driver::Vfio(_) = function.driver {
            return Err(SysfsError::HeldByVfio { address, driver });
        }
        let failed = |step, path: &Path| {
            let (path, lockdown) = (path.to_path_buf(), kernel.lockdown());
            move |source: io::Error| match (source.kind(), lockdown) {
                (io::ErrorKind::PermissionDenied, Some(mode)) => SysfsError::Lockdown { address, mode },
                (io::ErrorKind::PermissionDenied, None) => SysfsError::Permission { path },
                _ => SysfsError::Io { step, path, source },
            }
        };
        let folder = kernel.folder(address);
        // Without a driver nobody has switched memory decoding on.
        let enable = folder.join("enable");
        let enabled = fs::read_to_string(&enable).map_err(failed("read", &enable))?;
        if enabled.trim() == "0" {
            fs::write(&enable, "1").map_err(failed("switch on the function by", &enable))?;
        }
        let path = folder.join("resource0");
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("open", &path))?;
        let length = registers.size.min(u64::from(!0xfff_u32)) as usize;
        let map = MmapOptions::new().len(length).map_raw(&file).map_err(failed("map", &path))?;
        Ok(SysfsBar { bar: Mapped::new(map), reset: folder.join("reset"), _file: file })
    }

    /// The file by which the kernel resets the function, where it can.
    pub(crate) fn reset_file(&self) -> &Path {
        &self.reset
    }
}

impl Bar for SysfsBar {
    fn size(&self) -> u32 {
        self.bar.size()
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        self.bar.load(offset)
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        self.bar.store(offset, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pci::fixture::Machine;

    const NIC: &str = "0000:03:00.0";

    fn machine() -> (Machine, Address) {
        let machine = Machine::new();
        machine.function(NIC, 0x1af4_10f5, "020000", 0x4_0000);
        (machine, NIC.parse().unwrap())
    }

    fn refused(machine: &Machine, address: Address) -> SysfsError {
        SysfsBar::open(&machine.kernel(), address).err().expect("it is refused")
    }

    #[test]
    fn a_function_is_switched_on_and_its_first_bar_mapped() {
        let (machine, address) = machine();
        machine.write(NIC, "enable", "0\n");
        machine.write(NIC, "resource0", &"\u{1}".repeat(0x4_0000));
        let mut bar = SysfsBar::open(&machine.kernel(), address).expect("a card of files");
        assert_eq!(bar.size(), 0x4_0000);
        assert_eq!(bar.read32(0x3_fffc).expect("the last word"), 0x0101_0101);
        assert_eq!(machine.read(NIC, "enable"), "1");
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let (machine, address) = machine();
        assert!(matches!(refused(&machine, address), SysfsError::Io { step: "read", .. }), "no file to switch it on");
        machine.write(NIC, "enable", "1\n");
        let missing = refused(&machine, address).to_string();
        assert!(missing.starts_with("failed to open") && missing.ends_with("resource0"), "{missing}");
        machine.driver(NIC, "vfio-pci");
        let held = refused(&machine, address).to_string();
        assert!(held.contains("open it as `vfio:0000:03:00.0`"), "{held}");
        machine.function("0000:04:00.0", 0x8086_1521, "020000", 0x2_0000);
        let small = refused(&machine, "04:00.0".parse().unwrap());
        assert!(matches!(small, SysfsError::NoRegisters { .. }), "{small}");
        let nothing = refused(&machine, "05:00.0".parse().unwrap());
        assert!(matches!(nothing, SysfsError::Scan(ScanError::NoFunction { .. })), "{nothing}");
    }
}
