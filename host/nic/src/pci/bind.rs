//! Giving a function to vfio-pci, and back to the kernel.
//!
//! A change is planned first and shown, then done step by step; each step is one write to a file of sysfs.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{Address, Driver, Function, Kernel, ScanError};

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

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purpose::Release(driver) => write!(f, "release it from {driver}"),
            Purpose::Reserve(driver) => write!(f, "reserve it for {driver}"),
            Purpose::Free => f.write_str("let any driver take it"),
            Purpose::Probe => f.write_str("look for a driver"),
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

    /// Gives `function` to vfio-pci, and sees that it has it.
    pub fn bind(&self, function: &Function, force: bool, tell: impl FnMut(&Step)) -> Result<(), BindError> {
        self.carry_out(&self.plan_bind(function, force)?, tell)?;
        let address = function.address;
        match self.function(address)?.driver {
            Driver::Vfio(_) => Ok(()),
            found => Err(BindError::NotTaken { address, found, wanted: VFIO.to_string() }),
        }
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

#[cfg(test)]
mod tests {
    use super::super::fixture::Machine;
    use super::*;

    const NIC: &str = "0000:03:00.0";

    fn machine(driver: &str) -> Machine {
        let machine = Machine::new();
        machine.function(NIC, 0x1af4_10f5, "020000", 0x4_0000);
        machine.driver(NIC, driver);
        machine.group(1, &[NIC]);
        fs::create_dir_all(machine.path("sys/bus/pci/drivers/vfio-pci")).expect("a folder");
        machine
    }

    fn nic(machine: &Machine) -> Function {
        machine.kernel().function(NIC.parse().unwrap()).expect("it is there")
    }

    fn told(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| format!("{}: {:?}", step.purpose, step.value)).collect()
    }

    #[test]
    fn a_function_is_reserved_before_its_driver_lets_go() {
        let machine = machine("igb");
        let steps = machine.kernel().plan_bind(&nic(&machine), false).expect("a plan");
        let wanted = [
            "reserve it for vfio-pci: \"vfio-pci\"",
            "release it from igb: \"0000:03:00.0\"",
            "look for a driver: \"0000:03:00.0\"",
        ];
        assert_eq!(told(&steps), wanted);
    }

    #[test]
    fn there_is_nothing_to_do_twice() {
        let machine = machine(VFIO);
        assert_eq!(machine.kernel().plan_bind(&nic(&machine), false).expect("a plan"), []);
        assert_eq!(machine.kernel().plan_unbind(&nic(&machine)).len(), 3);
        let other = super::super::fixture::Machine::new();
        other.function(NIC, 0x1af4_10f5, "020000", 0x4_0000);
        assert_eq!(other.kernel().plan_unbind(&nic(&other)), []);
    }

    #[test]
    fn the_interface_of_the_default_route_goes_by_force_alone() {
        let machine = machine("igb");
        machine.interface(NIC, "eth0");
        machine.routes("eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", "");
        let refused = machine.kernel().plan_bind(&nic(&machine), false).expect_err("it carries the route");
        assert!(refused.to_string().contains("eth0 of 0000:03:00.0 carries the default route"), "{refused}");
        assert_eq!(machine.kernel().plan_bind(&nic(&machine), true).expect("forced").len(), 3);
    }

    #[test]
    fn without_iommu_or_driver_the_cure_is_named() {
        let bare = Machine::new();
        bare.function(NIC, 0x1af4_10f5, "020000", 0x4_0000);
        let refused = bare.kernel().plan_bind(&nic(&bare), false).expect_err("no IOMMU").to_string();
        assert!(refused.contains("intel_iommu=on"), "{refused}");
        bare.group(1, &[NIC]);
        let refused = bare.kernel().plan_bind(&nic(&bare), false).expect_err("no driver").to_string();
        assert!(refused.contains("modprobe vfio-pci"), "{refused}");
    }

    #[test]
    fn a_driver_that_does_not_come_is_told_with_who_holds_it_instead() {
        let machine = machine("igb");
        for file in ["sys/bus/pci/drivers/igb/unbind", "sys/bus/pci/drivers_probe"] {
            fs::write(machine.path(file), "").expect("a file");
        }
        let mut steps = 0;
        let error = machine.kernel().bind(&nic(&machine), false, |_| steps += 1).expect_err("files are no kernel");
        assert_eq!(steps, 3);
        assert!(matches!(&error, BindError::NotTaken { found: Driver::Other(igb), .. } if igb == "igb"), "{error}");
        fs::remove_file(machine.path("sys/bus/pci/drivers_probe")).expect("a file");
        let error = machine.kernel().bind(&nic(&machine), false, |_| {}).expect_err("no file").to_string();
        assert!(error.starts_with("failed to look for a driver: failed to write \"0000:03:00.0\" to"), "{error}");
    }
}
