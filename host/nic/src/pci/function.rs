//! One PCI function in sysfs.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Address, AddressError, Kernel};

/// A function as sysfs shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Where it is.
    pub address: Address,
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Base class, subclass, programming interface; an Ethernet controller is `[2, 0, 0]`.
    pub class: [u8; 3],
    /// What holds it.
    pub driver: Driver,
    /// The IOMMU group, if an IOMMU is on.
    pub group: Option<Group>,
    /// BARs 0 to 5; those that are not there have size 0.
    pub bars: [Resource; 6],
    /// Network interfaces that its driver made.
    pub interfaces: Vec<String>,
}

/// Which driver holds a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Driver {
    /// None.
    None,
    /// vfio-pci or a variant of it: a program may take the function.
    Vfio(String),
    /// A driver of the kernel.
    Other(String),
}

/// The functions that an IOMMU cannot tell apart. All of them go to one program, or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Its number, the name under `/dev/vfio`.
    pub number: u32,
    /// All its functions, with this one, by address.
    pub members: Vec<Address>,
}

/// A BAR as the kernel placed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resource {
    /// Bytes; 0 if there is none.
    pub size: u64,
    /// In memory, not in I/O space.
    pub memory: bool,
    /// The processor may merge and prefetch.
    pub prefetchable: bool,
}

/// Why sysfs did not tell.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// There is no such function.
    #[error("there is no PCI function {address}; `weir nic list` shows those there are")]
    NoFunction {
        /// Where it was looked for.
        address: Address,
    },
    /// The kernel refused.
    #[error("failed to read {}", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A file holds what it should not.
    #[error("{} holds `{found}`, not {expected}", path.display())]
    Odd {
        /// Which.
        path: PathBuf,
        /// Its content.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A group lists what is no function.
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl Function {
    pub(super) fn read(kernel: &Kernel, address: Address) -> Result<Function, ScanError> {
        let folder = kernel.folder(address);
        if !folder.exists() {
            return Err(ScanError::NoFunction { address });
        }
        let number = |name: &str| hexadecimal(&folder.join(name));
        let class = number("class")?.to_be_bytes();
        Ok(Function {
            address,
            vendor: number("vendor")? as u16,
            device: number("device")? as u16,
            class: [class[1], class[2], class[3]],
            driver: link(&folder.join("driver"))?.map_or(Driver::None, Driver::named),
            group: group(&folder.join("iommu_group"))?,
            bars: bars(&folder.join("resource"))?,
            interfaces: names(&folder.join("net"))?,
        })
    }

    /// What BAR 0 is, if it can be that of a Weir NIC.
    pub fn registers(&self) -> Option<Resource> {
        let [first, ..] = self.bars;
        (first.memory && first.size >= weir_spec::regs::PORT_SIZE.into()).then_some(first)
    }
}

impl Driver {
    fn named(name: String) -> Driver {
        // Variants of vfio-pci for one vendor's devices are called so: mlx5-vfio-pci.
        if name == "vfio-pci" || name.ends_with("-vfio-pci") { Driver::Vfio(name) } else { Driver::Other(name) }
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Driver::None => None,
            Driver::Vfio(name) | Driver::Other(name) => Some(name),
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("none"))
    }
}

fn text(path: &Path) -> Result<String, ScanError> {
    fs::read_to_string(path).map_err(|source| ScanError::Read { path: path.to_path_buf(), source })
}

/// A file with one number, as `0x1af4`.
fn hexadecimal(path: &Path) -> Result<u32, ScanError> {
    let found = text(path)?.trim().to_string();
    let value = found.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
    value.ok_or_else(|| ScanError::Odd { path: path.to_path_buf(), found, expected: "a hexadecimal number" })
}

/// The last part of where a link leads; `None` without a link.
fn link(path: &Path) -> Result<Option<String>, ScanError> {
    match fs::read_link(path) {
        Ok(target) => Ok(target.file_name().map(|name| name.to_string_lossy().into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ScanError::Read { path: path.to_path_buf(), source }),
    }
}

/// Names in a folder, sorted; none without the folder.
fn names(folder: &Path) -> Result<Vec<String>, ScanError> {
    let read = |source| ScanError::Read { path: folder.to_path_buf(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read)?,
    };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry.map_err(read)?.file_name().to_string_lossy().into_owned());
    let mut names = entries.map(name).collect::<Result<Vec<_>, ScanError>>()?;
    names.sort();
    Ok(names)
}

fn group(path: &Path) -> Result<Option<Group>, ScanError> {
    let Some(name) = link(path)? else { return Ok(None) };
    let odd = |found| ScanError::Odd { path: path.to_path_buf(), found, expected: "a link to a numbered group" };
    let number = name.parse().map_err(|_| odd(name))?;
    let members = names(&path.join("devices"))?;
    let mut members = members.iter().map(|name| name.parse()).collect::<Result<Vec<Address>, _>>()?;
    members.sort();
    Ok(Some(Group { number, members }))
}

/// Lines of `start end flags`, the BARs first.
fn bars(path: &Path) -> Result<[Resource; 6], ScanError> {
    // IORESOURCE_MEM and IORESOURCE_PREFETCH of the kernel's ioport.h.
    const MEMORY: u64 = 0x200;
    const PREFETCH: u64 = 0x2000;
    let content = text(path)?;
    let mut bars = [Resource::default(); 6];
    for (bar, line) in bars.iter_mut().zip(content.lines()) {
        let mut words = line.split_whitespace().map(|word| {
            let digits = word.strip_prefix("0x")?;
            u64::from_str_radix(digits, 16).ok()
        });
        let mut word = || words.next().flatten();
        let (Some(start), Some(end), Some(flags)) = (word(), word(), word()) else {
            let found = line.to_string();
            return Err(ScanError::Odd { path: path.to_path_buf(), found, expected: "start, end and flags" });
        };
        let size = if end > start { (end - start).saturating_add(1) } else { 0 };
        *bar = Resource { size, memory: flags & MEMORY != 0, prefetchable: flags & PREFETCH != 0 };
    }
    Ok(bars)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Machine;
    use super::*;

    #[test]
    fn a_function_is_read_with_its_driver_group_and_interfaces() {
        let machine = Machine::new();
        machine.function("0000:03:00.0", 0x1af4_10f5, "020000", 0x4_0000);
        machine.driver("0000:03:00.0", "vfio-pci");
        machine.function("0000:03:00.1", 0x8086_1521, "020000", 0x2_0000);
        machine.driver("0000:03:00.1", "igb");
        machine.interface("0000:03:00.1", "eth1");
        machine.group(7, &["0000:03:00.1", "0000:03:00.0"]);
        let all = machine.kernel().functions().expect("a machine");
        let [nic, other] = all.as_slice() else { panic!("two functions: {all:?}") };
        assert_eq!((nic.vendor, nic.device, nic.class), (0x1af4, 0x10f5, [2, 0, 0]));
        assert_eq!(nic.driver, Driver::Vfio("vfio-pci".into()));
        assert_eq!(nic.registers().map(|bar| bar.size), Some(0x4_0000));
        let group = nic.group.as_ref().expect("a group");
        assert_eq!((group.number, group.members.as_slice()), (7, [nic.address, other.address].as_slice()));
        assert_eq!(other.driver, Driver::Other("igb".into()));
        assert_eq!(other.interfaces, ["eth1"]);
        assert_eq!(other.registers(), None, "its BAR is too small");
    }

    #[test]
    fn without_driver_and_iommu_there_are_none() {
        let machine = Machine::new();
        machine.function("0000:03:00.0", 0x1af4_10f5, "020000", 0x4_0000);
        let nic = machine.kernel().function("03:00.0".parse().unwrap()).expect("it is there");
        assert_eq!((nic.driver, nic.group, nic.interfaces), (Driver::None, None, vec![]));
    }

    #[test]
    fn what_is_not_there_and_what_makes_no_sense_is_named() {
        let machine = Machine::new();
        assert_eq!(machine.kernel().functions().expect("no PCI"), []);
        let address = "0000:03:00.0".parse().unwrap();
        let missing = machine.kernel().function(address).expect_err("nothing there");
        assert!(matches!(missing, ScanError::NoFunction { .. }), "{missing}");
        machine.function("0000:03:00.0", 0x1af4_10f5, "020000", 0x4_0000);
        machine.write("0000:03:00.0", "vendor", "six\n");
        let odd = machine.kernel().function(address).expect_err("a vendor is a number").to_string();
        assert!(odd.contains("vendor holds `six`, not a hexadecimal number"), "{odd}");
    }
}
