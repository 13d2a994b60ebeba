//! Hand-overs of more than fits at once: into a NIC's flow table, or into the time between two heartbeats.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use weir_agent::control::{Answer, Request, RuleName};
use weir_lab::client::{Patience, Tuples, connect};
use weir_lab::{Lab, Oddity, http};

use crate::fence::Mark;
use crate::stage::{PATIENCE, Watch, converged, prompt};

/// A connection, and the host that answers on it.
type Open = (TcpStream, u8);

fn open(lab: &Lab, seed: u64, count: usize) -> Vec<Open> {
    let open = || {
        let one = |tuple| {
            let mut stream = connect(tuple, Patience::ORDINARY).expect("a connection");
            let host = http::ask(&mut stream, true).expect("an answer");
            (stream, host)
        };
        Tuples::new(seed).take(count).map(one).collect()
    };
    lab.clients().enter(open).expect("entered")
}

/// Connections that are not answered by their hosts any more.
fn broken(connections: &mut [Open]) -> usize {
    let answered = |(stream, host): &mut Open| http::ask(stream, true).is_ok_and(|by| by == *host);
    connections.iter_mut().map(answered).filter(|answered| !answered).count()
}

fn take_all_from(lab: &Lab, host: u8) {
    let weight = Request::Weight { rule: RuleName::of_port(80), weight: Some(0) };
    assert_eq!(lab.host(host).ask(weight).expect("an answer"), Answer::Done);
}

/// Buckets that the NIC of a host owns by its last commit.
fn owns(lab: &Lab, host: u8) -> u64 {
    let trace = std::fs::read_to_string(lab.host(host).trace()).expect("a trace");
    let mut lines = trace.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("lines of JSON"));
    let last = lines.rfind(|line| line["event"] == "commit").expect("a commit");
    last["buckets"].as_u64().expect("a number")
}

#[test]
fn what_finds_no_room_in_a_flow_table_is_held_and_moves_as_room_comes() {
    const ROOM: u16 = 12;
    let mut lab = prompt("t-room", 2, 100);
    for host in [1, 2] {
        lab.host_mut(host).make_odd(Oddity { flows: Some(ROOM), ..Oddity::default() });
    }
    let first = converged(&mut lab, &[1, 2]);
    let mut connections = open(&lab, 41, 100);
    let watch = Watch::start(&lab, 42);
    let mark = Mark::set(&lab, &first);
    let there = connections.iter().filter(|(_, host)| *host == 2).count();
    assert!(there > 3 * usize::from(ROOM), "{there} connections at host 2");
    take_all_from(&lab, 2);

    // Closed a few at a time, none but these ends; what is held becomes less, batch by batch.
    let mut held = vec![owns(&lab, 2)];
    let since = Instant::now();
    while held.last() != Some(&0) {
        assert!(since.elapsed() < PATIENCE, "{held:?}");
        lab.wait(Duration::from_millis(700)).expect("all processes live");
        assert_eq!(broken(&mut connections), 0, "{held:?}");
        let pins = lab.host(2).query().expect("on").expect("an answer").pins;
        assert!(pins <= u32::from(ROOM), "{pins} connections listed in {ROOM} entries");
        let owned = owns(&lab, 2);
        if held.last() != Some(&owned) {
            held.push(owned);
        }
        for _ in 0..4 {
            if let Some(place) = connections.iter().position(|(_, host)| *host == 2) {
                connections.swap_remove(place);
            }
        }
    }
    assert!(held.len() > 3, "in batches: {held:?}");
    assert!(held[1..].is_sorted_by(|a, b| a > b), "never more: {held:?}");
    assert_eq!((mark.fences(&lab, 1), mark.fences(&lab, 2)), (0, 0));
    let outcomes = watch.stop();
    assert!(outcomes.iter().all(|outcome| outcome.host.is_ok()), "new connections are accepted throughout");
}

#[test]
fn a_hand_over_of_many_hundreds_costs_no_renewal() {
    // Written in one go, the table took longer than this lease.
    let mut lab = prompt("t-many", 2, 40);
    let first = converged(&mut lab, &[1, 2]);
    let mut connections = open(&lab, 43, 2400);
    let watch = Watch::start(&lab, 44);
    let mark = Mark::set(&lab, &first);
    take_all_from(&lab, 2);
    lab.converge(&[1, 2], &first.epoch, PATIENCE, &mut |_| {}).expect("they converge");
    let pins = lab.host(2).query().expect("on").expect("an answer").pins;
    assert!(pins > 1000, "{pins} connections were listed");
    assert_eq!((mark.fences(&lab, 1), mark.fences(&lab, 2)), (0, 0), "no lease has ended meanwhile");
    assert_eq!(broken(&mut connections), 0);
    watch.stop();
}
