//! What may happen to a cluster, as it happens: processes end and begin, links are lost, clients come and go.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use weir_cluster::{Action, Event, Flow, Node, PhaseKind, flow_key};
use weir_spec::flow::Connection;
use weir_spec::flow::signature::signature;

use crate::bug::Bug;
use crate::fault::Fault;
use crate::host::Host;
use crate::world::{Due, World};
use crate::{MS, TOLERANCE};

impl World {
    /// A new process on this host. What ran before is gone; its NIC goes on.
    pub fn start(&mut self, host: usize) {
        let slot = self.host(host);
        (slot.config, slot.staged) = (slot.file.clone(), None);
        let config = (*slot.config).clone();
        let node = Node::new(config).expect("the configuration of the model is sound");
        let slot = self.host(host);
        slot.life += 1;
        slot.starts += 1;
        (slot.node, slot.left, slot.paused, slot.holds) = (Some(node), None, false, false);
        (slot.inbox, slot.held, slot.going) = (Vec::new(), Vec::new(), None);
        // Random as far as the protocol can tell, and the same in every run.
        let entropy = [slot.starts << 4 | host as u8; 32];
        let incarnation = slot.incarnation();
        let event = Event::Start { incarnation, entropy };
        if let Some(until) = self.hosts[host].promised.filter(|_| self.bug != Some(Bug::AbsenceIsForgotten)) {
            self.handle(host, Event::Promised { until });
        }
        match self.bug {
            Some(Bug::NoListening) => self.start_having_listened(host, event),
            _ => self.handle(host, event),
        }
    }

    /// As if the tolerance a host listens for at its start had gone by before it.
    fn start_having_listened(&mut self, host: usize, event: Event) {
        let at = self.at;
        let slot = self.host(host);
        let now = slot.now(at);
        let mut time = weir_cluster::HostTime(now.host.0 - TOLERANCE);
        let mut event = Some(event);
        let mut actions = Vec::new();
        let Some(node) = &mut slot.node else { return };
        while time < now.host {
            let past = weir_cluster::Now { host: time, nic: now.nic };
            node.handle(past, event.take().unwrap_or(Event::Tick), &mut actions);
            time = node.deadline().unwrap_or(now.host).min(now.host);
        }
        actions.retain(|action| matches!(action, Action::Program(_)));
        self.act(host, actions);
        self.handle(host, Event::Tick);
    }

    fn crash(&mut self, host: usize) {
        let slot = self.host(host);
        slot.life += 1;
        (slot.node, slot.left, slot.paused, slot.holds) = (None, None, false, false);
        (slot.inbox, slot.held, slot.going) = (Vec::new(), Vec::new(), None);
    }

    pub(crate) fn resume(&mut self, host: usize) {
        let at = self.at;
        let slot = self.host(host);
        if !std::mem::take(&mut slot.paused) {
            return;
        }
        slot.holds = false;
        let (held, inbox, paused_at) =
            (std::mem::take(&mut slot.held), std::mem::take(&mut slot.inbox), slot.paused_at);
        // What was decided before the pause lands now; frames were there before the answers.
        let answers: Vec<Event> = held.into_iter().filter_map(|write| self.land(host, write)).collect();
        if self.bug == Some(Bug::SilenceCountsInAPause) {
            self.tick_through(host, paused_at);
        }
        for event in inbox.into_iter().chain(answers).chain([Event::Tick]) {
            self.handle(host, event);
        }
        debug_assert_eq!(at, self.at);
    }

    /// As if the agent's timers had run while it was paused.
    fn tick_through(&mut self, host: usize, since: u64) {
        for past in (since..self.at).step_by(100 * MS as usize) {
            let slot = &self.hosts[host];
            let now = weir_cluster::Now { host: slot.now(past).host, nic: slot.now(self.at).nic };
            self.handle_at(host, now, Event::Tick);
        }
    }

    fn cut(&mut self, from: usize, to: usize, span: u64) {
        let (until, grace) = (self.at.saturating_add(span), self.grace);
        let down = self.down.entry((from, to)).or_default();
        *down = until.max(*down);
        let excused = self.excused.entry((from.min(to), from.max(to))).or_default();
        *excused = until.saturating_add(grace).max(*excused);
    }

    /// Whether a fault makes sense now.
    pub(crate) fn may(&self, fault: &Fault) -> bool {
        let is_up = |host: usize| self.hosts[host].is_up();
        match *fault {
            Fault::Crash { host, .. } => self.hosts[host].node.is_some(),
            Fault::Pause { host, .. } | Fault::Stop { host, .. } | Fault::PowerLoss { host, .. } => is_up(host),
            Fault::Weigh { host, .. } | Fault::Drain { host, .. } => is_up(host),
            Fault::Absent { host, seconds, .. } => {
                let slot = &self.hosts[host];
                let node = slot.node.as_ref().filter(|_| is_up(host) && slot.going.is_none());
                node.is_some_and(|node| node.may_be_absent(slot.now(self.at), seconds).is_ok())
            }
            Fault::Edit { host } => !self.is_edited(host),
            Fault::Replace { host, .. } => is_up(host) && self.left_by(host).is_some(),
            Fault::Cut { from, to, .. } => !self.is_down(from, to),
            Fault::Replay { host } => self.farewells.contains_key(&host),
            Fault::BeginAnew => {
                (0..self.hosts.len()).any(|host| self.is_lost(host) && !self.hosts[host].sockets.is_empty())
            }
            Fault::Close => self.hosts.iter().any(|host| !host.sockets.is_empty()),
            Fault::Lose | Fault::Double { .. } => matches!(self.queue.first_key_value(), Some((_, Due::Frame { .. }))),
            Fault::Delay { .. } => {
                matches!(self.queue.first_key_value(), Some((_, Due::Frame { .. } | Due::Write { .. })))
            }
            _ => true,
        }
    }

    fn left_by(&self, host: usize) -> Option<Vec<u8>> {
        let slot = &self.hosts[host];
        let now = slot.now(self.at);
        // What lands after the process has ended would land with the next one.
        slot.node.as_ref().filter(|_| slot.busy_until < self.at)?.save(now)
    }

    /// Something happens.
    pub fn suffer(&mut self, fault: Fault) {
        let all = 0..self.hosts.len();
        match fault {
            Fault::Crash { host, back } => {
                self.crash(host);
                self.start_after(host, back);
            }
            Fault::PowerLoss { host, back } => {
                self.crash(host);
                let bug = self.bug;
                let slot = self.host(host);
                slot.nic = crate::nic::Nic::new(bug);
                slot.sockets.clear();
                self.start_after(host, back);
            }
            Fault::Pause { host, span, hold, keep } => {
                let at = self.at;
                let slot = self.host(host);
                (slot.paused, slot.holds, slot.keeps, slot.paused_at) = (true, hold, keep, at);
                let life = slot.life;
                self.push(at.saturating_add(span), Due::Resume { host, life });
            }
            Fault::Cut { from, to, span } => self.cut(from, to, span),
            Fault::Mute { host, span } => all.filter(|&to| to != host).for_each(|to| self.cut(host, to, span)),
            Fault::Deaf { host, span } => all.filter(|&from| from != host).for_each(|from| self.cut(from, host, span)),
            Fault::Isolate { host, span } => all.filter(|&other| other != host).for_each(|other| {
                self.cut(host, other, span);
                self.cut(other, host, span);
            }),
            Fault::Split { span } => {
                let (half, count) = (self.hosts.len() / 2, self.hosts.len());
                for (a, b) in (0..half).flat_map(|a| (half..count).map(move |b| (a, b))) {
                    self.cut(a, b, span);
                    self.cut(b, a, span);
                }
            }
            Fault::Weigh { host, weight } => {
                self.handle(host, Event::SetLoad { slot: 0, load: weir_cluster::Load::Weight(weight) });
            }
            Fault::Drain { host, drain } => self.handle(host, Event::SetDrain { slot: None, drain }),
            Fault::Edit { host } => {
                self.edit(host);
                self.read_files();
            }
            Fault::Stop { host, back } => {
                self.handle(host, Event::Stop);
                self.start_after(host, back);
            }
            Fault::Replace { host, gap } => self.replace(host, gap),
            Fault::Absent { host, seconds, gap } => {
                self.host(host).going = Some(gap);
                let life = self.hosts[host].life;
                self.push(self.at + 2 * TOLERANCE, Due::Stay { host, life });
                self.handle(host, Event::Absent { seconds });
            }
            Fault::Connect { bucket } => {
                self.connect(bucket);
            }
            Fault::BeginAnew => self.begin_anew(),
            Fault::Close => self.close(),
            Fault::Replay { host } => self.replay(host),
            Fault::Lose => {
                self.queue.pop_first();
            }
            Fault::Double { later } => {
                if let Some(((at, _), due)) = self.queue.first_key_value().map(|(key, due)| (*key, due.clone())) {
                    self.push(at + later, due);
                }
            }
            Fault::Delay { later } => {
                if let Some(((at, _), due)) = self.queue.pop_first() {
                    if let Due::Write { host, .. } = &due {
                        let host = *host;
                        self.host(host).busy_until = at + later;
                    }
                    self.push(at + later, due);
                }
            }
        }
    }

    fn replace(&mut self, host: usize, gap: u64) {
        let left = self.left_by(host);
        self.crash(host);
        let at = self.at;
        let slot = self.host(host);
        slot.left = left.map(Arc::from);
        let life = slot.life;
        self.push(at.saturating_add(gap), Due::TakeOver { host, life });
    }

    /// Who has announced to be absent goes.
    pub(crate) fn go_if_it_may(&mut self, host: usize) {
        if let Some(gap) = self.hosts[host].going
            && self.left_by(host).is_some()
        {
            self.replace(host, gap);
        }
    }

    pub(crate) fn stay(&mut self, host: usize) {
        if self.host(host).going.take().is_some() {
            self.give(host, Event::Absent { seconds: 0 });
        }
    }

    fn start_after(&mut self, host: usize, back: u64) {
        let life = self.hosts[host].life;
        self.push(self.at.saturating_add(back), Due::Start { host, life });
    }

    pub(crate) fn start_anew(&mut self, host: usize) {
        self.resume(host);
        self.start(host);
    }

    fn edit(&mut self, host: usize) {
        let mut config = (*self.hosts[host].file).clone();
        config.rules[0].last_port = 81;
        self.host(host).file = Arc::new(config);
    }

    fn is_edited(&self, host: usize) -> bool {
        self.hosts[host].file.rules[0].last_port == 81
    }

    /// Agents that run read what was edited, unless another configuration is put in force at that moment.
    pub(crate) fn read_files(&mut self) {
        for host in 0..self.hosts.len() {
            let slot = &self.hosts[host];
            let known = slot.staged.as_ref().unwrap_or(&slot.config);
            if !slot.is_up() || slot.file.digest() == known.digest() {
                continue;
            }
            let now = slot.now(self.at);
            if slot.node.as_ref().is_some_and(|node| node.change(now, &slot.file).is_ok()) {
                let slot = self.host(host);
                let file = slot.file.clone();
                slot.staged = Some(file.clone());
                self.handle(host, Event::Configure(Box::new((*file).clone())));
            }
        }
    }

    /// Whether every host goes by what was edited.
    pub(crate) fn go_by_their_files(&self) -> bool {
        self.hosts.iter().all(|host| host.staged.is_none() && host.file.digest() == host.config.digest())
    }

    pub(crate) fn take_over(&mut self, host: usize) {
        let now = self.hosts[host].now(self.at);
        let slot = self.host(host);
        // It is not taken over twice.
        slot.life += 1;
        slot.staged = None;
        let config = (*slot.config).clone();
        let next = slot.left.take().and_then(|left| Node::resume(config, &left, now).ok());
        match next {
            Some(node) => slot.node = Some(node),
            None => self.start(host),
        }
    }

    /// All links work, all processes run, and all hosts take connections.
    pub(crate) fn repair(&mut self) {
        let until = self.at + self.grace;
        self.down.clear();
        self.excused.values_mut().for_each(|end| *end = until.min(*end));
        if (0..self.hosts.len()).any(|host| self.is_edited(host)) {
            (0..self.hosts.len()).for_each(|host| self.edit(host));
        }
        for host in 0..self.hosts.len() {
            self.resume(host);
            self.stay(host);
            if self.hosts[host].left.is_some() {
                self.take_over(host);
            } else if self.status(host).is_none_or(|status| status.phase == PhaseKind::Stopped) {
                self.start(host);
            }
            self.handle(host, Event::SetDrain { slot: None, drain: false });
        }
    }

    /// A client connects: the host whose NIC passes its SYN has a new socket. False if none does.
    pub fn connect(&mut self, bucket: u16) -> bool {
        let source = IpAddr::V4(Ipv4Addr::from(0x0a00_0001 + self.connections.len() as u32));
        let flow = Flow { slot: 0, bucket, vip: 0, connection: Connection::new(source, 40_000, 80) };
        let config = &self.hosts[0].config;
        let key = flow_key::derive(&config.keys.accepted[&config.keys.send], config.cluster_ip);
        let at = self.at;
        let taker = self.hosts.iter().position(|host| host.nic.takes(host.nic_time(at), &flow));
        let Some(taker) = taker else { return false };
        self.connections.insert(flow, signature(key.octets(), &flow.connection));
        self.host(taker).sockets.insert(flow, at);
        true
    }

    fn is_lost(&self, host: usize) -> bool {
        !self.hosts[host].is_open(self.at)
    }

    /// Who has a connection with a host that is fenced connects again, to whoever takes that.
    fn begin_anew(&mut self) {
        let at = self.at;
        let lost = (0..self.hosts.len()).filter(|&host| self.is_lost(host));
        let old: Vec<Flow> = lost.flat_map(|host| self.hosts[host].sockets.keys().copied()).collect();
        for flow in old {
            let signature = self.connections[&flow];
            // Its tuple passes nowhere where it is listed.
            let takes =
                |host: &Arc<Host>| host.nic.takes(host.nic_time(at), &flow) && host.passes(at, &flow, signature);
            let Some(taker) =
                self.hosts.iter().position(takes).filter(|&taker| !self.hosts[taker].sockets.contains_key(&flow))
            else {
                continue;
            };
            self.host(taker).sockets.insert(flow, at);
            self.begun_anew.insert(flow, taker);
        }
    }

    fn close(&mut self) {
        let oldest = self.hosts.iter().enumerate().flat_map(|(host, slot)| {
            let socket = move |(flow, since): (&Flow, &u64)| (*since, *flow, host);
            slot.sockets.iter().map(socket)
        });
        let Some((_, flow, host)) = oldest.min() else { return };
        self.host(host).sockets.remove(&flow);
        self.begun_anew.remove(&flow);
        self.give(host, Event::Closed(vec![flow]));
    }
}
