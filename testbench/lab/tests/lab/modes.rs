//! Clusters with a group MAC: the same promises, and what neighbours and switches are told.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV6, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket};
use weir_agent::control::Query;
use weir_lab::client::{Patience, Tuples, request};
use weir_lab::namespace::Namespace;
use weir_lab::traffic::Stream;
use weir_lab::{Lab, Mode, Options, topology};
use weir_link::arp::{Arp, Operation};
use weir_link::{Ethertype, PacketSocket};
use weir_spec::mac::Mac;

use crate::stage::{PATIENCE, converged, report, weir_binary, weir_lab};

fn lab(name: &str, hosts: u8, mode: Mode, igmp_version: Option<u8>) -> Lab {
    let program = Some(weir_binary());
    let options =
        Options { hosts, mode, igmp_version, name: name.into(), period_ms: 100, program, ..Options::default() };
    Lab::build(&options, Arc::default()).expect("these scenarios need root")
}

/// Listens on the interface of the clients.
fn listen(lab: &Lab, ethertype: u16) -> PacketSocket {
    let socket = lab.clients().enter(|| PacketSocket::open("eth0", Ethertype::Only(ethertype))).expect("entered");
    socket.expect("a packet socket")
}

/// What has come, and what comes until `enough`.
fn frames(socket: &PacketSocket, enough: impl Fn(&[Vec<u8>]) -> bool) -> Vec<Vec<u8>> {
    let (mut found, mut buffer, since) = (Vec::new(), [0; 2048], Instant::now());
    while !enough(&found) && since.elapsed() < Duration::from_secs(20) {
        match socket.receive(&mut buffer) {
            Ok(length) => found.push(buffer[..length].to_vec()),
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }
    found
}

/// The MAC that the kernel in there believes an address to have.
fn believed(namespace: &Namespace, address: Ipv4Addr) -> Option<String> {
    let table = namespace.enter(|| fs::read_to_string("/proc/thread-self/net/arp")).expect("entered").expect("a table");
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(&address.to_string()))?;
    line.split_whitespace().nth(3).map(|mac| mac.replace(':', "-"))
}

#[test]
fn with_a_group_mac_a_crash_costs_no_more_than_with_a_unicast_one() {
    for mode in ["multicast", "igmp"] {
        let arguments = ["--json", "--hosts", "3", "--requests", "150", "--period-ms", "100", "--mode", mode];
        let output = weir_lab(&format!("t-{mode}"), &arguments).output().expect("weir runs");
        let (report, code) = report(&output);
        let none = ["failed", "duplicates", "survivors_moved", "leaks", "answered_by_the_dead", "frames_lost"];
        for key in none.into_iter().chain(["held_cut_by_return", "return_cut"]) {
            assert_eq!(report[key], 0, "{key} in {report}");
        }
        assert_eq!((&report["confirmed"], report["mode"].as_str()), (&150.into(), Some(mode)));
        let gap = report["gap_ms"].as_u64().expect("a host was killed");
        assert!((1..=2000).contains(&gap), "a gap of {gap} ms in mode {mode}");
        assert_eq!(code, Some(0));
    }
}

#[test]
fn every_host_answers_for_the_virtual_ips_with_the_group_mac_and_neighbours_take_it() {
    let mut lab = lab("t-arp", 2, Mode::Multicast, None);
    let announced = listen(&lab, weir_link::arp::ETHERTYPE);
    let first = converged(&mut lab, &[1, 2]);
    let group = topology::cluster_mac_in(Mode::Multicast);
    let from = |host: u8| move |frame: &Vec<u8>| frame[6..12] == topology::own_mac(host).0;
    let says = |frame: &Vec<u8>, operation: Operation| {
        Arp::read(frame)
            .is_some_and(|arp| arp.operation == operation && (arp.sender, arp.sender_mac) == (topology::VIP, group))
    };
    let is_announcement = |frame: &Vec<u8>| says(frame, Operation::Request) && frame[..6] == [0xff; 6];

    // One announces, all answer.
    let seen = frames(&announced, |seen| seen.iter().any(is_announcement));
    assert!(seen.iter().filter(|frame| is_announcement(frame)).all(from(1)), "the default host alone announces");
    assert!(seen.iter().any(is_announcement), "{} ARP frames", seen.len());
    let tuple = Tuples::new(9).next().expect("a tuple");
    let outcome = lab.clients().enter(|| request(tuple, Patience::ORDINARY)).expect("entered");
    outcome.host.expect("an answer");
    assert_eq!(believed(lab.clients(), topology::VIP), Some(group.to_string()));
    let reply = |frame: &Vec<u8>| says(frame, Operation::Reply) && frame[..6] == topology::CLIENT_MAC;
    let both = |seen: &[Vec<u8>]| [1, 2].iter().all(|&host| seen.iter().any(|frame| reply(frame) && from(host)(frame)));
    let seen = frames(&announced, both);
    assert!(both(&seen), "both hosts answer, from MACs of their own: {seen:02x?}");

    // A client of IPv6 finds its way too: the default host, which serves nothing there, says so.
    let address = SocketAddrV6::new(topology::VIP6, 80, 0, 0);
    let refused = lab.clients().enter(|| TcpStream::connect_timeout(&address.into(), Duration::from_secs(10)));
    assert_eq!(refused.expect("entered").expect_err("nobody serves it").kind(), ErrorKind::ConnectionRefused);

    // After a take-over the next default host announces.
    lab.crash(1).expect("a crash");
    let _ = lab.converge(&[2], &first.epoch, PATIENCE, &mut |_| {}).expect("it goes on");
    let seen = frames(&announced, |seen| seen.iter().any(|frame| is_announcement(frame) && from(2)(frame)));
    assert!(seen.iter().any(|frame| is_announcement(frame) && from(2)(frame)), "{} ARP frames", seen.len());
}

#[test]
fn in_unicast_mode_the_default_host_announces_from_its_masked_mac() {
    let mut lab = lab("t-garp", 2, Mode::Unicast, None);
    let announced = listen(&lab, weir_link::arp::ETHERTYPE);
    let hosts = lab.capture_hosts().expect("a capture");
    converged(&mut lab, &[1, 2]);
    let announces = |frame: &Vec<u8>| {
        let arp = Arp::read(frame);
        arp.is_some_and(|arp| {
            (arp.sender, arp.target, arp.sender_mac) == (topology::VIP, topology::VIP, topology::cluster_mac())
        })
    };
    let seen = frames(&announced, |seen| seen.iter().filter(|frame| announces(frame)).count() >= 2);
    let sources: Vec<Mac> =
        seen.iter().filter(|frame| announces(frame)).map(|frame| Mac(frame[6..12].try_into().expect("six"))).collect();
    assert!(sources.len() >= 2, "as a request and as a reply");
    assert!(sources.iter().all(|source| *source == Mac::masked(1, topology::VIP)), "{sources:?}");
    assert_eq!(hosts.stop().leaks(), 0);
}

/// What hosts report of the group: the type of the message, and where it goes.
fn reports(seen: &[Vec<u8>]) -> Vec<(u8, Ipv4Addr)> {
    let group = Ipv4Addr::new(239, 255, 0, 100).octets();
    let report = |frame: &Vec<u8>| {
        let ip = frame.get(14..)?;
        let igmp = ip.get(usize::from(ip[0] & 0xf) * 4..)?;
        let about = if *igmp.first()? == 0x22 { igmp.get(12..16)? } else { igmp.get(4..8)? };
        let to = <[u8; 4]>::try_from(ip.get(16..20)?).ok()?;
        (ip[9] == 2 && about == group).then_some((igmp[0], Ipv4Addr::from(to)))
    };
    seen.iter().filter_map(report).collect()
}

#[test]
fn hosts_report_the_group_in_the_version_of_igmp_that_is_asked_for() {
    let group = Ipv4Addr::new(239, 255, 0, 100);
    let all_of_version_3 = Ipv4Addr::new(224, 0, 0, 22);
    // RFC 1112, RFC 2236 and RFC 3376.
    for (version, report) in [(1, (0x12, group)), (2, (0x16, group)), (3, (0x22, all_of_version_3))] {
        let mut lab = lab(&format!("t-igmp{version}"), 1, Mode::Igmp, Some(version));
        let wire = listen(&lab, 0x0800);
        lab.boot(1).expect("a host boots");
        let seen = reports(&frames(&wire, |seen| !reports(seen).is_empty()));
        assert!(!seen.is_empty() && seen.iter().all(|seen| *seen == report), "version {version}: {seen:?}");
    }
}

/// The version that is forced on the interface of a host.
fn igmp_version(lab: &Lab, host: u8) -> String {
    let path = "/proc/sys/net/ipv4/conf/eth0/force_igmp_version";
    let namespace = lab.host(host).namespace().expect("it is on");
    namespace.enter(|| fs::read_to_string(path)).expect("entered").expect("a setting").trim().to_string()
}

#[test]
fn a_replaced_agent_goes_on_with_the_group() {
    let mut lab = lab("t-goes", 2, Mode::Igmp, Some(2));
    let first = converged(&mut lab, &[1, 2]);
    assert_eq!(igmp_version(&lab, 2), "2");
    let wire = listen(&lab, 0x0800);
    let stream = Stream::start(lab.clients(), Tuples::new(5), Duration::from_millis(5)).expect("a stream");
    lab.wait(Duration::from_millis(300)).expect("all processes live");
    lab.host(2).signal_agent(Signal::SIGUSR2).expect("it is on").expect("signalled");
    // The new process forces the version as the former did.
    lab.wait(Duration::from_secs(2)).expect("all processes live");
    let views = lab.views(&[1, 2]);
    let epochs: Vec<&Query> = views.iter().filter_map(|view| view.query.as_ref()).collect();
    assert!(epochs.len() == 2 && epochs.iter().all(|query| query.epoch == first.epoch), "{views:?}");
    assert_eq!(igmp_version(&lab, 2), "2");
    let outcomes = stream.stop();
    assert!(outcomes.len() > 50 && outcomes.iter().all(|outcome| outcome.host.is_ok()), "{outcomes:?}");
    let leaves = frames(&wire, |seen| seen.len() > 50);
    let left = leaves.iter().filter(|frame| frame.get(14 + 9) == Some(&2) && frame.get(38) == Some(&0x17)).count();
    assert_eq!(left, 0, "a leave message: a switch would have stopped sending");
}

/// Tables of nftables in a host's namespace that an agent has made.
fn tables(lab: &Lab, host: u8) -> usize {
    // nfnetlink: list the tables of all families, subsystem 10, message 1.
    let mut ask = Vec::new();
    ask.extend(20_u32.to_ne_bytes());
    ask.extend((10_u16 << 8 | 1).to_ne_bytes());
    ask.extend((libc::NLM_F_REQUEST as u16 | libc::NLM_F_DUMP as u16).to_ne_bytes());
    ask.extend([0; 12]);
    let namespace = lab.host(host).namespace().expect("it is on");
    let list = || -> nix::Result<Vec<u8>> {
        let kind = (AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter);
        let netlink = socket(kind.0, kind.1, kind.2, kind.3)?;
        sendto(netlink.as_raw_fd(), &ask, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
        let mut answer = vec![0; 32 * 1024];
        let length = recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        answer.truncate(length);
        Ok(answer)
    };
    let answer = namespace.enter(list).expect("entered").expect("a list of tables");
    answer.windows(5).filter(|octets| octets == b"weir-").count()
}

/// Waits until it is so; `what` is the case as long as it is not.
fn until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what} after {} s", since.elapsed().as_secs());
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_agent_that_ends_leaves_no_rule_and_the_version_it_found_and_one_that_is_killed_leaves_no_rule() {
    let mut lab = lab("t-ends", 2, Mode::Igmp, Some(2));
    converged(&mut lab, &[1, 2]);
    assert_eq!((tables(&lab, 1), tables(&lab, 2)), (1, 1));
    lab.host(1).signal_agent(Signal::SIGTERM).expect("it is on").expect("signalled");
    until("the version is forced", || igmp_version(&lab, 1) == "0");
    until("the rule is there", || tables(&lab, 1) == 0);
    lab.host(2).signal_agent(Signal::SIGKILL).expect("it is on").expect("signalled");
    until("the rule is there", || tables(&lab, 2) == 0);
}
