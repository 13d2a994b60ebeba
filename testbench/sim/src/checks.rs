//! What must hold at every moment, and who is excused.
//!
//! - Of all copies of one SYN one NIC passes one, and of two hosts that answer one client neither is alive and well; a bucket's
//!   new connections are accepted by one NIC. In availability mode two hosts whose heartbeats cannot meet are excused, and for
//!   a period after that.
//! - A NIC passes nothing by a rule when, by the deadlines it was given and its own clock, it has to be fenced.
//! - An established connection is broken only if its host was lost since: its NIC was fenced, or its kernel went.
//! - Where only planned changes happen, no NIC is fenced.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use weir_cluster::{Micros, Mode, Report};

use crate::clients::Client;
use crate::host::Stopped;
use crate::segment::{ACK, SYN, Segment, Tuple};
use crate::world::World;

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Clients that began to connect.
    pub begun: u64,
    /// Connections established.
    pub established: u64,
    /// Connections that ended as they should.
    pub done: u64,
    /// Clients whom nobody answered.
    pub unanswered: u64,
    /// Connections lost with their hosts.
    pub lost: u64,
    /// SYNs that a NIC passed.
    pub syns: u64,
    /// Answers to SYNs.
    pub syn_acks: u64,
    /// Times that two NICs were compared.
    pub compared: u64,
}

/// A host's answer to a SYN.
#[derive(Clone, Copy, Debug)]
struct Answer {
    /// The client's first number.
    first: u32,
    host: usize,
    losses: u64,
    /// Another host has answered the same SYN, and was excused.
    doubled: bool,
    /// It was a cookie: its host keeps nothing of it until that comes back.
    cookie: bool,
}

pub(crate) struct Checks {
    pub(crate) failed: Option<String>,
    pub(crate) counts: Counts,
    /// Nothing but planned changes happens.
    pub(crate) planned: bool,
    /// Hosts that were told to leave at once, and how often they had lost their connections by then.
    leaving: BTreeSet<(usize, u64)>,
    /// Pairs whose heartbeats cannot meet, and until when that counts.
    apart: BTreeMap<(usize, usize), Micros>,
    /// When a pair was last apart.
    last_apart: Option<Micros>,
    answers: BTreeMap<Tuple, Vec<Answer>>,
    /// By number of a SYN, whose NIC passed it.
    takers: BTreeMap<u64, usize>,
    hosts: usize,
    period: Micros,
}

impl Checks {
    pub(crate) fn new(hosts: usize, period: Micros) -> Checks {
        Checks {
            failed: None,
            counts: Counts::default(),
            planned: false,
            leaving: BTreeSet::new(),
            apart: BTreeMap::new(),
            last_apart: None,
            answers: BTreeMap::new(),
            takers: BTreeMap::new(),
            hosts,
            period,
        }
    }

    pub(crate) fn losses_at_answer(&self, tuple: &Tuple, first: u32, host: usize) -> Option<u64> {
        let answers = self.answers.get(tuple)?;
        answers.iter().rev().find(|answer| (answer.first, answer.host) == (first, host)).map(|answer| answer.losses)
    }

    /// Whether a host has answered this SYN by a cookie.
    fn is_cookie(&self, tuple: &Tuple, first: u32, host: usize) -> bool {
        let by_cookie = |answer: &Answer| (answer.first, answer.host, answer.cookie) == (first, host, true);
        self.answers.get(tuple).is_some_and(|answers| answers.iter().any(by_cookie))
    }

    /// Whether a host has answered this SYN as another one had, when both were excused.
    fn was_doubled(&self, tuple: &Tuple, first: u32, host: usize) -> bool {
        let doubled = |answer: &Answer| (answer.first, answer.host, answer.doubled) == (first, host, true);
        self.answers.get(tuple).is_some_and(|answers| answers.iter().any(doubled))
    }

    /// A connection has ended for its client.
    pub(crate) fn forget(&mut self, tuple: &Tuple, first: u32) {
        if let Some(answers) = self.answers.get_mut(tuple) {
            answers.retain(|answer| answer.first != first);
            if answers.is_empty() {
                self.answers.remove(tuple);
            }
        }
    }

    /// The heartbeats of two hosts cannot meet.
    pub(crate) fn are_apart(&mut self, a: usize, b: usize) {
        self.apart.insert((a.min(b), a.max(b)), Micros::MAX);
    }

    /// They meet again, and have so long to notice.
    pub(crate) fn meet(&mut self, at: Micros, grace: Micros) {
        if self.apart.values().any(|until| *until == Micros::MAX) {
            self.last_apart = Some(at + grace);
        }
        self.apart.values_mut().for_each(|until| *until = (*until).min(at + grace));
    }

    /// A host stands still while it should have noticed: it has until its lease has ended.
    pub(crate) fn delay(&mut self, at: Micros, host: usize, longest: Micros) {
        let pairs = self.apart.iter_mut().filter(|((a, b), until)| [*a, *b].contains(&host) && **until > at);
        for (_, until) in pairs {
            *until = until.saturating_add(longest);
            if *until != Micros::MAX {
                self.last_apart = self.last_apart.max(Some(*until));
            }
        }
    }

    fn apart_now(&self, at: Micros, a: usize, b: usize) -> bool {
        self.apart.get(&(a.min(b), a.max(b))).is_some_and(|until| at < *until)
    }

    fn apart_since(&self, since: Micros) -> bool {
        self.apart.values().any(|until| *until == Micros::MAX) || self.last_apart.is_some_and(|last| last >= since)
    }
}

impl World {
    /// What was counted.
    pub fn counts(&self) -> crate::checks::Counts {
        self.checks.counts
    }

    /// From now on nothing but planned changes happens.
    pub fn only_planned(&mut self, planned: bool) {
        self.checks.planned = planned;
    }

    /// A host is told to leave at once: it loses the connections it has.
    pub(crate) fn leaves(&mut self, host: usize) {
        let losses = self.hosts[host].losses(self.at);
        self.checks.leaving.insert((host, losses));
    }

    fn availability(&self) -> bool {
        self.hosts[0].config.mode == Mode::Availability
    }

    fn excused(&self, a: usize, b: usize) -> bool {
        self.availability() && self.checks.apart_now(self.at, a, b)
    }

    /// A NIC passes a client's frame.
    pub(crate) fn passed(&mut self, host: usize, number: u64, frame: &Rc<[u8]>) {
        let is_syn = |segment: &Segment| segment.has(SYN) && !segment.has(ACK);
        if !self.addresses.at_cluster(frame).is_some_and(|segment| is_syn(&segment)) {
            return;
        }
        self.checks.counts.syns += 1;
        let known = *self.checks.takers.entry(number).or_insert(host);
        if known != host && !self.excused(known, host) {
            self.fail(|world| {
                format!("one SYN passes at host {} and host {}\n{:#?}", known + 1, host + 1, world.statuses())
            });
        }
        while self.checks.takers.len() > 4096 {
            self.checks.takers.pop_first();
        }
    }

    /// A SYN-ACK leaves a host.
    pub(crate) fn answered(&mut self, host: usize, segment: &Segment) {
        self.checks.counts.syn_acks += 1;
        let (tuple, first) = (segment.tuple, segment.ack.wrapping_sub(1));
        let losses = self.hosts[host].losses(self.at);
        let cookie = !self.hosts[host].kernel.has(&tuple);
        let doubled = self.checks.was_doubled(&tuple, first, host);
        let mut answer = Answer { first, host, losses, doubled, cookie };
        let known = self.checks.answers.get(&tuple).cloned().unwrap_or_default();
        for other in known.iter().filter(|other| other.host != host) {
            let well = self.hosts[other.host].losses(self.at) == other.losses;
            let counts = other.first == first && !other.cookie || self.hosts[other.host].kernel.has(&tuple);
            let same = other.first == first;
            if well && counts && self.excused(other.host, host) {
                // Both have a half-open socket by now, which nobody may end, and answer again.
                answer.doubled |= same;
            } else if well && counts && !(same && (answer.doubled || other.doubled)) {
                let other = *other;
                self.fail(|world| {
                    format!(
                        "{tuple:?} is answered by host {}, and was by host {}\n{:#?}",
                        host + 1,
                        other.host + 1,
                        world.statuses()
                    )
                });
            }
        }
        let answers = self.checks.answers.entry(tuple).or_default();
        answers.retain(|answer| (answer.first, answer.host) != (first, host));
        answers.push(answer);
    }

    /// Whether a client has nothing to complain of, were its connection broken.
    pub(crate) fn may_be_lost(&mut self, tuple: &Tuple, client: &Client) -> bool {
        let Some(server) = client.server else { return true };
        let lost = self.hosts[server.host].losses(self.at) != server.losses;
        let as_told = !self.checks.planned || self.checks.leaving.contains(&(server.host, server.losses));
        let waited_for = self.checks.planned || self.hosts[server.host].kernel.has(tuple);
        lost && as_told
            || !waited_for && self.checks.is_cookie(tuple, client.first, server.host)
            || self.destroyed.contains(tuple)
            || self.availability() && self.checks.apart_since(client.since)
    }

    /// An established connection is broken.
    pub(crate) fn broken(&mut self, tuple: Tuple, why: &'static str, client: &Client) {
        if self.may_be_lost(&tuple, client) {
            self.checks.counts.lost += 1;
            return;
        }
        let (server, since, flow) = (client.server, client.since, self.hosts[0].sorter(false).flow(&tuple));
        self.fail(|world| {
            let owner = world.owners()[usize::from(flow.slot)][usize::from(flow.bucket)].map(|host| host + 1);
            format!(
                "{tuple:?} is broken ({why}), rule {} bucket {} of host {owner:?}, begun at {since}, answered by {server:?}\n{:#?}",
                flow.slot,
                flow.bucket,
                world.statuses()
            )
        });
    }

    /// What the protocol told its operator.
    pub(crate) fn noted(&mut self, host: usize, report: Report) {
        let fence = matches!(report, Report::Fenced | Report::NicFailed);
        let losses = self.hosts[host].losses(self.at);
        let told = (0..=losses).any(|losses| self.checks.leaving.contains(&(host, losses)));
        if self.checks.planned && fence && !told {
            self.fail(|world| {
                format!("host {} tells {report:?} in a planned change\n{:#?}", host + 1, world.statuses())
            });
        }
    }

    /// Compares what a NIC accepts with what all others accept.
    pub(crate) fn compare_with_others(&mut self, host: usize) {
        (0..self.hosts.len()).for_each(|other| self.compare(host, other));
    }

    /// Compares all with all.
    pub(crate) fn audit(&mut self) {
        for host in 0..self.checks.hosts {
            (0..host).for_each(|other| self.compare(host, other));
        }
    }

    fn compare(&mut self, a: usize, b: usize) {
        if a == b || self.excused(a, b) {
            return;
        }
        // What they accept by different rules is compared by the SYNs that come.
        if !self.hosts[a].nic.sorts_as(&self.hosts[b].nic) {
            return;
        }
        let at = self.at;
        let (low, high) = self.hosts.split_at_mut(a.max(b));
        let (one, other) = (low[a.min(b)].nic.accepts(at), high[0].nic.accepts(at));
        self.checks.counts.compared += 1;
        let twice: Vec<u32> = one
            .iter()
            .zip(other)
            .map(|(x, y)| x.iter().zip(y.iter()).map(|(x, y)| (x & y).count_ones()).sum())
            .collect();
        if twice.iter().any(|count| *count > 0) {
            self.fail(|world| {
                format!(
                    "host {} and host {} both accept buckets, by rule {twice:?}\n{:#?}",
                    a + 1,
                    b + 1,
                    world.statuses()
                )
            });
        }
    }

    /// How long two hosts that met again may take to notice. The last heartbeat before the heal was lost, the next one comes a
    /// period later, by a clock that is slow. Who has never met its sender asks it first: the question, the answer, and the
    /// first word to be believed, which may overtake the answer and is asked for once more then. The NIC may have a program to
    /// take before the fence.
    pub(crate) fn grace(&self) -> Micros {
        let still = self.hosts.iter().any(|host| host.stopped != Stopped::Nothing || host.node.is_none() && host.up);
        let lost = if self.wire.loss > 0 { 3 * self.checks.period } else { 0 };
        let lease = if still { self.hosts[0].config.dead_after() } else { 0 };
        self.checks.period + self.checks.period / 5000 + 5 * self.wire.delay + 2 * self.write + lost + lease
    }
}
