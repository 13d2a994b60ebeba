//! A whole cluster in virtual time, by seed.
//!
//! Up to 32 hosts with the protocol that the agent runs ([`weir_cluster::Node`]), each with a NIC that is `weir-spec` behind
//! the driver that drives a card, and a kernel's table of TCP sockets; clients that connect, ask, hold, close and forget; and a
//! wire that floods. One number decides on all that happens, so that what fails once fails again.
//!
//! | module | what |
//! |---|---|
//! | [`scenario`] | what a seed makes of a cluster, and what it tells of it |
//! | [`world`] | what is due, in the order in which it happens |
//! | `agent`, `nic`, `kernel`, `host` | what an agent does between protocol, NIC and kernel, and these |
//! | [`traffic`], `clients`, [`tcp`], [`segment`] | clients' frames and their connections |
//! | [`wire`], `clock`, [`dice`] | what becomes of heartbeats; drift; chance |
//! | `operator` | other configurations, and what an agent looks at once in a while |
//! | `faults`, [`plant`] | what goes wrong; what is wrong on purpose, to try the checks |
//! | [`checks`], [`verdict`] | what must hold at every moment, and when nothing goes wrong any more |
//! | [`log`] | all that happened, as one number |
#![forbid(unsafe_code)]

mod agent;
pub mod checks;
mod clients;
mod clock;
pub mod dice;
mod faults;
mod host;
mod kernel;
pub mod log;
mod nic;
mod operator;
pub mod plant;
pub mod scenario;
pub mod segment;
pub mod tcp;
pub mod traffic;
pub mod verdict;
pub mod wire;
pub mod world;

pub use host::Stopped;
pub use plant::Plant;
pub use scenario::{Kind, Outcome, run};
pub use world::{Setup, World};
