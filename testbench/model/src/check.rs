//! What must never be.

use std::fmt;

use weir_cluster::{HostSet, PhaseKind};
use weir_spec::map::BUCKETS;

use crate::SECOND;
use crate::nic::Bits;
use crate::world::World;

/// A connection younger than this may be met by a release before any dump has seen it, and passes nowhere then until the
/// second dump finds it.
const YOUNG: u64 = SECOND;

/// What was, and must never be.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Broken {
    /// Two NICs accept new connections of one bucket.
    Doubled {
        /// Hosts, from 0.
        hosts: (usize, usize),
        /// The rule, by slot.
        slot: usize,
        /// How many buckets.
        buckets: u32,
    },
    /// All members of an epoch are stable in it, and a bucket is not accepted by exactly one of them.
    Uneven {
        /// How many of the first rule's buckets are accepted by somebody.
        accepted: usize,
    },
    /// Packets of a live connection pass at another host than its own, too.
    TwoAnswer {
        /// Whose it is.
        host: usize,
        /// Where it passes as well.
        other: usize,
    },
    /// Packets of a live connection pass nowhere, though nothing but planned changes happened, or its host is not fenced and it was
    /// begun while another one was.
    Cut {
        /// Whose it is.
        host: usize,
        /// Its bucket.
        bucket: u16,
    },
    /// The cluster did not become one within the bound after everything was repaired.
    Apart,
    /// It became one, and did not stay so.
    Unsettled,
    /// A majority that hears each other did not serve.
    NoService,
}

impl Broken {
    /// The property it breaks.
    pub fn property(&self) -> &'static str {
        match self {
            Broken::Doubled { .. } => NO_DOUBLE,
            Broken::Uneven { .. } => WHOLE,
            Broken::TwoAnswer { .. } => ONE_ANSWERS,
            Broken::Cut { .. } => NONE_DROPPED,
            Broken::Apart | Broken::Unsettled | Broken::NoService => CONVERGES,
        }
    }
}

/// Safety of new connections.
pub const NO_DOUBLE: &str = "no new connection is accepted by two NICs";
/// Safety of epochs.
pub const WHOLE: &str = "no epoch that all members are stable in has a bucket without an owner, or with two";
/// Safety of live connections.
pub const ONE_ANSWERS: &str = "no live connection is answered by two hosts";
/// Safety of planned changes.
pub const NONE_DROPPED: &str = "no planned change drops a connection whose host lives";
/// Liveness, within a bound.
pub const CONVERGES: &str = "the cluster converges when faults have ended";

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self:?}", self.property())
    }
}

/// Looks at everything that must hold at every moment; keeps the first that does not.
pub(crate) fn look(world: &mut World) {
    if world.broken.is_none() {
        world.broken = doubled(world).or_else(|| uneven(world)).or_else(|| connections(world));
    }
}

fn common(a: &Bits, b: &Bits) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

fn is_excused(world: &World, a: usize, b: usize) -> bool {
    let until = world.excused.get(&(a.min(b), a.max(b)));
    !world.strict && until.is_some_and(|&until| world.at < until)
}

fn doubled(world: &World) -> Option<Broken> {
    let open: Vec<usize> = (0..world.hosts.len()).filter(|&host| world.hosts[host].is_open(world.at)).collect();
    let pairs = open.iter().enumerate().flat_map(|(index, &b)| open[..index].iter().map(move |&a| (a, b)));
    for (a, b) in pairs.filter(|&(a, b)| !is_excused(world, a, b)) {
        let rules = world.hosts[a].nic.accepts().iter().zip(world.hosts[b].nic.accepts()).enumerate();
        for (slot, buckets) in rules.map(|(slot, (x, y))| (slot, common(x, y))) {
            if buckets > 0 {
                return Some(Broken::Doubled { hosts: (a, b), slot, buckets });
            }
        }
    }
    None
}

fn uneven(world: &World) -> Option<Broken> {
    let statuses: Vec<_> = (0..world.hosts.len()).filter_map(|host| Some((host, world.status(host)?))).collect();
    for (_, first) in &statuses {
        let members: Vec<_> = statuses
            .iter()
            .filter(|(host, s)| {
                s.epoch == first.epoch
                    && s.phase == PhaseKind::Stable
                    && !s.fenced
                    && s.members == first.members
                    && world.hosts[*host].is_open(world.at)
            })
            .collect();
        let view: HostSet = members.iter().map(|(_, s)| s.host).collect();
        if first.epoch.is_none() || view != first.members {
            continue;
        }
        let weighs = members.iter().any(|(_, s)| s.rules.first().is_some_and(|rule| !rule.buckets.is_empty()));
        let accepts = members.iter().filter_map(|(host, _)| world.hosts[*host].nic.accepts().first());
        let either = accepts.fold([0u64; BUCKETS / 64], |all, bits| std::array::from_fn(|at| all[at] | bits[at]));
        let accepted = either.iter().map(|word| word.count_ones() as usize).sum();
        if weighs && accepted != BUCKETS {
            return Some(Broken::Uneven { accepted });
        }
    }
    None
}

fn connections(world: &World) -> Option<Broken> {
    for (flow, &host) in &world.begun_anew {
        let slot = &world.hosts[host];
        let grown = slot.sockets.get(flow).is_some_and(|since| world.at - since > YOUNG);
        if grown && slot.is_open(world.at) && !slot.passes(world.at, flow, world.connections[flow]) {
            return Some(Broken::Cut { host, bucket: flow.bucket });
        }
    }
    for (host, slot) in world.hosts.iter().enumerate() {
        for (flow, &since) in &slot.sockets {
            let signature = world.connections[flow];
            let alive = slot.passes(world.at, flow, signature);
            // Who is fenced has lost its connections already: others answer them. By a planned change nobody is.
            let may = |other: usize| other != host && (alive || world.planned) && !is_excused(world, host, other);
            let other = (0..world.hosts.len())
                .filter(|&other| may(other))
                .find(|&other| world.hosts[other].passes(world.at, flow, signature));
            if let Some(other) = other {
                return Some(Broken::TwoAnswer { host, other });
            }
            if world.planned && !alive && world.at - since > YOUNG {
                return Some(Broken::Cut { host, bucket: flow.bucket });
            }
        }
    }
    None
}

/// Whether some majority of hosts that run and hear each other, and nobody beside them, serves all there is.
pub(crate) fn a_majority_serves(world: &World) -> bool {
    let count = world.hosts.len();
    let is_up = |host: usize| world.hosts[host].is_up();
    let subsets = (1u32..1 << count).map(|set| (0..count).filter(|host| set >> host & 1 == 1).collect::<Vec<_>>());
    let mut cliques = subsets.filter(|set| {
        let linked = set.iter().all(|&a| set.iter().all(|&b| a == b || world.are_linked(a, b)));
        set.len() * 2 > count && linked && set.iter().all(|&host| is_up(host))
    });
    let any = cliques.clone().next().is_some();
    !any || cliques.any(|set| world.are_one(&set))
}
