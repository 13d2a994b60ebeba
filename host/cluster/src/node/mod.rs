//! One host's part of the cluster: the one entrance.
//!
//! [`Node::handle`] takes both clocks and an event and says what to do; [`Node::deadline`] says when to call again if
//! nothing else happens. The rules themselves are in the essays of [`lease`], [`phase`](crate::phase),
//! [`table`](crate::table), `view` and `peer`; here they meet:
//!
//! - `receive`: from octets to what peers say.
//! - `handover`: live connections in buckets that change hands.
//! - `contested`: connections that two hosts have.
//! - `converge`: who is a member, who proposes, what is loaded, released, owned; partitions that meet.
//! - `silent`: hosts that served when they were last heard.
//! - `speak`: heartbeats, bulk frames, lease renewals.
//! - `resume`: one process leaves its part to the next.
//! - `staged`: another configuration.
//! - `absence`: who is away for a while, and says so.
//! - `report`: the snapshot for `query`.
//!
//! # Why no two NICs accept one bucket
//!
//! 1. A host owns by an epoch only after every member of it, itself included, has reported to have released what the epoch
//!    takes away, and releases only when its promises to all hosts outside are over. So members are clear of each other by
//!    the release, and outsiders by the promise: their lease ends before it ([`lease`]).
//! 2. What was released is not owned again but by a later epoch. Ballots only rise.
//! 3. Reports and promises belong to an incarnation. A restarted host programs its NIC to own nothing and listens for a
//!    whole tolerance before it loads anything, so that promises it has forgotten are over. Longer ones are laid down before they
//!    are given ([`absence`](crate::absence)).
//! 4. A host without an epoch forms none beside hosts it hears that serve; beside a host with other rules and a lower
//!    number it waits. So a misconfigured cluster is one cluster and some that wait, not two. In availability mode it waits for
//!    a second tolerance when they have fallen silent.
//! 5. In availability mode a partition makes two clusters, each in the right as far as it knows. On first contact the lesser
//!    (fewer members, then the higher lowest number) fences at once and joins anew.
//! 6. An epoch for another configuration is committed only after every member has released all buckets whose meaning changes
//!    ([`staged`](crate::staged)): so hosts that have committed it and hosts that have not yet share none.

mod absence;
mod contested;
mod converge;
mod handover;
mod receive;
mod report;
mod resume;
mod silent;
mod speak;
mod staged;

pub use resume::ResumeError;
pub use staged::{Change, ChangeError};

use std::collections::BTreeMap;

use crate::absence::Absence;
use crate::action::{Action, Cause, Program, Report, Step};
use crate::buckets::Buckets;
use crate::config::{Config, ConfigError, Filtering, PortRule};
use crate::epoch::EpochId;
use crate::event::Event;
use crate::fitness::Fitness;
use crate::flow_key::Ring;
use crate::handover::Handover;
use crate::host::{HostId, HostSet};
use crate::lease::{self, Beats, Lease};
use crate::peer::{Challenges, Peer};
use crate::phase::PhaseKind;
use crate::program::Holding;
use crate::promise::Promises;
use crate::proposal::Proposal;
use crate::staged::Staged;
use crate::status::FrameKind;
use crate::time::{HostTime, Micros, NicTime, Now};
use crate::timers::{Timer, Timers};
use crate::transfer::{Fetch, Name};
use crate::wire::codes;

/// Frames sent at once between two periodic ones, at most: convergence needs a dozen, a storm would have no end.
const AT_ONCE: u32 = 100;

/// What the NIC was asked to do and has not answered.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Pending {
    word: u32,
    deadline: NicTime,
    work: Work,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Work {
    Fence,
    Release(Holding),
    Quiesce(Holding),
    Own(Holding),
    Tidy(Holding),
    Recommit,
}

/// One host's part of the cluster.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    config: Config,
    config_digest: [u8; 8],
    /// The flow keys of its heartbeat keys.
    ring: Ring,
    slots: Vec<PortRule>,
    codes: Vec<u32>,
    /// This host's weight slots, the default rule last.
    weights: Vec<u32>,
    /// The configuration that is announced and not yet in force.
    staged: Option<Staged>,
    /// What was last told of it, but for its name.
    offered: Option<Vec<u32>>,

    phase: PhaseKind,
    cause: (Cause, Option<HostId>),
    /// The cause last told, while converging.
    told: Option<(Cause, Option<HostId>)>,
    convergences: u32,
    stopping: bool,
    /// Is to stop when the last connection has ended.
    draining: bool,

    incarnation: u64,
    sequence: u32,
    challenges: Challenges,
    peers: BTreeMap<HostId, Peer>,
    promises: Promises,
    /// A promise to wait that is being laid down.
    remembering: Option<absence::Remembering>,
    /// Of this host, announced.
    absence: Option<Absence>,
    /// Until then promises of a process before this one may bind it.
    not_before: HostTime,
    deferred: Option<absence::Deferred>,
    /// Hosts of this host's group: the members of its epoch less those lost since. Always holds this host.
    base: HostSet,
    asymmetric_since: Option<HostTime>,

    committed: Option<Proposal>,
    loaded: Option<Proposal>,
    /// The NIC holds less than the committed epoch gives.
    partial: bool,
    library: BTreeMap<Name, Proposal>,
    fetch: Option<Fetch>,
    /// Highest counter of an epoch seen anywhere.
    highest: u32,
    /// By host, the epoch for which its list was thrown away: it is not loaded any more. This host's own has brought another flow
    /// key, for which there was no room.
    forsaken: BTreeMap<HostId, EpochId>,
    /// There was none for the last proposal that would have changed the flow key.
    key_refused: bool,
    /// The flow table has no room for what it lists by two flow keys.
    crowded: bool,

    holding: Holding,
    handover: Handover,
    /// When the kernel was last seen to have sent SYN cookies.
    cookies_at: Option<HostTime>,
    /// Released for the loaded proposal, and not yet reported.
    just_released: Buckets,
    /// The NIC has confirmed a program since the start.
    confirmed: bool,
    pending: Option<Pending>,
    serial: u8,
    lease: Lease,
    lease_length: Micros,
    beats: Beats,

    link: bool,
    awake_since: HostTime,
    foreign_at: Option<HostTime>,
    /// When a heartbeat of this cluster came last that no key opens.
    sealed_at: Option<HostTime>,
    duplicate_at: Option<HostTime>,
    timers: Timers,

    spoken: Option<speak::Spoken>,
    at_once: u32,
    counters: BTreeMap<FrameKind, u64>,
    sent: u64,
    told_unauthenticated: bool,
}

impl Node {
    /// A stopped host. Refuses a configuration no cluster can be run with.
    pub fn new(config: Config) -> Result<Node, ConfigError> {
        config.check()?;
        let slots = config.slots();
        let mut weights: Vec<u32> = slots.iter().map(|rule| codes::encode_weight(rule.filtering)).collect();
        weights.push(codes::encode_weight(Filtering::Single(config.host.get())));
        let base = HostSet::EMPTY.with(config.host);
        let ring = Ring::new(&config);
        Ok(Node {
            config_digest: config.digest(),
            codes: slots.iter().map(codes::rule_code).collect(),
            holding: Holding::nothing(weights.len()),
            handover: Handover::new(ring.own.clone()),
            ring,
            cookies_at: None,
            just_released: Buckets::none(weights.len()),
            lease_length: lease::length(config.dead_after(), config.skew),
            slots,
            weights,
            staged: None,
            offered: None,
            phase: PhaseKind::Stopped,
            cause: (Cause::None, None),
            told: None,
            convergences: 0,
            stopping: false,
            draining: false,
            incarnation: 0,
            sequence: 0,
            challenges: Challenges::default(),
            peers: BTreeMap::new(),
            promises: Promises::default(),
            remembering: None,
            absence: None,
            not_before: HostTime(0),
            deferred: None,
            base,
            asymmetric_since: None,
            committed: None,
            loaded: None,
            partial: false,
            library: BTreeMap::new(),
            fetch: None,
            highest: 0,
            forsaken: BTreeMap::new(),
            key_refused: false,
            crowded: false,
            confirmed: false,
            pending: None,
            serial: 0,
            lease: Lease::default(),
            beats: Beats::default(),
            link: true,
            awake_since: HostTime(0),
            foreign_at: None,
            sealed_at: None,
            duplicate_at: None,
            timers: Timers::default(),
            spoken: None,
            at_once: AT_ONCE,
            counters: BTreeMap::new(),
            sent: 0,
            told_unauthenticated: false,
            config,
        })
    }

    /// The configuration it was made with; loads may have changed since.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Where it is. All the rest is in [`status`](Node::status), which takes longer.
    pub fn phase(&self) -> PhaseKind {
        self.phase
    }

    /// Whether the service of a rule is fit here, as the last [`Event::SetFitness`] said.
    pub fn fitness(&self, slot: usize) -> Fitness {
        self.weights.get(slot).map_or(Fitness::Fit, |&weight| codes::fitness(weight))
    }

    /// This host's connections in buckets that are others', or are about to be.
    pub fn draining(&self) -> impl Iterator<Item = crate::flow::Flow> {
        self.handover.pins.keys().copied()
    }

    /// When to call [`handle`](Node::handle) with [`Event::Tick`] if nothing happens before. `None`: never.
    pub fn deadline(&self) -> Option<HostTime> {
        self.timers.next()
    }

    /// Takes an event and says what to do, in order.
    ///
    /// `now` was read before the call, the NIC's clock too. After a pause hand over the frames that wait in the socket before
    /// the tick. A call that is late by more than half a period counts as a resume: silence of others is counted anew.
    pub fn handle(&mut self, now: Now, event: Event, out: &mut Vec<Action>) {
        self.notice_a_pause(now, out);
        if self.lease.tick(now.nic) && self.committed.is_some() {
            out.push(Action::Report(Report::Fenced));
            self.handover.relist();
        }
        match event {
            Event::Tick => {}
            Event::Frame(frame) => self.receive(now, &frame, out),
            Event::Start { incarnation, entropy } => self.start(now, incarnation, entropy, out),
            Event::Stop => self.stop(),
            Event::Absent { seconds } => self.be_absent(now, seconds),
            Event::Remembered { until, kept } => self.remembered(until, kept, out),
            Event::Promised { until } => self.promised_before(until),
            Event::Programmed { epoch, fenced } => self.programmed(now, epoch, fenced, out),
            Event::ProgramFailed { epoch } => self.program_failed(now, epoch, out),
            Event::Fenced => self.fenced(now, out),
            Event::Link { up } => self.link(now, up),
            Event::SetLoad { slot, load } => self.set_load(slot, load),
            Event::SetFitness { slot, fitness } => self.set_fitness(slot, fitness),
            Event::Configure(config) => self.configure(now, *config, out),
            Event::Withdraw => self.withdraw(out),
            Event::DrainStop => self.drain_stop(),
            Event::SetDrain { slot, drain } => self.set_drain(slot, drain),
            Event::Dumped { id, flows } => self.dumped(id, flows, out),
            Event::CookiesSent => self.cookies_at = Some(now.host),
            Event::Closed(flows) => self.closed(&flows),
            Event::Listed { id, refused } => self.listed(id, &refused, out),
        }
        self.step(now, out);
        self.renew(now, out);
        self.speak(now, out);
        self.set_horizon(now);
    }

    fn me(&self) -> HostId {
        self.config.host
    }

    fn dead_after(&self) -> Micros {
        self.config.dead_after()
    }

    fn notice_a_pause(&mut self, now: Now, out: &mut Vec<Action>) {
        let Some(deadline) = self.deadline() else { return };
        let late = now.host - deadline;
        if late > self.config.period / 2 {
            self.awake_since = now.host;
            self.asymmetric_since = None;
            if self.timers.is_set(Timer::Listen) {
                self.timers.set(Timer::Listen, now.host + self.dead_after());
            }
            if late >= self.dead_after() {
                // Numbers of beats may have gone round since: who is not heard again is echoed no more.
                self.peers.values_mut().for_each(|peer| peer.beat = 0);
            }
            out.push(Action::Report(Report::Resumed { late }));
        }
    }

    fn start(&mut self, now: Now, incarnation: u64, entropy: [u8; 32], out: &mut Vec<Action>) {
        if self.phase != PhaseKind::Stopped || self.defers(now, incarnation, entropy, out) {
            return;
        }
        let promises = std::mem::take(&mut self.promises);
        let (counters, sent, serial, highest) =
            (std::mem::take(&mut self.counters), self.sent, self.serial, self.highest);
        let (link, mut weights) = (self.link, std::mem::take(&mut self.weights));
        weights.iter_mut().for_each(|weight| *weight &= !codes::DRAINS);
        let Ok(fresh) = Node::new(self.config.clone()) else { unreachable!("the configuration was checked before") };
        *self = Node { promises, counters, sent, serial, highest, link, weights, ..fresh };
        self.handover.reset();
        self.incarnation = incarnation;
        self.challenges = Challenges::new(entropy);
        self.awake_since = now.host;
        self.phase = PhaseKind::Listening;
        self.cause = (Cause::Listening, None);
        self.timers.set(Timer::Listen, now.host + self.dead_after());
        self.timers.set(Timer::Beat, now.host);
        out.push(Action::Report(Report::Started));
        self.program(Holding::nothing(self.weights.len()), Step::Fence, NicTime(0), Work::Fence, out);
    }

    fn stop(&mut self) {
        self.deferred = None;
        self.timers.clear(Timer::Start);
        if !matches!(self.phase, PhaseKind::Stopped | PhaseKind::Leaving) {
            self.phase = PhaseKind::Leaving;
            self.stopping = true;
            self.draining = false;
            self.loaded = None;
            self.fetch = None;
            for timer in
                [Timer::Listen, Timer::Records, Timer::Quiesce, Timer::Poll, Timer::Tidy, Timer::Drain, Timer::Batch]
            {
                self.timers.clear(timer);
            }
        }
    }

    /// Hands the NIC a program. Never while one is unanswered.
    fn program(&mut self, holding: Holding, step: Step, deadline: NicTime, work: Work, out: &mut Vec<Action>) {
        let epoch = match work {
            Work::Fence => 0,
            Work::Recommit | Work::Tidy(_) => self.committed.as_ref().map_or(0, |epoch| epoch.epoch.counter),
            Work::Release(_) | Work::Quiesce(_) | Work::Own(_) => {
                self.loaded.as_ref().map_or(0, |epoch| epoch.epoch.counter)
            }
        };
        self.serial = self.serial.wrapping_add(1);
        let word = epoch << 8 | u32::from(self.serial);
        let staged =
            self.loaded.as_ref().filter(|_| matches!(work, Work::Own(_))).and_then(|loaded| self.staged_for(loaded));
        let config = staged.map_or(&self.config, |staged| &staged.config);
        let keys = self.handover.keys();
        let next = keys.next.as_ref().filter(|_| matches!(work, Work::Own(_)));
        let key = next.unwrap_or(&keys.now).clone();
        let program = Program { staged: staged.is_some(), ..holding.program(config, key, step, word, deadline) };
        out.push(Action::Program(Box::new(program)));
        self.pending = Some(Pending { word, deadline, work });
    }

    fn programmed(&mut self, now: Now, word: u32, fenced: bool, out: &mut Vec<Action>) {
        let Some(Pending { deadline, work, .. }) = self.pending.take_if(|pending| pending.word == word) else { return };
        self.is_leased_until(deadline);
        let was_fenced = self.lease.fenced();
        let fenced_at = (fenced || now.nic >= deadline).then_some(now.nic);
        match work {
            Work::Fence => {
                self.holding = Holding::nothing(self.weights.len());
                self.handover.reset();
                self.confirmed = true;
                self.lease = Lease::default();
                if self.phase == PhaseKind::Leaving {
                    self.phase = PhaseKind::Stopped;
                    self.stopping = false;
                    self.committed = None;
                    self.timers.set(Timer::Farewell, now.host + self.dead_after());
                    out.push(Action::Report(Report::Stopped));
                }
                return;
            }
            Work::Release(kept) => {
                let before = std::mem::replace(&mut self.holding, kept).passes;
                self.partial = true;
                if self.loaded.is_some() {
                    self.has_released(&before, out);
                }
                // The fence of a NIC that was fenced before is as old as it was.
                self.lease = Lease { until: deadline, fenced_at: self.lease.fenced_at.or(fenced_at) };
            }
            Work::Quiesce(holding) => {
                self.holding = holding;
                // What it holds has to become whole again by an epoch, as after a release.
                self.partial = true;
                if self.loaded.is_some() {
                    self.timers.set(Timer::Quiesce, now.host + self.config.cookie_settle);
                }
                self.lease = Lease { until: deadline, fenced_at: self.lease.fenced_at.or(fenced_at) };
            }
            Work::Own(holding) => {
                let Some(epoch) = self.loaded.take() else { return };
                self.timers.clear(Timer::Propose);
                self.timers.clear(Timer::Patience);
                if self.is_switch(&epoch) {
                    self.activate(out);
                }
                self.handover.runs_the_next_key();
                self.holding = holding;
                self.tell_who_is_unfit(&epoch, out);
                self.has_owned(now, &epoch, out);
                self.partial = false;
                self.lease = Lease { until: deadline, fenced_at };
                self.base = epoch.view();
                if self.phase != PhaseKind::Leaving {
                    self.phase = PhaseKind::Stable;
                    self.told = None;
                    if let Some(default_host) = epoch.view().lowest() {
                        let (epoch, members) = (epoch.epoch, epoch.view());
                        out.push(Action::Report(Report::Converged { epoch, members, default_host }));
                    }
                }
                self.committed = Some(epoch);
            }
            Work::Tidy(holding) => {
                self.holding = holding;
                self.lease = Lease { until: deadline, fenced_at: self.lease.fenced_at.or(fenced_at) };
            }
            Work::Recommit => self.lease = Lease { until: deadline, fenced_at },
        }
        match (was_fenced, self.lease.fenced()) {
            (false, true) => {
                self.handover.relist();
                out.push(Action::Report(Report::Fenced));
            }
            (true, false) => out.push(Action::Report(Report::Unfenced)),
            _ => {}
        }
    }

    fn program_failed(&mut self, now: Now, word: u32, out: &mut Vec<Action>) {
        if self.pending.take_if(|pending| pending.word == word).is_none() {
            return;
        }
        out.push(Action::Report(Report::NicFailed));
        self.confirmed = false;
        self.stopping = false;
        self.forget_the_epoch((Cause::Nic, None));
        if self.phase != PhaseKind::Leaving {
            self.phase = PhaseKind::Listening;
            self.timers.set(Timer::Listen, now.host + self.dead_after());
        }
        self.timers.set(Timer::Nic, now.host + self.config.period);
    }

    /// This host has no epoch any more, and belongs with nobody until it has been linked with them for a while.
    fn forget_the_epoch(&mut self, cause: (Cause, Option<HostId>)) {
        self.committed = None;
        self.loaded = None;
        self.fetch = None;
        self.partial = false;
        self.handover.reset();
        self.just_released = Buckets::none(self.weights.len());
        self.cause = cause;
        self.leave_the_group();
    }

    fn leave_the_group(&mut self) {
        self.base = HostSet::EMPTY.with(self.me());
        for peer in self.peers.values_mut() {
            peer.penalised = true;
            peer.linked_since = None;
        }
    }

    fn fenced(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.pending.is_none() && !self.lease.fenced() {
            self.lease.fenced_at = Some(now.nic);
            self.handover.relist();
            out.push(Action::Report(Report::Fenced));
        }
    }

    fn link(&mut self, now: Now, up: bool) {
        if up && !self.link {
            self.awake_since = now.host;
            if self.timers.is_set(Timer::Listen) {
                self.timers.set(Timer::Listen, now.host + self.dead_after());
            }
        }
        self.link = up;
    }

    fn set_load(&mut self, slot: usize, load: crate::config::Load) {
        let Some(rule) = self.slots.get_mut(slot) else { return };
        if let Filtering::Multiple(own) = &mut rule.filtering {
            *own = match load {
                crate::config::Load::Weight(weight) => crate::config::Load::Weight(weight.min(100)),
                equal => equal,
            };
            self.weights[slot] = codes::encode_weight(rule.filtering) | self.weights[slot] & codes::STATES;
        }
    }

    fn set_fitness(&mut self, slot: usize, fitness: Fitness) {
        if let Some(weight) = self.weights.get_mut(slot) {
            *weight = *weight & !(codes::UNFIT | codes::BARRED) | codes::encode_fitness(fitness);
        }
    }

    /// The next moment at which something ends by itself.
    fn set_horizon(&mut self, now: Now) {
        let tolerance = self.dead_after();
        let mut ends: Vec<HostTime> = Vec::new();
        if self.phase != PhaseKind::Stopped {
            for peer in self.peers.values() {
                ends.extend(peer.heard.map(|heard| heard.max(self.awake_since) + tolerance));
                ends.extend(peer.heard.map(|heard| heard + 2 * tolerance));
                ends.extend(peer.linked_since.filter(|_| peer.penalised).map(|since| since + tolerance));
            }
            ends.extend(self.promises.ends(tolerance));
            let obstacles = [self.foreign_at, self.duplicate_at, self.sealed_at];
            ends.extend(obstacles.into_iter().flatten().map(|at| at + tolerance));
            ends.extend(self.asymmetric_since.map(|since| since + self.config.period));
            ends.extend(self.challenges.next(self.config.period));
            ends.extend([self.awake_since + tolerance, self.awake_since + 2 * tolerance]);
        }
        match ends.into_iter().filter(|&end| end > now.host).min() {
            Some(end) => self.timers.set(Timer::Horizon, end),
            None => self.timers.clear(Timer::Horizon),
        }
    }
}
