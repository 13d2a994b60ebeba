//! Raw Ethernet on a Linux interface.
//!
//! Hosts that share a MAC cannot talk IP with each other, so heartbeats are bare Ethernet frames; the simulated NIC and
//! the lab's capture want whole frames too. All three use this one socket. Agent and NIC also want to know whether the interface
//! can carry anything. Where a cluster has a group MAC, the agent answers for the virtual IPs itself: what neighbours say to
//! each other, [`arp`] and [`ndp`], is read and written here.

pub mod arp;
mod filter;
pub mod ndp;
mod packet;
mod running;

pub use filter::Filter;
pub use packet::{Ethertype, LinkError, Membership, PacketSocket};
pub use running::running;
