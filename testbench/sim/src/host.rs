//! One host: the protocol, its agent's work, its NIC and its kernel.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use weir_cluster::{
    Config, Event, Filtering, Flow, HostTime, Listing, Micros, NicTime, Node, Now, PortRule, Program, Report,
};
use weir_spec::config::RSS_KEY;
use weir_spec::flow::Connection;
use weir_spec::rules::{Affinity, VipSelect};
use weir_spec::toeplitz::{BucketHash, Source};

use crate::clock::Clock;
use crate::kernel::Kernel;
use crate::nic::HeldNic;
use crate::segment::Tuple;

/// How much of a host stands still.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stopped {
    /// Nothing.
    Nothing,
    /// The agent (SIGSTOP); the kernel goes on.
    Agent,
    /// All but the NIC.
    Everything,
}

/// What an agent has still to do, in this order.
#[derive(Debug)]
pub(crate) enum Work {
    Program(Box<Program>),
    Renew(NicTime),
    List(Box<Listing>),
    Dump { id: u32, settle: bool, staged: bool },
    Destroy(Vec<Flow>),
    Remember(HostTime),
}

/// What is done one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Queue {
    Nic,
    Disk,
}

impl Work {
    /// Where it waits for what was asked before; `None` if it waits for nothing.
    pub(crate) fn queue(&self) -> Option<Queue> {
        match self {
            Work::Program(_) | Work::Renew(_) | Work::List(_) | Work::Destroy(_) => Some(Queue::Nic),
            Work::Remember(_) => Some(Queue::Disk),
            Work::Dump { .. } => None,
        }
    }
}

/// One host.
pub(crate) struct Host {
    /// What is in force here.
    pub(crate) config: Config,
    /// What the operator has written, which is read when the agent starts and when it is told to.
    pub(crate) file: Config,
    /// What was read and is not in force.
    pub(crate) staged: Option<Config>,
    pub(crate) node: Option<Node>,
    pub(crate) nic: HeldNic,
    pub(crate) kernel: Kernel,
    /// Whether it has power.
    pub(crate) up: bool,
    pub(crate) stopped: Stopped,
    pub(crate) clock: Clock,
    /// The process: what an earlier one had to do is not done.
    pub(crate) life: u64,
    /// How often all sockets went with the kernel.
    pub(crate) crashes: u64,
    pub(crate) works: VecDeque<(Micros, Work)>,
    /// Events that wait while the agent is stopped.
    pub(crate) inbox: VecDeque<Event>,
    /// Frames that wait while everything is stopped.
    pub(crate) ring: VecDeque<Rc<[u8]>>,
    /// Wakes only at this time.
    pub(crate) wakes: Option<Micros>,
    pub(crate) kernel_wakes: Option<Micros>,
    pub(crate) reports: Vec<(Micros, Report)>,
    /// What an agent left that is being replaced.
    pub(crate) left: Option<Vec<u8>>,
    /// What its disk says of promises, which outlives its agents.
    pub(crate) promised: Option<HostTime>,
    /// Rules that take no new connections, the default rule last.
    pub(crate) drains: Vec<bool>,
    /// Loads of this process, by slot.
    pub(crate) loads: Vec<PortRule>,
    /// Time spent in the protocol.
    pub(crate) cpu: Duration,
    /// Frames of the protocol sent, and their octets.
    pub(crate) sent: (u64, u64),
}

impl Host {
    pub(crate) fn new(config: Config, nic: HeldNic, clock: Clock, secret: u64) -> Host {
        let loads = config.slots();
        Host {
            node: None,
            nic,
            kernel: Kernel::with_secret(secret),
            up: true,
            stopped: Stopped::Nothing,
            clock,
            life: 0,
            crashes: 0,
            works: VecDeque::new(),
            inbox: VecDeque::new(),
            ring: VecDeque::new(),
            wakes: None,
            kernel_wakes: None,
            reports: Vec::new(),
            left: None,
            promised: None,
            drains: vec![false; loads.len() + 1],
            loads,
            cpu: Duration::ZERO,
            sent: (0, 0),
            file: config.clone(),
            staged: None,
            config,
        }
    }

    /// Both clocks.
    pub(crate) fn now(&mut self, at: Micros) -> Now {
        Now { host: HostTime(self.clock.reads(at)), nic: self.nic.now(at) }
    }

    /// How often its connections were lost, by a fence or with its kernel.
    pub(crate) fn losses(&mut self, at: Micros) -> u64 {
        self.nic.fences(at) + self.crashes
    }

    /// Whether an agent runs.
    pub(crate) fn runs(&self) -> bool {
        self.up && self.node.is_some() && self.stopped == Stopped::Nothing
    }

    /// The weight a rule has here now; `None` if it is no rule for multiple hosts.
    pub(crate) fn weight(&self, slot: usize) -> Option<u32> {
        match self.loads.get(slot)?.filtering {
            Filtering::Multiple(load) => Some(if self.drains[slot] { 0 } else { load.weight().into() }),
            _ => None,
        }
    }

    /// Sorts connections by what is in force, or by what is staged.
    pub(crate) fn sorter(&self, staged: bool) -> Sorter {
        Sorter::new(self.staged.as_ref().filter(|_| staged).unwrap_or(&self.config), &RSS_KEY)
    }

    /// As a new process finds it.
    pub(crate) fn forget_changes(&mut self) {
        self.config = self.file.clone();
        self.staged = None;
        self.loads = self.config.slots();
        self.drains.iter_mut().for_each(|drain| *drain = false);
    }
}

/// From connections to what the protocol knows of them.
pub(crate) struct Sorter {
    slots: Vec<PortRule>,
    default_affinity: Affinity,
    hash: BucketHash,
}

impl Sorter {
    pub(crate) fn new(config: &Config, key: &[u8; 40]) -> Sorter {
        Sorter { slots: config.slots(), default_affinity: config.default_affinity, hash: BucketHash::new(key) }
    }

    pub(crate) fn flow(&self, tuple: &Tuple) -> Flow {
        let fits = |rule: &&PortRule, exact: bool| {
            let vip = match rule.vip {
                VipSelect::All => !exact,
                VipSelect::One(vip) => exact && vip == tuple.vip,
            };
            vip && rule.protocol.tcp() && (rule.first_port..=rule.last_port).contains(&tuple.port)
        };
        let find = |exact| self.slots.iter().position(|rule| fits(&rule, exact));
        let slot = find(true).or_else(|| find(false)).unwrap_or(self.slots.len());
        let affinity = self.slots.get(slot).map_or(self.default_affinity, |rule| rule.affinity);
        let client = IpAddr::V4(Ipv4Addr::from(tuple.client));
        let connection = Connection::new(client, tuple.client_port, tuple.port);
        let source = Source { ipv6: false, address: connection.source, port: connection.source_port };
        Flow { slot: slot as u8, bucket: self.hash.bucket(source, affinity), vip: tuple.vip, connection }
    }

    pub(crate) fn tuple(flow: &Flow) -> Tuple {
        let [a, b, c, d, ..] = flow.connection.source;
        Tuple {
            client: u32::from_be_bytes([a, b, c, d]),
            client_port: flow.connection.source_port,
            vip: flow.vip,
            port: flow.connection.destination_port,
        }
    }
}
