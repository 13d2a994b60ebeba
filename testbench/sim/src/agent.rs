//! What the agent does between the protocol, the NIC and the kernel: thin, as the real one.

use std::rc::Rc;
use std::time::Instant;

use weir_cluster::{Action, Event, Flow, Micros, Node, Step};

use crate::host::{Sorter, Stopped, Work};
use crate::plant::Plant;
use crate::world::{Due, World};

const MS: Micros = 1_000;
/// A dump that waits until what the NIC passed has settled waits for so long, unless periods are shorter.
const SETTLE: Micros = 5 * MS;
/// The longest a disk takes, unless periods are shorter.
const DISK: Micros = 20 * MS;
/// Frames a socket keeps for a process that does not read.
const INBOX: usize = 4096;

impl World {
    /// A new process on a host. What ran before is gone; its NIC and its kernel go on.
    pub fn start(&mut self, host: usize) {
        self.begin(host);
        self.hosts[host].forget_changes();
        let node = Node::new(self.hosts[host].config.clone()).expect("the configuration of a scenario");
        self.hosts[host].node = Some(node);
        if let Some(until) = self.hosts[host].promised {
            self.handle(host, Event::Promised { until });
        }
        self.start_again(host);
    }

    fn begin(&mut self, host: usize) {
        let at = self.at;
        let slot = &mut self.hosts[host];
        slot.up = true;
        slot.life += 1;
        slot.stopped = Stopped::Nothing;
        slot.inbox.clear();
        slot.works.clear();
        slot.left = None;
        slot.wakes = None;
        slot.nic.open(at);
    }

    /// `start` of a process that has stopped.
    pub fn start_again(&mut self, host: usize) {
        self.incarnations += 1;
        let mut entropy = [0; 32];
        entropy.iter_mut().for_each(|octet| *octet = self.dice.roll() as u8);
        let incarnation = self.dice.roll() << 8 | self.incarnations & 0xff;
        self.hosts[host].drains.iter_mut().for_each(|drain| *drain = false);
        self.handle(host, Event::Start { incarnation, entropy });
    }

    /// Asks an agent to end for so many seconds; false if it may not.
    pub fn announces(&mut self, host: usize, seconds: u16) -> bool {
        let now = self.hosts[host].now(self.at);
        let may = |node: &Node| node.may_be_absent(now, seconds).is_ok();
        if !self.hosts[host].node.as_ref().is_some_and(may) {
            return false;
        }
        self.log.note(self.at, &[22, host as u64, seconds.into()], || {
            format!("host {}: is to be absent for {seconds} s", host + 1)
        });
        self.handle(host, Event::Absent { seconds });
        true
    }

    /// The agent of a host ends, and leaves what the next one needs; false if it cannot now.
    pub fn leave_to_the_next(&mut self, host: usize) -> bool {
        let now = self.hosts[host].now(self.at);
        let slot = &mut self.hosts[host];
        if !slot.works.is_empty() || slot.stopped != Stopped::Nothing {
            return false;
        }
        let Some(left) = slot.node.as_ref().and_then(|node| node.save(now)) else { return false };
        self.end_process(host);
        self.hosts[host].left = Some(left);
        self.log.note(self.at, &[20, host as u64], || format!("host {}: its agent is being replaced", host + 1));
        true
    }

    /// The next agent takes over.
    pub fn go_on(&mut self, host: usize) {
        let Some(left) = self.hosts[host].left.take() else { return };
        self.begin(host);
        let now = self.hosts[host].now(self.at);
        self.hosts[host].staged = None;
        let config = self.hosts[host].config.clone();
        match Node::resume(config, &left, now) {
            Ok(node) => self.hosts[host].node = Some(node),
            Err(error) => self.fail(|_| format!("host {} cannot go on where its agent ended: {error}", host + 1)),
        }
        self.log.note(self.at, &[21, host as u64], || format!("host {}: the next agent goes on", host + 1));
        self.plan(host);
    }

    pub(crate) fn end_process(&mut self, host: usize) {
        let slot = &mut self.hosts[host];
        slot.life += 1;
        slot.node = None;
        slot.left = None;
        slot.inbox.clear();
        slot.works.clear();
        slot.wakes = None;
        slot.nic.let_go();
        if slot.stopped == Stopped::Agent {
            slot.stopped = Stopped::Nothing;
        }
    }

    /// A frame of the protocol.
    pub(crate) fn heartbeat_arrives(&mut self, to: usize, frame: &Rc<[u8]>) {
        if !self.hosts[to].up {
            return;
        }
        if self.plant == Plant::EndlessLease(to) {
            self.hosts[to].nic.extend_for_ever(self.at);
        }
        let decision = self.hosts[to].nic.rx(self.at, frame);
        if !decision.accept {
            self.fail(|_| format!("host {}: its NIC drops a heartbeat: {decision:?}", to + 1));
        }
        self.give(to, Event::Frame(frame.to_vec()));
    }

    /// An event for an agent that may be stopped, or not be there.
    pub(crate) fn give(&mut self, host: usize, event: Event) {
        let slot = &mut self.hosts[host];
        if slot.node.is_none() {
            return;
        }
        if slot.stopped == Stopped::Nothing {
            self.handle(host, event);
        } else if slot.inbox.len() < INBOX {
            slot.inbox.push_back(event);
        }
    }

    /// An event for an agent that runs.
    pub fn handle(&mut self, host: usize, event: Event) {
        let now = self.hosts[host].now(self.at);
        let slot = &mut self.hosts[host];
        let Some(node) = &mut slot.node else { return };
        let mut actions = Vec::new();
        let start = Instant::now();
        node.handle(now, event, &mut actions);
        slot.cpu += start.elapsed();
        for action in actions {
            match action {
                Action::Send(frame) => self.send(host, frame),
                Action::Program(program) => {
                    let delay = 1 + self.dice.below(self.write);
                    self.later(host, delay, Work::Program(program));
                }
                Action::Renew(until) => self.later(host, 1, Work::Renew(until)),
                Action::List(listing) => {
                    let delay = 1 + self.dice.below(self.write);
                    self.later(host, delay, Work::List(listing));
                }
                Action::Dump { id, settle, staged } => {
                    let settling = SETTLE.min(self.hosts[host].config.period / 4);
                    let delay = if settle { settling } else { 1 + self.write / 20 };
                    self.later(host, delay, Work::Dump { id, settle, staged });
                }
                Action::Destroy(flows) => self.later(host, 1, Work::Destroy(flows)),
                Action::Activated => self.activate(host),
                Action::Remember { until } => {
                    let delay = 100 + self.dice.below(DISK.min(self.hosts[host].config.period / 4));
                    self.later(host, delay, Work::Remember(until));
                }
                Action::EndHalfOpen => {
                    if !self.hosts[host].nic.must_be_fenced(self.at) {
                        self.fail(|_| format!("host {}: ends half-open connections while its NIC accepts", host + 1));
                    }
                    self.hosts[host].kernel.end_half_open();
                    self.leave_kernel(host, Vec::new());
                }
                Action::EndStale(flows) => {
                    if !self.hosts[host].nic.must_be_fenced(self.at) {
                        self.fail(|_| format!("host {}: ends stale connections while its NIC accepts", host + 1));
                    }
                    let mut out = Vec::new();
                    for flow in flows {
                        self.hosts[host].kernel.destroy(&Sorter::tuple(&flow), &mut out);
                    }
                    self.leave_kernel(host, out);
                }
                Action::Report(report) => {
                    self.log.note(self.at, &[2, host as u64], || format!("host {}: {report:?}", host + 1));
                    self.hosts[host].reports.push((self.at, report));
                    self.noted(host, report);
                }
            }
        }
        self.plan(host);
    }

    /// What concerns the NIC is done in the order in which it was asked, and so is what concerns the disk; a dump waits beside it.
    fn later(&mut self, host: usize, delay: Micros, work: Work) {
        let mut ready = self.at + delay;
        let slot = &mut self.hosts[host];
        if let Some(queue) = work.queue() {
            let last = slot.works.iter().rev().find(|(_, other)| other.queue() == Some(queue));
            ready = ready.max(last.map_or(0, |(at, _)| *at));
        }
        let place = slot.works.partition_point(|(at, _)| *at <= ready);
        slot.works.insert(place, (ready, work));
        let life = slot.life;
        self.push(ready, Due::Work { host, life });
    }

    fn plan(&mut self, host: usize) {
        let at = self.at;
        let slot = &mut self.hosts[host];
        let Some(deadline) = slot.node.as_ref().and_then(Node::deadline) else { return };
        let moment = slot.clock.shows(deadline.0, at);
        if slot.wakes != Some(moment) {
            slot.wakes = Some(moment);
            self.push(moment, Due::Wake { host });
        }
    }

    fn send(&mut self, from: usize, mut frame: Vec<u8>) {
        let slot = &mut self.hosts[from];
        slot.sent.0 += 1;
        slot.sent.1 += frame.len() as u64;
        if !slot.nic.tx(self.at, &mut frame).pass {
            self.fail(|_| format!("host {}: its NIC holds back a heartbeat", from + 1));
        }
        let tail = frame.last_chunk().map_or(0, |octets| u64::from_le_bytes(*octets));
        self.log.note(self.at, &[1, from as u64, tail], String::new);
        let frame: Rc<[u8]> = frame.into();
        for to in (0..self.hosts.len()).filter(|&to| to != from) {
            for arrival in self.wire.carry(self.at, from, to, &mut self.dice) {
                self.push(arrival, Due::Heartbeat { to, frame: Rc::clone(&frame) });
            }
        }
    }

    /// Does what is ready. A process that is stopped does it when it goes on, as late as that is.
    pub(crate) fn do_work(&mut self, host: usize) {
        loop {
            let slot = &mut self.hosts[host];
            let ready = slot.works.front().is_some_and(|(ready, _)| *ready <= self.at);
            if slot.stopped != Stopped::Nothing || !ready || !slot.up {
                return;
            }
            let Some((_, work)) = slot.works.pop_front() else { return };
            self.work(host, work);
        }
    }

    fn work(&mut self, host: usize, work: Work) {
        let at = self.at;
        let mut trouble = None;
        let answer = match work {
            Work::Program(mut program) => {
                let epoch = program.epoch;
                self.log.note(at, &[3, host as u64, epoch.into()], || {
                    format!("host {}: its NIC takes {:?} {epoch:#x}", host + 1, program.step)
                });
                if self.plant == Plant::SkippedRelease(host) && program.step == Step::Release {
                    self.handle(host, Event::Programmed { epoch, fenced: false });
                    return;
                }
                self.plant.spoil(host, &mut program);
                let taken = self.hosts[host].nic.program(at, &self.shared, &program, &mut trouble);
                self.compare_with_others(host);
                Some(match taken {
                    Some(fenced) => Event::Programmed { epoch, fenced },
                    None => Event::ProgramFailed { epoch },
                })
            }
            Work::Renew(until) => self.hosts[host].nic.renew(at, until, &mut trouble).then_some(Event::Fenced),
            Work::List(listing) => {
                self.log.note(at, &[4, host as u64, listing.add.len() as u64], || {
                    let (removes, adds) = (&listing.remove, &listing.add);
                    format!(
                        "host {}: its NIC lists (clear {}) less {removes:x?} and {adds:x?}",
                        host + 1,
                        listing.clear
                    )
                });
                let refused = self.hosts[host].nic.list(at, &listing, &mut trouble);
                Some(Event::Listed { id: listing.id, refused })
            }
            Work::Dump { id, settle, staged } => {
                if !settle {
                    self.look_for_cookies(host);
                }
                let sorter = self.hosts[host].sorter(staged);
                let mut flows: Vec<Flow> = self.hosts[host].kernel.alive().map(|tuple| sorter.flow(&tuple)).collect();
                if self.plant == Plant::ForgetfulDump(host) {
                    flows = flows.into_iter().enumerate().filter(|(n, _)| n % 5 != 0).map(|(_, flow)| flow).collect();
                }
                Some(Event::Dumped { id, flows })
            }
            Work::Remember(until) => {
                self.hosts[host].promised = Some(until);
                Some(Event::Remembered { until, kept: true })
            }
            Work::Destroy(flows) => {
                let mut out = Vec::new();
                for flow in flows {
                    let tuple = Sorter::tuple(&flow);
                    if self.hosts[host].kernel.destroy(&tuple, &mut out) {
                        self.destroyed.insert(tuple);
                    }
                }
                self.leave_kernel(host, out);
                None
            }
        };
        if let Some(trouble) = trouble {
            self.fail(|_| format!("host {}: {trouble}", host + 1));
        }
        if let Some(event) = answer {
            self.handle(host, event);
        }
    }
}
