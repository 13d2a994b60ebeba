//! Why there is no agent.

use std::io;

use weir_link::LinkError;
use weir_spec::mac::Mac;

use crate::reception::ReceptionError;
use crate::server::ServeError;
use crate::sockets::SocketsError;

/// Why an agent could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The configuration contradicts itself.
    #[error("configuration")]
    Config(#[from] weir_cluster::ConfigError),
    /// host.interface cannot be used.
    #[error("host.interface")]
    Link(#[from] LinkError),
    /// The interface has the MAC of another cluster: no NIC would mask it, and switches would learn where it is.
    #[error(
        "host.interface is {interface}, whose MAC is {found}, that of another cluster; in unicast mode it should be {wanted}, of the first of cluster.vips"
    )]
    OtherCluster {
        /// The interface.
        interface: String,
        /// Its MAC.
        found: Mac,
        /// The cluster MAC.
        wanted: Mac,
    },
    /// Frames for the cluster would not reach this host.
    #[error("host.interface")]
    Reception(#[from] ReceptionError),
    /// host.nic is not a selector.
    #[error("host.nic")]
    Selector(#[from] weir_nic::selector::SelectorError),
    /// host.nic cannot be reached.
    #[error("host.nic")]
    OpenBar(#[from] weir_nic::OpenBarError),
    /// host.nic is no NIC that this driver knows.
    #[error("host.nic")]
    OpenNic(#[from] weir_nic::driver::OpenError),
    /// host.nic does not answer.
    #[error("host.nic")]
    Access(#[from] weir_nic::AccessError),
    /// host.nic does not warn.
    #[error("host.nic")]
    Warnings(#[from] weir_nic::driver::WarningsError),
    /// host.nic does not take its MACs.
    #[error("host.nic")]
    Masking(#[from] weir_nic::driver::MaskingError),
    /// host.nic goes on accepting.
    #[error("host.nic")]
    Fence(#[from] weir_nic::driver::FenceError),
    /// The kernel does not tell its sockets.
    #[error("handover")]
    Sockets(#[from] SocketsError),
    /// The process that was to go on could not be started: this host's NIC will be fenced when its lease ends.
    #[error("failed to start the next agent")]
    Successor(#[source] io::Error),
    /// host.control cannot be served.
    #[error("host.control")]
    Serve(#[from] ServeError),
    /// The kernel refused something every agent needs.
    #[error("failed to {step}")]
    System {
        /// What was tried.
        step: &'static str,
        /// Why.
        source: io::Error,
    },
}

pub(crate) fn system(step: &'static str) -> impl FnOnce(io::Error) -> AgentError {
    move |source| AgentError::System { step, source }
}
