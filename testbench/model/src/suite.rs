//! The scenarios that are searched.

use weir_cluster::Mode;

use crate::fault::Fault;
use crate::scenario::{EXACT, HASTY, Pace, Scenario, TARDY};
use crate::world::World;
use crate::{FOREVER, MS, PERIOD, SECOND, TOLERANCE};

/// Longer than any lease.
const LONG: u64 = TOLERANCE + 2 * PERIOD;
/// Shorter than a lease.
const SHORT: u64 = 2 * PERIOD;

/// What `of` makes of each host.
fn each(hosts: usize, of: impl Fn(usize) -> Vec<Fault>) -> Vec<Fault> {
    let mut menu: Vec<Fault> = (0..hosts).flat_map(of).collect();
    menu.sort_unstable();
    menu.dedup();
    menu
}

fn pause(host: usize, span: u64, hold: bool) -> Fault {
    Fault::Pause { host, span, hold, keep: true }
}

/// Agents that die, stop for a while, or are replaced; no link is ever cut.
pub fn processes(hosts: usize) -> Vec<Fault> {
    each(hosts, |host| {
        vec![
            Fault::Crash { host, back: 300 * MS },
            Fault::Crash { host, back: LONG },
            Fault::PowerLoss { host, back: 3 * PERIOD },
            pause(host, SHORT, true),
            pause(host, LONG, true),
            Fault::Pause { host, span: LONG, hold: false, keep: false },
            Fault::Stop { host, back: PERIOD },
            Fault::Replace { host, gap: 20 * MS },
            Fault::Replace { host, gap: LONG },
        ]
    })
}

/// Links that are lost for a while or for good, in one direction and both.
pub fn links(hosts: usize) -> Vec<Fault> {
    let mut menu = each(hosts, |host| {
        let others = (0..hosts).filter(|&to| to != host);
        let mut faults: Vec<Fault> = others.map(|to| Fault::Cut { from: host, to, span: FOREVER }).collect();
        for span in [LONG, FOREVER] {
            faults.extend([Fault::Mute { host, span }, Fault::Deaf { host, span }, Fault::Isolate { host, span }]);
        }
        faults
    });
    menu.push(Fault::Split { span: 2 * LONG });
    menu.sort_unstable();
    menu
}

/// Weights that make buckets move, and back.
pub fn weights(hosts: usize) -> Vec<Fault> {
    each(hosts, |host| vec![Fault::Weigh { host, weight: 10 }, Fault::Weigh { host, weight: 90 }])
}

/// A cluster in which buckets have begun to move, looked at event by event.
fn moving(world: &mut World) {
    world.suffer(Fault::Weigh { host: 0, weight: 10 });
}

/// Connections in buckets of every host.
fn connected(world: &mut World) {
    (0..4096).step_by(455).for_each(|bucket| {
        world.connect(bucket);
    });
    world.run(2 * SECOND);
}

/// The last host has stopped and returned.
fn returned(world: &mut World) {
    let last = world.hosts.len() - 1;
    world.suffer(Fault::Stop { host: last, back: PERIOD });
    world.run(PERIOD + 100 * MS);
    world.drive(6 * TOLERANCE, World::are_all_one);
    world.run(PERIOD);
}

/// Agents crash where many epochs have gone before.
pub fn crashes_late_in_life() -> Scenario {
    fn aged(world: &mut World) {
        for round in 0..8u8 {
            world.suffer(Fault::Weigh { host: 1, weight: 10 + round });
            world.run(PERIOD);
        }
    }
    let menu = each(3, |host| vec![Fault::Crash { host, back: 2 * TOLERANCE }]);
    Scenario { menu, prelude: aged, decisions: 2, faults: 1, ..Scenario::new(Mode::Quorum, 3) }
}

/// Two halves that served apart meet again, and have counted alike.
pub fn halves_that_meet() -> Scenario {
    fn split(world: &mut World) {
        world.suffer(Fault::Split { span: 3 * TOLERANCE });
        world.run(2 * TOLERANCE);
    }
    let grace = PERIOD + 60 * MS;
    let menu = weights(4);
    Scenario { menu, prelude: split, decisions: 2, faults: 1, grace, ..Scenario::new(Mode::Availability, 4) }
}

/// Whatever may happen to agents and links of a cluster that serves by majority, at the end of every round.
pub fn quorum(hosts: usize) -> Scenario {
    let menu = [processes(hosts), links(hosts), weights(hosts)].concat();
    Scenario { menu: sorted(menu), decisions: 4, faults: 1, ..Scenario::new(Mode::Quorum, hosts) }
}

/// The same where each part of a cluster serves.
pub fn availability(hosts: usize) -> Scenario {
    Scenario { mode: Mode::Availability, strict: false, ..quorum(hosts) }
}

/// Agents that fail while no link does: nobody is excused, though each part may serve.
pub fn availability_unparted(hosts: usize) -> Scenario {
    let menu = sorted([processes(hosts), weights(hosts)].concat());
    Scenario { menu, strict: true, ..availability(hosts) }
}

/// Buckets move, and any one thing happens between any two events of it.
pub fn amid_a_move(hosts: usize) -> Scenario {
    let frames = [Fault::Lose, Fault::Double { later: 700 * MS }, Fault::Delay { later: 400 * MS }];
    let agents = each(hosts, |host| vec![pause(host, LONG, true), Fault::Crash { host, back: 300 * MS }]);
    let menu = sorted([frames.to_vec(), vec![Fault::Delay { later: LONG }], agents].concat());
    Scenario {
        menu,
        prelude: moving,
        pace: Pace::Events,
        decisions: 150,
        faults: 1,
        ..Scenario::new(Mode::Quorum, hosts)
    }
}

/// Buckets move, and weights change again between any two events of it: nobody waits longer than for a lost frame.
pub fn a_change_of_mind(hosts: usize) -> Scenario {
    let menu = sorted([weights(hosts), vec![Fault::Lose, Fault::Delay { later: 400 * MS }]].concat());
    Scenario { menu, stay: 0, bound: 2 * PERIOD, decisions: 120, ..amid_a_move(hosts) }
}

/// Planned changes, one on top of the other, with live connections: from A to B to C before A has drained.
pub fn planned(hosts: usize) -> Scenario {
    let drains = each(hosts, |host| {
        vec![
            Fault::Drain { host, drain: true },
            Fault::Drain { host, drain: false },
            Fault::Replace { host, gap: 20 * MS },
        ]
    });
    let menu = sorted([weights(hosts), drains, vec![Fault::Close, Fault::Connect { bucket: 700 }]].concat());
    Scenario {
        menu,
        prelude: connected,
        pace: Pace::Rounds(PERIOD / 2),
        decisions: 3,
        faults: 2,
        planned: true,
        ..Scenario::new(Mode::Availability, hosts)
    }
}

/// Two of three hosts have another configuration staged, under live connections.
fn edited_but_for_one(world: &mut World) {
    connected(world);
    (0..2).for_each(|host| world.suffer(Fault::Edit { host }));
    world.run(PERIOD);
}

/// The third one has it as well, while other changes are planned.
pub fn another_configuration() -> Scenario {
    let edit = vec![Fault::Edit { host: 2 }];
    Scenario { menu: sorted([planned(3).menu, edit].concat()), prelude: edited_but_for_one, ..planned(3) }
}

/// It is put in force, and any one thing happens to a frame, or a client comes or goes, between any two events of it.
pub fn amid_a_switch() -> Scenario {
    fn all_edited(world: &mut World) {
        edited_but_for_one(world);
        world.suffer(Fault::Edit { host: 2 });
    }
    Scenario { prelude: all_edited, decisions: 160, ..amid_a_hand_over(3) }
}

/// It is put in force, and an agent or a host fails between any two events of it.
pub fn failures_amid_a_switch() -> Scenario {
    fn all_edited(world: &mut World) {
        (0..3).for_each(|host| world.suffer(Fault::Edit { host }));
    }
    let menu = each(3, |host| {
        let failures = [Fault::Crash { host, back: 300 * MS }, Fault::PowerLoss { host, back: 3 * PERIOD }];
        [failures.to_vec(), vec![pause(host, LONG, true)]].concat()
    });
    Scenario { menu, prelude: all_edited, ..amid_a_move(3) }
}

/// A host of which others have given up the connections, which is cut off for a while longer. Most of its buckets stay with them.
fn given_up(world: &mut World) {
    connected(world);
    world.suffer(Fault::Isolate { host: 2, span: 3 * TOLERANCE });
    world.suffer(Fault::Weigh { host: 2, weight: 10 });
    world.run(2 * TOLERANCE + PERIOD);
}

/// Clients begin anew what they had with a host that is cut off, before it returns or while it does.
pub fn begun_anew() -> Scenario {
    let menu = vec![Fault::BeginAnew, Fault::Weigh { host: 0, weight: 10 }, Fault::Weigh { host: 2, weight: 90 }];
    let scenario = Scenario::new(Mode::Quorum, 3);
    Scenario { menu: sorted(menu), prelude: given_up, pace: Pace::Rounds(PERIOD), decisions: 11, faults: 2, ..scenario }
}

/// It is taken in again, and clients begin anew between any two events of that, of which one is late or lost.
pub fn begun_anew_amid_a_return() -> Scenario {
    fn returning(world: &mut World) {
        given_up(world);
        let loaded = |world: &World| world.status(2).is_some_and(|status| status.proposed.is_some());
        let end = world.at + 4 * TOLERANCE;
        while world.broken.is_none() && !loaded(world) && world.at < end {
            world.step(end);
        }
    }
    let menu = sorted(vec![Fault::BeginAnew, Fault::Lose, Fault::Delay { later: 400 * MS }]);
    let scenario = Scenario::new(Mode::Quorum, 3);
    Scenario { menu, prelude: returning, pace: Pace::Events, decisions: 80, faults: 1, ..scenario }
}

/// Connections move, and any one thing happens to a frame, or a client comes or goes, between any two events of it.
pub fn amid_a_hand_over(hosts: usize) -> Scenario {
    fn begun(world: &mut World) {
        connected(world);
        moving(world);
    }
    let menu = vec![
        Fault::Weigh { host: 1, weight: 20 },
        Fault::Connect { bucket: 700 },
        Fault::Connect { bucket: 3000 },
        Fault::Close,
        Fault::Lose,
        Fault::Double { later: 700 * MS },
        Fault::Delay { later: 400 * MS },
    ];
    Scenario { menu: sorted(menu), prelude: begun, pace: Pace::Events, decisions: 200, faults: 1, ..planned(hosts) }
}

/// A farewell that was recorded before its host returned is played again.
pub fn replay(hosts: usize) -> Scenario {
    let menu = each(hosts, |host| vec![Fault::Replay { host }]);
    Scenario { menu, prelude: returned, decisions: 2, faults: 1, ..Scenario::new(Mode::Quorum, hosts) }
}

/// Two agents are away for longer than a lease, and the third gives them up.
pub fn two_of_three_away() -> Scenario {
    let menu = each(3, |host| {
        let frozen = Fault::Pause { host, span: LONG, hold: false, keep: false };
        vec![pause(host, LONG, true), frozen, Fault::Replace { host, gap: LONG }]
    });
    Scenario { menu, decisions: 1, faults: 2, ..Scenario::new(Mode::Quorum, 3) }
}

/// One host is cut off, and agents of the others restart before its lease has ended.
pub fn restarts_beside_a_lost_host() -> Scenario {
    let isolated = Fault::Isolate { host: 2, span: FOREVER };
    let crashes = each(2, |host| vec![Fault::Crash { host, back: 100 * MS }]);
    let menu = sorted([crashes, vec![isolated]].concat());
    Scenario { menu, decisions: 2, faults: 3, ..Scenario::new(Mode::Quorum, 3) }
}

/// For so long hosts announce to be absent: for longer than any ordinary lease, and than a host listens.
const ABSENCE: u16 = 10;

/// Hosts that are absent for as long as they say, for longer, and for ever, one after the other and at once, and agents and links that
/// fail before and meanwhile.
pub fn absences(mode: Mode) -> Scenario {
    let absent = |host, gap| Fault::Absent { host, seconds: ABSENCE, gap };
    let away =
        [absent(0, 3 * PERIOD), absent(0, 2 * TOLERANCE + 6 * PERIOD), absent(0, FOREVER), absent(1, 8 * PERIOD)];
    let others = each(3, |host| {
        vec![
            Fault::Crash { host, back: 300 * MS },
            Fault::Crash { host, back: LONG },
            pause(host, LONG, true),
            Fault::Isolate { host, span: LONG },
            Fault::Weigh { host, weight: 10 },
        ]
    });
    let menu = sorted([away.to_vec(), others, vec![Fault::Stop { host: 0, back: PERIOD }]].concat());
    let strict = mode == Mode::Quorum;
    Scenario { menu, pace: Pace::Rounds(PERIOD), decisions: 2, faults: 2, strict, ..Scenario::new(mode, 3) }
}

fn away(world: &mut World, gap: u64) {
    world.suffer(Fault::Absent { host: 0, seconds: ABSENCE, gap });
    world.run(PERIOD + 100 * MS);
    assert!(world.hosts[0].left.is_some(), "{}", world.tell());
}

/// A host is absent, does not return, and the agents of the others end.
pub fn restarts_beside_an_absent_host(mode: Mode) -> Scenario {
    let menu = each(3, |host| {
        vec![Fault::Crash { host, back: 300 * MS }, Fault::Crash { host, back: LONG }, pause(host, LONG, true)]
    });
    let prelude = |world: &mut World| away(world, FOREVER);
    let strict = true;
    Scenario {
        menu,
        prelude,
        pace: Pace::Rounds(2 * PERIOD),
        decisions: 3,
        faults: 2,
        strict,
        ..Scenario::new(mode, 3)
    }
}

/// A host announces to be absent, goes and does not return, and any one thing happens to a frame or an agent on the way.
pub fn amid_a_leave() -> Scenario {
    fn leaving(world: &mut World) {
        world.suffer(Fault::Absent { host: 0, seconds: ABSENCE, gap: FOREVER });
    }
    let frames = [Fault::Lose, Fault::Double { later: 700 * MS }, Fault::Delay { later: 1200 * MS }];
    let agents = each(3, |host| vec![pause(host, LONG, true), Fault::Crash { host, back: 300 * MS }]);
    Scenario {
        menu: sorted([frames.to_vec(), agents].concat()),
        prelude: leaving,
        pace: Pace::Events,
        decisions: 40,
        faults: 1,
        stay: 6 * TOLERANCE,
        ..Scenario::new(Mode::Quorum, 3)
    }
}

/// A host that was absent returns, and any one thing happens to a frame or an agent on the way.
pub fn amid_a_return() -> Scenario {
    fn returning(world: &mut World) {
        away(world, 2 * PERIOD);
        world.run(PERIOD);
        world.drive(PERIOD, |world| world.hosts[0].node.is_some());
    }
    let lost = Fault::Crash { host: 0, back: 4 * TOLERANCE };
    let menu = sorted([amid_a_leave().menu, vec![lost]].concat());
    Scenario { menu, prelude: returning, ..amid_a_leave() }
}

/// All hosts with their clocks as far apart as they may be, and exact.
pub fn clocks(scenario: Scenario) -> Scenario {
    let hosts = scenario.drifts[0].len();
    let mixed = (0..hosts).map(|host| if host % 2 == 0 { HASTY } else { TARDY }).collect();
    Scenario { drifts: vec![vec![HASTY; hosts], vec![TARDY; hosts], vec![EXACT; hosts], mixed], ..scenario }
}

fn sorted(mut menu: Vec<Fault>) -> Vec<Fault> {
    menu.sort_unstable();
    menu.dedup();
    menu
}

/// Whatever may happen, many times over, for random walks.
pub fn storm(mode: Mode, hosts: usize) -> Scenario {
    // Where each part serves, one that knows of no promise would, all others being dead.
    let seconds = ABSENCE;
    let absent = |host, gap| Fault::Absent { host, seconds, gap };
    let of = |host| vec![absent(host, 4 * PERIOD), absent(host, 9 * PERIOD), absent(host, 20 * PERIOD)];
    let absences = if mode == Mode::Quorum { each(hosts, of) } else { Vec::new() };
    let menu = sorted([processes(hosts), links(hosts), weights(hosts), absences].concat());
    clocks(Scenario {
        mode,
        strict: mode == Mode::Quorum,
        menu,
        decisions: 60,
        faults: 24,
        ..Scenario::new(mode, hosts)
    })
}

/// Agents that fail, while no link does, many times over.
pub fn storm_of_agents(hosts: usize) -> Scenario {
    let menu = sorted([processes(hosts), weights(hosts)].concat());
    Scenario { menu, strict: true, ..storm(Mode::Availability, hosts) }
}

/// Planned changes with live connections, many times over, while frames are lost and come late.
pub fn storm_of_plans(hosts: usize) -> Scenario {
    let frames = vec![Fault::Lose, Fault::Double { later: 700 * MS }, Fault::Delay { later: 400 * MS }];
    let clients = (0..8).map(|at| Fault::Connect { bucket: at * 500 + 3 }).collect();
    let menu = sorted([planned(hosts).menu, frames, clients].concat());
    Scenario { menu, decisions: 60, faults: 24, pace: Pace::Rounds(PERIOD / 4 + 7 * MS), ..planned(hosts) }
}
