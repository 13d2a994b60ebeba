use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::channel;
use std::thread;

use super::*;

/// However slow the machine: what is to end by itself has so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is to fail for its time fails after so long.
const SHORT: Duration = Duration::from_millis(300);

fn check(probe: Probe, timeout: Duration) -> Check {
    Check { probe, netns: None, interval: Duration::from_secs(1), timeout, rise: 1, fall: 1, last_resort: true }
}

/// Looks once, with nobody to stop it.
fn looked(check: &Check) -> Result<(), Failure> {
    let (_stop, stopped) = channel();
    look(check, &Stop::new(stopped))
}

fn failure(check: &Check) -> String {
    looked(check).expect_err("unfit").to_string()
}

fn local(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("bound")
}

/// A server that hears a request and does `answer`.
fn server(answer: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let to = local(&listener);
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            stream.read_exact(&mut octet).expect("a whole request");
            request.extend(octet);
        }
        answer(stream);
    });
    to
}

fn http(to: SocketAddr, timeout: Duration) -> Check {
    check(Probe::Http { to, path: "/health".into(), host: "shop".into(), status: (200, 399) }, timeout)
}

/// The answer to these octets, after which the server closes.
fn answered(octets: &'static [u8]) -> Result<(), Failure> {
    looked(&http(server(move |mut stream| stream.write_all(octets).expect("sent")), PATIENCE))
}

#[test]
fn a_port_is_fit_while_somebody_listens() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let to = local(&listener);
    let check = check(Probe::Tcp(to), PATIENCE);
    looked(&check).expect("fit");
    drop(listener);
    assert_eq!(failure(&check), format!("nobody listens at {to}"));
}

#[test]
fn a_port_that_takes_no_connection_is_unfit_after_its_time() {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
    listener.listen(1).expect("listening");
    let to = listener.local_addr().expect("bound").as_socket().expect("IPv4");
    // Nobody accepts: when the queue is full, the kernel drops what comes.
    let queue: Vec<_> = (0..16).map_while(|_| TcpStream::connect_timeout(&to, SHORT).ok()).collect();
    assert!(queue.len() < 16);
    assert_eq!(failure(&check(Probe::Tcp(to), SHORT)), "no answer in time");
}

#[test]
fn a_socket_that_the_kernel_connects_with_itself_is_nobody() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
    let own = socket.local_addr().expect("bound");
    socket.connect(&own).expect("Linux connects it");
    assert!(is_with_itself(&socket.into()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    assert!(!is_with_itself(&TcpStream::connect(local(&listener)).expect("listening")));
}

#[test]
fn an_http_status_decides_and_the_request_is_a_whole_one() {
    answered(b"HTTP/1.1 200 OK\r\n\r\n").expect("fit");
    answered(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 302 Found\r\n").expect("fit");
    let unfit = |octets| answered(octets).expect_err("unfit").to_string();
    assert_eq!(unfit(b"HTTP/1.1 503 Busy\r\n\r\n"), "HTTP status 503, wanted 200 to 399");
    assert_eq!(unfit(b"220 mail ready\r\n"), "what came is no HTTP answer");
    assert_eq!(unfit(b"HTTP/1.1 20"), "the connection was closed before there was an answer");
    assert_eq!(unfit(b""), "the connection was closed before there was an answer");

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let check = http(local(&listener), PATIENCE);
    let looks = thread::spawn(move || looked(&check));
    let (mut stream, _) = listener.accept().expect("a client");
    let mut request = [0; 200];
    let length = stream.read(&mut request).expect("a request");
    let text =
        "GET /health HTTP/1.1\r\nHost: shop\r\nUser-Agent: weir-check\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    assert_eq!(std::str::from_utf8(&request[..length]), Ok(text));
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("sent");
    looks.join().expect("no panic").expect("fit");
}

#[test]
fn who_answers_too_slowly_is_unfit_after_its_time_however_often_it_says_something() {
    let silent = server(|stream| {
        thread::sleep(PATIENCE);
        drop(stream);
    });
    assert_eq!(failure(&http(silent, SHORT)), "no answer in time");
    let since = Instant::now();
    let slow = server(|mut stream| {
        while stream.write_all(b"H").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    // Nothing but H is told at the second one.
    assert_eq!(failure(&http(slow, PATIENCE)), "what came is no HTTP answer");
    let slow = server(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 ");
        while stream.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!(failure(&http(slow, SHORT)), "no answer in time");
    assert!(since.elapsed() < PATIENCE);
}

#[test]
fn an_answer_without_end_costs_neither_memory_nor_time() {
    let endless = |head: &'static [u8]| {
        server(move |mut stream| {
            let _ = stream.write_all(head);
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        })
    };
    looked(&http(endless(b"HTTP/1.1 200 OK\r\n\r\n"), PATIENCE)).expect("its status is good");
    assert_eq!(failure(&http(endless(b"HTTP/1.1 200 "), PATIENCE)), "what came is no HTTP answer");
}

fn command(words: &[&str], timeout: Duration) -> Check {
    check(Probe::Command(words.iter().map(|word| word.to_string()).collect()), timeout)
}

/// A shell that has `script` write process ids to a file; which.
fn started(script: &str, timeout: Duration) -> (Result<(), Failure>, Vec<i32>) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let script = script.replace("FILE", &file.path().display().to_string());
    let result = looked(&command(&["/bin/sh", "-c", &script], timeout));
    let text = std::fs::read_to_string(file.path()).expect("the file");
    (result, text.lines().map(|line| line.trim().parse().expect("a process id")).collect())
}

/// Gone, or dead and waiting for whoever has inherited it.
fn has_ended(process: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{process}/stat")) {
        Err(_) => true,
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
    }
}

fn all_end(processes: &[i32]) {
    let since = Instant::now();
    while !processes.iter().all(|&process| has_ended(process)) {
        assert!(since.elapsed() < PATIENCE, "{processes:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_command_is_fit_if_it_ends_with_nought() {
    looked(&command(&["/bin/sh", "-c", "exit 0"], PATIENCE)).expect("fit");
    assert_eq!(failure(&command(&["/bin/sh", "-c", "exit 3"], PATIENCE)), "the command ended with 3");
    assert_eq!(failure(&command(&["/bin/sh", "-c", "kill -9 $$"], PATIENCE)), "the command was killed by signal 9");
    let missing = failure(&command(&["/nowhere/check"], PATIENCE));
    assert!(missing.starts_with("failed to start the command: No such file"), "{missing}");
}

#[test]
fn a_command_that_hangs_is_killed_with_all_it_has_started() {
    let script = "echo $$ > FILE; (trap '' TERM HUP; sleep 600) & echo $! >> FILE; wait";
    let (result, processes) = started(script, Duration::from_secs(2));
    assert_eq!(result.expect_err("unfit").to_string(), "no answer in time");
    assert_eq!(processes.len(), 2, "it came so far in its time");
    assert!(has_ended(processes[0]));
    all_end(&processes);
}

#[test]
fn what_a_command_leaves_in_the_background_does_not_outlive_it() {
    let (result, processes) = started("sleep 600 & echo $! > FILE; exit 0", PATIENCE);
    result.expect("fit");
    assert_eq!(processes.len(), 1);
    all_end(&processes);
}

#[test]
fn a_check_that_is_ended_ends_its_command_at_once() {
    let (stop, stopped) = channel();
    let check = command(&["/bin/sleep", "600"], PATIENCE * 10);
    let looks = thread::spawn(move || look(&check, &Stop::new(stopped)));
    thread::sleep(Duration::from_millis(50));
    drop(stop);
    assert!(matches!(looks.join().expect("no panic"), Err(Failure::Stopped)));
}

#[test]
fn a_check_looks_in_the_namespace_it_is_told_of() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let mut check = check(Probe::Tcp(local(&listener)), PATIENCE);
    check.netns = Some("/run/netns/weir-nowhere".into());
    let missing = failure(&check);
    assert!(missing.starts_with("failed to enter network namespace /run/netns/weir-nowhere: No such"), "{missing}");

    let (stay, stays) = channel::<()>();
    let (tell, told) = channel();
    let there = thread::spawn(move || {
        let entered = nix::sched::unshare(CloneFlags::CLONE_NEWNET).is_ok();
        let path = format!("/proc/{}/task/{}/ns/net", std::process::id(), nix::unistd::gettid());
        tell.send(entered.then(|| path.into())).expect("the test waits");
        let _ = stays.recv();
    });
    // Only root may make one.
    if let Some(path) = told.recv().expect("it says") {
        check.netns = Some(path);
        let looks = thread::spawn(move || failure(&check));
        // Not even its loopback is up.
        let unfit = looks.join().expect("no panic");
        assert!(unfit.contains("unreachable"), "{unfit}");
        TcpStream::connect(local(&listener)).expect("this thread has stayed where it was");
    }
    drop(stay);
    there.join().expect("no panic");
}
