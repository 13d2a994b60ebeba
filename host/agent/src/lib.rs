//! The daemon of one host: sockets, timers, configuration, control.
//!
//! The protocol is in `weir-cluster` and the NIC in `weir-nic`; what is here connects the two with the kernel.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the TOML file |
//! | [`control`] | the control socket's requests and answers, and how to ask |
//! | `resolve` | from the words of the configuration to what protocol and NIC are told |
//! | `daemon` | the loop: frames, timers, requests, signals |
//! | `health` | whether the services behind the rules are fit |
//! | `sockets`, `flows` | the kernel's live connections; by which rule and bucket they come |
//! | `nic` | the NIC as the daemon holds it: lost and found again |
//! | `reception` | that frames to a group MAC reach the stack of this host |
//! | `neighbours` | what neighbours are told of the virtual IPs |
//! | `writing` | its flow table, written in slices |
//! | `connections` | the kernel's connections as the daemon holds them |
//! | `reload` | the configuration file, read anew while the agent runs |
//! | `server` | the other end of the control socket |
//! | `successor` | one process of an agent gives way to the next |
//! | `watch`, `carrier` | waiting for frames; whether the interface can carry any |
//! | `describe`, `report` | what a person is shown |
#![deny(unsafe_code)]

mod carrier;
mod clock;
pub mod config;
mod connections;
pub mod control;
mod cookies;
mod daemon;
mod describe;
mod error;
mod flows;
mod health;
mod neighbours;
mod nic;
mod promised;
mod reception;
mod reload;
mod report;
mod resolve;
mod server;
mod sockets;
mod successor;
mod watch;
mod writing;

pub use daemon::{check, run};
pub use error::AgentError;
pub use reception::ReceptionError;
