//! A model checker of the cluster protocol, run on the very state machine the agent runs.
//!
//! The hosts of a modelled cluster are [`weir_cluster::Node`]s: not a line of the protocol is written a second time. What is
//! modelled is what surrounds them: a NIC that runs its last program until its lease ends ([`nic`]), clocks that drift, a
//! kernel with a few sockets ([`host`]), a wire, and what may happen to all of these ([`fault`]). [`world`] holds one state
//! and brings it forward; [`scenario`] says where it starts, what may happen and when; [`check`] what must never be.
//!
//! Time in the model is virtual and absolute, and every delay is a constant, so from one decision to the next everything is
//! determined. What branches is what the checker decides: at each decision it lets time go on, or something happens. The
//! number of such faults is bounded, and when it is used up, or no decision is left, the world goes on for a while, is repaired and must
//! converge.
//!
//! [`bug`] lists mistakes that the model must catch. They are planted at the edges, in frames, NICs and clocks, so that
//! the product's code carries none of them.
#![forbid(unsafe_code)]

pub mod bug;
pub mod check;
pub mod fault;
pub mod host;
mod mishap;
pub mod nic;
pub mod scenario;
pub mod suite;
pub mod walk;
pub mod world;

pub use bug::Bug;
pub use check::Broken;
pub use fault::Fault;
pub use scenario::{Act, Pace, Scenario, Search};
pub use world::World;

/// A second of virtual time.
pub const SECOND: u64 = 1_000_000;
/// A millisecond of virtual time.
pub const MS: u64 = 1_000;
/// Time between heartbeats in all scenarios.
pub const PERIOD: u64 = SECOND;
/// After so much silence a host is lost.
pub const TOLERANCE: u64 = 5 * PERIOD;
/// Without end.
pub const FOREVER: u64 = u64::MAX;
