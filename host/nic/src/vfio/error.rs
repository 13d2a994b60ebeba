//! What keeps VFIO from handing a function over, each with its cure.

use std::io;

use vfio_ioctls::VfioError as Ioctl;

use crate::pci::{Address, Driver, Function, ScanError};

/// Why a function could not be taken by VFIO, or not be used.
#[derive(Debug, thiserror::Error)]
pub enum VfioError {
    /// The function, or what the kernel says of it.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// No IOMMU keeps the device from the rest of the machine.
    #[error(
        "{address} is in no IOMMU group: switch the IOMMU on in the firmware (VT-d, AMD-Vi) and boot with intel_iommu=on on \
         Intel processors; without one, `sysfs:{address}` works as root"
    )]
    NoIommu {
        /// The function.
        address: Address,
    },
    /// Another driver has it, or none.
    #[error("{address} is held by {driver}, not by vfio-pci; `weir nic bind {address}` hands it over")]
    NotBound {
        /// The function.
        address: Address,
        /// What holds it.
        driver: Driver,
    },
    /// The IOMMU cannot tell it from another function that the kernel uses.
    #[error(
        "{address} shares IOMMU group {group} with {member}, which {driver} holds: bind that to vfio-pci too, or put the card \
         into a slot of its own"
    )]
    GroupShared {
        /// The function.
        address: Address,
        /// Their group.
        group: u32,
        /// The other.
        member: Address,
        /// Who holds the other.
        driver: String,
    },
    /// The modules are not loaded.
    #[error("{path} is not there; load the modules with `modprobe vfio-pci`")]
    NoVfio {
        /// What was looked for.
        path: String,
    },
    /// The files are another user's.
    #[error("no permission for {path}: run as root, or give the file to this user by a udev rule")]
    Permission {
        /// The file.
        path: String,
    },
    /// Another program has it.
    #[error("{address} is in use by another program, which has {path} open (`fuser {path}` names it)")]
    InUse {
        /// The function.
        address: Address,
        /// The file.
        path: String,
    },
    /// Without interrupt remapping a device could forge interrupts, so VFIO hands none over.
    #[error(
        "the IOMMU does not remap interrupts: switch that on in the firmware (x2APIC, VT-d interrupt remapping); where every \
         device is trusted, `allow_unsafe_interrupts=1` of the module vfio_iommu_type1 does without"
    )]
    NoInterruptRemapping,
    /// The process may lock no more memory.
    #[error("the limit of locked memory (`ulimit -l`) is too low for VFIO; raise it, LimitMEMLOCK= in a systemd unit")]
    LockedMemory,
    /// The configuration space reads all ones.
    #[error("{address} is gone: its configuration space reads all ones")]
    Gone {
        /// The function.
        address: Address,
    },
    /// BAR 0 cannot be that of a Weir NIC.
    #[error(
        "BAR 0 of {address} has {bar:#x} bytes by its register and {region:#x} by its region; a Weir NIC has {:#x} or more",
        weir_spec::regs::PORT_SIZE
    )]
    NoRegisters {
        /// The function.
        address: Address,
        /// Bytes that its register decodes; 0 if it is no memory BAR.
        bar: u64,
        /// Bytes of the region as VFIO has it.
        region: u64,
    },
    /// The function has no such interrupt.
    #[error("{address} has {there} MSI-X vectors, and vector {wanted} is asked for")]
    NoVector {
        /// The function.
        address: Address,
        /// The vector.
        wanted: u16,
        /// How many there are.
        there: u16,
    },
    /// The kernel refused.
    #[error("failed to {step} {address}")]
    Io {
        /// The function.
        address: Address,
        /// What was tried.
        step: &'static str,
        /// What it said.
        source: io::Error,
    },
    /// The kernel refused in a way that none of the above explains.
    #[error("VFIO does not hand {address} over")]
    Refused {
        /// The function.
        address: Address,
        /// What it said.
        source: Ioctl,
    },
}

impl VfioError {
    /// What stands behind a refusal while `function` was taken.
    pub(super) fn refused(function: &Function, source: Ioctl) -> VfioError {
        let address = function.address;
        let group = || format!("/dev/vfio/{}", function.group.as_ref().map_or(0, |group| group.number));
        let (path, error) = match &source {
            Ioctl::OpenContainer(error) => ("/dev/vfio/vfio".to_string(), error.raw_os_error()),
            Ioctl::OpenGroup(error, _) => (group(), error.raw_os_error()),
            Ioctl::OpenDeviceCdev(error) => ("/dev/vfio/devices".to_string(), error.raw_os_error()),
            Ioctl::ContainerSetIOMMU(error) if error.errno() == nix::libc::EPERM => {
                return VfioError::NoInterruptRemapping;
            }
            Ioctl::ContainerSetIOMMU(error)
            | Ioctl::GroupGetDeviceFD(error)
            | Ioctl::VfioDeviceBindIommufd(error)
            | Ioctl::VfioDeviceAttachIommufdPt(error) => (group(), Some(error.errno())),
            _ => return VfioError::Refused { address, source },
        };
        match error.unwrap_or(0) {
            nix::libc::ENOENT => VfioError::NoVfio { path },
            nix::libc::EACCES | nix::libc::EPERM => VfioError::Permission { path },
            nix::libc::EBUSY => VfioError::InUse { address, path },
            nix::libc::ENOMEM => VfioError::LockedMemory,
            nix::libc::ENODEV => VfioError::Gone { address },
            _ => VfioError::Refused { address, source },
        }
    }
}
