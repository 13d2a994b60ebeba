//! Hosts come and go under traffic: nobody is answered twice, and nobody is left without an answer.

use std::time::Duration;

use weir_agent::control::{Answer, Request};
use weir_lab::Engine;
use weir_lab::client::{Failure, Tuples};
use weir_lab::traffic::Stream;

use crate::stage::{PATIENCE, converged, fast};

#[test]
fn no_connection_attempt_is_answered_twice_while_hosts_come_and_go() {
    come_and_go("t-churn", Engine::Spec);
}

#[test]
#[ignore = "needs Verilator: `cargo xtask setup`"]
fn circuits_answer_no_connection_attempt_twice_while_hosts_come_and_go() {
    come_and_go("t-churn-rtl", Engine::Rtl);
}

fn come_and_go(name: &str, engine: Engine) {
    let mut lab = fast(name, 4, engine);
    let all = [1, 2, 3, 4];
    let mut epoch = converged(&mut lab, &all).epoch;
    let (clients, hosts) = (lab.capture_clients().expect("a capture"), lab.capture_hosts().expect("a capture"));
    let stream = Stream::start(lab.clients(), Tuples::new(4), Duration::from_millis(2)).expect("a stream");
    let mut agree = |lab: &mut weir_lab::Lab, members: &[u8]| {
        epoch = lab.converge(members, &epoch, PATIENCE, &mut |_| {}).expect("they converge").epoch;
        lab.wait(Duration::from_millis(200)).expect("all processes live");
    };

    // The default host, then another, and both back at once.
    lab.crash(1).expect("a crash");
    agree(&mut lab, &[2, 3, 4]);
    lab.crash(3).expect("a crash");
    agree(&mut lab, &[2, 4]);
    lab.boot(1).expect("a boot");
    lab.boot(3).expect("a boot");
    agree(&mut lab, &all);
    // One leaves by command and returns.
    assert_eq!(lab.host(2).ask(Request::Stop).expect("an answer"), Answer::Done);
    agree(&mut lab, &[1, 3, 4]);
    assert_eq!(lab.host(2).ask(Request::Start).expect("an answer"), Answer::Done);
    agree(&mut lab, &all);

    let outcomes = stream.stop();
    let unanswered: Vec<_> =
        outcomes.iter().filter(|outcome| matches!(outcome.host, Err(Failure::Connect(_)))).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    for host in all {
        assert!(outcomes.iter().any(|outcome| matches!(outcome.host, Ok(by) if by == host)), "host {host} served");
    }
    let (clients, hosts) = (clients.stop(), hosts.stop());
    assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
    assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
    assert!(clients.attempts() >= outcomes.iter().filter(|outcome| outcome.host.is_ok()).count() as u64);
}
