use super::*;
use crate::pci::fixture::Machine;

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
    let other = Machine::new();
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

/// A machine whose files take what a plan writes.
fn writable(machine: &Machine) {
    for file in ["sys/bus/pci/drivers/igb/unbind", "sys/bus/pci/drivers/igb/bind", "sys/bus/pci/drivers_probe"] {
        fs::write(machine.path(file), "").expect("a file");
    }
}

#[test]
fn a_driver_that_does_not_come_is_told_with_who_holds_it_instead() {
    let machine = machine("igb");
    writable(&machine);
    let mut steps = Vec::new();
    let error = machine.kernel().bind(&nic(&machine), false, |step| steps.push(step.purpose.to_string()));
    let error = error.expect_err("files are no kernel").to_string();
    assert!(error.starts_with("0000:03:00.0 is held by igb after all steps, not by vfio-pci"), "{error}");
    assert!(error.ends_with("all steps are undone"), "{error}");
    // Files are no kernel: igb holds it all the time, so it is not given back.
    let wanted = ["reserve it for vfio-pci", "release it from igb", "look for a driver", "let any driver take it"];
    assert_eq!(steps, wanted);
    // An empty line, over what was there: a file of sysfs takes what one call writes.
    assert!(machine.read(NIC, "driver_override").starts_with('\n'));
}

#[test]
fn a_step_that_fails_is_undone_with_those_before_it() {
    let machine = machine("igb");
    writable(&machine);
    machine.write(NIC, "driver_override", "uio_pci_generic\n");
    let function = nic(&machine);
    fs::remove_file(machine.path("sys/bus/pci/drivers_probe")).expect("a file");
    let mut steps = Vec::new();
    let error = machine.kernel().bind(&function, false, |step| {
        // What the kernel does when a driver lets go.
        if let Purpose::Release(_) = step.purpose {
            fs::remove_file(machine.path("sys/bus/pci/devices/0000:03:00.0/driver")).expect("a link");
        }
        steps.push(step.purpose.to_string());
    });
    let error = error.expect_err("no file").to_string();
    assert!(error.starts_with("failed to look for a driver: failed to write \"0000:03:00.0\" to"), "{error}");
    assert!(error.ends_with("all steps are undone"), "{error}");
    assert_eq!(steps[3..], ["reserve it for uio_pci_generic", "give it back to igb"]);
    assert_eq!(machine.read(NIC, "driver_override"), "uio_pci_generic\n");
    let back = fs::read_to_string(machine.path("sys/bus/pci/drivers/igb/bind")).expect("a file");
    assert_eq!(back, "0000:03:00.0\n");
}

#[test]
fn what_cannot_be_undone_is_told() {
    let machine = machine("igb");
    writable(&machine);
    let function = nic(&machine);
    fs::remove_file(machine.path("sys/bus/pci/drivers_probe")).expect("a file");
    fs::remove_file(machine.path("sys/bus/pci/drivers/igb/bind")).expect("a file");
    let error = machine.kernel().bind(&function, false, |step| {
        if let Purpose::Release(_) = step.purpose {
            fs::remove_file(machine.path("sys/bus/pci/devices/0000:03:00.0/driver")).expect("a link");
        }
    });
    let error = error.expect_err("no file").to_string();
    assert!(error.contains("could not all be undone: failed to give it back to igb"), "{error}");
}

#[test]
fn what_can_be_no_weir_nic_goes_by_force_alone() {
    for (class, bar0, found) in [
        ("010802", 0x4_0000, "its class is 0108 (storage), a NIC's is 02xx"),
        ("030000", 0x1000_0000, "its class is 0300 (display), a NIC's is 02xx"),
        ("020000", 0x2_0000, "its BAR 0 has 128 KiB, a Weir NIC's at least 256"),
    ] {
        let machine = Machine::new();
        machine.function(NIC, 0x144d_a808, class, bar0);
        machine.group(1, &[NIC]);
        fs::create_dir_all(machine.path("sys/bus/pci/drivers/vfio-pci")).expect("a folder");
        let refused = machine.kernel().plan_bind(&nic(&machine), false).expect_err(found).to_string();
        let wanted = format!("0000:03:00.0 (144d:a808) is no Weir NIC: {found}; --force takes it all the same");
        assert_eq!(refused, wanted);
        assert_eq!(machine.kernel().plan_bind(&nic(&machine), true).expect("forced").len(), 2);
    }
}
