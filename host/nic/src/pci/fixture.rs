//! A machine made of files, for tests: what sysfs and procfs would show.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::Kernel;

pub(crate) struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        Machine { root: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn kernel(&self) -> Kernel {
        Kernel::at(self.root.path())
    }

    pub(crate) fn path(&self, rest: &str) -> PathBuf {
        self.root.path().join(rest)
    }

    fn folder(&self, address: &str) -> PathBuf {
        self.path("sys/bus/pci/devices").join(address)
    }

    /// A function with vendor and device id, class, and so many bytes of BAR 0.
    pub(crate) fn function(&self, address: &str, ids: u32, class: &str, bar0: u64) {
        fs::create_dir_all(self.folder(address)).expect("a folder");
        self.write(address, "vendor", &format!("0x{:04x}\n", ids >> 16));
        self.write(address, "device", &format!("0x{:04x}\n", ids & 0xffff));
        self.write(address, "class", &format!("0x{class}\n"));
        let nothing = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
        let first = format!("0x{:016x} 0x{:016x} 0x0000000000040200\n", 0xfe00_0000u64, 0xfe00_0000 + bar0 - 1);
        self.write(address, "resource", &(first + &nothing.repeat(12)));
        self.write(address, "driver_override", "(null)\n");
    }

    pub(crate) fn write(&self, address: &str, name: &str, content: &str) {
        fs::write(self.folder(address).join(name), content).expect("a file");
    }

    pub(crate) fn read(&self, address: &str, name: &str) -> String {
        fs::read_to_string(self.folder(address).join(name)).expect("a file")
    }

    pub(crate) fn lockdown(&self, content: &str) {
        fs::create_dir_all(self.path("sys/kernel/security")).expect("a folder");
        fs::write(self.path("sys/kernel/security/lockdown"), content).expect("a file");
    }

    pub(crate) fn driver(&self, address: &str, name: &str) {
        let driver = self.path("sys/bus/pci/drivers").join(name);
        fs::create_dir_all(&driver).expect("a folder");
        symlink(driver, self.folder(address).join("driver")).expect("a link");
    }

    pub(crate) fn group(&self, number: u32, members: &[&str]) {
        let group = self.path("sys/kernel/iommu_groups").join(number.to_string());
        fs::create_dir_all(group.join("devices")).expect("a folder");
        for member in members {
            symlink(self.folder(member), group.join("devices").join(member)).expect("a link");
            symlink(&group, self.folder(member).join("iommu_group")).expect("a link");
        }
    }

    pub(crate) fn interface(&self, address: &str, name: &str) {
        fs::create_dir_all(self.folder(address).join("net").join(name)).expect("a folder");
    }

    /// The main IPv4 table: lines behind the heading.
    pub(crate) fn routes(&self, v4: &str, v6: &str) {
        fs::create_dir_all(self.path("proc/net")).expect("a folder");
        let heading = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        fs::write(self.path("proc/net/route"), heading.to_string() + v4).expect("a file");
        fs::write(self.path("proc/net/ipv6_route"), v6).expect("a file");
    }
}
