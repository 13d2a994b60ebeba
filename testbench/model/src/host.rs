//! One modelled host: the protocol, a NIC, two clocks and the sockets of a kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use weir_cluster::wire::extension::Extension;
use weir_cluster::{
    Addressing, Config, Event, Filtering, Flow, HostId, HostTime, Keys, Listing, Load, Mode, NicTime, Node, Now,
    PortRule, Program, Secret,
};
use weir_spec::rules::{Affinity, Protocol, VipSelect};

use crate::bug::Bug;
use crate::nic::Nic;
use crate::{PERIOD, TOLERANCE};

/// How far a host's two clocks are off, in parts per million: the agent's, and the NIC's.
pub type Drift = (i64, i64);

/// Where clocks start: far enough from zero that nothing is hidden by it.
const EPOCH: u64 = 1 << 40;

/// What an agent has asked of NIC or kernel, and what is not done yet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Write {
    Program { program: Arc<Program>, decided: NicTime },
    Renew { until: NicTime, decided: NicTime },
    List(Arc<Listing>),
    Dump { id: u32, settle: bool },
    Remember { until: HostTime },
}

/// One host.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Host {
    pub(crate) node: Option<Node>,
    /// What an agent that is being replaced has left.
    pub(crate) left: Option<Arc<[u8]>>,
    /// It has announced to be absent: how long there will be no agent when it may go.
    pub(crate) going: Option<u64>,
    /// What lies on its disk: until when an agent that knows no more takes no part.
    pub(crate) promised: Option<HostTime>,
    pub(crate) nic: Nic,
    /// What is in force.
    pub(crate) config: Arc<Config>,
    /// What an agent that starts finds.
    pub(crate) file: Arc<Config>,
    /// What it has read and is not in force.
    pub(crate) staged: Option<Arc<Config>>,
    drift: Drift,
    pub(crate) paused: bool,
    /// Writes that were decided are held until it goes on.
    pub(crate) holds: bool,
    /// Frames that come meanwhile wait.
    pub(crate) keeps: bool,
    pub(crate) inbox: Vec<Event>,
    pub(crate) held: Vec<Write>,
    /// Counts processes, so that nothing reaches one that was meant for the one before.
    pub(crate) life: u32,
    pub(crate) starts: u8,
    /// When the last write lands: they do so in order.
    pub(crate) busy_until: u64,
    /// Live connections, with the time since when they have been.
    pub(crate) sockets: BTreeMap<Flow, u64>,
    /// What the last dump without settling told.
    pub(crate) last_dump: BTreeSet<Flow>,
    /// Since when it is paused, or was last.
    pub(crate) paused_at: u64,
    /// Its last heartbeat and what it says, where a bug has to know.
    pub(crate) said: Option<Extension>,
    pub(crate) heartbeat: Option<Arc<[u8]>>,
    bug: Option<Bug>,
}

impl Host {
    /// A host that has not been started.
    pub fn new(index: usize, hosts: usize, mode: Mode, drift: Drift, bug: Option<Bug>) -> Host {
        let config = Arc::new(config(index as u8 + 1, hosts as u8, mode));
        Host {
            node: None,
            left: None,
            going: None,
            promised: None,
            nic: Nic::new(bug),
            file: config.clone(),
            staged: None,
            config,
            drift,
            paused: false,
            holds: false,
            keeps: true,
            inbox: Vec::new(),
            held: Vec::new(),
            life: 0,
            starts: 0,
            busy_until: 0,
            sockets: BTreeMap::new(),
            last_dump: BTreeSet::new(),
            paused_at: 0,
            said: None,
            heartbeat: None,
            bug,
        }
    }

    /// The host's clock.
    fn host_time(&self, at: u64) -> HostTime {
        let ppm = match self.bug {
            // Twice as fast as it may be: half a tolerance is a whole one.
            Some(Bug::HalfATolerance) => 1_000_000,
            _ => self.drift.0,
        };
        HostTime(EPOCH + drifted(at, ppm))
    }

    /// The NIC's clock.
    pub fn nic_time(&self, at: u64) -> NicTime {
        NicTime(EPOCH / 2 + drifted(at, self.drift.1))
    }

    /// The incarnation it was last started with.
    pub(crate) fn incarnation(&self) -> u64 {
        u64::from(self.config.host.get()) << 12 | u64::from(self.starts)
    }

    /// Both clocks.
    pub fn now(&self, at: u64) -> Now {
        Now { host: self.host_time(at), nic: self.nic_time(at) }
    }

    /// The first moment from `not_before` on at which this host has to be woken.
    pub(crate) fn wakes_at(&self, not_before: u64) -> Option<u64> {
        let deadline = self.node.as_ref().filter(|_| !self.paused)?.deadline()?;
        // Clocks differ by a few parts per thousand at most, or by two: search from below.
        let rate = self.host_time(1_000_000).0 - EPOCH;
        let reading = deadline.0.saturating_sub(EPOCH);
        let mut at = (u128::from(reading) * 1_000_000 / u128::from(rate)) as u64;
        at = at.saturating_sub(2);
        while self.host_time(at) < deadline {
            at += 1;
        }
        Some(at.max(not_before))
    }

    /// Whether rules of its NIC accept anything.
    pub fn is_open(&self, at: u64) -> bool {
        self.nic.is_open(self.nic_time(at))
    }

    /// Whether packets of a connection pass here.
    pub fn passes(&self, at: u64, flow: &Flow, signature: u64) -> bool {
        self.nic.passes(self.nic_time(at), flow, signature)
    }

    /// Whether the agent takes part: it runs, and was not told to stop.
    pub fn is_up(&self) -> bool {
        self.node.is_some() && !self.paused
    }
}

fn drifted(at: u64, ppm: i64) -> u64 {
    (i128::from(at) + i128::from(at) * i128::from(ppm) / 1_000_000) as u64
}

/// One rule for all ports that are looked at, in mode multiple. The skew is nothing: the lease has no slack but for drift.
fn config(number: u8, hosts: u8, mode: Mode) -> Config {
    Config {
        host: HostId::new(number).expect("host numbers are 1 to 32"),
        hosts: (1..=hosts).filter_map(HostId::new).collect(),
        cluster_ip: Ipv4Addr::new(10, 0, 0, 100),
        host_ip: Ipv4Addr::new(10, 0, 0, number),
        unique_code: 1000 + u32::from(number),
        addressing: Addressing::Unicast,
        legacy_ether_type: false,
        period: PERIOD,
        tolerance: (TOLERANCE / PERIOD) as u32,
        skew: 0,
        mode,
        rules: vec![PortRule {
            vip: VipSelect::All,
            first_port: 80,
            last_port: 80,
            protocol: Protocol::Tcp,
            affinity: Affinity::None,
            filtering: Filtering::Multiple(Load::Equal),
        }],
        default_affinity: Affinity::None,
        shared: Vec::new(),
        keys: keys(),
        flows: 1000,
        drain_limit: None,
        cookie_settle: 0,
    }
}

/// The keys of all hosts.
pub(crate) fn keys() -> Keys {
    Keys { send: 1, accepted: BTreeMap::from([(1, Secret(vec![7; 32]))]) }
}
