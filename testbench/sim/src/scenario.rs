//! What a seed makes of a cluster.
//!
//! The last two bits of a seed say what may happen, the rest is chance: how many hosts, which mode, period, loss and delay,
//! which rules, how many clients, and what goes wrong when. Every run ends in the same way: nothing goes wrong any more, all
//! hosts take part, converge, and are looked at.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use weir_cluster::{
    Addressing, Config, EpochId, Event, Filtering, HostId, Keys, Load, Micros, Mode, PhaseKind, PortRule, Secret,
};
use weir_spec::rules::{Affinity, Protocol, VipSelect};

use crate::checks::Counts;
use crate::dice::Dice;
use crate::host::Stopped;
use crate::plant::Plant;
use crate::traffic::Traffic;
use crate::verdict::Owners;
use crate::world::{Setup, World};

const MS: Micros = 1_000;
const SECOND: Micros = 1_000_000;

/// What may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Planned changes alone: no connection may break.
    Planned,
    /// Faults of hosts, in either mode; heartbeats are lost, but no link is cut for long.
    Hosts,
    /// Everything, in quorum mode.
    Quorum,
    /// Everything, in availability mode.
    Availability,
}

impl Kind {
    /// By the last two bits of a seed.
    pub fn of(seed: u64) -> Kind {
        [Kind::Planned, Kind::Hosts, Kind::Quorum, Kind::Availability][seed as usize % 4]
    }
}

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What could happen.
    pub kind: Kind,
    /// How many hosts there were.
    pub hosts: usize,
    /// Hash of all that happened.
    pub hash: u64,
    /// How much happened.
    pub events: u64,
    /// Virtual time.
    pub span: Micros,
    /// From the end of all faults to convergence, in tolerances (period x tolerance).
    pub converged: f64,
    /// What was counted.
    pub counts: Counts,
    /// What must not be, if it was.
    pub failed: Option<String>,
    /// The log in lines, if asked for.
    pub lines: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64, lines: bool, plant: Plant) -> Outcome {
    let mut scenario = Scenario::new(seed, lines, plant);
    scenario.play();
    let world = scenario.world;
    Outcome {
        seed,
        kind: scenario.kind,
        hosts: world.size(),
        hash: world.log.hash(),
        events: world.log.events(),
        span: world.at(),
        converged: scenario.converged,
        counts: world.counts(),
        failed: world.failed().map(str::to_owned),
        lines: world.log.lines().to_vec(),
    }
}

struct Scenario {
    kind: Kind,
    world: World,
    period: Micros,
    tolerance: Micros,
    /// The last state in which all were one, if nothing but one epoch can lie between.
    before: Option<(EpochId, Owners)>,
    converged: f64,
    /// The operator edits rules.
    edits: bool,
    /// Kernels may answer by SYN cookies, which are waited for so long.
    cookies: Option<Micros>,
    /// Hosts announce to be absent.
    absences: bool,
}

/// The configuration of host `number`, 1.., of `hosts`; rules and limits by `dice`, which are the same for all.
pub fn config(number: u8, hosts: u8, mode: Mode, period: Micros) -> Config {
    Config {
        host: HostId::new(number).expect("1 to 32"),
        hosts: (1..=hosts).filter_map(HostId::new).collect(),
        cluster_ip: Ipv4Addr::new(10, 0, 0, 100),
        host_ip: Ipv4Addr::new(10, 0, 0, number),
        unique_code: 1000 + u32::from(number),
        addressing: Addressing::Unicast,
        legacy_ether_type: false,
        period,
        tolerance: 5,
        skew: (20 * MS).min(period / 4),
        mode,
        rules: vec![
            rule(80, Affinity::None, Filtering::Multiple(Load::Equal)),
            rule(443, Affinity::Single, Filtering::Multiple(Load::Equal)),
        ],
        default_affinity: Affinity::Single,
        shared: b"virtual IPs and hash key".to_vec(),
        keys: Keys { send: 1, accepted: BTreeMap::from([(1, Secret(vec![7; 32]))]) },
        flows: weir_cluster::config::FLOWS,
        drain_limit: None,
        cookie_settle: 0,
    }
}

fn rule(port: u16, affinity: Affinity, filtering: Filtering) -> PortRule {
    PortRule { vip: VipSelect::All, first_port: port, last_port: port, protocol: Protocol::Tcp, affinity, filtering }
}

impl Scenario {
    fn new(seed: u64, lines: bool, plant: Plant) -> Scenario {
        let kind = Kind::of(seed);
        // Not the dice of the world: what is added here leaves that as it was.
        let dice = &mut Dice::new(seed.wrapping_mul(0x9e37_79b9) ^ 0x5ca1_ab1e);
        let mode = match kind {
            Kind::Quorum => Mode::Quorum,
            Kind::Availability => Mode::Availability,
            _ => dice.pick(&[Mode::Quorum, Mode::Availability]),
        };
        let hosts = match dice.below(100) {
            0..70 => dice.between(2, 5),
            70..90 => dice.between(6, 9),
            _ => dice.between(10, 16),
        }
        .max(if mode == Mode::Quorum { 3 } else { 2 }) as u8;
        let periods: &[Micros] = match hosts {
            0..5 => &[SECOND, SECOND, 200 * MS, 60 * MS, 6 * MS],
            5..10 => &[SECOND, SECOND, 200 * MS],
            _ => &[SECOND],
        };
        let period = dice.pick(periods);
        let rules = rules(dice);
        let tolerance = dice.pick(&[5, 5, 5, 8]);
        let flows = dice.pick(&[weir_cluster::config::FLOWS, 1000, 60, 12]);
        let drain_limit = dice.pick(&[None, None, Some(40 * SECOND)]);
        let weights = dice.chance(400);
        // Not the dice of the scenario either.
        let later = &mut Dice::new(seed.wrapping_mul(0x9e37_79b9) ^ 0x10ad_ed00);
        // With a small flow table a change of rules is never made.
        let edits = flows == weir_cluster::config::FLOWS && later.chance(400);
        let cookies = later.chance(300).then(|| (period / 2).clamp(20 * MS, 800 * MS));
        let absences = later.chance(300);
        let configs: Vec<Config> = (1..=hosts)
            .map(|number| {
                let mut config = config(number, hosts, mode, period);
                config.rules.clone_from(&rules);
                for (slot, rule) in config.rules.iter_mut().enumerate() {
                    match &mut rule.filtering {
                        Filtering::Multiple(load) if weights => *load = Load::Weight(dice.between(1, 100) as u8),
                        // Every host another one.
                        Filtering::Single(priority) => *priority = (number - 1 + slot as u8) % 32 + 1,
                        _ => {}
                    }
                }
                Config { tolerance, flows, drain_limit, cookie_settle: cookies.unwrap_or(0), ..config }
            })
            .collect();
        let write = dice.pick(&[50, 500, 2 * MS]).min(period / 20).max(10);
        let mut world = World::new(seed, Setup { configs, write, lines, plant });
        world.wire.delay = dice.pick(&[60, 500, 5 * MS, 20 * MS]).min(period / 20);
        world.wire.reorder = dice.chance(500);
        world.wire.doubling = dice.pick(&[0, 30]);
        world.wire.loss = match kind {
            Kind::Planned => dice.pick(&[0, 0, 5, 20]),
            Kind::Hosts => dice.pick(&[0, 10, 20]),
            _ => dice.pick(&[0, 10, 30, 80]),
        };
        // Ports behind a rule are the default rule's, unless that is edited.
        let behind = rules.iter().filter(|_| edits).map(|rule| rule.first_port + 1);
        let ports = rules.iter().map(|rule| rule.first_port).chain([9999]).chain(behind).collect();
        let traffic = Traffic {
            gap: dice.between(20 * MS, 300 * MS),
            most: dice.between(10, 60) as usize,
            think: dice.pick(&[300 * MS, 3 * SECOND, 20 * SECOND]),
            requests: dice.between(1, 12),
            // A lost ACK that answers a cookie is not waited for.
            loss: if cookies.is_some() { 0 } else { dice.pick(&[0, 0, 10, 30]) },
            ports,
            forgetful: dice.pick(&[0, 100]),
            // What answers a cookie takes a quarter of the time that is given to it.
            way: cookies.map_or(Traffic::none().way, |settle| settle / 8),
            // A kernel knows a cookie by the segment after the SYN alone, and resets what overtakes that, in a cluster or not.
            in_order: cookies.is_some(),
        };
        // Some of them are about to answer whenever a bucket is released.
        let traffic = match cookies {
            None => traffic,
            Some(_) => Traffic { gap: traffic.gap / 4, most: 1500, think: SECOND, requests: 2, ..traffic },
        };
        world.traffic = Traffic { gap: 0, ..traffic.clone() };
        let tolerance = period * Micros::from(tolerance);
        let mut scenario =
            Scenario { kind, world, period, tolerance, before: None, converged: 0.0, edits, cookies, absences };
        scenario.begin(traffic);
        scenario
    }

    /// All but a few hosts start, about together.
    fn begin(&mut self, traffic: Traffic) {
        let size = self.world.size();
        let least = self.least();
        let first =
            if self.kind == Kind::Planned { self.world.dice.between(least as u64, size as u64) as usize } else { size };
        for host in 0..first {
            self.world.start(host);
            let wait = self.world.dice.below(self.period);
            self.world.run(wait);
        }
        self.converge();
        self.world.open_to(traffic);
        self.world.run(2 * SECOND);
    }

    /// So few hosts at least take part, if nothing goes wrong.
    fn least(&self) -> usize {
        match self.world.hosts[0].config.mode {
            Mode::Quorum => self.world.size() / 2 + 1,
            Mode::Availability => 1,
        }
    }

    fn play(&mut self) {
        match self.kind {
            Kind::Planned => self.planned(),
            _ => self.storm(),
        }
        if self.world.failed().is_none() {
            self.end();
        }
    }

    fn rule_slots(&self) -> usize {
        self.world.hosts[0].loads.len()
    }

    fn any_host(&mut self) -> usize {
        let size = self.world.size() as u64;
        self.world.dice.below(size) as usize
    }

    /// Waits until all who take part are one, and looks at their shares; how long that took.
    fn converge(&mut self) -> Micros {
        let start = self.world.at();
        // What was told is noticed at once, or with the next heartbeat that is not lost.
        let beats = if self.world.wire.loss > 0 { 3 } else { 1 };
        self.world.run(beats * self.period + 2 * self.world.wire.delay + self.world.write);
        let one = |world: &mut World| {
            let hosts = world.taking_part();
            world.are_one(&hosts).is_some() && world.goes_by_its_file(&hosts) && world.waits_for_nobody(&hosts)
        };
        let limit = BOUND * self.tolerance + 2 * SECOND + 4 * self.cookies.unwrap_or(0);
        if !self.world.drive(limit, one) {
            self.world.fail(|world| format!("no convergence in {limit} us\n{:#?}", world.statuses()));
        }
        self.world.at() - start
    }

    /// Nothing but planned changes, one after the other or into each other.
    fn planned(&mut self) {
        self.world.only_planned(true);
        for _ in 0..self.world.dice.between(6, 14) {
            if self.world.failed().is_some() {
                return;
            }
            self.change();
            if self.world.dice.chance(600) {
                self.converge();
                self.look();
                let wait = self.world.dice.below(2 * self.tolerance + SECOND);
                self.world.run(wait);
            } else {
                // The next one meets this one at any point of its way.
                self.before = None;
                let exchange = self.world.wire.delay + self.world.write;
                let longest = self.world.dice.pick(&[exchange, 8 * exchange, self.period]);
                let wait = self.world.dice.below(longest);
                self.world.run(wait);
            }
        }
        self.converge();
    }

    /// Looks at shares, and at what has moved since it last looked.
    fn look(&mut self) {
        let hosts = self.world.taking_part();
        let Some(epoch) = self.world.are_one(&hosts) else { return };
        if self.world.traffic.most >= self.world.hosts[0].config.flows && self.world.traffic.gap > 0 {
            // A bucket whose connections find no room stays where it is.
            self.before = None;
            return;
        }
        self.world.check_shares(&hosts);
        let owners = self.world.owners();
        if let Some((last, before)) = self.before.take()
            && epoch.counter == last.counter + 1
        {
            self.world.check_moves(&before, &owners);
        }
        self.before = Some((epoch, owners));
    }

    /// Hosts that take part and stay.
    fn staying(&mut self) -> Vec<usize> {
        let hosts = self.world.taking_part();
        hosts.into_iter().filter(|&host| !self.world.status(host).is_some_and(|status| status.draining)).collect()
    }

    fn change(&mut self) {
        if self.cookies.is_some() && self.world.dice.chance(400) {
            self.flood();
        }
        if self.edits && self.world.dice.chance(200) {
            self.edit();
            return;
        }
        let host = self.any_host();
        if self.absences && self.world.dice.chance(200) {
            self.be_absent(host);
            return;
        }
        let staying = self.staying();
        let takes_part = self.world.taking_part().contains(&host);
        let stable =
            |host: &&usize| self.world.hosts[**host].node.as_ref().is_some_and(|n| n.phase() == PhaseKind::Stable);
        let others = staying.iter().filter(|other| **other != host).filter(stable).count();
        let dispensable = staying.contains(&host) && others >= self.least();
        match self.world.dice.below(12) {
            0..3 if !takes_part => self.join(host),
            3 if dispensable && others > 1 => {
                self.world.leaves(host);
                self.world.handle(host, Event::Stop);
            }
            4 if dispensable => {
                self.world.handle(host, Event::DrainStop);
                self.world.hosts[host].drains.iter_mut().for_each(|drain| *drain = true);
            }
            5 if takes_part => {
                self.world.handle(host, Event::SetDrain { slot: None, drain: false });
                self.world.hosts[host].drains.iter_mut().for_each(|drain| *drain = false);
            }
            6 if dispensable => {
                let slot = self.world.dice.below(self.rule_slots() as u64 + 1) as usize;
                let drain = !self.world.hosts[host].drains[slot] && self.others_take(host, slot);
                self.drain(host, slot, drain);
            }
            7..9 if staying.contains(&host) => self.replace(host),
            _ if takes_part => self.load(host),
            _ => self.join(host),
        }
    }

    /// A flood begins or ends, at one host or at all, where no change is under way.
    fn flood(&mut self) {
        let first = self.any_host();
        let flooded = !self.world.hosts[first].kernel.flooded;
        let hosts = if self.world.dice.chance(500) { 0..self.world.size() } else { first..first + 1 };
        for host in hosts {
            if !flooded || self.kind != Kind::Planned || self.world.phase(host) == PhaseKind::Stable {
                self.world.flood(host, flooded);
            }
        }
    }

    /// Another affinity of a rule, or another port range.
    fn edit(&mut self) {
        self.before = None;
        let rules = self.world.hosts[0].file.rules.len() as u64;
        let index = self.world.dice.below(rules) as usize;
        let affinity = self.world.dice.pick(&AFFINITIES);
        let last = self.world.dice.below(2) as u16;
        self.world.reconfigure(|config| {
            let rule = &mut config.rules[index];
            (rule.affinity, rule.last_port) = (affinity, rule.first_port + last);
        });
    }

    fn join(&mut self, host: usize) {
        match self.world.hosts[host].node.as_ref().map(|node| node.phase()) {
            Some(PhaseKind::Stopped) => self.world.start_again(host),
            Some(_) => {}
            None => self.world.start(host),
        }
    }

    fn others_take(&mut self, host: usize, slot: usize) -> bool {
        let staying = self.staying();
        staying.into_iter().any(|other| {
            let slots = &self.world.hosts[other];
            other != host && !slots.drains[slot] && slots.weight(slot) != Some(0)
        })
    }

    fn drain(&mut self, host: usize, slot: usize, drain: bool) {
        self.world.handle(host, Event::SetDrain { slot: Some(slot), drain });
        self.world.hosts[host].drains[slot] = drain;
    }

    /// Somebody always takes new connections.
    fn load(&mut self, host: usize) {
        let slot = self.world.dice.below(self.rule_slots() as u64) as usize;
        let weight = self.world.dice.pick(&[0, 1, 10, 30, 50, 77, 100]);
        let weight = if self.others_take(host, slot) { weight } else { weight.max(1) };
        let load = if self.world.dice.chance(200) { Load::Equal } else { Load::Weight(weight) };
        self.set_load(host, slot, load);
    }

    fn set_load(&mut self, host: usize, slot: usize, load: Load) {
        if let Filtering::Multiple(own) = &mut self.world.hosts[host].loads[slot].filtering {
            *own = load;
            self.world.handle(host, Event::SetLoad { slot, load });
        }
    }

    /// The agent is replaced by one that goes on, as soon as it can be.
    fn replace(&mut self, host: usize) {
        let limit = 4 * self.tolerance;
        let mut alone = false;
        let leaves = |world: &mut World| {
            // Who is alone in its epoch must not miss anybody, not even who is about to join: it listens anew after half a
            // period.
            alone = world.status(host).is_some_and(|status| status.members.len() == 1);
            world.leave_to_the_next(host)
        };
        if self.world.drive(limit, leaves) {
            // Shorter than what is left of a lease for certain.
            let gap = self.world.dice.below(if alone { self.period / 3 } else { self.tolerance / 3 });
            self.world.run(gap);
            self.world.go_on(host);
        }
    }

    /// The agent says that it will be away for longer than a lease lasts, ends when all others wait for it, and is started again in
    /// time. Of what is changed meanwhile nothing happens before.
    fn be_absent(&mut self, host: usize) {
        let seconds = self.world.dice.between(1, 12) as u16;
        if !self.world.announces(host, seconds) {
            return;
        }
        let limit = 4 * self.tolerance + SECOND;
        if !self.world.drive(limit, |world| world.leave_to_the_next(host)) {
            self.world.handle(host, Event::Absent { seconds: 0 });
            return;
        }
        self.before = None;
        let gap = self.world.dice.below(Micros::from(seconds) * SECOND);
        self.world.run(gap / 2);
        let other = self.any_host();
        if self.world.dice.chance(300) && self.staying().contains(&other) {
            self.load(other);
        }
        self.world.run(gap - gap / 2);
        self.world.go_on(host);
    }

    /// Whatever may go wrong.
    fn storm(&mut self) {
        for _ in 0..self.world.dice.between(8, 24) {
            if self.world.failed().is_some() {
                return;
            }
            let choices = if self.kind == Kind::Hosts { 9 } else { 15 };
            let (host, other) = (self.any_host(), self.any_host());
            let runs = self.world.hosts[host].runs();
            match self.world.dice.below(choices) {
                0 => self.world.kill(host),
                1 => self.world.power_off(host),
                2 | 3 if self.world.hosts[host].node.is_none() => self.world.start(host),
                2 | 4 => self.world.stop_still(host, Stopped::Agent),
                5 => self.world.stop_still(host, Stopped::Everything),
                6 => self.world.wake_up(host),
                3 | 7 | 8 if runs => self.change_of(host),
                9 if host != other => self.world.cut(host, other),
                10 => self.world.mute(host),
                11 => self.world.deafen(host),
                12 => {
                    let size = self.world.size();
                    let side: Vec<usize> = (0..size).filter(|_| self.world.dice.chance(500)).collect();
                    self.world.partition(&side);
                }
                13 | 14 => self.world.heal(),
                _ => self.world.wake_up(host),
            }
            let longest = self.world.dice.pick(&[self.period / 2, self.tolerance, 2 * self.tolerance]);
            let wait = self.world.dice.below(longest.max(200 * MS));
            self.world.run(wait);
        }
    }

    /// A planned change among faults.
    fn change_of(&mut self, host: usize) {
        if self.cookies.is_some() && self.world.dice.chance(300) {
            self.flood();
        }
        if self.edits && self.world.dice.chance(300) {
            self.edit();
        }
        match self.world.dice.below(6) {
            0 => self.world.handle(host, Event::Stop),
            1 => {
                self.world.handle(host, Event::DrainStop);
                self.world.hosts[host].drains.iter_mut().for_each(|drain| *drain = true);
            }
            2 if self.world.phase(host) == PhaseKind::Stopped => self.world.start_again(host),
            3 => {
                if self.world.leave_to_the_next(host) {
                    let gap = self.world.dice.below(2 * self.tolerance);
                    self.world.run(gap);
                    self.world.go_on(host);
                }
            }
            _ => self.load(host),
        }
    }

    /// Nothing goes wrong any more.
    fn end(&mut self) {
        self.world.heal();
        self.world.wire.loss = self.world.wire.loss.min(20);
        for host in 0..self.world.size() {
            self.world.wake_up(host);
            self.world.go_on(host);
            match self.world.hosts[host].node.as_ref().map(|node| node.phase()) {
                None => self.world.start(host),
                Some(PhaseKind::Stopped) => self.world.start_again(host),
                Some(_) => {
                    self.world.handle(host, Event::SetDrain { slot: None, drain: false });
                    self.world.hosts[host].drains.iter_mut().for_each(|drain| *drain = false);
                }
            }
        }
        for slot in 0..self.rule_slots() {
            self.set_load(0, slot, Load::Weight(40));
        }
        let all: Vec<usize> = (0..self.world.size()).collect();
        let start = self.world.at();
        let limit = BOUND * self.tolerance + 4 * self.cookies.unwrap_or(0);
        let one = |world: &mut World| world.are_one(&all).is_some() && world.goes_by_its_file(&all);
        if !self.world.drive(limit, one) {
            self.world.fail(|world| format!("no convergence of all in {limit} us\n{:#?}", world.statuses()));
            return;
        }
        self.converged = (self.world.at() - start) as f64 / self.tolerance as f64;
        // From here on whatever breaks is a fault of ours; hosts may still go on handing over.
        self.world.run(self.tolerance + SECOND);
        self.world.check_connections();
        self.world.check_ends(8 * self.tolerance);
        // What was held moves a tolerance after the epoch before.
        self.world.run(3 * self.tolerance);
        self.converge();
        self.look();
    }
}

/// From the end of all faults to convergence, in tolerances.
const BOUND: Micros = 18;

const AFFINITIES: [Affinity; 3] = [Affinity::None, Affinity::Single, Affinity::Network];

fn rules(dice: &mut Dice) -> Vec<PortRule> {
    let mut rules = vec![rule(80, Affinity::None, Filtering::Multiple(Load::Equal))];
    if dice.chance(700) {
        rules.push(rule(443, dice.pick(&AFFINITIES), Filtering::Multiple(Load::Equal)));
    }
    if dice.chance(300) {
        rules.push(rule(25, Affinity::Single, Filtering::Single(1)));
    }
    if dice.chance(200) {
        let exact = rule(80, dice.pick(&AFFINITIES), Filtering::Multiple(Load::Equal));
        rules.push(PortRule { vip: VipSelect::One(1), ..exact });
    }
    rules
}
