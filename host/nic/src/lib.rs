//! The driver of a Weir NIC, and the back-ends that reach its registers.
//!
//! | module | what |
//! |---|---|
//! | [`bar`] | one aligned 32-bit access after another: the trait every back-end serves |
//! | [`socket`] | a back-end: a device model behind a vfio-user socket |
//! | [`vfio`] | a back-end: a card that VFIO hands to this process |
//! | [`sysfs`] | a back-end: a card by its resource file |
//! | [`eth`] | a back-end: a board behind an Ethernet port, by control frames |
//! | [`sim`] | a back-end: the NIC of `weir-spec` in this process |
//! | [`device`] | registers, reset and interrupts together: the trait for back-ends that reach a whole function |
//! | [`counted`] | how many transactions something takes |
//! | [`selector`] | `vfio:0000:03:00.0`, `socket:PATH` and so on, as people write it |
//! | [`pci`] | the functions of this machine, who holds them, and giving them to vfio-pci |
//! | [`interrupt`] | what a NIC tells unasked, as files to wait for |
//! | [`identity`] | what the NIC says it is, and the refusal of what this driver does not know |
//! | [`program`] | what one epoch tells a NIC: a configuration and its maps |
//! | [`listing`] | the same as JSON |
//! | [`driver`] | the driver: load, commit, lease, fence, masking, flows, counters, heat |
//!
//! The driver never writes a map slot that the epoch in force uses, trusts nothing it has not read back, and takes a
//! reading of all ones for what it is on PCIe: a device that is gone.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod bar;
pub mod counted;
mod cuckoo;
pub mod device;
pub mod driver;
pub mod eth;
pub mod identity;
pub mod interrupt;
pub mod listing;
mod mapped;
pub mod pci;
pub mod program;
mod registers;
pub mod selector;
pub mod sim;
mod slots;
pub mod socket;
pub mod sysfs;
pub mod vfio;

pub use bar::{Bar, BarError};
pub use device::{Device, DeviceError};
pub use driver::Nic;
pub use identity::Identity;
pub use program::Program;
pub use registers::AccessError;
pub use selector::{OpenBarError, Selector};
