//! A whole simulated NIC between real interfaces, each in a network namespace of its test's own. Needs root: making
//! namespaces and interfaces is a privilege. `WEIR_ENGINE=rtl` tries the circuits instead of the specification.

#[path = "rooted_ports/board.rs"]
mod board;

use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use weir_device::{Device, DeviceError, EngineKind, Options, ServerError, TapError};
use weir_link::{Ethertype, PacketSocket};
use weir_nic::socket::SocketBar;
use weir_nic::{Nic, Program};
use weir_spec::Config;
use weir_spec::config::RSS_KEY;
use weir_spec::egress::Masking;
use weir_spec::mac::Mac;
use weir_spec::map::{BucketState, Map, MapRef};
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};

const VIP: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const WAIT: Duration = Duration::from_secs(5);

/// Runs `test` in a thread with a network namespace of its own, or says why not.
fn rooted(test: fn()) {
    thread::spawn(move || {
        if let Err(errno) = unshare(CloneFlags::CLONE_NEWNET) {
            let why = format!("a network namespace of one's own needs root: {errno}");
            assert!(std::env::var_os("WEIR_ROOT_TESTS").is_none_or(|value| value != "1"), "{why}");
            // Not `println!`, which the test harness would swallow.
            use std::io::Write;
            writeln!(std::io::stdout(), "skipped: {why}").expect("standard output");
            return;
        }
        test();
    })
    .join()
    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split(' ')).status().expect("iproute2 is installed");
    assert!(done.success(), "ip {arguments}");
}

/// A NIC that runs, its wire's other end, its host's interface, and its driver.
struct Bench {
    dir: tempfile::TempDir,
    peer: PacketSocket,
    host: PacketSocket,
    driver: Nic<SocketBar>,
    stop: UnixStream,
    carrying: Option<thread::JoinHandle<Result<(), DeviceError>>>,
}

fn engine() -> EngineKind {
    std::env::var("WEIR_ENGINE").map_or(EngineKind::Spec, |name| name.parse().expect("an engine"))
}

fn options(dir: &Path) -> Options {
    Options {
        socket: dir.join("nic.sock"),
        engine: engine(),
        wire: "wire".into(),
        tap: "tap".into(),
        mapped_window: false,
        board_key: None,
        flash: None,
        trace: Some(dir.join("trace")),
    }
}

fn setup_wire() -> tempfile::TempDir {
    ip("link add wire type veth peer name peer");
    for name in ["wire", "peer"] {
        // Kernel chatter such as router solicitations would mix with the test's frames.
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1").expect("a fresh interface");
        ip(&format!("link set {name} up"));
    }
    tempfile::tempdir().expect("a folder")
}

impl Bench {
    fn start() -> Bench {
        let dir = setup_wire();
        let device = Device::start(&options(dir.path())).expect("a NIC");
        std::fs::write("/proc/sys/net/ipv6/conf/tap/disable_ipv6", "1").expect("a fresh interface");
        ip("link set tap up");
        let (stop, stopped) = UnixStream::pair().expect("a pipe");
        let carrying = Some(thread::spawn(move || device.carry(&stopped)));
        let open = |name| PacketSocket::open(name, Ethertype::All).expect("it was just made");
        let (peer, host) = (open("peer"), open("tap"));
        let bar = SocketBar::open(&dir.path().join("nic.sock")).expect("it listens");
        let mut driver = Nic::open(bar).expect("a Weir NIC");
        driver.set_masking(&masking()).expect("MAC registers");
        Bench { dir, peer, host, driver, stop, carrying }
    }

    /// Owns every second bucket for `lease` microseconds.
    fn own_even_buckets(&mut self, epoch: u32, lease: u64) {
        self.driver.load(&even_buckets()).expect("a load");
        let until = self.driver.time().expect("a clock") + lease;
        assert!(!self.driver.commit(epoch, until).expect("a commit").fenced);
    }

    fn trace(&self) -> Vec<serde_json::Value> {
        let lines = std::fs::read_to_string(self.dir.path().join("trace")).expect("the trace");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The first line of `event`, which must come soon.
    fn traced(&self, event: &str) -> serde_json::Value {
        let end = Instant::now() + WAIT;
        loop {
            if let Some(line) = self.trace().into_iter().find(|line| line["event"] == event) {
                return line;
            }
            assert!(Instant::now() < end, "no {event} in {:?}", self.trace());
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        use std::io::Write;
        self.stop.write_all(b"!").expect("it runs");
        let ended = self.carrying.take().expect("it was started").join();
        if !thread::panicking() {
            ended.expect("no panic").expect("no error");
            assert!(!self.dir.path().join("nic.sock").exists(), "the socket goes with the device");
        }
    }
}

fn masking() -> Masking {
    Masking { enabled: true, cluster: Mac::cluster(VIP), masked: Mac::masked(3, VIP) }
}

fn even_buckets() -> Program {
    let mut config = Config { hash_key: RSS_KEY, ..Config::default() };
    config.vips[0] = Some(VIP.into());
    config.rules[0] = Some(Rule {
        vip: VipSelect::All,
        first_port: 80,
        last_port: 80,
        protocol: Protocol::Tcp,
        affinity: Affinity::None,
        map: MapRef::Slot(0),
    });
    let mut map = Map::default();
    (0..4096).step_by(2).for_each(|bucket| map.set(bucket, BucketState::Own));
    Program { config, maps: vec![map] }
}

/// A TCP segment without payload, 54 bytes: shorter than a wire carries.
fn segment(from: (Mac, Ipv4Addr, u16), to: (Mac, Ipv4Addr, u16)) -> Vec<u8> {
    let mut frame = [to.0.0, from.0.0].concat();
    frame.extend([0x08, 0x00, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]);
    frame.extend(from.1.octets());
    frame.extend(to.1.octets());
    frame.extend(from.2.to_be_bytes());
    frame.extend(to.2.to_be_bytes());
    frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x10, 0, 0, 0, 0, 0]);
    frame
}

fn request(port: u16) -> Vec<u8> {
    segment((Mac([2, 0, 0, 0, 0, 9]), CLIENT, port), (Mac::cluster(VIP), VIP, 80))
}

fn arp() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9, 0x08, 0x06]);
    frame.extend([0; 28]);
    frame
}

/// All frames until `last` is seen, which is not among them.
fn until(socket: &PacketSocket, last: &[u8]) -> Vec<Vec<u8>> {
    let (mut frames, mut buffer) = (Vec::new(), vec![0; 65536]);
    let end = Instant::now() + WAIT;
    loop {
        match socket.receive(&mut buffer) {
            Ok(length) if buffer[..length].starts_with(last) => return frames,
            Ok(length) => frames.push(buffer[..length].to_vec()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
        assert!(Instant::now() < end, "the last frame never came; {} others did", frames.len());
    }
}

fn ports(frames: &[Vec<u8>]) -> Vec<u16> {
    frames.iter().map(|frame| u16::from_be_bytes([frame[34], frame[35]])).collect()
}

#[test]
fn the_host_sees_what_its_buckets_bring_and_nothing_else() {
    rooted(|| {
        let mut bench = Bench::start();
        bench.own_even_buckets(1, 60_000_000);
        for port in 1000..1200 {
            bench.peer.send(&request(port)).expect("room in the queue");
        }
        bench.peer.send(&arp()).expect("room in the queue");
        let seen = until(&bench.host, &arp());
        let mut oracle = weir_spec::nic::Nic::new(weir_spec::nic::Identity::default());
        let mut twin = Nic::open(TwinBar(&mut oracle)).expect("the spec");
        twin.load(&even_buckets()).expect("a load");
        twin.commit(1, 1000).expect("a commit");
        drop(twin);
        let padded = |port| {
            let mut frame = request(port);
            frame.resize(60, 0);
            frame
        };
        let expected: Vec<u16> = (1000..1200).filter(|port| oracle.rx(&padded(*port)).accept).collect();
        assert!(expected.len() > 60 && expected.len() < 140);
        assert_eq!(ports(&seen), expected);
        assert!(seen.iter().all(|frame| frame.len() == 60), "padded as on a wire");
        let commit = bench.traced("commit");
        assert_eq!((&commit["epoch"], &commit["buckets"], &commit["fenced"]), (&1.into(), &2048.into(), &false.into()));
    });
}

/// The spec, so that the oracle is programmed by the same driver.
struct TwinBar<'a>(&'a mut weir_spec::nic::Nic);

impl weir_nic::Bar for TwinBar<'_> {
    fn size(&self) -> u32 {
        weir_spec::regs::PORT_SIZE
    }

    fn load(&mut self, offset: u32) -> Result<u32, weir_nic::BarError> {
        Ok(self.0.read(offset).unwrap_or(0))
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), weir_nic::BarError> {
        let _counted = self.0.write(offset, value);
        Ok(())
    }
}

#[test]
fn vlan_tags_cross_the_nic() {
    rooted(|| {
        let mut bench = Bench::start();
        bench.own_even_buckets(1, 60_000_000);
        let mut tagged = arp();
        tagged.splice(12..12, [0x81, 0x00, 0x00, 0x05]);
        tagged.resize(60, 0);
        for tag in [[0x81, 0x00, 0x00, 0x05], [0x88, 0xa8, 0x20, 0x07]] {
            tagged[12..16].copy_from_slice(&tag);
            bench.peer.send(&tagged).expect("room in the queue");
            bench.peer.send(&arp()).expect("room in the queue");
            assert_eq!(until(&bench.host, &arp()), [tagged.clone()], "towards the host");
            bench.host.send(&tagged).expect("room in the queue");
            bench.host.send(&arp()).expect("room in the queue");
            assert_eq!(until(&bench.peer, &arp()), [tagged.clone()], "towards the wire");
        }
    });
}

#[test]
fn the_cluster_mac_never_reaches_the_wire() {
    rooted(|| {
        let mut bench = Bench::start();
        bench.own_even_buckets(1, 60_000_000);
        let client = (Mac([2, 0, 0, 0, 0, 9]), CLIENT, 5000);
        for _ in 0..20 {
            bench.host.send(&segment((Mac::cluster(VIP), VIP, 80), client)).expect("room in the queue");
        }
        let own = Mac([2, 0, 0, 0, 0, 5]);
        let last = segment((own, Ipv4Addr::new(10, 0, 0, 1), 1), client);
        bench.host.send(&last).expect("room in the queue");
        let seen = until(&bench.peer, &last);
        assert_eq!(seen.len(), 20);
        assert!(seen.iter().all(|frame| frame[6..12] == Mac::masked(3, VIP).0 && frame.len() == 60));
    });
}

#[test]
fn a_lease_that_nobody_renews_ends_on_time_and_silences_the_host() {
    rooted(|| {
        let mut bench = Bench::start();
        bench.own_even_buckets(9, 100_000);
        let until_us = bench.traced("commit")["until"].as_u64().expect("a number");
        // No frame and no access from here on: the NIC fences by itself.
        let fenced = bench.traced("fenced");
        let late = fenced["us"].as_u64().expect("a number").checked_sub(until_us).expect("not before its time");
        assert!(late < 100_000, "{late} us late");
        for port in 1000..1100 {
            bench.peer.send(&request(port)).expect("room in the queue");
        }
        bench.peer.send(&arp()).expect("room in the queue");
        assert_eq!(until(&bench.host, &arp()), Vec::<Vec<u8>>::new());
        let client = (Mac([2, 0, 0, 0, 0, 9]), CLIENT, 5000);
        bench.host.send(&segment((Mac::cluster(VIP), VIP, 80), client)).expect("room in the queue");
        bench.host.send(&arp()).expect("room in the queue");
        assert_eq!(until(&bench.peer, &arp()), Vec::<Vec<u8>>::new());

        assert!(bench.driver.status().expect("registers").fenced);
        bench.own_even_buckets(10, 60_000_000);
        bench.peer.send(&request(1000)).expect("room in the queue");
        bench.peer.send(&request(1001)).expect("room in the queue");
        bench.peer.send(&request(1002)).expect("room in the queue");
        bench.peer.send(&request(1003)).expect("room in the queue");
        bench.peer.send(&arp()).expect("room in the queue");
        assert!(!until(&bench.host, &arp()).is_empty(), "a commit with a new deadline opens it");
    });
}

#[test]
fn a_wire_that_goes_down_and_comes_back_carries_frames_again() {
    rooted(|| {
        let bench = Bench::start();
        for name in ["wire", "tap"] {
            ip(&format!("link set {name} down"));
            if name == "wire" {
                assert_eq!(bench.traced("link")["up"], false);
            }
            let _lost = bench.peer.send(&arp());
            thread::sleep(Duration::from_millis(20));
            ip(&format!("link set {name} up"));
            // The kernel takes up to a second to believe in a carrier, and loses what is sent meanwhile.
            let (mut buffer, end) = (vec![0; 65536], Instant::now() + WAIT);
            while bench.host.receive(&mut buffer).is_err() {
                assert!(Instant::now() < end, "nothing comes since {name} was down");
                let _lost_or_not = bench.peer.send(&arp());
                thread::sleep(Duration::from_millis(10));
            }
        }
    });
}

#[test]
fn what_is_missing_or_taken_is_named_and_nothing_is_left_behind() {
    rooted(|| {
        let dir = setup_wire();
        let good = options(dir.path());
        let start = |options: Options| Device::start(&options).err().expect("it cannot start");

        let error = start(Options { wire: "wirf".into(), ..good.clone() });
        assert!(error.to_string().contains("interface wirf does not exist"), "{error}");
        let error = start(Options { tap: "peer".into(), ..good.clone() });
        assert!(matches!(&error, DeviceError::Tap(TapError::Refused { .. } | TapError::Exists { .. })), "{error}");
        let trace = dir.path().join("no/folder/trace");
        let error = start(Options { trace: Some(trace.clone()), ..good.clone() });
        assert!(matches!(&error, DeviceError::Trace { path, .. } if *path == trace), "{error}");

        let first = Device::start(&good).expect("a NIC");
        let error = start(Options { tap: "tap2".into(), trace: None, ..good.clone() });
        assert!(matches!(error, DeviceError::Server(ServerError::Busy { .. })), "{error}");
        let error = start(Options { socket: dir.path().join("other.sock"), trace: None, ..good.clone() });
        assert!(matches!(error, DeviceError::Tap(TapError::Exists { .. })), "{error}");
        drop(first);
        let exists = |name: &str| Path::new("/proc/sys/net/ipv4/conf").join(name).exists();
        assert!(!exists("tap") && !exists("tap2"), "TAPs go with their devices");
        assert!(!dir.path().join("nic.sock").exists() && !dir.path().join("other.sock").exists());
        drop(Device::start(&good).expect("all is free again"));
    });
}
