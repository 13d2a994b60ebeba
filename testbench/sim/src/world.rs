//! A cluster and its clients in virtual time: what is due, in the order in which it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use weir_cluster::{Config, Event, Micros, PhaseKind, Report, Status};
use weir_spec::config::RSS_KEY;
use weir_spec::egress::Masking;
use weir_spec::mac::Mac;

use crate::checks::Checks;
use crate::clients::Clients;
use crate::clock::Clock;
use crate::dice::Dice;
use crate::host::{Host, Stopped};
use crate::log::Log;
use crate::nic::HeldNic;
use crate::plant::Plant;
use crate::segment::{Addresses, Tuple};
use crate::traffic::Traffic;
use crate::wire::Wire;

/// What is due.
pub(crate) enum Due {
    /// A frame of the protocol arrives at a NIC.
    Heartbeat { to: usize, frame: Rc<[u8]> },
    /// A frame of a client arrives at a NIC. All copies of it have one number.
    Flooded { to: usize, number: u64, frame: Rc<[u8]> },
    /// A frame that the NIC has passed arrives at the kernel.
    Passed { host: usize, frame: Rc<[u8]> },
    /// A frame arrives at its client.
    Answer { frame: Rc<[u8]> },
    /// A tick of the protocol.
    Wake { host: usize },
    /// The next thing an agent has to do.
    Work { host: usize, life: u64 },
    /// The kernel tells of sockets that ended.
    Ended { host: usize, life: u64, tuples: Vec<Tuple> },
    /// A deadline of a kernel's sockets.
    Sockets { host: usize },
    /// A deadline of the clients.
    Clients,
    /// Somebody connects.
    Newcomer,
    /// A client that forgot its connection uses its port again.
    Again { tuple: Tuple },
    /// Every pair of NICs is looked at.
    Audit,
}

/// How a world is made.
pub struct Setup {
    /// One for each host.
    pub configs: Vec<Config>,
    /// The longest a NIC takes for a program.
    pub write: Micros,
    /// Whether lines are kept.
    pub lines: bool,
    /// What is to be wrong.
    pub plant: Plant,
}

/// A cluster and its clients.
pub struct World {
    pub(crate) at: Micros,
    pub(crate) hosts: Vec<Host>,
    pub(crate) clients: Clients,
    queue: BTreeMap<(Micros, u64), Due>,
    order: u64,
    pub(crate) clients_wake: Option<Micros>,
    pub(crate) numbers: u64,
    pub(crate) incarnations: u64,
    /// All chance.
    pub dice: Dice,
    /// What happens to heartbeats.
    pub wire: Wire,
    /// What the clients do.
    pub traffic: Traffic,
    pub(crate) write: Micros,
    pub(crate) addresses: Addresses,
    pub(crate) shared: weir_spec::Config,
    pub(crate) checks: Checks,
    pub(crate) plant: Plant,
    /// Connections that were destroyed at the drain limit.
    pub(crate) destroyed: BTreeSet<Tuple>,
    /// What happened.
    pub log: Log,
}

impl World {
    /// Hosts with power and nothing running on them.
    pub fn new(seed: u64, setup: Setup) -> World {
        let mut dice = Dice::new(seed);
        let first = &setup.configs[0];
        let vips = vec![first.cluster_ip, Ipv4Addr::from(u32::from(first.cluster_ip) + 1)];
        let mut shared = weir_spec::Config { hash_key: RSS_KEY, ..weir_spec::Config::default() };
        for (place, vip) in shared.vips.iter_mut().zip(&vips) {
            *place = Some((*vip).into());
        }
        let period = first.period;
        let hosts: Vec<Host> = setup
            .configs
            .into_iter()
            .map(|config| {
                let primary = config.cluster_ip;
                let masked = Mac::masked(config.host.get(), primary);
                let masking = Masking { enabled: true, cluster: Mac::cluster(primary), masked };
                let nic = HeldNic::new(Clock::any(&mut dice), masking);
                let secret = u64::from(config.unique_code) << 32;
                Host::new(config, nic, Clock::any(&mut dice), secret)
            })
            .collect();
        let clients = Clients::new(Dice::new(dice.roll()));
        let mut world = World {
            at: 0,
            checks: Checks::new(hosts.len(), period),
            hosts,
            clients,
            queue: BTreeMap::new(),
            order: 0,
            clients_wake: None,
            numbers: 0,
            incarnations: 0,
            dice,
            wire: Wire::new(),
            traffic: Traffic::none(),
            write: setup.write,
            addresses: Addresses { vips },
            shared,
            plant: setup.plant,
            destroyed: BTreeSet::new(),
            log: Log::new(setup.lines),
        };
        world.push(period / 2, Due::Audit);
        world
    }

    pub(crate) fn push(&mut self, at: Micros, due: Due) {
        self.order += 1;
        self.queue.insert((at, self.order), due);
    }

    /// The time.
    pub fn at(&self) -> Micros {
        self.at
    }

    /// How many hosts there are.
    pub fn size(&self) -> usize {
        self.hosts.len()
    }

    /// Something that must not be. The first that is found counts.
    pub(crate) fn fail(&mut self, what: impl FnOnce(&mut World) -> String) {
        if self.checks.failed.is_none() {
            let told = what(self);
            let text = format!("at {}: {told}", crate::log::Seconds(self.at));
            self.log.note(self.at, &[0xfa11], || format!("FAILED {text}"));
            self.checks.failed = Some(text);
        }
    }

    /// What was found.
    pub fn failed(&self) -> Option<&str> {
        self.checks.failed.as_deref()
    }

    /// The next thing that is due, if it is before `end` and nothing has failed.
    pub fn step(&mut self, end: Micros) -> bool {
        if self.checks.failed.is_some() {
            return false;
        }
        let Some((&key, _)) = self.queue.first_key_value().filter(|((at, _), _)| *at <= end) else {
            self.at = self.at.max(end);
            return false;
        };
        let Some(due) = self.queue.remove(&key) else { return false };
        self.at = self.at.max(key.0);
        self.happen(key.0, due);
        true
    }

    fn happen(&mut self, planned: Micros, due: Due) {
        match due {
            Due::Heartbeat { to, frame } => self.heartbeat_arrives(to, &frame),
            Due::Flooded { to, number, frame } => self.arrive(to, number, frame),
            Due::Passed { host, frame } => self.reach_kernel(host, frame),
            Due::Answer { frame } => self.reach_client(&frame),
            Due::Wake { host } => {
                if self.hosts[host].wakes == Some(planned) && self.hosts[host].runs() {
                    self.hosts[host].wakes = None;
                    self.handle(host, Event::Tick);
                }
            }
            Due::Work { host, life } => {
                if self.hosts[host].life == life {
                    self.do_work(host);
                }
            }
            Due::Ended { host, life, tuples } => {
                if self.hosts[host].life == life {
                    let flows = self.of_these(host, &tuples);
                    self.give(host, Event::Closed(flows));
                }
            }
            Due::Sockets { host } => {
                if self.hosts[host].kernel_wakes == Some(planned) {
                    self.hosts[host].kernel_wakes = None;
                    self.run_kernel(host);
                }
            }
            Due::Clients => {
                if self.clients_wake == Some(planned) {
                    self.clients_wake = None;
                    self.run_clients();
                }
            }
            Due::Newcomer => self.newcomer(),
            Due::Again { tuple } => self.reconnect(tuple),
            Due::Audit => {
                self.audit();
                self.look_after_agents();
                let period = self.hosts[0].config.period;
                self.push(self.at + period / 2, Due::Audit);
            }
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Micros) {
        let end = self.at + span;
        while self.step(end) {}
    }

    /// Lets time pass until `done`; false if that takes longer than `limit` or something failed.
    pub fn drive(&mut self, limit: Micros, mut done: impl FnMut(&mut World) -> bool) -> bool {
        let end = self.at + limit;
        // The state of a host changes with what happens to it; what is due between costs a look each.
        let mut looked = 0;
        loop {
            if self.at >= looked {
                if done(self) {
                    return true;
                }
                looked = self.at + (limit / 2000).max(1);
            }
            if !self.step(end) {
                return self.failed().is_none() && done(self);
            }
        }
    }

    /// The same, with a look after everything that happens.
    pub fn drive_exactly(&mut self, limit: Micros, mut done: impl FnMut(&mut World) -> bool) -> bool {
        let end = self.at + limit;
        while !done(self) {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    /// How long a host has spent in the protocol.
    pub fn cpu(&self, host: usize) -> Duration {
        self.hosts[host].cpu
    }

    /// Frames of the protocol that were sent by all hosts, and their octets.
    pub fn sent(&self) -> (u64, u64) {
        let add = |(a, b): (u64, u64), host: &Host| (a + host.sent.0, b + host.sent.1);
        self.hosts.iter().fold((0, 0), add)
    }

    /// When a host first told this, from `since` on.
    pub fn reported(&self, host: usize, since: Micros, matches: impl Fn(&Report) -> bool) -> Option<Micros> {
        let reports = &self.hosts[host].reports;
        reports.iter().find(|(at, report)| *at >= since && matches(report)).map(|(at, _)| *at)
    }

    /// What a host says of itself; `None` if no agent runs there.
    pub fn status(&mut self, host: usize) -> Option<Status> {
        let now = self.hosts[host].now(self.at);
        self.hosts[host].node.as_ref().map(|node| node.status(now))
    }

    /// The phase of a host's part.
    pub fn phase(&mut self, host: usize) -> PhaseKind {
        self.status(host).map(|status| status.phase).unwrap_or_default()
    }

    /// One line for each host.
    pub fn statuses(&mut self) -> Vec<String> {
        (0..self.hosts.len())
            .map(|index| {
                let accepts = self.accepted(index);
                let status = self.status(index);
                let host = &self.hosts[index];
                let last = &host.reports[host.reports.len().saturating_sub(3)..];
                match status {
                    None => format!("host {}: no agent, up {}; its NIC accepts {accepts:?}", index + 1, host.up),
                    Some(s) => format!(
                        "host {}: {} ({}) {:?} epoch {} proposed {:?} members {} view {} fenced {} accepts {accepts:?} pins {} \
                         leaves {} last {last:?}",
                        index + 1,
                        s.phase,
                        s.cause,
                        host.stopped,
                        s.epoch,
                        s.proposed,
                        s.members,
                        s.view,
                        s.fenced,
                        s.pins,
                        s.left_alone,
                    ),
                }
            })
            .collect()
    }

    /// Whether everything of a host stands still.
    pub(crate) fn stands_still(&self, host: usize) -> bool {
        self.hosts[host].stopped == Stopped::Everything
    }
}
