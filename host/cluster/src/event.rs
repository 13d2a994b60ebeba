//! What can happen to a host's part of the cluster.

use crate::config::{Config, Load};
use crate::fitness::Fitness;
use crate::flow::Flow;
use crate::time::HostTime;
use weir_spec::flow::Entry;

/// What can happen. Each is handed to [`Node::handle`](crate::Node::handle) with both clocks, read before.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Time passed: to be handed over when [`Node::deadline`](crate::Node::deadline) is reached, after all frames that
    /// wait in the socket. Too early it does nothing.
    Tick,
    /// A frame of EtherType 0x886f (0xbf01 by configuration) arrived: the whole frame from the destination MAC on,
    /// without VLAN tags and FCS. Anything may stand in it.
    Frame(Vec<u8>),
    /// Take part. Ignored unless stopped. The NIC may be in any state: the first action programs it to own nothing.
    Start {
        /// Random, new at every start.
        incarnation: u64,
        /// Secret randomness for nonces and lineages, new at every start.
        entropy: [u8; 32],
    },
    /// Leave at once: own nothing, say so, be silent.
    Stop,
    /// Announce that this process is about to end, and that another one will go on with what [`Node::save`](crate::Node::save)
    /// leaves, for which there is something as soon as all others have promised to wait. Ignored where
    /// [`Node::may_be_absent`](crate::Node::may_be_absent) refuses it.
    Absent {
        /// For so long; 0: it stays.
        seconds: u16,
    },
    /// The answer to [`Action::Remember`](crate::Action::Remember).
    Remembered {
        /// As asked.
        until: HostTime,
        /// Whether it lies where a crash cannot reach it.
        kept: bool,
    },
    /// Before `Start`: a process before this one has had something remembered, and this one has not gone on from what it left.
    Promised {
        /// Until when, by this host's clock.
        until: HostTime,
    },
    /// Take no new connections, and stop when the last has ended.
    DrainStop,
    /// Take no new connections of a rule, or take them again.
    SetDrain {
        /// Index into [`Config::slots`](crate::Config::slots), or their number for the default rule; `None`: all of them. To
        /// take all of them again also takes back `DrainStop`.
        slot: Option<usize>,
        /// Whether to drain.
        drain: bool,
    },
    /// The answer to [`Action::Dump`](crate::Action::Dump).
    Dumped {
        /// Its number.
        id: u32,
        /// All live connections, in any order.
        flows: Vec<Flow>,
    },
    /// The kernel has answered SYNs with cookies since it was last looked at: connections may come to be without a SYN. To be
    /// looked at once a period, and before each `Dumped`.
    CookiesSent,
    /// Connections have ended: the kernel said so, unasked. A connection that is not told of so is found missing in the
    /// next dump.
    Closed(Vec<Flow>),
    /// The answer to [`Action::List`](crate::Action::List).
    Listed {
        /// Its number.
        id: u32,
        /// What found no room.
        refused: Vec<Entry>,
    },
    /// The NIC has taken the last [`Action::Program`](crate::Action::Program).
    Programmed {
        /// Its epoch word.
        epoch: u32,
        /// Whether the NIC is fenced after it: its deadline had passed when it landed.
        fenced: bool,
    },
    /// The NIC has not taken the last program and runs the one before, or cannot be reached. It is tried again from the
    /// start, and this host owns nothing until that works.
    ProgramFailed {
        /// Its epoch word.
        epoch: u32,
    },
    /// The NIC says that it is fenced though the deadline last given to it has not passed (a renewal came late).
    Fenced,
    /// The wire side went up or down. Starts as up.
    Link {
        /// Whether there is a carrier.
        up: bool,
    },
    /// The operator has another configuration: see [`Node::change`](crate::Node::change), which says beforehand what becomes
    /// of it. One that is refused changes nothing.
    Configure(Box<Config>),
    /// The configuration that is staged is taken back. Ignored once it is being put in force.
    Withdraw,
    /// The load of a rule in multiple-host mode changed on this host.
    SetLoad {
        /// Index into [`Config::slots`](crate::Config::slots).
        slot: usize,
        /// The new load; a weight above 100 counts as 100.
        load: Load,
    },
    /// A health check has found the service of a rule fit on this host, or unfit. It stays so through stops and starts, until
    /// it is told anew; another configuration carries it over with the rule.
    SetFitness {
        /// Index into [`Config::slots`](crate::Config::slots), or their number for the default rule.
        slot: usize,
        /// What was found.
        fitness: Fitness,
    },
}
