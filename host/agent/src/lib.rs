//! The daemon of one host: sockets, timers, configuration, control.
//!
//! The protocol is in `weir-cluster` and the NIC in `weir-nic`; what is here connects the two with the kernel.

pub mod config;
pub mod control;
