//! One state of a modelled cluster, and how it goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_cluster::{Action, EpochId, Event, Flow, HostSet, Mode, NicTime, PhaseKind, Program, Report, Status, Step};
use weir_spec::map::BUCKETS;

use crate::bug::Bug;
use crate::check::{self, Broken};
use crate::fault::Fault;
use crate::host::{Drift, Host, Write};
use crate::{FOREVER, MS, PERIOD, SECOND, TOLERANCE};

/// What is under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Due {
    Frame {
        from: usize,
        to: usize,
        frame: Arc<[u8]>,
    },
    Write {
        host: usize,
        life: u32,
        write: Write,
    },
    Resume {
        host: usize,
        life: u32,
    },
    Start {
        host: usize,
        life: u32,
    },
    TakeOver {
        host: usize,
        life: u32,
    },
    /// It does not wait any longer for others to wait for it.
    Stay {
        host: usize,
        life: u32,
    },
}

/// One state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    /// Virtual time, in microseconds.
    pub at: u64,
    /// All hosts, from number 0 and priority 1 on.
    pub hosts: Vec<Arc<Host>>,
    pub(crate) queue: BTreeMap<(u64, u64), Due>,
    order: u64,
    /// Until when a link is down, sender first.
    pub(crate) down: BTreeMap<(usize, usize), u64>,
    /// Until when both of a pair may serve in mode availability.
    pub(crate) excused: BTreeMap<(usize, usize), u64>,
    /// How long they may do so after their link works again.
    pub(crate) grace: u64,
    /// Nobody is excused.
    pub(crate) strict: bool,
    /// Nothing but planned changes happens: every connection passes at its host at all times.
    pub(crate) planned: bool,
    /// All connections there ever were, with their signatures.
    pub(crate) connections: BTreeMap<Flow, u64>,
    /// Those that were begun anew while their host was fenced: whose they are now.
    pub(crate) begun_anew: BTreeMap<Flow, usize>,
    /// Faults that may still happen.
    pub left: u8,
    /// Decisions so far.
    pub decided: u16,
    /// What was decided last, if no time has passed since: faults of one moment come in one order.
    pub last: Option<Fault>,
    /// The world has been repaired and looked at to the end.
    pub over: bool,
    /// What must never be, and was.
    pub broken: Option<Broken>,
    pub(crate) bug: Option<Bug>,
    /// The last farewell of each host that stopped.
    pub(crate) farewells: BTreeMap<usize, Arc<[u8]>>,
}

impl World {
    /// Hosts that have not been started, one for each pair of clocks.
    pub fn new(mode: Mode, drifts: &[Drift], bug: Option<Bug>) -> World {
        let count = drifts.len();
        let host = |(index, &drift): (usize, &Drift)| Arc::new(Host::new(index, count, mode, drift, bug));
        World {
            at: SECOND,
            hosts: drifts.iter().enumerate().map(host).collect(),
            queue: BTreeMap::new(),
            order: 0,
            down: BTreeMap::new(),
            excused: BTreeMap::new(),
            grace: TOLERANCE + PERIOD,
            strict: mode == Mode::Quorum,
            planned: false,
            connections: BTreeMap::new(),
            begun_anew: BTreeMap::new(),
            left: 0,
            decided: 0,
            last: None,
            over: false,
            broken: None,
            bug,
            farewells: BTreeMap::new(),
        }
    }

    /// All hosts, started one after the other and driven until they are one.
    pub fn converged(mode: Mode, drifts: &[Drift], bug: Option<Bug>) -> World {
        let mut world = World::new(mode, drifts, bug);
        for host in 0..drifts.len() {
            world.start(host);
            world.run(130 * MS);
        }
        world.drive(4 * TOLERANCE, World::are_all_one);
        world
    }

    pub(crate) fn host(&mut self, host: usize) -> &mut Host {
        Arc::make_mut(&mut self.hosts[host])
    }

    pub(crate) fn push(&mut self, at: u64, due: Due) {
        self.order += 1;
        self.queue.insert((at, self.order), due);
    }

    /// Whether frames of a link are lost.
    pub(crate) fn is_down(&self, from: usize, to: usize) -> bool {
        self.down.get(&(from, to)).is_some_and(|&until| self.at < until)
    }

    /// Whether two hosts hear each other, as far as the wire is concerned.
    pub(crate) fn are_linked(&self, a: usize, b: usize) -> bool {
        !self.is_down(a, b) && !self.is_down(b, a)
    }

    /// Hands an event to a host's agent, with both its clocks.
    pub fn handle(&mut self, host: usize, event: Event) {
        let now = self.hosts[host].now(self.at);
        self.handle_at(host, now, event);
    }

    pub(crate) fn handle_at(&mut self, host: usize, now: weir_cluster::Now, event: Event) {
        let Some(node) = &mut self.host(host).node else { return };
        let mut actions = Vec::new();
        node.handle(now, event, &mut actions);
        self.act(host, actions);
        self.go_if_it_may(host);
    }

    pub(crate) fn act(&mut self, host: usize, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Send(frame) => self.send(host, frame.into()),
                Action::Program(program) => {
                    let decided = self.hosts[host].nic_time(self.at);
                    self.write(host, 100, Write::Program { program: Arc::new(*program), decided });
                }
                Action::Renew(until) => {
                    let decided = self.hosts[host].nic_time(self.at);
                    self.write(host, 20, Write::Renew { until, decided });
                }
                Action::List(listing) => self.write(host, 50, Write::List(Arc::new(*listing))),
                Action::Dump { id, settle, .. } => {
                    self.write(host, if settle { 3 * MS } else { 50 }, Write::Dump { id, settle });
                }
                Action::Remember { until } => self.write(host, 2 * MS, Write::Remember { until }),
                Action::Destroy(flows) => {
                    let slot = self.host(host);
                    flows.iter().for_each(|flow| {
                        slot.sockets.remove(flow);
                    });
                }
                Action::EndStale(flows) => {
                    debug_assert!(!self.hosts[host].is_open(self.at));
                    let slot = self.host(host);
                    flows.iter().for_each(|flow| {
                        slot.sockets.remove(flow);
                    });
                }
                Action::Report(Report::Lost { host: other, .. }) if self.bug == Some(Bug::ExclusionEndsThePromise) => {
                    self.bid_farewell(host, other.index());
                }
                // All connections of the model are established.
                Action::EndHalfOpen | Action::Report(_) => {}
                Action::Activated => {
                    let slot = self.host(host);
                    slot.config = slot.staged.take().expect("something is staged");
                }
            }
        }
    }

    fn write(&mut self, host: usize, takes: u64, write: Write) {
        let at = self.at;
        let slot = self.host(host);
        let life = slot.life;
        let lands = match write {
            // Kernel and disk are asked beside the NIC.
            Write::Dump { .. } | Write::Remember { .. } => at + takes,
            _ => (at + takes).max(slot.busy_until + 1),
        };
        if !matches!(write, Write::Dump { .. } | Write::Remember { .. }) {
            slot.busy_until = lands;
        }
        self.push(lands, Due::Write { host, life, write });
    }

    pub(crate) fn send(&mut self, from: usize, frame: Arc<[u8]>) {
        if let Some(answer) = self.listed_without_an_answer(from, &frame) {
            self.push(self.at + 1, answer);
            return;
        }
        self.record(from, &frame);
        self.promise_for_all(from, &frame);
        for to in (0..self.hosts.len()).filter(|&to| to != from) {
            if !self.is_down(from, to) {
                // Constant, and different for every link, so that frames have one order.
                let delay = 5 + from as u64 + 4 * to as u64;
                self.push(self.at + delay, Due::Frame { from, to, frame: frame.clone() });
            }
        }
    }

    /// A frame from nowhere.
    pub(crate) fn inject(&mut self, from: usize, to: usize, frame: Arc<[u8]>) {
        self.push(self.at + 1, Due::Frame { from, to, frame });
    }

    fn listed_without_an_answer(&self, from: usize, frame: &[u8]) -> Option<Due> {
        if self.bug != Some(Bug::ListedWithoutAnAnswer) {
            return None;
        }
        let answer = crate::bug::answer_to_records(&self.hosts, from, frame)?;
        Some(Due::Frame { from: answer.0, to: from, frame: answer.1 })
    }

    /// When the next thing is due, and whose deadline it is if it is nothing in the queue.
    fn next(&self) -> Option<(u64, Option<usize>)> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| (*at, None));
        let wakes = self.hosts.iter().enumerate();
        let wakes = wakes.filter_map(|(index, host)| Some((host.wakes_at(self.at)?, Some(index))));
        queued.into_iter().chain(wakes).min_by_key(|(at, host)| (*at, host.map_or(0, |host| host + 1)))
    }

    /// The next thing that is due happens, if it is before `end`; else time goes on until then.
    pub fn step(&mut self, end: u64) -> bool {
        let Some((at, wakes)) = self.next().filter(|(at, _)| *at <= end) else {
            self.at = self.at.max(end);
            check::look(self);
            return false;
        };
        self.at = self.at.max(at);
        match wakes {
            Some(host) => self.handle(host, Event::Tick),
            None => {
                let Some((_, due)) = self.queue.pop_first() else { return false };
                self.happens(due);
            }
        }
        true
    }

    fn happens(&mut self, due: Due) {
        match due {
            Due::Frame { from, to, frame } => {
                let frame = match self.bug {
                    Some(bug) => bug.bends(self, from, to, frame),
                    None => frame,
                };
                self.give(to, Event::Frame(frame.to_vec()));
            }
            Due::Write { host, life, write } => {
                let slot = self.host(host);
                if slot.life != life {
                    return;
                }
                if slot.holds {
                    slot.held.push(write);
                    return;
                }
                if let Some(answer) = self.land(host, write) {
                    self.give(host, answer);
                }
                check::look(self);
            }
            Due::Resume { host, life } if self.hosts[host].life == life => {
                self.resume(host);
                check::look(self);
            }
            Due::Start { host, life } if self.hosts[host].life == life => self.start_anew(host),
            Due::TakeOver { host, life } if self.hosts[host].life == life => self.take_over(host),
            Due::Stay { host, life } if self.hosts[host].life == life => self.stay(host),
            Due::Resume { .. } | Due::Start { .. } | Due::TakeOver { .. } | Due::Stay { .. } => {}
        }
    }

    pub(crate) fn give(&mut self, host: usize, event: Event) {
        let slot = self.host(host);
        match slot.paused {
            true if slot.keeps || !matches!(event, Event::Frame(_)) => slot.inbox.push(event),
            true => {}
            false => self.handle(host, event),
        }
    }

    /// A write reaches NIC or kernel; its answer.
    pub(crate) fn land(&mut self, host: usize, write: Write) -> Option<Event> {
        let (at, bug) = (self.at, self.bug);
        let slot = self.host(host);
        let now = slot.nic_time(at);
        let later = |until: NicTime, decided: NicTime| match bug {
            Some(Bug::DeadlinesAreSpans) if until.0 > 0 => until + (now.0 - decided.0),
            _ => until,
        };
        match write {
            Write::Renew { until, decided } => {
                slot.nic.renew(now, later(until, decided));
                // What the NIC's interrupt tells the agent.
                (!slot.nic.is_open(now)).then_some(Event::Fenced)
            }
            Write::Program { program, decided } => {
                let program = Program { deadline: later(program.deadline, decided), ..(*program).clone() };
                if bug == Some(Bug::SwitchReleasesNothing) && program.step == Step::Release && slot.staged.is_some() {
                    return Some(Event::Programmed { epoch: program.epoch, fenced: !slot.nic.is_open(now) });
                }
                let fenced = slot.nic.commit(now, &program);
                Some(Event::Programmed { epoch: program.epoch, fenced })
            }
            Write::List(listing) => {
                slot.nic.list(&listing);
                Some(Event::Listed { id: listing.id, refused: Vec::new() })
            }
            Write::Remember { until } => {
                slot.promised = Some(until);
                Some(Event::Remembered { until, kept: true })
            }
            Write::Dump { id, settle } => {
                let flows: BTreeSet<Flow> = match bug {
                    Some(Bug::SecondDumpIsTheFirst) if settle => slot.last_dump.clone(),
                    Some(Bug::SecondDumpForgetsTheFirst) if settle => {
                        slot.sockets.keys().filter(|flow| !slot.last_dump.contains(flow)).copied().collect()
                    }
                    _ => slot.sockets.keys().copied().collect(),
                };
                slot.last_dump.clone_from(&flows);
                Some(Event::Dumped { id, flows: flows.into_iter().collect() })
            }
        }
    }

    /// Lets a span go by.
    pub fn run(&mut self, span: u64) {
        let end = self.at + span;
        while self.broken.is_none() && self.step(end) {}
    }

    /// Goes on until `done`, which is asked every so often; false if that takes longer than `limit`.
    pub fn drive(&mut self, limit: u64, done: impl Fn(&World) -> bool) -> bool {
        let end = self.at + limit;
        while self.broken.is_none() && !done(self) {
            if self.at >= end {
                return false;
            }
            self.run(50 * MS);
        }
        self.broken.is_none()
    }

    /// What a host's agent says of itself.
    pub fn status(&self, host: usize) -> Option<Status> {
        let slot = &self.hosts[host];
        Some(slot.node.as_ref()?.status(slot.now(self.at)))
    }

    /// Buckets of the first rule that open NICs of these hosts accept, each counted as often as it is.
    fn accepted(&self, hosts: &[usize]) -> usize {
        let open = hosts.iter().map(|&host| &self.hosts[host]).filter(|host| host.is_open(self.at));
        let count = |bits: &crate::nic::Bits| bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        open.map(|host| host.nic.accepts().first().map_or(0, count)).sum()
    }

    /// Whether these hosts, and nobody else, are converged in one epoch and own every bucket between them.
    pub fn are_one(&self, hosts: &[usize]) -> bool {
        let members: HostSet = hosts.iter().map(|&host| self.hosts[host].config.host).collect();
        let mut epoch: Option<EpochId> = None;
        let one = hosts.iter().all(|&host| {
            let good = |s: Status| {
                let same = *epoch.get_or_insert(s.epoch) == s.epoch;
                same && s.phase == PhaseKind::Stable && s.members == members && !s.fenced
            };
            self.status(host).is_some_and(good)
        });
        one && epoch.is_some_and(|epoch| !epoch.is_none()) && self.accepted(hosts) == BUCKETS
    }

    /// [`are_one`](World::are_one) of all.
    pub fn are_all_one(&self) -> bool {
        self.are_one(&(0..self.hosts.len()).collect::<Vec<_>>())
    }

    /// The epoch of a host.
    pub fn epoch(&self, host: usize) -> EpochId {
        self.status(host).map(|status| status.epoch).unwrap_or_default()
    }

    /// Nothing that was cut comes back by itself.
    pub(crate) fn is_cut_for_good(&self) -> bool {
        self.down.values().any(|&until| until == FOREVER)
    }

    /// A line for each host.
    pub fn tell(&self) -> String {
        let mut text = format!("at {} us:\n", self.at);
        for (index, host) in self.hosts.iter().enumerate() {
            let agent = match self.status(index) {
                None => "no agent".to_owned(),
                Some(s) => format!(
                    "{}{} ({}) epoch {} members {} view {} proposed {:?} fenced {}",
                    if host.paused { "paused " } else { "" },
                    s.phase,
                    s.cause,
                    s.epoch,
                    s.members,
                    s.view,
                    s.proposed,
                    s.fenced
                ),
            };
            let nic = (host.is_open(self.at), self.accepted(&[index]));
            text += &format!("  host {}: {agent}; NIC open {} accepts {}\n", index + 1, nic.0, nic.1);
        }
        text
    }
}
