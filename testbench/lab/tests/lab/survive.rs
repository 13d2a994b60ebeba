//! Two hundred connections under traffic, while hosts join, drain, weigh less, and leave: none breaks, none is reset, and new
//! ones are accepted all the time. A crash costs the crashed host's connections and no others.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use weir_agent::control::{Answer, Request, RuleName};
use weir_lab::client::{Tuple, Tuples};
use weir_lab::traffic::{Held, HeldConnections, Stream};
use weir_lab::{Engine, Lab, Options};

use crate::stage::{PATIENCE, converged, weir_binary};

const CONNECTIONS: usize = 200;
/// Each connection is used twice a second.
const PAUSE: Duration = Duration::from_millis(500);
/// A retransmitted SYN comes after a second, the next one two seconds later.
pub(crate) const ONE_RETRY: Duration = Duration::from_millis(2500);

const RULE: RuleName = RuleName::of_port(80);

/// A lab at default heartbeats.
pub(crate) fn lab(name: &str) -> Lab {
    let program = Some(weir_binary());
    let options = Options { hosts: 4, engine: Engine::Spec, name: name.into(), program, ..Options::default() };
    Lab::build(&options, Default::default()).expect("these scenarios need root")
}

pub(crate) fn hold(lab: &Lab) -> HeldConnections {
    let tuples: Vec<Tuple> = Tuples::new(7).take(CONNECTIONS).collect();
    HeldConnections::open(lab.clients(), &tuples, PAUSE).expect("connections")
}

fn ask(lab: &Lab, host: u8, request: Request) {
    assert_eq!(lab.host(host).ask(request).expect("an answer"), Answer::Done, "{request:?} at host {host}");
}

/// Connections that are at an end, or were not answered since `since`.
fn broken(held: &[Held], since: Instant) -> Vec<String> {
    let bad = |held: &&Held| held.end.is_some() || held.last < since;
    held.iter().filter(bad).map(|held| format!("{:?} at host {}: {:?}", held.tuple, held.host, held.end)).collect()
}

/// Waits until each connection that lives was answered once more.
pub(crate) fn all_answered(lab: &mut Lab, held: &HeldConnections, of: impl Fn(&Held) -> bool) -> Vec<String> {
    let since = Instant::now();
    loop {
        lab.wait(Duration::from_millis(100)).expect("all processes live");
        let look: Vec<Held> = held.look().into_iter().filter(&of).collect();
        let broken = broken(&look, since);
        if broken.is_empty() || since.elapsed() > Duration::from_secs(15) {
            return broken;
        }
    }
}

#[test]
fn no_planned_change_breaks_a_connection() {
    let mut lab = lab("t-survive");
    let mut epoch = converged(&mut lab, &[1, 2, 3]).epoch;
    let (clients, hosts) = (lab.capture_clients().expect("a capture"), lab.capture_hosts().expect("a capture"));
    let held = hold(&lab);
    let stream = Stream::start(lab.clients(), Tuples::new(8), Duration::from_millis(20)).expect("a stream");
    let mut agree = |lab: &mut Lab, held: &HeldConnections, what: &str, members: &[u8]| {
        let agreed = lab.converge(members, &epoch, PATIENCE, &mut |_| {}).expect(what);
        epoch = agreed.epoch.clone();
        assert_eq!(all_answered(lab, held, |_| true), Vec::<String>::new(), "after: {what}");
        agreed
    };

    lab.boot(4).expect("a boot");
    let joined = agree(&mut lab, &held, "host 4 joins", &[1, 2, 3, 4]);
    assert_eq!(joined.buckets[&4], 1024);
    let draining: u32 = (1..=3).map(|host| lab.host(host).query().expect("on").expect("an answer").pins).sum();
    assert!(draining > 20, "{draining} connections go on beside their buckets");

    ask(&lab, 2, Request::Weight { rule: RULE, weight: Some(10) });
    let lighter = agree(&mut lab, &held, "host 2 weighs less", &[1, 2, 3, 4]);
    assert!(lighter.buckets[&2] < 300, "{:?}", lighter.buckets);
    ask(&lab, 2, Request::Weight { rule: RULE, weight: None });
    agree(&mut lab, &held, "host 2 weighs as before", &[1, 2, 3, 4]);

    ask(&lab, 3, Request::Drain { rule: Some(RULE) });
    let drained = agree(&mut lab, &held, "host 3 drains the rule", &[1, 2, 3, 4]);
    assert_eq!(drained.buckets.get(&3), None);
    ask(&lab, 3, Request::Enable { rule: Some(RULE) });
    agree(&mut lab, &held, "host 3 takes it again", &[1, 2, 3, 4]);

    // The default host, with a quarter of the connections: it stays as long as they do.
    ask(&lab, 1, Request::Drainstop);
    let drained = agree(&mut lab, &held, "host 1 drains to stop", &[1, 2, 3, 4]);
    assert_eq!(drained.buckets.get(&1), None);
    ask(&lab, 1, Request::Start);
    agree(&mut lab, &held, "host 1 stays after all", &[1, 2, 3, 4]);

    // Host 4 has none of them: it leaves by itself when the last of the short ones has ended, and returns.
    ask(&lab, 4, Request::Drainstop);
    agree(&mut lab, &held, "host 4 leaves", &[1, 2, 3]);
    ask(&lab, 4, Request::Start);
    agree(&mut lab, &held, "host 4 returns", &[1, 2, 3, 4]);

    // Every agent is replaced, one after the other, and nobody notices: the epoch is the same, by the loads that commands have set.
    ask(&lab, 2, Request::Weight { rule: RULE, weight: Some(20) });
    agree(&mut lab, &held, "host 2 weighs less again", &[1, 2, 3, 4]);
    let before = lab.views(&[1, 2, 3, 4]);
    for host in 1..=4 {
        lab.host(host).signal_agent(Signal::SIGUSR2).expect("on").expect("sent");
        lab.wait(Duration::from_secs(2)).expect("all processes live");
        let log = std::fs::read_to_string(lab.dir().join(format!("logs/agent-of-host-{host}.log"))).expect("a log");
        assert!(log.contains("going on where the agent before ended"), "{log}");
    }
    assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new(), "after: all agents are replaced");
    let after = lab.views(&[1, 2, 3, 4]);
    for (before, after) in before.iter().zip(&after) {
        let (before, after) = (before.query.as_ref().expect("an answer"), after.query.as_ref().expect("an answer"));
        assert_eq!((&before.epoch, &before.state, before.pins), (&after.epoch, &after.state, after.pins));
    }

    // Every agent ends, and another process is started: a rolling restart.
    for host in 1..=4 {
        ask(&lab, host, Request::Restart { absence: None });
        assert!(lab.host_mut(host).agent_ends(PATIENCE), "the agent of host {host} ends");
        lab.host_mut(host).restart_agent().expect("started");
        lab.wait(Duration::from_secs(2)).expect("all processes live");
        let log = std::fs::read_to_string(lab.dir().join(format!("logs/agent-of-host-{host}.log"))).expect("a log");
        assert_eq!(log.matches("going on where the agent before ended").count(), 2, "{log}");
    }
    assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new(), "after: a rolling restart");
    let restarted = lab.views(&[1, 2, 3, 4]);
    for (before, after) in after.iter().zip(&restarted) {
        let (before, after) = (before.query.as_ref().expect("an answer"), after.query.as_ref().expect("an answer"));
        assert_eq!((&before.epoch, &before.state, before.pins), (&after.epoch, &after.state, after.pins));
    }

    let outcomes = stream.stop();
    let bad: Vec<_> = outcomes.iter().filter(|o| o.host.is_err() || o.took > ONE_RETRY).collect();
    assert!(bad.is_empty(), "{} of {}: {bad:?}", bad.len(), outcomes.len());
    assert!(outcomes.len() > 500, "{}", outcomes.len());
    let (clients, hosts) = (clients.stop(), hosts.stop());
    assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
    assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
}

#[test]
fn a_crash_costs_its_own_connections_and_no_others() {
    let mut lab = lab("t-survive-crash");
    let first = converged(&mut lab, &[1, 2, 3]);
    let capture = lab.capture_clients().expect("a capture");
    let held = hold(&lab);
    lab.boot(4).expect("a boot");
    let second = lab.converge(&[1, 2, 3, 4], &first.epoch, PATIENCE, &mut |_| {}).expect("host 4 joins");
    // A host that drains connections in the joiner's buckets dies.
    assert!(lab.host(2).query().expect("on").expect("an answer").pins > 0);
    lab.crash(2).expect("a crash");
    lab.converge(&[1, 3, 4], &second.epoch, PATIENCE, &mut |_| {}).expect("the others go on");
    assert_eq!(all_answered(&mut lab, &held, |held| held.host != 2), Vec::<String>::new());
    assert!(held.look().iter().filter(|held| held.host == 2).count() > 20);
    assert_eq!(capture.stop().duplicates(), 0);
}
