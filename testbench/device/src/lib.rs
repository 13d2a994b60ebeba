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
//! | `function` | the PCI function as vfio-user wants it |
//! | `server` | the socket: one connection after another |
//! | `tap` | the TAP |
//! | `ports` | frames between wire, engine and TAP |
//! | `trace` | JSON lines of what the NIC did and when |
//!
//! NIC_TIME is this machine's CLOCK_MONOTONIC in microseconds: all simulated NICs of a machine share it, and a trace
//! line of one can be compared with that of another.

mod clock;
mod config_space;
mod core;
mod engine;
mod function;
mod ports;
mod run;
mod server;
mod tap;
mod trace;

pub use config_space::{DEVICE_ID, VENDOR_ID};
pub use engine::{EngineError, EngineKind, UnknownEngine};
pub use run::{Device, DeviceError, Options, run};
pub use server::ServerError;
pub use tap::TapError;
