//! What one tuple may be in for while its bucket moves: a handshake that stops half way, a SYN that somebody forged, a client
//! that has forgotten. The kernels are real; the client is made of single segments.

use std::fs;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use weir_agent::control::{Answer, Request, RuleName};
use weir_lab::client::{Patience, Tuple, connect};
use weir_lab::raw::{ACK, FIN, PSH, RST, RawClient, SYN, Segment};
use weir_lab::{Engine, Lab, http, topology};

use crate::stage::{PATIENCE, converged, fast};

const SOON: Duration = Duration::from_secs(3);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: weir\r\nConnection: keep-alive\r\n\r\n";

/// Takes all buckets from `host`.
fn move_away(lab: &mut Lab, host: u8, epoch: &str) {
    let weight = Request::Weight { rule: RuleName::of_port(80), weight: Some(0) };
    assert_eq!(lab.host(host).ask(weight).expect("an answer"), Answer::Done);
    let agreed = lab.converge(&[1, 2], epoch, PATIENCE, &mut |_| {}).expect("they converge");
    assert_eq!(agreed.buckets.get(&host), None);
}

fn syn_ack(client: &RawClient, port: u16, sequence: u32) -> Segment {
    for _ in 0..3 {
        client.send(port, SYN, sequence, 0, &[]).expect("sent");
        let answer = |segment: &Segment| segment.port == port && segment.flags & (SYN | ACK | RST) == SYN | ACK;
        if let Some(segment) = client.receive(Duration::from_secs(1), answer) {
            assert_eq!(segment.acknowledged, sequence.wrapping_add(1));
            return segment;
        }
    }
    panic!("no SYN-ACK for port {port}");
}

#[test]
fn a_half_open_connection_outlives_the_move_of_its_bucket() {
    let mut lab = fast("t-half", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    let capture = lab.capture_clients().expect("a capture");
    let client = RawClient::new(lab.clients(), 1).expect("a client");
    let first = syn_ack(&client, 20_000, 1000);
    let old = first.host.expect("a host");
    // To the client the connection is there; its ACK was lost.
    move_away(&mut lab, old, &epoch);
    assert!(lab.host(old).query().expect("on").expect("an answer").pins > 0, "a half-open socket is pinned");
    client.send(20_000, ACK | PSH, 1001, first.sequence.wrapping_add(1), REQUEST).expect("sent");
    let answer = client.receive(SOON, |segment| !segment.data.is_empty() || segment.flags & RST != 0);
    let answer = answer.expect("an answer");
    assert_eq!((answer.host, answer.flags & RST), (Some(old), 0), "{answer:?}");
    assert!(String::from_utf8_lossy(&answer.data).contains(&format!("host {old}")));
    assert_eq!(capture.stop().duplicates(), 0);
}

/// Whatever queue it has, each host answers every SYN by a cookie, and waits so long for what answers that.
fn always_by_cookie(lab: &Lab, settle_ms: u64) {
    for host in [1, 2].map(|host| lab.host(host)) {
        let always = || fs::write("/proc/sys/net/ipv4/tcp_syncookies", "2");
        host.namespace().expect("on").enter(always).expect("entered").expect("every kernel has it");
        let settle = format!("[handover]\ncookie_settle_ms = {settle_ms}");
        host.edit(|text| text.replace("[handover]", &settle)).expect("edited");
        let answer = host.ask(Request::Reload { dry_run: false }).expect("an answer");
        assert!(matches!(answer, Answer::Reload(_)), "{answer:?}");
    }
}

/// A connection as a client has it whose SYN was answered by a cookie: what it sends next, and who answered.
fn half_open_by_cookie(lab: &Lab, client: &RawClient, port: u16) -> (u32, u8) {
    let first = syn_ack(client, port, 1000);
    let old = first.host.expect("a host");
    let netstat = || fs::read_to_string("/proc/thread-self/net/netstat");
    let text = lab.host(old).namespace().expect("on").enter(netstat).expect("entered").expect("every kernel has it");
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:")).map(|line| line.split(' '));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let sent = names.zip(values).find(|(name, _)| *name == "SyncookiesSent").expect("it is counted").1;
    assert_ne!(sent, "0", "host {old} answered by a cookie");
    (first.sequence.wrapping_add(1), old)
}

#[test]
fn a_connection_that_begins_by_a_cookie_outlives_the_move_of_its_bucket() {
    let mut lab = fast("t-cookie", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    // So long that the test has time to answer in between, however slow the machine.
    always_by_cookie(&lab, 5000);
    let capture = lab.capture_clients().expect("a capture");
    let client = RawClient::new(lab.clients(), 6).expect("a client");
    let port = 24_000;
    let (next, old) = half_open_by_cookie(&lab, &client, port);
    let commits = |lab: &Lab| fs::read_to_string(lab.host(old).trace()).expect("a trace").matches("commit").count();
    let before = commits(&lab);
    let weight = Request::Weight { rule: RuleName::of_port(80), weight: Some(0) };
    let asked = Instant::now();
    assert_eq!(lab.host(old).ask(weight).expect("an answer"), Answer::Done);
    while commits(&lab) == before {
        assert!(asked.elapsed() < PATIENCE, "its NIC is not told");
        lab.wait(Duration::from_millis(10)).expect("all processes live");
    }
    let query = lab.host(old).query().expect("on").expect("an answer");
    assert_eq!((query.state.as_str(), query.pins), ("converging", 0), "there is no socket that could be pinned");
    // The ACK was lost; the first data has it as well.
    client.send(port, ACK | PSH, 1001, next, REQUEST).expect("sent");
    let mine = |segment: &Segment| segment.port == port && (!segment.data.is_empty() || segment.flags & RST != 0);
    let answer = client.receive(SOON, mine).expect("an answer");
    assert_eq!((answer.host, answer.flags & RST), (Some(old), 0), "{answer:?}");
    assert_eq!(lab.host(old).query().expect("on").expect("an answer").state, "converging", "it still waits");

    // Its bucket moves, and it stays.
    let agreed = lab.converge(&[1, 2], &epoch, PATIENCE, &mut |_| {}).expect("they converge");
    assert_eq!(agreed.buckets.get(&old), None);
    assert!(asked.elapsed() > Duration::from_secs(5), "it was waited for");
    let (sent, had) = (1001 + REQUEST.len() as u32, answer.sequence.wrapping_add(answer.data.len() as u32));
    client.send(port, ACK | PSH, sent, had, REQUEST).expect("sent");
    let again = client.receive(SOON, |segment| mine(segment) && segment.sequence != answer.sequence);
    let again = again.expect("an answer");
    assert_eq!((again.host, again.flags & RST), (Some(old), 0), "{again:?}");
    assert!(String::from_utf8_lossy(&again.data).contains(&format!("host {old}")));
    assert_eq!(capture.stop().duplicates(), 0);
}

#[test]
fn a_connection_that_begins_by_a_cookie_is_reset_where_nobody_waits_for_it() {
    let mut lab = fast("t-strict", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    always_by_cookie(&lab, 0);
    let client = RawClient::new(lab.clients(), 7).expect("a client");
    let port = 25_000;
    let (next, old) = half_open_by_cookie(&lab, &client, port);
    move_away(&mut lab, old, &epoch);
    client.send(port, ACK | PSH, 1001, next, REQUEST).expect("sent");
    let answer = client.receive(SOON, |segment| segment.port == port).expect("an answer");
    assert_eq!(
        (answer.host, answer.flags & RST),
        (Some(3 - old), RST),
        "the new owner knows nothing of it: {answer:?}"
    );
}

#[test]
fn a_forged_syn_reaches_the_holder_alone_and_kills_nothing() {
    let mut lab = fast("t-forged", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    let tuple = Tuple { address: topology::client(5), port: 21_000 };
    let mut stream =
        lab.clients().enter(|| connect(tuple, Patience::ORDINARY)).expect("entered").expect("a connection");
    let old = http::ask(&mut stream, true).expect("an answer");
    move_away(&mut lab, old, &epoch);
    let capture = lab.capture_hosts().expect("a capture");
    let forger = RawClient::forge(lab.clients(), tuple.address).expect("a client");
    for sequence in [7, 1 << 30, 1 << 31] {
        forger.send(tuple.port, SYN, sequence, 0, &[]).expect("sent");
        let answer = forger.receive(Duration::from_millis(300), |segment| segment.port == tuple.port);
        if let Some(answer) = answer {
            assert_eq!((answer.host, answer.flags & (SYN | RST)), (Some(old), 0), "a challenge ACK: {answer:?}");
        }
    }
    assert_eq!(http::ask(&mut stream, true).expect("alive"), old);
    assert!(capture.stop().answered_by(tuple.address, tuple.port).is_empty(), "nobody took it for a new connection");
}

#[test]
fn a_client_that_has_forgotten_its_connection_gets_a_fresh_start_at_the_new_owner() {
    let mut lab = fast("t-stale", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    let capture = lab.capture_clients().expect("a capture");
    let client = RawClient::new(lab.clients(), 3).expect("a client");
    let first = syn_ack(&client, 22_000, 1000);
    let old = first.host.expect("a host");
    client.send(22_000, ACK, 1001, first.sequence.wrapping_add(1), &[]).expect("sent");
    client.send(22_000, ACK | PSH, 1001, first.sequence.wrapping_add(1), REQUEST).expect("sent");
    client.receive(SOON, |segment| !segment.data.is_empty()).expect("an answer");
    move_away(&mut lab, old, &epoch);
    // It starts over with the same port: the holder asks back, is told that there is nothing, and lets go.
    client.send(22_000, SYN, 500_000, 0, &[]).expect("sent");
    let challenge = client.receive(SOON, |segment| segment.flags & (SYN | ACK | FIN | RST) == ACK).expect("an answer");
    assert_eq!(challenge.host, Some(old));
    client.send(22_000, RST, challenge.acknowledged, 0, &[]).expect("sent");
    // A kernel repeats its SYN after a second. By then the holder has let go.
    lab.wait(Duration::from_millis(500)).expect("all processes live");
    assert_eq!(lab.host(old).query().expect("on").expect("an answer").pins, 0, "unpinned when the socket went");
    let fresh = syn_ack(&client, 22_000, 500_000);
    assert_eq!(fresh.host, Some(3 - old), "the new owner of its bucket");
    assert_eq!(capture.stop().duplicates(), 0);
}

#[test]
fn a_host_that_was_left_out_does_not_go_on_with_handshakes_that_others_have_answered() {
    let mut lab = fast("t-stale-half", 3, Engine::Spec);
    let first = converged(&mut lab, &[1, 2, 3]);
    let client = RawClient::new(lab.clients(), 4).expect("a client");
    // Half open at host 3, whose SYN-ACK the client is taken to have missed.
    let (port, _) = (23_000..23_100)
        .map(|port| (port, syn_ack(&client, port, 1000)))
        .find(|(_, answer)| answer.host == Some(3))
        .expect("host 3 has a third of the buckets");
    lab.host(3).signal_agent(Signal::SIGSTOP).expect("on").expect("stopped");
    let second = lab.converge(&[1, 2], &first.epoch, PATIENCE, &mut |_| {}).expect("the others go on");

    // The client repeats its SYN, and has its connection with another host.
    let capture = lab.capture_clients().expect("a capture");
    let answer = syn_ack(&client, port, 1000);
    assert_ne!(answer.host, Some(3));
    let next = answer.sequence.wrapping_add(1);
    client.send(port, ACK, 1001, next, &[]).expect("sent");
    lab.host(3).signal_agent(Signal::SIGCONT).expect("on").expect("continued");
    lab.converge(&[1, 2, 3], &second.epoch, PATIENCE, &mut |_| {}).expect("it joins again");
    client.send(port, ACK | PSH, 1001, next, REQUEST).expect("sent");
    let served = client.receive(SOON, |segment| segment.port == port && !segment.data.is_empty());
    assert_eq!(served.expect("the connection is not taken for one of host 3").host, answer.host);

    // Kernels repeat a SYN-ACK after one, three and seven seconds.
    let again = |segment: &Segment| segment.port == port && segment.flags & SYN != 0;
    assert_eq!(client.receive(Duration::from_secs(7), again), None);
    let ledger = capture.stop();
    assert_eq!((ledger.duplicates(), ledger.lost()), (0, 0));
}

/// Whether the kernel of `host` has a connection with port `port` of `client`.
fn has_socket(lab: &Lab, host: u8, client: Ipv4Addr, port: u16) -> bool {
    let tcp = || fs::read_to_string("/proc/thread-self/net/tcp");
    let text = lab.host(host).namespace().expect("on").enter(tcp).expect("entered").expect("every kernel has it");
    let remote = format!(" {:08X}:{port:04X} 01 ", u32::from_ne_bytes(client.octets()));
    text.contains(&remote)
}

#[test]
fn of_two_connections_of_one_tuple_the_older_is_ended_unheard_when_its_host_returns() {
    let mut lab = fast("t-contested", 3, Engine::Spec);
    let first = converged(&mut lab, &[1, 2, 3]);
    let client = RawClient::new(lab.clients(), 5).expect("a client");
    let address = Ipv4Addr::new(10, 99, 3, 5);
    let (port, older) = (24_000..24_100)
        .map(|port| (port, syn_ack(&client, port, 1000)))
        .find(|(_, answer)| answer.host == Some(3))
        .expect("host 3 has a third of the buckets");
    client.send(port, ACK | PSH, 1001, older.sequence.wrapping_add(1), REQUEST).expect("sent");
    client.receive(SOON, |segment| segment.port == port && !segment.data.is_empty()).expect("an answer");
    assert!(has_socket(&lab, 3, address, port));
    lab.host(3).signal_agent(Signal::SIGSTOP).expect("on").expect("stopped");
    let second = lab.converge(&[1, 2], &first.epoch, PATIENCE, &mut |_| {}).expect("the others go on");

    // The client has forgotten, and uses its port again. Who owns the bucket now knows of no older connection.
    let capture = lab.capture_clients().expect("a capture");
    let younger = syn_ack(&client, port, 900_000);
    assert_ne!(younger.host, Some(3));
    let next = younger.sequence.wrapping_add(1);
    client.send(port, ACK | PSH, 900_001, next, REQUEST).expect("sent");
    let answered = |segment: &Segment| segment.port == port && !segment.data.is_empty();
    let answer = client.receive(SOON, answered).expect("an answer");
    assert_eq!(answer.host, younger.host);
    assert!(has_socket(&lab, 3, address, port), "both kernels have a live connection");

    lab.host(3).signal_agent(Signal::SIGCONT).expect("on").expect("continued");
    lab.converge(&[1, 2, 3], &second.epoch, PATIENCE, &mut |_| {}).expect("it joins again");
    assert!(!has_socket(&lab, 3, address, port), "it is ended before its host serves");
    // Not by a word that the client would take for one about its younger connection, which goes on.
    let said = client.receive(Duration::from_millis(500), |segment| segment.port == port && segment.flags & RST != 0);
    assert_eq!(said, None);
    let sequence = 900_001 + REQUEST.len() as u32;
    let acknowledged = answer.sequence.wrapping_add(answer.data.len() as u32);
    client.send(port, ACK | PSH, sequence, acknowledged, REQUEST).expect("sent");
    let served = client.receive(SOON, |segment| answered(segment) || segment.flags & RST != 0).expect("an answer");
    assert_eq!((served.host, served.flags & RST), (younger.host, 0), "{served:?}");
    let ledger = capture.stop();
    assert_eq!((ledger.duplicates(), ledger.lost()), (0, 0));
}
