//! A guest: Linux with its own PCI and VFIO code in an emulated machine, and a simulated NIC in one of its slots.
//!
//! The emulator is QEMU, which takes the PCI function from a vfio-user socket; behind the socket is `weir-device`, in
//! this process. In the guest runs the `weir` binary that users run, as it was built, with the shared libraries of this
//! machine; so nothing is built twice. No privilege is needed, and nothing of this machine but its processor is used.
//!
//! | file | what |
//! |---|---|
//! | `run` | a scenario: boot, steps, outcome |
//! | `plan` | what the first process of the guest is told, and what it tells |
//! | `initramfs` | the guest's files: first process, `weir`, libraries, modules |
//! | `largest` | the largest program that a NIC takes |
//! | `archive` | the format of those files, newc |
//! | `libraries` | which shared libraries a program needs |
//! | `qemu` | the emulated machine |
//! | `lines` | lines of another program, as they come and no longer than may be |
//! | `bin/weir-guest-init` | the first process |
//!
//! Everything ends: a step at its limit, a scenario at its deadline, and the emulator with the process that started it.

mod archive;
mod initramfs;
mod largest;
mod libraries;
mod lines;
pub mod plan;
mod qemu;
mod run;

pub use archive::{Archive, ArchiveError};
pub use initramfs::InitramfsError;
pub use largest::largest;
pub use libraries::LibrariesError;
pub use plan::{Ended, Ran, Step};
pub use qemu::{Iommu, NIC};
pub use run::{Files, GuestError, LastWords, Outcome, Scenario, Wire, run, run_beside};
