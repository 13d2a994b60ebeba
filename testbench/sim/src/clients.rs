//! The clients: they connect, ask and are answered, hold their connections, close them, or forget them.

use std::collections::{BTreeMap, BTreeSet};

use weir_cluster::Micros;

use crate::dice::Dice;
use crate::segment::{Segment, Tuple};
use crate::tcp::{End, State};

/// A SYN without an answer is repeated so often.
const SYNS: u32 = 5;
/// Data without an answer is repeated so often: for more than a minute.
const TRIES: u32 = 18;

/// What a client does with its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// So often it asks.
    pub(crate) requests: u32,
    /// The longest it thinks before it asks.
    pub(crate) think: Micros,
    /// In the end it forgets the connection, and uses its port again.
    pub(crate) forgets: bool,
}

/// What became of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Nobody answered.
    Unanswered,
    /// It is established.
    Established,
    /// It ended as it should.
    Done,
    /// The client has forgotten it.
    Forgotten,
    /// It was established, and is broken.
    Broken(&'static str),
}

/// The host that answered a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    pub(crate) host: usize,
    /// How often it had lost its connections by then.
    pub(crate) losses: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    end: End,
    plan: Plan,
    /// Octets of the answer that have not come.
    awaited: u32,
    /// When it asks again, or closes.
    next: Option<Micros>,
    pub(crate) first: u32,
    pub(crate) server: Option<Server>,
    pub(crate) since: Micros,
    pub(crate) heard: Micros,
    /// Before this no frame of it may arrive, where frames keep their order.
    free: Micros,
}

impl Client {
    fn deadline(&self) -> Option<Micros> {
        [self.end.deadline, self.next].into_iter().flatten().min()
    }

    /// Whether it counts on its connection.
    pub(crate) fn is_established(&self) -> bool {
        matches!(self.end.state, State::Established | State::FinWait1 | State::CloseWait)
    }
}

/// All clients.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    all: BTreeMap<Tuple, Client>,
    deadlines: BTreeSet<(Micros, Tuple)>,
    dice: Dice,
}

impl Clients {
    pub(crate) fn new(dice: Dice) -> Clients {
        Clients { all: BTreeMap::new(), deadlines: BTreeSet::new(), dice }
    }

    pub(crate) fn deadline(&self) -> Option<Micros> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Tuple, &Client)> {
        self.all.iter()
    }

    pub(crate) fn get(&self, tuple: &Tuple) -> Option<&Client> {
        self.all.get(tuple)
    }

    /// When a frame arrives that would at `arrival` if it could overtake what was sent before; the next one does so `spacing` later.
    pub(crate) fn queue(&mut self, tuple: &Tuple, arrival: Micros, spacing: Micros) -> Micros {
        let Some(client) = self.all.get_mut(tuple) else { return arrival };
        let arrival = arrival.max(client.free);
        client.free = arrival + spacing;
        arrival
    }

    fn put(&mut self, tuple: Tuple, client: Client) {
        self.deadlines.extend(client.deadline().map(|at| (at, tuple)));
        self.all.insert(tuple, client);
    }

    fn take(&mut self, tuple: &Tuple) -> Option<Client> {
        let client = self.all.remove(tuple)?;
        client.deadline().map(|at| self.deadlines.remove(&(at, *tuple)));
        Some(client)
    }

    /// A client begins. Nothing happens if it has that connection already.
    pub(crate) fn connect(&mut self, now: Micros, tuple: Tuple, plan: Plan, out: &mut Vec<Segment>) {
        if self.all.contains_key(&tuple) {
            return;
        }
        let first = self.dice.roll() as u32;
        let end = End::connect(tuple, first, now, out);
        let client = Client { end, plan, awaited: 0, next: None, first, server: None, since: now, heard: now, free: 0 };
        self.put(tuple, client);
    }

    /// A segment came from `server`. What became of the connection, if anything did, with what it was.
    pub(crate) fn receive(
        &mut self,
        now: Micros,
        segment: &Segment,
        server: Option<Server>,
        out: &mut Vec<Segment>,
    ) -> Option<(Fate, Client)> {
        let tuple = segment.tuple;
        let Some(mut client) = self.take(&tuple) else {
            out.extend(crate::tcp::refusal(segment));
            return None;
        };
        let before = client.clone();
        let heard = client.end.hear(segment, now, out);
        if heard.reset {
            let fate = match before.end.state {
                State::SynSent | State::SynReceived => Fate::Unanswered,
                _ if before.is_established() => Fate::Broken("reset"),
                _ => Fate::Done,
            };
            return Some((fate, before));
        }
        if heard.ended {
            return Some((Fate::Done, before));
        }
        client.heard = now;
        client.awaited = client.awaited.saturating_sub(heard.data);
        if heard.established {
            client.server = server;
        }
        if heard.established || heard.data > 0 && client.awaited == 0 {
            client.next = Some(now + self.dice.below(client.plan.think.max(1)));
        }
        if heard.closes {
            client.next = None;
            client.end.close(now, out);
        }
        let established = heard.established.then(|| (Fate::Established, client.clone()));
        self.put(tuple, client);
        established
    }

    /// Deadlines are over.
    pub(crate) fn expire(&mut self, now: Micros, out: &mut Vec<Segment>) -> Vec<(Tuple, Fate, Client)> {
        let mut fates = Vec::new();
        while let Some(&(_, tuple)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            let Some(mut client) = self.take(&tuple) else { break };
            if client.next.is_some_and(|at| at <= now) {
                client.next = None;
                if client.plan.requests > 0 {
                    client.plan.requests -= 1;
                    let len = self.dice.between(1, 600) as u16;
                    client.awaited += u32::from(len);
                    client.end.send(len, now, out);
                } else if client.plan.forgets {
                    fates.push((tuple, Fate::Forgotten, client));
                    continue;
                } else {
                    client.end.close(now, out);
                }
            }
            if client.end.deadline.is_some_and(|at| at <= now) {
                let forgotten = client.end.expire(now, out);
                let (most, over) = match client.end.state {
                    State::SynSent => (SYNS, Fate::Unanswered),
                    _ if client.is_established() => (TRIES, Fate::Broken("time-out")),
                    _ => (TRIES, Fate::Done),
                };
                if forgotten || client.end.tries > most {
                    fates.push((tuple, if forgotten { Fate::Done } else { over }, client));
                    continue;
                }
            }
            self.put(tuple, client);
        }
        fates
    }

    /// Everybody who holds a connection asks once, soon.
    pub(crate) fn ask_all(&mut self, now: Micros, within: Micros) {
        let idle = |client: &Client| client.is_established() && client.end.is_idle() && client.awaited == 0;
        let tuples: Vec<Tuple> = self.all.iter().filter(|(_, client)| idle(client)).map(|(tuple, _)| *tuple).collect();
        for tuple in tuples {
            if let Some(mut client) = self.take(&tuple) {
                client.plan.requests += 1;
                client.next = Some(now + self.dice.below(within));
                self.put(tuple, client);
            }
        }
    }

    /// Everybody closes as soon as the answer is there.
    pub(crate) fn finish_all(&mut self, now: Micros, within: Micros) {
        let tuples: Vec<Tuple> = self.all.keys().copied().collect();
        for tuple in tuples {
            if let Some(mut client) = self.take(&tuple) {
                client.plan.requests = 0;
                client.plan.forgets = false;
                client.plan.think = client.plan.think.min(within);
                client.next = client.next.map(|_| now + self.dice.below(within));
                self.put(tuple, client);
            }
        }
    }
}
