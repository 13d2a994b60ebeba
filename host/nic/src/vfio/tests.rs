use vmm_sys_util::errno::Error as Errno;

use super::*;
use crate::pci::fixture::Machine;

const NIC: &str = "0000:03:00.0";

fn machine() -> Machine {
    let machine = Machine::new();
    machine.function(NIC, 0x1af4_10f5, "020000", 0x4_0000);
    machine
}

fn refused(machine: &Machine) -> String {
    VfioBar::open(&machine.kernel(), NIC.parse().unwrap()).err().expect("it is refused").to_string()
}

#[test]
fn what_sysfs_shows_is_told_before_anything_is_opened() {
    let machine = machine();
    assert!(refused(&machine).contains("in no IOMMU group"), "no IOMMU");
    machine.function("0000:03:00.1", 0x8086_1521, "020000", 0x2_0000);
    machine.group(7, &[NIC, "0000:03:00.1"]);
    assert!(refused(&machine).contains("held by none, not by vfio-pci; `weir nic bind 0000:03:00.0`"), "no driver");
    machine.driver(NIC, "vfio-pci");
    machine.driver("0000:03:00.1", "igb");
    let shared = refused(&machine);
    assert!(shared.contains("shares IOMMU group 7 with 0000:03:00.1, which igb holds"), "{shared}");
}

#[test]
fn a_bridge_in_the_group_is_harmless() {
    let machine = machine();
    machine.function("0000:00:01.0", 0x8086_1901, "060400", 0);
    machine.group(1, &["0000:00:01.0", NIC]);
    machine.driver("0000:00:01.0", "pcieport");
    machine.driver(NIC, "vfio-pci");
    let function = machine.kernel().function(NIC.parse().unwrap()).expect("it is there");
    assert!(ready(&machine.kernel(), &function).is_ok());
}

#[test]
fn each_refusal_of_the_kernel_names_its_cure() {
    let machine = machine();
    machine.group(7, &[NIC]);
    let function = machine.kernel().function(NIC.parse().unwrap()).expect("it is there");
    let told = |source| VfioError::refused(&function, source).to_string();
    let open = |errno| io::Error::from_raw_os_error(errno);
    use nix::libc::{EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENOMEM, EPERM};
    use vfio_ioctls::VfioError as Ioctl;
    assert!(told(Ioctl::OpenContainer(open(ENOENT))).contains("modprobe vfio-pci"));
    assert!(told(Ioctl::OpenGroup(open(EACCES), "7".into())).contains("no permission for /dev/vfio/7"));
    assert!(told(Ioctl::OpenGroup(open(EBUSY), "7".into())).contains("in use by another program"));
    assert!(told(Ioctl::ContainerSetIOMMU(Errno::new(EPERM))).contains("allow_unsafe_interrupts=1"));
    assert!(told(Ioctl::ContainerSetIOMMU(Errno::new(ENOMEM))).contains("ulimit -l"));
    assert!(told(Ioctl::GroupGetDeviceFD(Errno::new(ENODEV))).contains("is gone"));
    assert!(told(Ioctl::GroupGetDeviceFD(Errno::new(EINVAL))).contains("does not hand 0000:03:00.0 over"));
}
