//! Membership, convergence, epochs and heartbeat codecs of a Weir cluster, without I/O.
//!
//! | module | what |
//! |---|---|
//! | [`time`], [`host`], [`epoch`] | the words everything else is said in |
//! | [`config`], [`event`], [`action`], [`status`] | what goes in and what comes out |
//! | [`node`] | the one entrance: [`Node::handle`] |
//! | [`phase`] | the phases of convergence |
//! | [`difference`] | in what another host does not fit |
//! | [`fitness`] | whether a service is fit to take connections |
//! | [`lease`], [`absence`] | beats, echoes, and how long a NIC may go on; for longer, if that is announced |
//! | [`table`], [`proposal`] | who owns which bucket, and an epoch as data |
//! | `peer`, `view`, `transfer`, `program`, `timers` | whom to believe, the clique rule, tables on their way, what a NIC holds |
//! | [`flow`], [`flow_key`] | live connections that are handed over, the key of their signatures, and how it changes |
//! | `saved` | what one process leaves to the next |
//! | [`staged`] | a configuration that is announced and not yet in force |
//! | `handover`, `buckets` | who lists whose connections; sets of buckets |
//! | [`wire`] | heartbeats and bulk frames on EtherType 0x886f |
//!
//! No I/O, no clock, no randomness, no async, no unsafe code: times and entropy come with the events.
#![forbid(unsafe_code)]

pub mod absence;
pub mod action;
mod buckets;
pub mod config;
pub mod difference;
pub mod epoch;
pub mod event;
pub mod fitness;
pub mod flow;
pub mod flow_key;
mod handover;
pub mod host;
pub mod lease;
pub mod node;
mod peer;
pub mod phase;
mod program;
mod promise;
pub mod proposal;
mod saved;
pub mod staged;
pub mod status;
pub mod table;
pub mod time;
mod timers;
mod transfer;
mod view;
pub mod wire;

pub use absence::AbsenceError;
pub use action::{Action, Cause, Program, Report, Step};
pub use config::{Addressing, Config, ConfigError, Filtering, Keys, Load, Mode, PortRule, Secret};
pub use difference::Difference;
pub use epoch::EpochId;
pub use event::Event;
pub use fitness::Fitness;
pub use flow::{Flow, Listing, Record};
pub use host::{HostId, HostSet};
pub use node::{Change, ChangeError, Node, ResumeError};
pub use phase::PhaseKind;
pub use status::Status;
pub use time::{HostTime, Micros, NicTime, Now};
