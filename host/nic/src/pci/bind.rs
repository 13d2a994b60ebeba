//! Giving a function to vfio-pci, and back to the kernel.
//!
//! A change is planned first and shown, then done step by step; each step is one write to a file of sysfs. When a step fails,
//! those before it are undone.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{Address, Driver, Function, Kernel, Resource, ScanError};

/// The driver that hands functions to programs.
pub const VFIO: &str = "vfio-pci";

/// One write to sysfs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The file.
    pub path: PathBuf,
    /// What is written; a line.
    pub value: String,
    /// What it does.
    pub purpose: Purpose,
}

/// What a step is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A driver lets go of the function.
    Release(String),
    /// Only this driver may take it.
    Reserve(String),
    /// Any driver that knows it may take it.
    Free,
    /// The kernel looks for a driver.
    Probe,
    /// The driver that had it takes it again.
    Return(String),
}

/// Why a function is not handed over.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The machine did not tell.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// vfio-pci is not loaded.
    #[error("the driver vfio-pci is not there; load it with `modprobe vfio-pci`")]
    NoVfio,
    /// No IOMMU: vfio-pci would not take it.
    #[error(
        "{address} is in no IOMMU group, so vfio-pci would not take it; switch the IOMMU on in the firmware (VT-d, AMD-Vi) \
         and boot with intel_iommu=on on Intel processors"
    )]
    NoGroup {
        /// The function.
        address: Address,
    },
    /// It would take this machine off the network.
    #[error("{interface} of {address} carries the default route; --force takes it away all the same")]
    DefaultRoute {
        /// The function.
        address: Address,
        /// Its interface.
        interface: String,
    },
    /// What is there cannot be a Weir NIC.
    #[error("{address} ({vendor:04x}:{device:04x}) is no Weir NIC: {found}; --force takes it all the same")]
    NotOurs {
        /// The function.
        address: Address,
        /// Its vendor id.
        vendor: u16,
        /// Its device id.
        device: u16,
        /// What it has that no Weir NIC has.
        found: Foreign,
    },
    /// It failed midway, and the function is as it was, or what still differs is told.
    #[error("{failure}; {}", left.as_ref().map_or_else(
        || "all steps are undone".to_owned(),
        |left| format!("the steps could not all be undone: {left}"),
    ))]
    Undone {
        /// What went wrong first, with its cause.
        failure: String,
        /// What went wrong in undoing it, with its cause.
        left: Option<String>,
    },
    /// The kernel refused a step; those before it are done.
    #[error("failed to {purpose}: failed to write {value:?} to {}", path.display())]
    Step {
        /// What was to be done.
        purpose: Purpose,
        /// What was written.
        value: String,
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// All writes went well, and still the driver is another.
    #[error("{address} is held by {found} after all steps, not by {wanted}; the kernel's log says why")]
    NotTaken {
        /// The function.
        address: Address,
        /// What holds it.
        found: Driver,
        /// What was to hold it.
        wanted: String,
    },
}

/// What a function has that no Weir NIC has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Foreign {
    /// A class that is no network controller.
    Class([u8; 3]),
    /// A BAR 0 that cannot hold the registers.
    Bar(Resource),
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Foreign::Class([base, sub, _]) => {
                let kind = match base {
                    0x01 => " (storage)",
                    0x03 => " (display)",
                    0x06 => " (a bridge)",
                    0x0c => " (a serial bus)",
                    _ => "",
                };
                write!(f, "its class is {base:02x}{sub:02x}{kind}, a NIC's is 02xx")
            }
            Foreign::Bar(Resource { size: 0, .. }) => f.write_str("it has no BAR 0"),
            Foreign::Bar(Resource { memory: false, .. }) => {
                f.write_str("its BAR 0 is I/O ports, a Weir NIC's is memory")
            }
            Foreign::Bar(Resource { size, .. }) => {
                write!(
                    f,
                    "its BAR 0 has {} KiB, a Weir NIC's at least {}",
                    size >> 10,
                    weir_spec::regs::PORT_SIZE >> 10
                )
            }
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purpose::Release(driver) => write!(f, "release it from {driver}"),
            Purpose::Reserve(driver) => write!(f, "reserve it for {driver}"),
            Purpose::Free => f.write_str("let any driver take it"),
            Purpose::Probe => f.write_str("look for a driver"),
            Purpose::Return(driver) => write!(f, "give it back to {driver}"),
        }
    }
}

impl Kernel {
    /// The steps that give `function` to vfio-pci; none if it has it.
    pub fn plan_bind(&self, function: &Function, force: bool) -> Result<Vec<Step>, BindError> {
        if let Driver::Vfio(_) = function.driver {
            return Ok(Vec::new());
        }
        let address = function.address;
        if let Some(found) = foreign(function).filter(|_| !force) {
            let (vendor, device) = (function.vendor, function.device);
            return Err(BindError::NotOurs { address, vendor, device, found });
        }
        let defaults = self.default_interfaces()?;
        if let Some(interface) = function.interfaces.iter().find(|name| defaults.contains(*name) && !force) {
            return Err(BindError::DefaultRoute { address, interface: interface.clone() });
        }
        if function.group.is_none() {
            return Err(BindError::NoGroup { address });
        }
        if !self.sys.join("bus/pci/drivers").join(VFIO).exists() {
            return Err(BindError::NoVfio);
        }
        // Reserved before it is released: no other driver gets between.
        let mut steps = vec![self.reserve(address, Some(VFIO))];
        steps.extend(function.driver.name().map(|driver| self.release(address, driver)));
        steps.push(self.probe(address));
        Ok(steps)
    }

    /// The steps that give `function` back to whichever driver knows it; none if vfio-pci does not hold it.
    pub fn plan_unbind(&self, function: &Function) -> Vec<Step> {
        match &function.driver {
            Driver::Vfio(driver) => vec![
                self.reserve(function.address, None),
                self.release(function.address, driver),
                self.probe(function.address),
            ],
            Driver::None | Driver::Other(_) => Vec::new(),
        }
    }

    /// Does the steps of a plan in their order, telling each before it is done.
    pub fn carry_out(&self, steps: &[Step], mut tell: impl FnMut(&Step)) -> Result<(), BindError> {
        for step in steps {
            tell(step);
            // Such a file takes what one call writes.
            let opened = fs::OpenOptions::new().write(true).open(&step.path);
            opened.and_then(|mut file| file.write_all(format!("{}\n", step.value).as_bytes())).map_err(|source| {
                let (purpose, value, path) = (step.purpose.clone(), step.value.clone(), step.path.clone());
                BindError::Step { purpose, value, path, source }
            })?;
        }
        Ok(())
    }

    /// Gives `function` to vfio-pci, and sees that it has it. If a step fails, those before it are undone, each told like
    /// the others.
    pub fn bind(&self, function: &Function, force: bool, mut tell: impl FnMut(&Step)) -> Result<(), BindError> {
        let steps = self.plan_bind(function, force)?;
        let address = function.address;
        // Nothing is known to have changed if this cannot be read: it is the file of the first step.
        let reserved = self.reserved(address)?;
        let mut done = 0;
        let carried = self.carry_out(&steps, |step| {
            done += 1;
            tell(step);
        });
        let failure = match carried {
            Err(failure) => failure,
            Ok(()) => match self.function(address)?.driver {
                Driver::Vfio(_) => return Ok(()),
                found => BindError::NotTaken { address, found, wanted: VFIO.to_string() },
            },
        };
        if matches!(failure, BindError::Step { .. }) && done <= 1 {
            return Err(failure);
        }
        let left = self.undo(function, reserved.as_deref(), &mut tell).err().map(|error| chain(&error));
        Err(BindError::Undone { failure: chain(&failure), left })
    }

    /// Brings `function` back to what it was, as far as it differs.
    fn undo(&self, function: &Function, reserved: Option<&str>, tell: &mut impl FnMut(&Step)) -> Result<(), BindError> {
        let address = function.address;
        self.carry_out(&[self.reserve(address, reserved)], &mut *tell)?;
        let Driver::Other(driver) = &function.driver else { return Ok(()) };
        if self.function(address)?.driver == function.driver {
            return Ok(());
        }
        let path = self.sys.join("bus/pci/drivers").join(driver).join("bind");
        let back = Step { path, value: address.to_string(), purpose: Purpose::Return(driver.clone()) };
        self.carry_out(&[back], tell)
    }

    /// The driver that alone may take a function; `None`: any.
    fn reserved(&self, address: Address) -> Result<Option<String>, ScanError> {
        let path = self.folder(address).join("driver_override");
        let name = fs::read_to_string(&path).map_err(|source| ScanError::Read { path, source })?;
        let name = name.trim();
        Ok((!name.is_empty() && name != "(null)").then(|| name.to_owned()))
    }

    fn reserve(&self, address: Address, driver: Option<&str>) -> Step {
        Step {
            path: self.folder(address).join("driver_override"),
            value: driver.unwrap_or_default().to_string(),
            purpose: driver.map_or(Purpose::Free, |driver| Purpose::Reserve(driver.to_string())),
        }
    }

    fn release(&self, address: Address, driver: &str) -> Step {
        Step {
            path: self.sys.join("bus/pci/drivers").join(driver).join("unbind"),
            value: address.to_string(),
            purpose: Purpose::Release(driver.to_string()),
        }
    }

    fn probe(&self, address: Address) -> Step {
        Step { path: self.sys.join("bus/pci/drivers_probe"), value: address.to_string(), purpose: Purpose::Probe }
    }
}

/// What speaks against it: a class that is none of a NIC, or a BAR 0 without room for the registers.
fn foreign(function: &Function) -> Option<Foreign> {
    const NETWORK: u8 = 0x02;
    if function.class[0] != NETWORK {
        return Some(Foreign::Class(function.class));
    }
    function.registers().is_none().then_some(Foreign::Bar(function.bars[0]))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

#[cfg(test)]
mod tests;
