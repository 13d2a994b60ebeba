//! A host announces to be absent for several times as long as a silent one is waited for. Its connections and its buckets stay, and if
//! it does not return they are others' when the time is over, and at no moment before.

use std::time::{Duration, Instant};

use weir_agent::control::{Answer, Request};
use weir_lab::client::Tuples;
use weir_lab::traffic::Stream;
use weir_lab::{Engine, Lab};

use crate::stage::{PATIENCE, Watch, converged, fast, prompt};
use crate::survive::{ONE_RETRY, all_answered, hold};

const ALL: [u8; 3] = [1, 2, 3];

/// Tells a host to be absent, and waits for the end of its agent.
fn goes(lab: &mut Lab, host: u8, seconds: u16) -> Instant {
    let request = Request::Restart { absence: Some(seconds) };
    assert_eq!(lab.host(host).ask(request).expect("an answer"), Answer::Done);
    assert!(lab.host_mut(host).agent_ends(PATIENCE), "the agent of host {host} ends");
    Instant::now()
}

/// State, epoch, and whether the host in question is waited for.
fn state(lab: &Lab, host: u8, of: u8) -> (String, String, bool) {
    let query = lab.host(host).query().expect("on").expect("an answer");
    (query.state, query.epoch, query.waited_for.contains_key(&of))
}

#[test]
fn a_host_that_is_absent_as_announced_loses_nothing() {
    let mut lab = prompt("t-absent", 3, 200);
    let epoch = converged(&mut lab, &ALL).epoch;
    let (clients, hosts) = (lab.capture_clients().expect("a capture"), lab.capture_hosts().expect("a capture"));
    let held = hold(&lab);
    let stream = Stream::start(lab.clients(), Tuples::new(9), Duration::from_millis(20)).expect("a stream");
    for host in [2, 1] {
        goes(&mut lab, host, 20);
        // Six times as long as a silent host is waited for.
        lab.wait(Duration::from_secs(6)).expect("all processes live");
        assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new(), "while host {host} is absent");
        let other = 3 - host;
        assert_eq!(state(&lab, other, host), ("converged".into(), epoch.clone(), true));
        lab.host_mut(host).restart_agent().expect("started");
        let back = ("converged".to_string(), epoch.clone(), false);
        let since = Instant::now();
        while !ALL.iter().all(|&at| lab.host(at).query().is_some_and(|q| q.is_ok()) && state(&lab, at, host) == back) {
            assert!(since.elapsed() < PATIENCE, "{:?}", ALL.map(|at| state(&lab, at, host)));
            lab.wait(Duration::from_millis(200)).expect("all processes live");
        }
        assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new(), "when host {host} is back");
    }
    let outcomes = stream.stop();
    let bad: Vec<_> = outcomes.iter().filter(|o| o.host.is_err() || o.took > ONE_RETRY).collect();
    assert!(bad.is_empty(), "{} of {}: {bad:?}", bad.len(), outcomes.len());
    let (clients, hosts) = (clients.stop(), hosts.stop());
    assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
    assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
}

#[test]
fn who_does_not_return_is_replaced_when_its_time_is_over() {
    let mut lab = fast("t-absent-lost", 3, Engine::Spec);
    let epoch = converged(&mut lab, &ALL).epoch;
    let watch = Watch::start(&lab, 19);
    let gone = goes(&mut lab, 3, 12);
    // One that has promised to wait is killed, and so is what it remembered, but for its disk.
    lab.host_mut(2).kill_agent();
    lab.host_mut(2).restart_agent().expect("started");
    let query = loop {
        lab.wait(Duration::from_millis(200)).expect("all processes live");
        if let Some(Ok(query)) = lab.host(2).query() {
            break query;
        }
    };
    assert_eq!(query.state, "stopped");
    assert!(query.starts_in_ms.is_some_and(|left| left < 13_000), "{query:?}");
    let after = lab.converge(&[1, 2], &epoch, PATIENCE, &mut |_| {}).expect("the others go on");
    assert!(gone.elapsed() > Duration::from_secs(6), "{:?}", gone.elapsed());
    assert_eq!(after.buckets.values().sum::<u32>(), 4096);
    watch.stop();
}
