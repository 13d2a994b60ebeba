//! A snapshot for `query`, metrics and the web page.

use std::collections::BTreeMap;

use crate::action::Cause;
use crate::config::PortRule;
use crate::difference::Difference;
use crate::epoch::EpochId;
use crate::host::{HostId, HostSet};
use crate::phase::PhaseKind;
use crate::staged::Announced;
use crate::time::{Micros, NicTime};

/// What a frame was, once it had been judged. Only the first three kinds are acted on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FrameKind {
    /// A heartbeat of a peer, believed.
    Heartbeat,
    /// A bulk frame of a peer, believed.
    Bulk,
    /// A challenge or an answer to one.
    Challenge,
    /// Authentic, but of an incarnation that has not yet answered our nonce.
    Unproven,
    /// The sequence did not rise: replayed, duplicated or reordered.
    Replayed,
    /// No key of ours opens it.
    Unauthenticated,
    /// Ends before the fields do.
    Truncated,
    /// A membership heartbeat for our cluster IP that carries no extension of ours: Windows NLB.
    Foreign,
    /// For another cluster IP.
    OtherCluster,
    /// An identity heartbeat.
    Identity,
    /// Another use of this EtherType, or a version we do not know.
    Unknown,
    /// Our own frame, come back.
    Own,
}

/// What one rule does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleStatus {
    /// The rule with this host's load; `None` for the default rule.
    pub rule: Option<PortRule>,
    /// Buckets per host in the committed epoch; for single-host rules all 4096 with one. Hosts with none are absent.
    pub buckets: BTreeMap<HostId, u16>,
    /// Buckets this host's NIC holds now.
    pub held: u16,
    /// This host's weight slot: its load, and whether it drains the rule or is unfit for it.
    pub weight: u32,
    /// Members that drain it, as they say.
    pub drained: HostSet,
    /// Members whose service of it is unfit, as they say.
    pub unfit: HostSet,
}

/// What is known of one host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostStatus {
    /// Its priority.
    pub host: HostId,
    /// Its phase, as it says; for this host, as it is.
    pub phase: PhaseKind,
    /// Its cause, as it says.
    pub cause: Cause,
    /// In what it does not fit this host; `None` if it does.
    pub mismatch: Option<Difference>,
    /// Whether it is in the epoch this host has committed.
    pub member: bool,
    /// Whether its NIC accepts nothing.
    pub fenced: bool,
    /// Time since its last heartbeat; 0 for this host.
    pub silent: Micros,
    /// Whether it hears this host.
    pub hears_us: bool,
    /// Its dedicated IP.
    pub ip: std::net::Ipv4Addr,
    /// How much longer it is waited for, if it has announced to be absent.
    pub waited_for: Option<Micros>,
}

/// A snapshot of one host's part of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// This host.
    pub host: HostId,
    /// Its phase.
    pub phase: PhaseKind,
    /// Why it is not stable, or why it last was not.
    pub cause: Cause,
    /// The epoch its NIC runs; `EpochId::NONE` if it owns nothing.
    pub epoch: EpochId,
    /// The proposal under way.
    pub proposed: Option<EpochId>,
    /// Hosts in the epoch.
    pub members: HostSet,
    /// The default host of the epoch.
    pub default_host: Option<HostId>,
    /// Hosts this host would converge with now.
    pub view: HostSet,
    /// Whether its NIC accepts nothing.
    pub fenced: bool,
    /// The deadline last given to the NIC.
    pub lease_until: NicTime,
    /// How often the state of convergence was entered since the start.
    pub convergences: u32,
    /// All hosts heard of, and this one, lowest number first.
    pub hosts: Vec<HostStatus>,
    /// Rules by slot, the default rule last.
    pub rules: Vec<RuleStatus>,
    /// Frames received, by kind.
    pub frames: BTreeMap<FrameKind, u64>,
    /// Frames sent.
    pub sent: u64,
    /// Live connections here whose buckets are others'.
    pub pins: u32,
    /// Other hosts' connections in buckets of this host, which its NIC leaves alone.
    pub left_alone: u32,
    /// Name of the configuration in force.
    pub configuration: Announced,
    /// Who has staged which configuration, by its name.
    pub staged: BTreeMap<HostId, Announced>,
    /// Members for which the one that is staged here waits.
    pub waits_for: HostSet,
    /// The one that is staged here is not announced: a flow table has no room for the connections it concerns.
    pub no_room: bool,
    /// In what time this host takes part, if a process before it has promised not to before.
    pub starts_in: Option<Micros>,
    /// Whether this host drains to stop.
    pub draining: bool,
    /// Whether a Windows host with our cluster IP was heard within a tolerance.
    pub foreign: bool,
    /// Whether another host with our priority was heard within a tolerance.
    pub duplicate: bool,
}
