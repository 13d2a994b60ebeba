//! A service that does not answer takes no new connections, and those that live elsewhere, or here, live on.

use std::time::{Duration, Instant};

use weir_agent::control::{Answer, Becomes, Query, Request};
use weir_lab::Lab;
use weir_lab::client::{Outcome, Tuples};
use weir_lab::traffic::{Held, Stream};

use crate::stage::{PATIENCE, converged};
use crate::survive::{ONE_RETRY, all_answered, hold, lab};

const HOSTS: [u8; 4] = [1, 2, 3, 4];
/// The lab's only rule, in the agents' words.
const RULE: &str = "10.99.0.100 80 tcp";

/// Adds a check to the only rule of a host, while it serves.
fn add_check(lab: &Lab, host: u8, check: &str) {
    let check = format!("[rule.check]\ninterval_ms = 500\nfall = 2\n{check}\n");
    lab.host(host).edit(|text| format!("{text}{check}")).expect("written");
    match lab.host(host).ask(Request::Reload { dry_run: false }).expect("an answer") {
        Answer::Reload(reload) => {
            assert_eq!((reload.becomes, reload.changes.len()), (Becomes::AtOnce, 1), "{reload:?}")
        }
        other => panic!("{other:?}"),
    }
}

/// Waits until all agree that these are unfit.
fn agree(lab: &mut Lab, before: &Query, unfit: &[u8]) -> Query {
    let agreed = lab.converge(&HOSTS, &before.epoch, PATIENCE, &mut |_| {}).expect("they agree");
    for view in lab.views(&HOSTS) {
        let query = view.query.expect("an answer");
        assert_eq!(query.unfit.get(RULE).map(Vec::as_slice).unwrap_or_default(), unfit, "host {}", view.host);
        assert!(query.drained.is_empty());
    }
    agreed
}

/// What clients see for so long of new connections.
fn stream(lab: &mut Lab, seed: u64) -> Vec<Outcome> {
    let stream = Stream::start(lab.clients(), Tuples::new(seed), Duration::from_millis(10)).expect("a stream");
    lab.wait(Duration::from_secs(3)).expect("all processes live");
    stream.stop()
}

/// All were answered, some by this host or none.
fn answered_by(outcomes: &[Outcome], host: u8) -> usize {
    let bad: Vec<_> = outcomes.iter().filter(|o| o.host.is_err() || o.took > ONE_RETRY).collect();
    assert!(bad.is_empty() && outcomes.len() > 100, "{} of {}: {bad:?}", bad.len(), outcomes.len());
    outcomes.iter().filter(|outcome| outcome.host.as_ref().is_ok_and(|by| *by == host)).count()
}

fn of(held: &Held, host: u8) -> bool {
    held.host == host
}

#[test]
fn a_server_that_is_killed_and_one_that_says_it_is_unfit_lose_new_connections_and_no_others() {
    let mut lab = lab("t-health");
    let first = converged(&mut lab, &HOSTS);
    let (clients, hosts) = (lab.capture_clients().expect("a capture"), lab.capture_hosts().expect("a capture"));
    let held = hold(&lab);
    let flag = lab.dir().join("fit");
    std::fs::write(&flag, "").expect("written");
    for host in [1, 3, 4] {
        add_check(&lab, host, "kind = \"http\"\nstatus = 200");
    }
    add_check(&lab, 2, &format!("kind = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"test -e {}\"]", flag.display()));
    lab.wait(Duration::from_secs(2)).expect("all processes live");
    let views = lab.views(&HOSTS);
    let same = |query: &Query| query.epoch == first.epoch && query.unfit.is_empty();
    assert!(views.iter().all(|view| view.query.as_ref().is_some_and(same)), "fit services change nothing: {views:?}");

    // The server of host 3 dies, and its connections with it.
    let since = Instant::now();
    lab.host_mut(3).kill_server();
    let without = agree(&mut lab, &first, &[3]);
    println!("agreed that it is unfit after {:?}", since.elapsed());
    assert_eq!(without.buckets.get(&3), None);
    assert_eq!(answered_by(&stream(&mut lab, 8), 3), 0);
    assert_eq!(all_answered(&mut lab, &held, |held| !of(held, 3)), Vec::<String>::new());
    assert!(held.look().iter().filter(|held| of(held, 3)).count() > 20);

    // It is started again.
    lab.host_mut(3).restart_server().expect("started");
    let again = agree(&mut lab, &without, &[]);
    assert_eq!(again.buckets[&3], 1024);
    assert!(answered_by(&stream(&mut lab, 9), 3) > 0);

    // Host 2 is unfit by its own word: its connections stay.
    std::fs::remove_file(&flag).expect("removed");
    let without = agree(&mut lab, &again, &[2]);
    assert_eq!(without.buckets.get(&2), None);
    assert_eq!(answered_by(&stream(&mut lab, 10), 2), 0);
    assert_eq!(all_answered(&mut lab, &held, |held| !of(held, 3)), Vec::<String>::new());
    assert!(held.look().iter().filter(|held| of(held, 2)).count() > 20);

    // An agent that is replaced knows it still.
    lab.host(2).signal_agent(nix::sys::signal::Signal::SIGUSR2).expect("on").expect("sent");
    lab.wait(Duration::from_secs(3)).expect("all processes live");
    let query = lab.host(2).query().expect("on").expect("an answer");
    assert_eq!((query.epoch.as_str(), query.unfit[RULE].as_slice()), (without.epoch.as_str(), &[2][..]));

    std::fs::write(&flag, "").expect("written");
    agree(&mut lab, &without, &[]);
    assert!(answered_by(&stream(&mut lab, 11), 2) > 0);
    assert_eq!(all_answered(&mut lab, &held, |held| !of(held, 3)), Vec::<String>::new());
    let (clients, hosts) = (clients.stop(), hosts.stop());
    assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
    assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
}
