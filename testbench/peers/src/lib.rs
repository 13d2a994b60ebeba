//! What others do on the lab's switch, with the lab's clients: the field to compare a Weir cluster with.
//!
//! | module | what |
//! |---|---|
//! | [`Stage`] | switch, clients, and hosts whose kernels are on the wire themselves |
//! | [`keepalived`] | one host has the virtual IP, the next takes it over |
//! | [`corosync`] | how long a membership takes to notice that a host is gone |
//! | [`weir`] | a Weir cluster, for the same questions |
//! | [`filter`] | every host receives everything and the kernel drops what is another's: `xt_cluster`, and nft by `jhash` |
//!
//! They run as their manuals say, unmodified, from their Debian packages. What they are not: none of these has what
//! another has, so that no figure of one stands for all of it.

pub mod corosync;
mod daemon;
pub mod filter;
pub mod keepalived;
mod stage;
pub mod weir;

use std::io;
use std::time::Duration;

pub use daemon::{Daemon, run};
pub use stage::{Host, Stage};
use weir_agent::control::ControlError;
use weir_lab::LabError;
use weir_lab::links::LinksError;
use weir_lab::lock::LockError;
use weir_lab::namespace::NamespaceError;
use weir_lab::privilege::PrivilegeError;
use weir_lab::traffic::OpenError;

/// Why a peer did not do what it is known for.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The Weir cluster.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// Nobody says which program to run a Weir cluster with.
    #[error("WEIR_BIN names no program; `cargo xtask bench` sets it")]
    NoWeir,
    /// An agent was asked for something.
    #[error("failed to ask the agent of host {host}")]
    Ask {
        /// Which host.
        host: u8,
        /// What went wrong.
        source: ControlError,
    },
    /// The name of the stage is taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No right to build one.
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A link.
    #[error(transparent)]
    Links(#[from] LinksError),
    /// The connections that are to be held.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A program could not be run, or its files not be written.
    #[error("failed to {step}")]
    Io {
        /// What was tried.
        step: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {words}")]
    Failed {
        /// Which.
        program: String,
        /// The last that it said.
        words: String,
    },
    /// Something that had to happen did not.
    #[error("{what} did not happen within {} s", waited.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
    },
}

impl PeerError {
    pub(crate) fn io(step: impl Into<String>) -> impl FnOnce(io::Error) -> PeerError {
        let step = step.into();
        move |source| PeerError::Io { step, source }
    }
}
