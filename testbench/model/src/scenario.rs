//! Where a modelled cluster starts, what may happen to it and when, and the search through all of that.

use stateright::{Model, Property};
use weir_cluster::Mode;

use crate::bug::Bug;
use crate::check::{self, Broken};
use crate::fault::Fault;
use crate::host::Drift;
use crate::world::World;
use crate::{PERIOD, TOLERANCE};

/// When something may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// At the end of every so many microseconds.
    Rounds(u64),
    /// Before everything that is due: each frame, each write to a NIC, each timer.
    Events,
}

/// One decision.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    /// Time goes on to the next decision.
    Go,
    /// Something happens now.
    Suffer(Fault),
    /// Nothing happens any more: the world goes on, is repaired, and must converge.
    End,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What a part of a cluster does that cannot see the rest.
    pub mode: Mode,
    /// Clocks: a host for each; all of these clusters are searched.
    pub drifts: Vec<Vec<Drift>>,
    /// What all do before the first decision.
    pub prelude: fn(&mut World),
    /// What may happen.
    pub menu: Vec<Fault>,
    /// When.
    pub pace: Pace,
    /// How many decisions there are, besides faults.
    pub decisions: u16,
    /// How many faults may happen.
    pub faults: u8,
    /// How long the world goes on as it is after the last decision, until it is repaired.
    pub stay: u64,
    /// Within what time it has to converge then.
    pub bound: u64,
    /// In mode availability: how long both sides of a cut may serve after it is healed. A heartbeat must come through and
    /// the NIC take the fence; a host that was paused keeps what it has until its lease ends.
    pub grace: u64,
    /// Nobody is excused, in mode availability either.
    pub strict: bool,
    /// Nothing but planned changes is on the menu: no connection may be dropped.
    pub planned: bool,
    /// The mistake that is planted.
    pub bug: Option<Bug>,
}

/// Clocks as they are meant to be.
pub const EXACT: Drift = (0, 0);
/// The clock of the agent fast and that of the NIC slow, as far as they may be apart.
pub const HASTY: Drift = (100, -100);
/// The reverse.
pub const TARDY: Drift = (-100, 100);

impl Scenario {
    /// A converged cluster, to which nothing happens.
    pub fn new(mode: Mode, hosts: usize) -> Scenario {
        Scenario {
            mode,
            drifts: vec![vec![HASTY; hosts]],
            prelude: |_| {},
            menu: Vec::new(),
            pace: Pace::Rounds(PERIOD / 2),
            decisions: 0,
            faults: 0,
            stay: 3 * TOLERANCE,
            bound: 6 * TOLERANCE,
            grace: TOLERANCE + PERIOD,
            strict: mode == Mode::Quorum,
            planned: false,
            bug: None,
        }
    }

    /// This, with a mistake planted.
    pub fn with(&self, bug: Bug) -> Scenario {
        Scenario { bug: Some(bug), ..self.clone() }
    }

    /// The search through it.
    pub fn search(&self) -> Search {
        let start = |drifts: &Vec<Drift>| {
            let mut world = World::converged(self.mode, drifts, self.bug);
            (world.grace, world.strict, world.planned) = (self.grace, self.strict, self.planned);
            (self.prelude)(&mut world);
            (world.left, world.decided) = (self.faults, self.decisions);
            world
        };
        Search { starts: self.drifts.iter().map(start).collect(), scenario: self.clone() }
    }

    fn end(&self, world: &mut World) {
        world.run(self.stay);
        if world.broken.is_none() && world.is_cut_for_good() && !check::a_majority_serves(world) {
            world.broken = Some(Broken::NoService);
        }
        world.repair();
        let end = world.at + self.bound;
        // They may be one still by an epoch that the last fault asks them to leave.
        world.run(PERIOD / 2);
        while world.at < end && world.broken.is_none() && !world.go_by_their_files() {
            world.read_files();
            world.run(PERIOD / 20);
        }
        if !world.drive(end.saturating_sub(world.at), |world| world.are_all_one() && world.go_by_their_files()) {
            world.broken.get_or_insert(Broken::Apart);
        }
        let epoch = world.epoch(0);
        world.run(TOLERANCE);
        if world.broken.is_none() && !(world.are_all_one() && world.epoch(0) == epoch) {
            world.broken = Some(Broken::Unsettled);
        }
        world.over = true;
    }
}

/// A scenario, and the states it starts from.
#[derive(Clone, Debug)]
pub struct Search {
    scenario: Scenario,
    starts: Vec<World>,
}

impl Model for Search {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        self.starts.clone()
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        if world.over || world.broken.is_some() {
            return;
        }
        if world.left == 0 || world.decided == 0 {
            acts.push(Act::End);
            return;
        }
        acts.push(Act::Go);
        // Faults of one moment come in the order of the menu.
        let later = self.scenario.menu.iter().filter(|fault| world.last.is_none_or(|last| **fault > last));
        acts.extend(later.filter(|fault| world.may(fault)).map(|&fault| Act::Suffer(fault)));
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut world = world.clone();
        match act {
            Act::Go => {
                world.last = None;
                world.decided -= 1;
                match self.scenario.pace {
                    Pace::Rounds(span) => world.run(span),
                    Pace::Events => {
                        world.step(u64::MAX);
                    }
                }
            }
            Act::Suffer(fault) => {
                world.last = Some(fault);
                world.left -= 1;
                world.suffer(fault);
            }
            Act::End => self.scenario.end(&mut world),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Search>> {
        fn holds(world: &World, property: &str) -> bool {
            world.broken.as_ref().is_none_or(|broken| broken.property() != property)
        }
        vec![
            Property::always(check::NO_DOUBLE, |_, world| holds(world, check::NO_DOUBLE)),
            Property::always(check::WHOLE, |_, world| holds(world, check::WHOLE)),
            Property::always(check::ONE_ANSWERS, |_, world| holds(world, check::ONE_ANSWERS)),
            Property::always(check::NONE_DROPPED, |_, world| holds(world, check::NONE_DROPPED)),
            Property::always(check::CONVERGES, |_, world| holds(world, check::CONVERGES)),
            Property::sometimes("the world is looked at to its end", |_, world: &World| world.over),
        ]
    }
}
