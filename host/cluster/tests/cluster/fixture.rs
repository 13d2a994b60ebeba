//! A cluster in virtual time: hosts with drifting clocks, NICs that run their last program until their lease ends, and a
//! wire that can be cut, lose, delay, double and reorder.
//!
//! After every write to a NIC, and every 10 ms, the fixture checks the promise everything is built for: no bucket of any rule is accepted by two
//! NICs that are not fenced. In availability mode pairs of hosts whose link is, or was within a period, cut are left out:
//! there both sides are meant to serve.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use weir_cluster::flow_key::FlowKey;
use weir_cluster::wire::{ethernet, heartbeat};
use weir_cluster::{
    Action, Addressing, Change, Config, EpochId, Event, Filtering, Flow, HostId, HostSet, HostTime, Keys, Listing,
    Load, Mode, NicTime, Node, Now, PhaseKind, PortRule, Program, Report, Secret, Status, Step,
};
use weir_spec::config::DefaultRule;
use weir_spec::flow::signature::signature;
use weir_spec::flow::{Connection, Entry, FlowKind};
use weir_spec::lease::Lease;
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

pub(crate) const SECOND: u64 = 1_000_000;
pub(crate) const MS: u64 = 1_000;

/// splitmix64: good enough, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// The buckets one NIC accepts, a bit each: all port rules one after the other, then the default rule.
type Owned = Vec<[u64; BUCKETS / 64]>;

pub(crate) struct Nic {
    pub(crate) lease: Lease,
    pub(crate) owned: Owned,
    /// The state of every bucket, by rule as `owned`.
    pub(crate) states: Vec<Map>,
    /// By which rules, in their order.
    pub(crate) rules: Vec<Rule>,
    default_rule: DefaultRule,
    pub(crate) listed: BTreeSet<Entry>,
    /// By which connections are signed.
    pub(crate) flow_key: Option<FlowKey>,
    signatures: RefCell<BTreeMap<Connection, u64>>,
    /// OWN takes no new connections.
    quiesce: bool,
    /// Entries the table has room for.
    pub(crate) room: usize,
    offset: u64,
    ppm: i64,
}

impl Nic {
    fn clock(&self, at: u64) -> u64 {
        drifted(at, self.ppm) + self.offset
    }

    fn accepts_at(&self, at: u64) -> bool {
        let mut lease = self.lease;
        lease.tick(self.clock(at));
        !lease.fenced()
    }

    fn take(&mut self, at: u64, program: &Program) -> bool {
        let now = self.clock(at);
        self.lease.tick(now);
        Lease::check(now, program.deadline.0).expect("a deadline the NIC would refuse");
        self.lease.commit(now, program.deadline.0);
        let map = |reference: MapRef| match reference {
            MapRef::Constant(state) => Map::filled(state),
            MapRef::Slot(slot) => program.maps[usize::from(slot)].clone(),
        };
        self.states = program.rules.iter().map(|rule| map(rule.map)).collect();
        self.states.push(map(program.default_rule.map));
        self.quiesce = program.quiesce;
        if self.flow_key.as_ref() != Some(&program.flow_key) {
            self.flow_key = Some(program.flow_key.clone());
            self.signatures.take();
        }
        self.owned = self.states.iter().map(|map| words(map, program.quiesce)).collect();
        (self.rules, self.default_rule) = (program.rules.clone(), program.default_rule);
        self.lease.fenced()
    }

    /// Brings the flow table to what is asked; what finds no room.
    fn list(&mut self, listing: &Listing) -> Vec<Entry> {
        if listing.clear {
            self.listed.clear();
        }
        listing.remove.iter().for_each(|entry| {
            self.listed.remove(entry);
        });
        let mut refused = Vec::new();
        for &entry in &listing.add {
            if self.listed.len() < self.room {
                self.listed.insert(entry);
            } else {
                refused.push(entry);
            }
        }
        refused
    }

    fn place(&self, flow: &Flow) -> (usize, u16) {
        let rules = self.rules.iter().map(|rule| (rule.first_port, rule.last_port, rule.affinity));
        place(rules, self.default_rule.affinity, flow)
    }

    /// Whether the first packet of a connection passes, which is listed nowhere.
    fn owns(&self, flow: &Flow) -> bool {
        let (rule, bucket) = self.place(flow);
        self.owned.get(rule).is_some_and(|words| words[usize::from(bucket) / 64] >> (bucket % 64) & 1 == 1)
    }

    /// Whether both go by the same rules.
    fn sorts_as(&self, other: &Nic) -> bool {
        let plain = |nic: &Nic| -> Vec<(u16, u16, Affinity)> {
            nic.rules.iter().map(|rule| (rule.first_port, rule.last_port, rule.affinity)).collect()
        };
        plain(self) == plain(other) && self.default_rule.affinity == other.default_rule.affinity
    }

    /// Whether a packet of an established connection passes.
    fn passes(&self, at: u64, flow: &Flow) -> bool {
        let Some(key) = &self.flow_key else { return false };
        let mut signatures = self.signatures.borrow_mut();
        let signed = || signature(key.octets(), &flow.connection);
        let signature = *signatures.entry(flow.connection).or_insert_with(signed);
        let (rule, bucket) = self.place(flow);
        let state = self.states.get(rule).map(|map| map.get(bucket.into()));
        let listed = |kind| self.listed.contains(&Entry { signature, vip: flow.vip, kind });
        self.accepts_at(at)
            && match state {
                None | Some(BucketState::None) => false,
                Some(BucketState::Own) => !(self.quiesce && listed(FlowKind::Foreign)),
                Some(BucketState::Adopt) => !listed(FlowKind::Foreign),
                Some(BucketState::Release) => listed(FlowKind::Pin),
            }
    }
}

/// Where a connection is by rules that are all for every virtual IP. Without affinity its bucket is the one it was opened in;
/// with it the bucket depends on its source alone.
fn place(rules: impl Iterator<Item = (u16, u16, Affinity)>, default: Affinity, flow: &Flow) -> (usize, u16) {
    let port = flow.connection.destination_port;
    let (mut index, mut affinity) = (0, default);
    for (first, last, of_rule) in rules {
        if (first..=last).contains(&port) {
            affinity = of_rule;
            break;
        }
        index += 1;
    }
    let source = u32::from_be_bytes([0, 1, 2, 3].map(|octet| flow.connection.source[octet]));
    let bucket = match affinity {
        Affinity::None => flow.bucket,
        Affinity::Single => Dice::new(source.into()).below(4096) as u16,
        Affinity::Network => Dice::new(u64::from(source >> 8) << 40).below(4096) as u16,
    };
    (index, bucket)
}

/// A connection as a configuration sorts it.
fn sorted(config: &Config, flow: &Flow) -> Flow {
    let rules = config.slots();
    let rules = rules.iter().map(|rule| (rule.first_port, rule.last_port, rule.affinity));
    let (slot, bucket) = place(rules, config.default_affinity, flow);
    Flow { slot: slot as u8, bucket, ..*flow }
}

/// What takes new connections.
fn words(map: &Map, quiesce: bool) -> [u64; BUCKETS / 64] {
    let mut words = [0; BUCKETS / 64];
    let takes = |bucket: &usize| match map.get(*bucket) {
        BucketState::Own => !quiesce,
        state => state == BucketState::Adopt,
    };
    for bucket in (0..BUCKETS).filter(takes) {
        words[bucket / 64] |= 1 << (bucket % 64);
    }
    words
}

fn drifted(at: u64, ppm: i64) -> u64 {
    (i128::from(at) + i128::from(at) * i128::from(ppm) / 1_000_000) as u64
}

pub(crate) struct Host {
    pub(crate) node: Option<Node>,
    pub(crate) nic: Nic,
    pub(crate) config: Config,
    /// What was configured and is not in force.
    pub(crate) staged: Option<Config>,
    offset: u64,
    ppm: i64,
    paused: bool,
    /// Programs wait to reach its NIC until it is not.
    pub(crate) slow: bool,
    /// Its kernel does not say which connections live until this ends.
    pub(crate) silent_kernel: bool,
    inbox: Vec<Event>,
    /// Wakes only when this has not changed since it was planned.
    planned: Option<u64>,
    /// Of its last heartbeat.
    pub(crate) beat: u8,
    /// What its disk says of promises, which outlives its agents.
    pub(crate) promised: Option<HostTime>,
    disk_busy: u64,
    /// Its disk is full.
    pub(crate) disk_full: bool,
    pub(crate) reports: Vec<(u64, Report)>,
    pub(crate) programs: Vec<(u64, Step)>,
    /// Its live connections: they end with a crash of the host, not with its agent.
    pub(crate) sockets: BTreeSet<Flow>,
    pub(crate) destroyed: usize,
    /// How often its half-open connections were ended.
    pub(crate) ended_half_open: usize,
    /// Connections that were ended because others had answered them.
    pub(crate) ended_stale: usize,
}

impl Host {
    pub(crate) fn now(&self, at: u64) -> Now {
        Now { host: HostTime(drifted(at, self.ppm) + self.offset), nic: NicTime(self.nic.clock(at)) }
    }

    /// The first moment at which this host's clock shows `deadline`.
    fn moment(&self, deadline: HostTime, not_before: u64) -> u64 {
        let reading = deadline.0.saturating_sub(self.offset);
        let mut at = (i128::from(reading) * 1_000_000 / i128::from(1_000_000 + self.ppm)) as u64;
        while drifted(at, self.ppm) < reading {
            at += 1;
        }
        at.max(not_before)
    }
}

impl Host {
    /// Whether new connections of a flow's bucket come here.
    pub(crate) fn node_owns(&self, flow: &Flow) -> bool {
        self.nic.owns(flow)
    }
}

enum Due {
    Deliver { to: usize, frame: Vec<u8> },
    Write { host: usize, incarnation: u64, write: Write },
    Wake { host: usize },
}

enum Write {
    Program(Box<Program>),
    Renew(NicTime),
    List(Box<Listing>),
    Dump { id: u32, staged: bool },
    Remember(HostTime),
}

pub(crate) struct Cluster {
    pub(crate) at: u64,
    pub(crate) hosts: Vec<Host>,
    queue: BTreeMap<(u64, u64), Due>,
    order: u64,
    pub(crate) dice: Dice,
    /// Links that are down, sender first.
    down: BTreeSet<(usize, usize)>,
    /// Until when a pair is left out in availability mode.
    excused: BTreeMap<(usize, usize), u64>,
    pub(crate) strict: bool,
    /// How long after a heal the two sides may take to notice: a heartbeat must come through and the NIC take the fence.
    pub(crate) grace: u64,
    pub(crate) loss: u64,
    pub(crate) doubling: u64,
    pub(crate) delay: u64,
    /// Frames of one link may overtake each other.
    pub(crate) reorder: bool,
    pub(crate) frames: u64,
    /// Check that every connection passes at its own host, too: nothing but planned changes happens.
    pub(crate) planned: bool,
    /// How many connections there ever were.
    connections: u32,
    /// Connections that could be: what two NICs with other rules must not both take.
    samples: Vec<Flow>,
    /// When the last frame of a link arrives.
    arrivals: BTreeMap<(usize, usize), u64>,
    incarnations: u64,
    lives: Vec<u64>,
    /// How often the promise was checked.
    pub(crate) checked: Cell<u64>,
    /// What a NIC accepts changes for the worse only by a write, and what is excused only by time.
    check_by: u64,
}

pub(crate) fn rules() -> Vec<PortRule> {
    let rule = |port, filtering| PortRule {
        vip: VipSelect::All,
        first_port: port,
        last_port: port,
        protocol: Protocol::Tcp,
        affinity: Affinity::None,
        filtering,
    };
    vec![rule(80, Filtering::Multiple(Load::Equal)), rule(443, Filtering::Multiple(Load::Weight(30)))]
}

pub(crate) fn config(number: u8, hosts: u8) -> Config {
    Config {
        host: HostId::new(number).expect("host"),
        hosts: (1..=hosts).filter_map(HostId::new).collect(),
        cluster_ip: Ipv4Addr::new(10, 0, 0, 100),
        host_ip: Ipv4Addr::new(10, 0, 0, number),
        unique_code: 1000 + u32::from(number),
        addressing: Addressing::Unicast,
        legacy_ether_type: false,
        period: SECOND,
        tolerance: 5,
        skew: 20 * MS,
        mode: Mode::Availability,
        rules: rules(),
        default_affinity: Affinity::None,
        shared: b"vips and key".to_vec(),
        keys: Keys { send: 1, accepted: BTreeMap::from([(1, Secret(vec![7; 32]))]) },
        flows: 1000,
        drain_limit: None,
        cookie_settle: 0,
    }
}

impl Cluster {
    /// `hosts` hosts with priorities from 1, all stopped.
    pub(crate) fn new(hosts: u8, seed: u64, change: impl Fn(&mut Config)) -> Cluster {
        let mut dice = Dice::new(seed);
        let hosts: Vec<Host> = (1..=hosts)
            .map(|number| {
                let mut config = config(number, hosts);
                change(&mut config);
                Host {
                    node: None,
                    nic: Nic {
                        lease: Lease::default(),
                        owned: Vec::new(),
                        rules: Vec::new(),
                        default_rule: DefaultRule::default(),
                        states: Vec::new(),
                        listed: BTreeSet::new(),
                        flow_key: None,
                        signatures: RefCell::default(),
                        quiesce: false,
                        room: 4096,
                        offset: dice.below(1 << 40),
                        ppm: dice.below(201) as i64 - 100,
                    },
                    config,
                    staged: None,
                    offset: dice.below(1 << 40),
                    ppm: dice.below(201) as i64 - 100,
                    paused: false,
                    slow: false,
                    silent_kernel: false,
                    inbox: Vec::new(),
                    planned: None,
                    beat: 0,
                    promised: None,
                    disk_busy: 0,
                    disk_full: false,
                    reports: Vec::new(),
                    programs: Vec::new(),
                    sockets: BTreeSet::new(),
                    destroyed: 0,
                    ended_half_open: 0,
                    ended_stale: 0,
                }
            })
            .collect();
        let lives = vec![0; hosts.len()];
        let sample = |index: u32| {
            let port = [22, 80, 81, 443, 8000][index as usize % 5];
            let source = std::net::IpAddr::V4(Ipv4Addr::from(0xc000_0000 + index * 97));
            let connection = Connection::new(source, 50_000, port);
            Flow { slot: 0, bucket: (index * 37 % 4096) as u16, vip: 0, connection }
        };
        let samples = (0..600).map(sample).collect();
        Cluster {
            at: 0,
            hosts,
            queue: BTreeMap::new(),
            order: 0,
            dice,
            down: BTreeSet::new(),
            excused: BTreeMap::new(),
            strict: false,
            grace: SECOND + 60 * MS,
            loss: 0,
            doubling: 0,
            delay: 100,
            reorder: false,
            frames: 0,
            planned: false,
            connections: 0,
            samples,
            arrivals: BTreeMap::new(),
            incarnations: 0,
            lives,
            checked: Cell::new(0),
            check_by: 0,
        }
    }

    /// All hosts started within a third of a second, and driven until they are one.
    pub(crate) fn converged(hosts: u8, seed: u64, change: impl Fn(&mut Config)) -> Cluster {
        let mut cluster = Cluster::new(hosts, seed, change);
        for host in 0..usize::from(hosts) {
            cluster.start(host);
            let wait = cluster.dice.below(300 * MS);
            cluster.run(wait);
        }
        let all: Vec<usize> = (0..usize::from(hosts)).collect();
        assert!(cluster.drive(20 * SECOND, |c| c.are_one(&all)), "no convergence: {:#?}", cluster.statuses());
        cluster
    }

    fn push(&mut self, at: u64, due: Due) {
        self.order += 1;
        self.queue.insert((at, self.order), due);
    }

    /// A new process on this host. What ran before is gone; its NIC goes on.
    pub(crate) fn start(&mut self, host: usize) {
        let node = Node::new(self.hosts[host].config.clone()).expect("configuration");
        self.lives[host] += 1;
        let slot = &mut self.hosts[host];
        slot.node = Some(node);
        slot.paused = false;
        slot.inbox.clear();
        slot.planned = None;
        if let Some(until) = self.hosts[host].promised {
            self.handle(host, Event::Promised { until });
        }
        self.start_again(host);
    }

    /// `start` of a process that was stopped.
    pub(crate) fn start_again(&mut self, host: usize) {
        self.incarnations += 1;
        let mut entropy = [0; 32];
        entropy.iter_mut().for_each(|octet| *octet = self.dice.roll() as u8);
        let incarnation = self.dice.roll() << 8 | self.incarnations & 0xff;
        self.handle(host, Event::Start { incarnation, entropy });
    }

    /// The operator edits the configuration of a host and has it read anew.
    pub(crate) fn configure(&mut self, host: usize, change: impl Fn(&mut Config)) -> Change {
        let slot = &mut self.hosts[host];
        let mut config = slot.config.clone();
        change(&mut config);
        let node = slot.node.as_ref().expect("it runs");
        let becomes = node.change(slot.now(self.at), &config).expect("a configuration that can be taken");
        match becomes {
            Change::AtOnce if config.digest() == slot.config.digest() => {
                slot.config = config.clone();
                slot.staged = None;
            }
            Change::AtOnce | Change::Staged => slot.staged = Some(config.clone()),
            Change::Nothing => {}
        }
        self.handle(host, Event::Configure(Box::new(config)));
        becomes
    }

    /// Whether the agent could be replaced now.
    pub(crate) fn saves(&self, host: usize) -> bool {
        let slot = &self.hosts[host];
        slot.node.as_ref().is_some_and(|node| node.save(slot.now(self.at)).is_some())
    }

    /// The agent ends; what it leaves.
    pub(crate) fn leave_to_the_next(&mut self, host: usize) -> Vec<u8> {
        let slot = &self.hosts[host];
        let left = slot.node.as_ref().and_then(|node| node.save(slot.now(self.at))).expect("calm");
        self.crash(host);
        left
    }

    /// Another process goes on with it.
    pub(crate) fn go_on(&mut self, host: usize, left: &[u8]) {
        let slot = &mut self.hosts[host];
        let node = Node::resume(slot.config.clone(), left, slot.now(self.at)).expect("the same configuration");
        slot.node = Some(node);
        slot.planned = None;
    }

    pub(crate) fn crash(&mut self, host: usize) {
        self.lives[host] += 1;
        self.hosts[host].node = None;
        self.hosts[host].inbox.clear();
        self.hosts[host].paused = false;
    }

    pub(crate) fn pause(&mut self, host: usize) {
        self.hosts[host].paused = true;
    }

    pub(crate) fn resume(&mut self, host: usize) {
        if std::mem::take(&mut self.hosts[host].paused) {
            for event in std::mem::take(&mut self.hosts[host].inbox) {
                self.handle(host, event);
            }
            self.handle(host, Event::Tick);
        }
    }

    /// Cuts the link from one host to another, in this direction.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.down.insert((from, to));
        self.excused.insert((from.min(to), from.max(to)), u64::MAX);
    }

    pub(crate) fn cut_both(&mut self, a: usize, b: usize) {
        self.cut(a, b);
        self.cut(b, a);
    }

    pub(crate) fn mute(&mut self, host: usize) {
        (0..self.hosts.len()).filter(|&to| to != host).for_each(|to| self.cut(host, to));
    }

    pub(crate) fn deafen(&mut self, host: usize) {
        (0..self.hosts.len()).filter(|&from| from != host).for_each(|from| self.cut(from, host));
    }

    pub(crate) fn isolate(&mut self, host: usize) {
        self.mute(host);
        self.deafen(host);
    }

    pub(crate) fn partition(&mut self, side: &[usize]) {
        for a in 0..self.hosts.len() {
            for b in 0..self.hosts.len() {
                if side.contains(&a) != side.contains(&b) {
                    self.cut(a, b);
                }
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        self.down.clear();
        let until = self.at + self.grace;
        self.excused.values_mut().for_each(|end| *end = (*end).min(until));
    }

    pub(crate) fn handle(&mut self, host: usize, event: Event) {
        let now = self.hosts[host].now(self.at);
        let Some(node) = &mut self.hosts[host].node else { return };
        let mut actions = Vec::new();
        node.handle(now, event, &mut actions);
        self.hosts[host].planned = None;
        for action in actions {
            match action {
                Action::Send(frame) => self.broadcast(host, &frame),
                Action::Program(program) => {
                    let delay = 200 + self.dice.below(2 * MS);
                    self.hosts[host].programs.push((self.at, program.step));
                    self.write(host, delay, Write::Program(program));
                }
                Action::Renew(until) => self.write(host, 50, Write::Renew(until)),
                Action::List(listing) => {
                    let delay = 50 + self.dice.below(MS);
                    self.write(host, delay, Write::List(listing));
                }
                Action::Dump { id, settle, staged } => {
                    let delay = if settle { 3 * MS } else { 100 };
                    self.write(host, delay, Write::Dump { id, staged });
                }
                Action::Activated => {
                    let slot = &mut self.hosts[host];
                    slot.config = slot.staged.take().expect("something is staged");
                }
                Action::Destroy(flows) => {
                    let slot = &mut self.hosts[host];
                    for flow in flows {
                        let before = slot.sockets.len();
                        slot.sockets.retain(|socket| socket.identity() != flow.identity());
                        slot.destroyed += before - slot.sockets.len();
                    }
                }
                Action::EndHalfOpen => {
                    assert!(!self.accepts(host), "host {host} may have half-open connections that nobody else answers");
                    self.hosts[host].ended_half_open += 1;
                }
                Action::EndStale(flows) => {
                    assert!(!self.accepts(host), "host {host} may have them alive");
                    let slot = &mut self.hosts[host];
                    for flow in flows {
                        slot.ended_stale += 1;
                        slot.sockets.retain(|socket| socket.identity() != flow.identity());
                    }
                }
                Action::Remember { until } => {
                    let at = self.at + 100 + self.dice.below(20 * MS);
                    let slot = &mut self.hosts[host];
                    // One after the other.
                    slot.disk_busy = at.max(slot.disk_busy + 1);
                    let delay = slot.disk_busy - self.at;
                    self.write(host, delay, Write::Remember(until));
                }
                Action::Report(report) => self.hosts[host].reports.push((self.at, report)),
            }
        }
    }

    fn write(&mut self, host: usize, delay: u64, write: Write) {
        let incarnation = self.lives[host];
        self.push(self.at + delay, Due::Write { host, incarnation, write });
    }

    fn broadcast(&mut self, from: usize, frame: &[u8]) {
        self.frames += 1;
        let beat = ethernet::HEADER + heartbeat::field::EXTENSION.start + 16;
        if frame.len() == ethernet::HEADER + heartbeat::LEN {
            self.hosts[from].beat = frame[beat];
        }
        for to in (0..self.hosts.len()).filter(|&to| to != from) {
            if self.down.contains(&(from, to)) || self.dice.chance(self.loss) {
                continue;
            }
            let copies = 1 + u64::from(self.dice.chance(self.doubling));
            for _ in 0..copies {
                let delay = 20 + self.dice.below(self.delay);
                let last = self.arrivals.entry((from, to)).or_default();
                let at = if self.reorder { self.at + delay } else { (self.at + delay).max(*last) };
                *last = at;
                self.push(at, Due::Deliver { to, frame: frame.to_vec() });
            }
        }
    }

    /// A frame from nowhere.
    pub(crate) fn inject(&mut self, to: usize, frame: Vec<u8>) {
        self.push(self.at + 1, Due::Deliver { to, frame });
    }

    fn plan(&mut self) {
        for host in 0..self.hosts.len() {
            let slot = &self.hosts[host];
            let deadline = slot.node.as_ref().filter(|_| !slot.paused).and_then(Node::deadline);
            if let Some(deadline) = deadline {
                let moment = slot.moment(deadline, self.at);
                if slot.planned != Some(moment) {
                    self.hosts[host].planned = Some(moment);
                    self.push(moment, Due::Wake { host });
                }
            }
        }
    }

    /// The next thing that is due, if it is before `end`.
    pub(crate) fn step(&mut self, end: u64) -> bool {
        self.plan();
        let Some((&(at, order), _)) = self.queue.first_key_value().filter(|((at, _), _)| *at <= end) else {
            self.at = self.at.max(end);
            self.check();
            return false;
        };
        let Some(due) = self.queue.remove(&(at, order)) else { return false };
        self.at = self.at.max(at);
        match due {
            Due::Deliver { to, frame } => self.give(to, Event::Frame(frame)),
            Due::Wake { host } => {
                let slot = &mut self.hosts[host];
                if !slot.paused && slot.planned == Some(at) {
                    slot.planned = None;
                    self.handle(host, Event::Tick);
                }
            }
            Due::Write { host, incarnation, write } => {
                self.land(host, incarnation, write);
                self.check_by = self.at;
            }
        }
        if self.at >= self.check_by {
            self.check_by = self.at + 10 * MS;
            self.check();
        }
        true
    }

    fn give(&mut self, host: usize, event: Event) {
        match self.hosts[host].paused {
            true => self.hosts[host].inbox.push(event),
            false => self.handle(host, event),
        }
    }

    fn land(&mut self, host: usize, incarnation: u64, write: Write) {
        if self.hosts[host].paused && self.dice.chance(500) {
            // The process was stopped before the write: it lands some time, as late as it likes.
            let later = self.at + 200 * MS;
            self.push(later, Due::Write { host, incarnation, write });
            return;
        }
        if self.lives[host] != incarnation {
            return;
        }
        if self.hosts[host].slow && matches!(write, Write::Program(_)) {
            self.push(self.at + MS, Due::Write { host, incarnation, write });
            return;
        }
        if self.hosts[host].silent_kernel && matches!(write, Write::Dump { .. }) {
            self.push(self.at + MS, Due::Write { host, incarnation, write });
            return;
        }
        let at = self.at;
        let nic = &mut self.hosts[host].nic;
        match write {
            Write::Renew(until) => {
                let _ = nic.lease.renew(nic.clock(at), until.0);
            }
            Write::Program(program) => {
                let fenced = nic.take(at, &program);
                self.give(host, Event::Programmed { epoch: program.epoch, fenced });
            }
            Write::List(listing) => {
                let refused = nic.list(&listing);
                self.give(host, Event::Listed { id: listing.id, refused });
            }
            Write::Remember(until) => {
                let slot = &mut self.hosts[host];
                let kept = !slot.disk_full;
                if kept {
                    slot.promised = Some(until);
                }
                self.give(host, Event::Remembered { until, kept });
            }
            Write::Dump { id, staged } => {
                let slot = &self.hosts[host];
                let config = slot.staged.as_ref().filter(|_| staged).unwrap_or(&slot.config);
                let flows = slot.sockets.iter().map(|flow| sorted(config, flow)).collect();
                self.give(host, Event::Dumped { id, flows });
            }
        }
    }

    pub(crate) fn run(&mut self, span: u64) {
        let end = self.at + span;
        while self.step(end) {}
    }

    /// Steps until `done`; false if that takes longer than `limit`.
    pub(crate) fn drive(&mut self, limit: u64, done: impl Fn(&Cluster) -> bool) -> bool {
        let end = self.at + limit;
        while !done(self) {
            if !self.step(end) {
                return done(self);
            }
        }
        true
    }

    /// Whether a NIC accepts anything of what it was programmed with.
    pub(crate) fn accepts(&self, host: usize) -> bool {
        self.hosts[host].nic.accepts_at(self.at) && self.owned(host) > 0
    }

    /// How often each host has ended its half-open connections.
    pub(crate) fn ended_half_open(&self) -> Vec<usize> {
        self.hosts.iter().map(|host| host.ended_half_open).collect()
    }

    /// Buckets a NIC was programmed with, of the first rule.
    pub(crate) fn owned(&self, host: usize) -> u32 {
        self.hosts[host].nic.owned.first().map_or(0, |words| words.iter().map(|word| word.count_ones()).sum())
    }

    /// Buckets of the first rule that some unfenced NIC accepts.
    pub(crate) fn covered(&self) -> u32 {
        let mut all = [0u64; BUCKETS / 64];
        for host in self.hosts.iter().filter(|host| host.nic.accepts_at(self.at)) {
            for (word, own) in all.iter_mut().zip(host.nic.owned.first().into_iter().flatten()) {
                *word |= own;
            }
        }
        all.iter().map(|word| word.count_ones()).sum()
    }

    /// The promise.
    fn check(&self) {
        self.checked.set(self.checked.get() + 1);
        self.check_connections();
        let live: Vec<usize> = (0..self.hosts.len()).filter(|&host| self.hosts[host].nic.accepts_at(self.at)).collect();
        for (index, &a) in live.iter().enumerate() {
            for &b in &live[..index] {
                let excused = self.excused.get(&(b, a)).is_some_and(|&until| self.at < until);
                if excused && !self.strict {
                    continue;
                }
                if !self.hosts[a].nic.sorts_as(&self.hosts[b].nic) {
                    let both = |flow: &&Flow| self.hosts[a].nic.owns(flow) && self.hosts[b].nic.owns(flow);
                    let twice = self.samples.iter().find(both);
                    assert_eq!(
                        twice,
                        None,
                        "at {} us by hosts {} and {}\n{:#?}",
                        self.at,
                        b + 1,
                        a + 1,
                        self.statuses()
                    );
                    continue;
                }
                let pairs = self.hosts[a].nic.owned.iter().zip(&self.hosts[b].nic.owned);
                for (rule, (x, y)) in pairs.enumerate() {
                    let both: u32 = x.iter().zip(y).map(|(x, y)| (x & y).count_ones()).sum();
                    assert_eq!(
                        both,
                        0,
                        "at {} us rule {rule}: {both} buckets accepted by host {} and host {}\n{:#?}",
                        self.at,
                        b + 1,
                        a + 1,
                        self.statuses()
                    );
                }
            }
        }
    }

    /// A client connects: the host whose NIC passes its SYN has a new socket. `None` if none does.
    pub(crate) fn connect(&mut self, slot: u8, bucket: u16) -> Option<(usize, Flow)> {
        let flow = self.client(slot, bucket);
        let takes = |host: &usize| self.passes(*host, &flow) && self.hosts[*host].nic.owns(&flow);
        let takers: Vec<usize> = (0..self.hosts.len()).filter(takes).collect();
        assert!(takers.len() < 2, "{takers:?} both answer");
        let taker = *takers.first()?;
        self.hosts[taker].sockets.insert(flow);
        Some((taker, flow))
    }

    /// A client answers a SYN cookie of this host's, or of another: who gets that, which is no SYN. There is a socket then if it is
    /// the host that sent it.
    pub(crate) fn answer_cookie(&mut self, host: usize, slot: u8, bucket: u16) -> Option<(usize, Flow)> {
        let flow = self.client(slot, bucket);
        let takers: Vec<usize> = (0..self.hosts.len()).filter(|&host| self.passes(host, &flow)).collect();
        assert!(takers.len() < 2, "{takers:?} both get it");
        let taker = *takers.first()?;
        if taker == host {
            self.hosts[host].sockets.insert(flow);
        }
        Some((taker, flow))
    }

    /// The client has forgotten a connection and begins it anew: the host whose NIC passes its SYN, if one does, and has none of
    /// that tuple.
    pub(crate) fn connect_again(&mut self, flow: &Flow) -> Option<usize> {
        let takes = |host: &usize| self.passes(*host, flow) && self.hosts[*host].nic.owns(flow);
        let takers: Vec<usize> = (0..self.hosts.len()).filter(takes).collect();
        assert!(takers.len() < 2, "{takers:?} both answer");
        let taker = *takers.first()?;
        self.hosts[taker].sockets.insert(*flow).then_some(taker)
    }

    /// A connection that is nowhere yet.
    fn client(&mut self, slot: u8, bucket: u16) -> Flow {
        self.connections += 1;
        let source = std::net::IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + self.connections));
        let connection = Connection::new(source, 40_000, [80, 443, 8000][usize::from(slot)]);
        Flow { slot, bucket, vip: 0, connection }
    }

    /// A connection in every so manieth bucket of the first rule.
    pub(crate) fn connect_all(&mut self, step: usize) -> Vec<(usize, Flow)> {
        (0..BUCKETS as u16).step_by(step).map(|bucket| self.connect(0, bucket).expect("somebody owns it")).collect()
    }

    /// Whether a packet of this connection passes at a host.
    pub(crate) fn passes(&self, host: usize, flow: &Flow) -> bool {
        self.hosts[host].nic.passes(self.at, flow)
    }

    /// No connection reaches another host than its own; if nothing but planned changes happens, it reaches that.
    pub(crate) fn check_connections(&self) {
        for (host, slot) in self.hosts.iter().enumerate() {
            for flow in &slot.sockets {
                if self.planned {
                    assert!(
                        self.passes(host, flow),
                        "at {}: {flow:?} is cut at its host {}\n{:#?}",
                        self.at,
                        host + 1,
                        self.statuses()
                    );
                }
                // Who is fenced has lost its connections already: others answer them.
                let alive = self.passes(host, flow);
                for other in (0..self.hosts.len()).filter(|&other| alive && other != host) {
                    let excused =
                        self.excused.get(&(host.min(other), host.max(other))).is_some_and(|&until| self.at < until);
                    let wrong = self.passes(other, flow) && (self.strict || !excused);
                    assert!(
                        !wrong,
                        "at {}: {flow:?} of host {} passes at host {}\n{:#?}",
                        self.at,
                        host + 1,
                        other + 1,
                        self.statuses()
                    );
                }
            }
        }
    }

    pub(crate) fn status(&self, host: usize) -> Option<Status> {
        let slot = &self.hosts[host];
        Some(slot.node.as_ref()?.status(slot.now(self.at)))
    }

    pub(crate) fn epoch(&self, host: usize) -> EpochId {
        self.status(host).map(|status| status.epoch).unwrap_or_default()
    }

    pub(crate) fn phase(&self, host: usize) -> PhaseKind {
        self.status(host).map(|status| status.phase).unwrap_or_default()
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        (0..self.hosts.len())
            .map(|host| match self.status(host) {
                None => format!("host {} is down; its NIC accepts: {}", host + 1, self.accepts(host)),
                Some(s) => format!(
                    "host {}: {} ({}) epoch {} members {:?} view {:?} proposed {:?} fenced {} accepts {} frames {:?} last {:?}",
                    s.host,
                    s.phase,
                    s.cause,
                    s.epoch,
                    s.members,
                    s.view,
                    s.proposed,
                    s.fenced,
                    self.accepts(host),
                    s.frames,
                    &self.hosts[host].reports[self.hosts[host].reports.len().saturating_sub(4)..]
                ),
            })
            .collect()
    }

    /// Whether these hosts, and nobody else, are converged in one epoch, serve, and own every bucket once between them.
    pub(crate) fn are_one(&self, hosts: &[usize]) -> bool {
        let members: HostSet = hosts.iter().map(|&host| self.hosts[host].config.host).collect();
        let epoch = self.epoch(hosts[0]);
        let one = hosts.iter().all(|&host| {
            self.status(host)
                .is_some_and(|s| s.phase == PhaseKind::Stable && s.members == members && s.epoch == epoch && !s.fenced)
                && self.hosts[host].nic.accepts_at(self.at)
        });
        one && !epoch.is_none() && hosts.iter().map(|&host| self.owned(host)).sum::<u32>() == BUCKETS as u32
    }

    pub(crate) fn reported(&self, host: usize, since: u64, matches: impl Fn(&Report) -> bool) -> Option<u64> {
        self.hosts[host].reports.iter().find(|(at, report)| *at >= since && matches(report)).map(|(at, _)| *at)
    }
}
