//! Membership, convergence, epochs and heartbeat codecs of a Weir cluster, without I/O.
//!
//! | module | what |
//! |---|---|
//! | [`time`], [`host`], [`epoch`] | the words everything else is said in |
//! | [`config`], [`event`], [`action`], [`status`] | what goes in and what comes out |
//! | [`phase`] | the phases of convergence |
//! | [`wire`] | heartbeats and bulk frames on EtherType 0x886f |
//!
//! No I/O, no clock, no randomness, no async, no unsafe code: times and entropy come with the events.
#![forbid(unsafe_code)]

pub mod action;
pub mod config;
pub mod epoch;
pub mod event;
pub mod host;
pub mod phase;
pub mod status;
pub mod time;
pub mod wire;

pub use action::{Action, Cause, Program, Report, Step};
pub use config::{Addressing, Config, ConfigError, Filtering, Keys, Load, Mode, PortRule, Secret};
pub use epoch::EpochId;
pub use event::Event;
pub use host::{HostId, HostSet};
pub use phase::PhaseKind;
pub use status::Status;
pub use time::{HostTime, Micros, NicTime, Now};
