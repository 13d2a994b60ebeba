//! A card by VFIO: the kernel hands the function to this process alone, behind an IOMMU.
//!
//! By its own character device and iommufd where the kernel has both, else by its IOMMU group. Registers are mapped where
//! the kernel allows it, and read and written through the device's file where not. Nothing here maps memory for the
//! device: a Weir NIC has no DMA, and so no limit on locked memory matters.

mod error;
mod interrupts;

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use iommufd_ioctls::IommuFd;
use memmap2::MmapOptions;
use vfio_bindings::bindings::vfio::{
    VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_REGION_INFO_FLAG_MMAP, VFIO_TYPE,
};
use vfio_ioctls::{VfioContainer, VfioDevice, VfioIommufd, VfioOps};

pub use error::VfioError;

pub use crate::interrupt::Interrupt;
use crate::mapped::Mapped;
use crate::pci::{Address, Driver, Endpoint, Function, Kernel, config};
use crate::{Bar, BarError};

/// Drivers that leave the memory of their devices to VFIO: those of bridges, and the one that only holds a place. The kernel
/// itself hands over a group with them in it.
const HARMLESS: &[&str] = &["pcieport", "pci-stub", "shpchp"];

/// BAR 0 of a function that VFIO handed over.
pub struct VfioBar {
    // Dropped in this order: the kernel keeps a group busy while anything of its device is open.
    registers: Registers,
    config: Config,
    endpoint: Endpoint,
    device: Arc<VfioDevice>,
    address: Address,
}

/// How the words of BAR 0 are reached.
enum Registers {
    Mapped(Mapped),
    /// By calls, where the kernel or the device forbids to map it.
    Calls {
        file: File,
        offset: u64,
        size: u32,
    },
}

/// The configuration space, through the device's file.
struct Config {
    file: File,
    offset: u64,
}

impl config::ConfigSpace for Config {
    type Error = io::Error;

    fn read(&mut self, offset: u16) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, self.offset + u64::from(offset))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&mut self, offset: u16, value: u32) -> io::Result<()> {
        self.file.write_all_at(&value.to_le_bytes(), self.offset + u64::from(offset))
    }
}

nix::ioctl_none_bad!(
    /// `VFIO_DEVICE_RESET`: the best reset that the function has, and the kernel waits until it is over.
    device_reset,
    nix::request_code_none!(VFIO_TYPE, 100 + 11)
);

impl VfioBar {
    /// Takes the function at `address` and finds its registers.
    pub fn open(kernel: &Kernel, address: Address) -> Result<VfioBar, VfioError> {
        let function = kernel.function(address)?;
        ready(kernel, &function)?;
        let device = take(kernel, &function)?;
        let file = || {
            // SAFETY: the device holds its descriptor open, and it is only borrowed here to be duplicated.
            let borrowed = unsafe { BorrowedFd::borrow_raw(device.as_raw_fd()) };
            borrowed.try_clone_to_owned().map(File::from).map_err(|source| VfioError::Io {
                address,
                step: "duplicate the descriptor of",
                source,
            })
        };
        let offset = device.get_region_offset(VFIO_PCI_CONFIG_REGION_INDEX);
        let mut config = Config { file: file()?, offset };
        let read = |source| VfioError::Io { address, step: "read the configuration space of", source };
        let endpoint = config::describe(&mut config).map_err(read)?.ok_or(VfioError::Gone { address })?;
        let size = device.get_region_size(VFIO_PCI_BAR0_REGION_INDEX);
        let offset = device.get_region_offset(VFIO_PCI_BAR0_REGION_INDEX);
        let size = match u32::try_from(size) {
            Ok(size) if u64::from(size) == endpoint.bar0 && size >= weir_spec::regs::PORT_SIZE => size,
            _ => return Err(VfioError::NoRegisters { address, bar: endpoint.bar0, region: size }),
        };
        let registers = if device.get_region_flags(VFIO_PCI_BAR0_REGION_INDEX) & VFIO_REGION_INFO_FLAG_MMAP != 0 {
            let map = MmapOptions::new().offset(offset).len(size as usize).map_raw(&*device);
            Registers::Mapped(Mapped::new(map.map_err(|source| VfioError::Io {
                address,
                step: "map BAR 0 of",
                source,
            })?))
        } else {
            Registers::Calls { file: file()?, offset, size }
        };
        Ok(VfioBar { registers, config, endpoint, device, address })
    }

    /// What the configuration space says the function is.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// Accesses are loads and stores of the processor; else each is a call of the kernel.
    pub fn is_mapped(&self) -> bool {
        matches!(self.registers, Registers::Mapped(_))
    }

    /// Resets the function, alone if it can be: the NIC is fenced and holds nothing.
    pub fn reset(&mut self) -> Result<(), VfioError> {
        let address = self.address;
        let failed = |step| move |source| VfioError::Io { address, step, source };
        // SAFETY: the descriptor is that of a VFIO device, which is open; the call has no argument.
        unsafe { device_reset(self.device.as_raw_fd()) }.map_err(|errno| failed("reset")(errno.into()))?;
        config::enable(&mut self.config).map_err(failed("switch on the memory of"))
    }
}

impl Bar for VfioBar {
    fn size(&self) -> u32 {
        match &self.registers {
            Registers::Mapped(bar) => bar.size(),
            Registers::Calls { size, .. } => *size,
        }
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        match &mut self.registers {
            Registers::Mapped(bar) => bar.load(offset),
            Registers::Calls { file, offset: base, .. } => {
                let mut bytes = [0; 4];
                file.read_exact_at(&mut bytes, *base + u64::from(offset))
                    .map_err(|source| BarError::Call { offset, source })?;
                Ok(u32::from_le_bytes(bytes))
            }
        }
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        match &mut self.registers {
            Registers::Mapped(bar) => bar.store(offset, value),
            Registers::Calls { file, offset: base, .. } => file
                .write_all_at(&value.to_le_bytes(), *base + u64::from(offset))
                .map_err(|source| BarError::Call { offset, source }),
        }
    }
}

/// Whether VFIO can hand the function over, as far as sysfs tells.
fn ready(kernel: &Kernel, function: &Function) -> Result<(), VfioError> {
    let address = function.address;
    let Some(group) = &function.group else { return Err(VfioError::NoIommu { address }) };
    if !matches!(function.driver, Driver::Vfio(_)) {
        return Err(VfioError::NotBound { address, driver: function.driver.clone() });
    }
    for member in group.members.iter().filter(|member| **member != address) {
        match kernel.function(*member)?.driver {
            Driver::Other(driver) if !HARMLESS.contains(&driver.as_str()) => {
                return Err(VfioError::GroupShared { address, group: group.number, member: *member, driver });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes it, by the newer way if there is one.
fn take(kernel: &Kernel, function: &Function) -> Result<Arc<VfioDevice>, VfioError> {
    let folder = kernel.folder(function.address);
    let refused = |source| VfioError::refused(function, source);
    let by_itself = Path::new("/dev/iommu").exists() && folder.join("vfio-dev").exists();
    let ops: Arc<dyn VfioOps> = if by_itself {
        let iommufd = IommuFd::new().map_err(|error| refused(vfio_ioctls::VfioError::NewVfioIommufd(error)))?;
        Arc::new(VfioIommufd::new(Arc::new(iommufd), None, None).map_err(refused)?)
    } else {
        Arc::new(VfioContainer::new(None).map_err(refused)?)
    };
    VfioDevice::new(&folder, ops, by_itself).map(Arc::new).map_err(refused)
}

#[cfg(test)]
mod tests;
