//! A simulated NIC: one PCI function around an engine, with ports on real interfaces.
//!
//! The wire side is a Linux interface, opened whole; the host side is a TAP; the registers are BAR 0 of a PCI function
//! behind a vfio-user socket. So the agent that drives this NIC is the one that drives a card.
//!
//! | file | what |
//! |---|---|
//! | `engine` | what decides on frames: the spec, or the circuits, Verilated |
//! | `core` | one engine, serialised: registers, frames, time, and what is traced of them |
//! | `config_space` | the PCI configuration space |
//! | `msix`, `irqs`, `eventfd` | the vectors, the command that connects them, and where they arrive |
//! | `window` | map slots as memory that a host maps |
//! | `fault` | a device that is broken in one way |
//! | `function` | the PCI function as vfio-user wants it |
//! | `server` | the socket: one connection after another |
//! | `served`, `ticker` | a NIC without wire and TAP, and its time |
//! | `tap`, `carrier` | the TAP; whether the wire has a link |
//! | `board`, `flash` | a NIC that is a board in the wire: control frames, and the flash it boots from |
//! | `ports` | frames between wire, engine and TAP |
//! | `trace` | JSON lines of what the NIC did and when |
//!
//! NIC_TIME is this machine's CLOCK_MONOTONIC in microseconds: all simulated NICs of a machine share it, and a trace
//! line of one can be compared with that of another.

mod board;
mod carrier;
mod clock;
mod complaints;
mod config_space;
mod core;
mod engine;
mod eventfd;
mod fault;
mod flash;
mod function;
mod irqs;
mod msix;
mod ports;
mod run;
mod served;
mod server;
mod tap;
mod ticker;
mod trace;
mod window;

pub use board::BoardError;
pub use config_space::{DEVICE_ID, VENDOR_ID};
pub use engine::{EngineError, EngineKind, UnknownEngine};
pub use fault::Fault;
pub use flash::{BoardFlash, FlashError};
pub use run::{Device, DeviceError, Options, run};
pub use served::{Served, Serving};
pub use server::ServerError;
pub use tap::TapError;
