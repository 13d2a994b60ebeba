//! The emulated machine: which there is, and that it never outlives whoever wants it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use nix::sys::prctl;
use nix::sys::signal::Signal;

/// Where the NIC is in the guest.
pub const NIC: &str = "0000:00:05.0";
/// The same for QEMU.
const SLOT: &str = "05.0";

/// The most time in which the device may answer one access, in milliseconds. A late answer puts QEMU and the device out
/// of step for good, so it is as long as no scenario lasts; devices are that slow only where a machine is overloaded.
const PATIENCE_MS: u32 = 60_000;

/// What keeps the guest's devices from its memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Iommu {
    /// An IOMMU that remaps interrupts too, as VFIO wants it.
    #[default]
    On,
    /// There is one, and the kernel was not told to use it.
    Off,
    /// It is on, and does not remap interrupts.
    WithoutInterruptRemapping,
}

/// One machine to start.
pub(crate) struct Machine<'a> {
    pub(crate) qemu: &'a Path,
    pub(crate) kernel: &'a Path,
    pub(crate) initramfs: &'a Path,
    /// Where the PCI function is served.
    pub(crate) socket: &'a Path,
    pub(crate) memory_mib: u64,
    pub(crate) iommu: Iommu,
}

impl Machine<'_> {
    fn arguments(&self) -> Vec<OsString> {
        let Machine { memory_mib, iommu, .. } = self;
        let remap = if *iommu == Iommu::WithoutInterruptRemapping { "off" } else { "on" };
        let kernel_iommu = if *iommu == Iommu::Off { "off" } else { "on" };
        let mut arguments: Vec<OsString> = [
            // Translated code: the kernels of this test do not run on every host's KVM, and not every host has one.
            "-accel",
            "tcg",
            "-machine",
            "q35,memory-backend=memory",
            "-smp",
            "1",
            "-m",
            &format!("{memory_mib}M"),
            // The device may map it: it gets the file of each range that the guest maps for it.
            "-object",
            &format!("memory-backend-memfd,id=memory,size={memory_mib}M,share=on"),
            // Before the devices behind it. Without caching mode QEMU would not see what the guest maps, and stops.
            "-device",
            &format!("intel-iommu,caching-mode=on,intremap={remap}"),
            "-device",
            &self.function(),
            "-display",
            "none",
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            // The kernel's messages go where QEMU's own go.
            "-serial",
            "file:/proc/self/fd/2",
            "-serial",
            "stdio",
            "-append",
            // A file system without a limit of its own; a panic ends the machine, as `-no-reboot` has it. The kernel's look
            // whether ticks arrive panics where the emulator's processor is late, which says nothing about VFIO.
            &format!("console=ttyS0 quiet panic=-1 rootfstype=ramfs no_timer_check intel_iommu={kernel_iommu}"),
        ]
        .map(OsString::from)
        .into();
        for (name, file) in [("-kernel", self.kernel), ("-initrd", self.initramfs)] {
            arguments.extend([name.into(), file.into()]);
        }
        arguments
    }

    /// The function in its JSON form: the other form has no place for the socket's parts.
    fn function(&self) -> String {
        serde_json::json!({
            "driver": "vfio-user-pci",
            "socket": { "type": "unix", "path": self.socket.to_string_lossy() },
            "addr": SLOT,
            "x-msg-timeout": PATIENCE_MS,
        })
        .to_string()
    }

    /// Starts it. Call it from a thread that stays: the kernel kills the machine with the thread that started it.
    pub(crate) fn start(&self) -> io::Result<Process> {
        let mut command = Command::new(self.qemu);
        command.args(self.arguments()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let die_with_us = || Ok(prctl::set_pdeathsig(Signal::SIGKILL)?);
        // SAFETY: between fork and exec the closure makes one system call and touches no memory of others.
        unsafe { command.pre_exec(die_with_us) };
        command.spawn().map(Process)
    }
}

/// A machine that runs; killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Its streams: the second serial port, and the first one with QEMU's own complaints. Once only.
    pub(crate) fn streams(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        self.0.stdout.take().zip(self.0.stderr.take())
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that is gone already.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(iommu: Iommu) -> Vec<String> {
        let machine = Machine {
            qemu: Path::new("qemu"),
            kernel: Path::new("/k/vmlinuz"),
            initramfs: Path::new("/t/initramfs"),
            socket: Path::new("/t/a \"b\".sock"),
            memory_mib: 300,
            iommu,
        };
        machine.arguments().into_iter().map(|argument| argument.into_string().expect("text")).collect()
    }

    /// What follows the arguments `name`, in order.
    fn after(arguments: &[String], name: &str) -> Vec<String> {
        arguments.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1].clone()).collect()
    }

    #[test]
    fn the_iommu_comes_before_the_devices_behind_it() {
        let arguments = machine(Iommu::On);
        let devices = after(&arguments, "-device");
        let [iommu, function] = devices.as_slice() else { panic!("two devices: {devices:?}") };
        assert_eq!(iommu, "intel-iommu,caching-mode=on,intremap=on");
        let function: serde_json::Value = serde_json::from_str(function).expect("JSON");
        assert_eq!(function["driver"], "vfio-user-pci");
        assert_eq!(function["socket"]["path"], "/t/a \"b\".sock");
        assert_eq!(function["addr"], "05.0");
        assert!(NIC.ends_with(SLOT));
    }

    #[test]
    fn the_devices_reach_the_whole_memory() {
        let arguments = machine(Iommu::On);
        assert_eq!(after(&arguments, "-m"), ["300M"]);
        assert_eq!(after(&arguments, "-object"), ["memory-backend-memfd,id=memory,size=300M,share=on"]);
    }

    #[test]
    fn each_obstacle_is_one_setting() {
        let lacks = |iommu, wanted: &str| {
            let (on, other) = (machine(Iommu::On), machine(iommu));
            let differ: Vec<_> = on.iter().zip(&other).filter(|(one, other)| one != other).collect();
            assert_eq!(on.len(), other.len());
            assert_eq!(differ.len(), 1, "{differ:?}");
            assert!(differ[0].1.contains(wanted), "{differ:?}");
        };
        lacks(Iommu::Off, "intel_iommu=off");
        lacks(Iommu::WithoutInterruptRemapping, "intremap=off");
    }

    #[test]
    fn a_machine_is_killed_when_nobody_wants_it() {
        let sleep = Command::new("sleep").arg("600").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut process = Process(sleep.expect("a process"));
        let (mut out, _) = process.streams().expect("two streams");
        assert!(process.streams().is_none());
        drop(process);
        let mut rest = Vec::new();
        io::Read::read_to_end(&mut out, &mut rest).expect("its end");
        assert_eq!(rest, b"");
    }
}
