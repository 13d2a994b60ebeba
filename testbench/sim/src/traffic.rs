//! Frames of clients: flooded to every NIC, passed or not, answered by a kernel, and heard by the client.

use std::rc::Rc;

use weir_cluster::Micros;
use weir_spec::verdict::{Class, Reason};

use crate::clients::{Fate, Plan, Server};
use crate::host::Stopped;
use crate::segment::{ACK, SYN, Segment, Tuple};
use crate::world::{Due, World};

/// The copies of a flooded frame arrive within so long of each other.
const SKEW: Micros = 300;
/// The longest from a NIC to its kernel.
const STACK: Micros = 200;
/// The longest between switch and client, where nothing else is said.
const WAY: Micros = 2_000;
/// Frames that wait in the ring of a host that stands still.
const RING: usize = 512;

/// What the clients do.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Between two that connect, on the average; 0: nobody does.
    pub gap: Micros,
    /// Not more connections than that.
    pub most: usize,
    /// The longest a client thinks before it asks again.
    pub think: Micros,
    /// The most often a client asks.
    pub requests: u64,
    /// Frames of a thousand that are lost, either way.
    pub loss: u64,
    /// Ports that are asked for.
    pub ports: Vec<u16>,
    /// Clients of a thousand that forget their connections.
    pub forgetful: u64,
    /// The longest between switch and client.
    pub way: Micros,
    /// Frames of one connection reach its host in the order in which they were sent.
    pub in_order: bool,
}

impl Traffic {
    /// Nobody.
    pub fn none() -> Traffic {
        Traffic {
            gap: 0,
            most: 0,
            think: 1,
            requests: 0,
            loss: 0,
            ports: Vec::new(),
            forgetful: 0,
            way: WAY,
            in_order: false,
        }
    }
}

impl World {
    /// Clients come from now on.
    pub fn open_to(&mut self, traffic: Traffic) {
        let began = self.traffic.gap == 0 && traffic.gap > 0;
        self.traffic = traffic;
        if began {
            self.push(self.at, Due::Newcomer);
        }
    }

    pub(crate) fn newcomer(&mut self) {
        if self.traffic.gap == 0 {
            return;
        }
        if self.clients.len() < self.traffic.most {
            let tuple = Tuple {
                client: 0x0b00_0000 + self.dice.below(4096) as u32 * 7,
                client_port: self.dice.between(1024, 65_535) as u16,
                vip: self.dice.below(2) as u8,
                port: self.dice.pick(&self.traffic.ports),
            };
            self.connect(tuple);
        }
        let gap = self.dice.below(2 * self.traffic.gap) + 1;
        self.push(self.at + gap, Due::Newcomer);
    }

    pub(crate) fn reconnect(&mut self, tuple: Tuple) {
        if self.traffic.gap > 0 {
            self.connect(tuple);
        }
    }

    fn connect(&mut self, tuple: Tuple) {
        let plan = Plan {
            requests: self.dice.below(self.traffic.requests + 1) as u32,
            think: 1 + self.dice.below(self.traffic.think),
            forgets: self.dice.chance(self.traffic.forgetful),
        };
        let mut out = Vec::new();
        self.clients.connect(self.at, tuple, plan, &mut out);
        self.checks.counts.begun += out.len() as u64;
        self.leave_clients(out);
    }

    /// Frames of clients into the switch, which floods them.
    fn leave_clients(&mut self, segments: Vec<Segment>) {
        for segment in segments {
            self.log.note(self.at, &[5, segment.seq.into(), segment.flags.into()], String::new);
            if self.dice.chance(self.traffic.loss) {
                continue;
            }
            self.numbers += 1;
            let number = self.numbers;
            let frame: Rc<[u8]> = self.addresses.to_cluster(&segment).into();
            let mut arrival = self.at + self.dice.below(self.traffic.way);
            if self.traffic.in_order {
                arrival = self.clients.queue(&segment.tuple, arrival, SKEW + STACK);
            }
            for to in 0..self.hosts.len() {
                let arrival = arrival + self.dice.below(SKEW);
                self.push(arrival, Due::Flooded { to, number, frame: Rc::clone(&frame) });
            }
        }
        self.plan_clients();
    }

    /// A client's frame at a NIC.
    pub(crate) fn arrive(&mut self, to: usize, number: u64, frame: Rc<[u8]>) {
        if !self.hosts[to].up {
            return;
        }
        let decision = self.hosts[to].nic.rx(self.at, &frame);
        if !decision.accept {
            return;
        }
        let by_rule = matches!(decision.reason, Reason::Bucket | Reason::Pin | Reason::Foreign);
        if decision.class != Class::Transport || !by_rule {
            self.fail(|_| format!("host {}: a client's frame passes its NIC by {decision:?}", to + 1));
        }
        if self.hosts[to].nic.must_be_fenced(self.at) {
            self.fail(|_| format!("host {}: its NIC must be fenced and passes {decision:?}", to + 1));
        }
        self.passed(to, number, &frame);
        let delay = self.dice.below(STACK);
        self.push(self.at + delay, Due::Passed { host: to, frame });
    }

    /// A frame that the NIC has passed.
    pub(crate) fn reach_kernel(&mut self, host: usize, frame: Rc<[u8]>) {
        if !self.hosts[host].up {
            return;
        }
        if self.hosts[host].stopped == Stopped::Everything {
            if self.hosts[host].ring.len() < RING {
                self.hosts[host].ring.push_back(frame);
            }
            return;
        }
        let Some(segment) = self.addresses.at_cluster(&frame) else { return };
        let first = self.dice.roll() as u32;
        let mut out = Vec::new();
        self.hosts[host].kernel.receive(self.at, &segment, first, &mut out);
        self.leave_kernel(host, out);
    }

    pub(crate) fn run_kernel(&mut self, host: usize) {
        if self.hosts[host].up && !self.stands_still(host) {
            let mut out = Vec::new();
            self.hosts[host].kernel.expire(self.at, &mut out);
            self.leave_kernel(host, out);
        }
    }

    /// What a kernel sends passes its NIC or does not; what it tells of reaches the agent.
    pub(crate) fn leave_kernel(&mut self, host: usize, segments: Vec<Segment>) {
        for segment in segments {
            let mut frame = self.addresses.to_client(&segment);
            let egress = self.hosts[host].nic.tx(self.at, &mut frame);
            if !egress.pass {
                continue;
            }
            if !egress.masked {
                self.fail(|_| format!("host {}: a frame leaves with the cluster's MAC", host + 1));
            }
            self.log.note(self.at, &[6, host as u64, segment.seq.into(), segment.flags.into()], || {
                let telling = segment.flags != ACK;
                if telling { format!("host {}: answers {segment:?}", host + 1) } else { String::new() }
            });
            if segment.has(SYN | ACK) {
                self.answered(host, &segment);
            }
            if !self.dice.chance(self.traffic.loss) {
                let arrival = self.at + self.dice.below(self.traffic.way);
                self.push(arrival, Due::Answer { frame: frame.into() });
            }
        }
        let (at, slot) = (self.at, &mut self.hosts[host]);
        let tuples = slot.kernel.take_ended();
        let life = slot.life;
        let deadline = slot.kernel.deadline().filter(|deadline| slot.kernel_wakes != Some(*deadline));
        if let Some(deadline) = deadline {
            let moment = deadline.max(at);
            self.hosts[host].kernel_wakes = Some(moment);
            self.push(moment, Due::Sockets { host });
        }
        if !tuples.is_empty() {
            self.push(at + 100, Due::Ended { host, life, tuples });
        }
    }

    /// An answer at its client.
    pub(crate) fn reach_client(&mut self, frame: &[u8]) {
        let Some(segment) = self.addresses.at_client(frame) else { return };
        // The masked MAC tells which host it is from.
        let host = usize::from(frame[7]) - 1;
        let first = self.clients.get(&segment.tuple).map(|client| client.first);
        let losses = first.and_then(|first| self.checks.losses_at_answer(&segment.tuple, first, host));
        let server = losses.map(|losses| Server { host, losses });
        let mut out = Vec::new();
        let fate = self.clients.receive(self.at, &segment, server, &mut out);
        self.leave_clients(out);
        if let Some((fate, client)) = fate {
            self.end_of(segment.tuple, fate, &client);
        }
    }

    pub(crate) fn run_clients(&mut self) {
        let mut out = Vec::new();
        let fates = self.clients.expire(self.at, &mut out);
        self.leave_clients(out);
        for (tuple, fate, client) in fates {
            self.end_of(tuple, fate, &client);
        }
    }

    pub(crate) fn plan_clients(&mut self) {
        let deadline = self.clients.deadline().map(|deadline| deadline.max(self.at));
        if let Some(deadline) = deadline.filter(|deadline| self.clients_wake != Some(*deadline)) {
            self.clients_wake = Some(deadline);
            self.push(deadline, Due::Clients);
        }
    }

    fn end_of(&mut self, tuple: Tuple, fate: Fate, client: &crate::clients::Client) {
        self.log.note(self.at, &[7, client.first.into()], || format!("{tuple:?}: {fate:?}, by {:?}", client.server));
        match fate {
            Fate::Forgotten => {
                let wait = self.dice.between(100_000, 3_000_000);
                self.push(self.at + wait, Due::Again { tuple });
            }
            Fate::Established => self.checks.counts.established += 1,
            Fate::Done => self.checks.counts.done += 1,
            Fate::Unanswered => self.checks.counts.unanswered += 1,
            Fate::Broken(why) => self.broken(tuple, why, client),
        }
        if fate != Fate::Established {
            self.checks.forget(&tuple, client.first);
        }
    }
}
