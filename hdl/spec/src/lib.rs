//! What a Weir NIC must do, in plain Rust: the ground floor and the oracle.
//!
//! A frame goes in, a [`Decision`](verdict::Decision) comes out. Circuits, simulators and host code all answer to this
//! crate, and the register map in [`regs`] is the only one there is.
//!
//! | module | what |
//! |---|---|
//! | [`frame`] | bytes to header fields, total over any input |
//! | [`rules`], [`map`], [`config`] | what a NIC is told: port rules, bucket maps, virtual IPs, keys, policies |
//! | [`toeplitz`] | the RSS hash and its affinity masks |
//! | [`flow`] | connections listed one by one: their signature and the table |
//! | [`classify`], [`verdict`] | frame and configuration to decision, with the reason |
//! | [`egress`], [`mac`] | masking of the cluster MAC and the egress fence |
//! | [`lease`] | how long a NIC may go on accepting without a word from its host |
//! | [`counters`] | what is counted, and where |
//! | [`regs`] | the register map as data |
//! | [`control`] | registers by Ethernet, for boards without PCIe |
//! | [`nic`] | all of it together behind the registers: the NIC as a host sees it |
//!
//! No I/O, no clock, no unsafe code.
#![forbid(unsafe_code)]

pub mod board;
pub mod classify;
pub mod config;
pub mod control;
pub mod counters;
pub mod egress;
pub mod flow;
pub mod frame;
pub mod interrupt;
pub mod lease;
pub mod mac;
pub mod map;
pub mod nic;
pub mod regs;
pub mod rules;
pub mod toeplitz;
pub mod verdict;

pub use config::Config;

/// An absolute time on the NIC's own free-running clock, or a span of it, in microseconds.
pub type Micros = u64;
