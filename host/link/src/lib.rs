//! Raw Ethernet on a Linux interface.
//!
//! Hosts that share a MAC cannot talk IP with each other, so heartbeats are bare Ethernet frames; the simulated NIC and
//! the lab's capture want whole frames too. All three use this one socket. Agent and NIC also want to know whether the interface
//! can carry anything.

mod packet;
mod running;

pub use packet::{Ethertype, LinkError, PacketSocket};
pub use running::running;
