//! An admin's Wireshark reads our heartbeats: a node's own frames, dissected by an unmodified tshark.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::process::Command;

use weir_cluster::node::Node;
use weir_cluster::wire::heartbeat::Heartbeat;
use weir_cluster::{
    Action, Addressing, Config, Event, Filtering, HostId, HostSet, HostTime, Keys, Load, Mode, NicTime, Now, PhaseKind,
    PortRule, Secret,
};
use weir_spec::rules::{Affinity, Protocol, VipSelect};

fn config() -> Config {
    let host = HostId::new(2).expect("1..=32");
    let rule = |first_port, last_port, filtering| PortRule {
        vip: VipSelect::All,
        first_port,
        last_port,
        protocol: Protocol::Tcp,
        affinity: Affinity::Single,
        filtering,
    };
    Config {
        host,
        hosts: HostSet::EMPTY.with(host),
        cluster_ip: Ipv4Addr::new(192, 168, 100, 80),
        host_ip: Ipv4Addr::new(192, 168, 100, 82),
        unique_code: 1_329_324_853,
        addressing: Addressing::Unicast,
        legacy_ether_type: false,
        period: 1_000_000,
        tolerance: 5,
        skew: 0,
        mode: Mode::Availability,
        rules: vec![
            rule(80, 80, Filtering::Multiple(Load::Weight(30))),
            rule(443, 443, Filtering::Multiple(Load::Equal)),
        ],
        default_affinity: Affinity::Single,
        shared: Vec::new(),
        keys: Keys { send: 1, accepted: BTreeMap::from([(1, Secret(vec![7; 32]))]) },
        flows: 16,
        drain_limit: None,
        cookie_settle: 0,
    }
}

/// Everything one node sends from its start until some heartbeats after it has converged with itself.
fn frames_of_a_node() -> Vec<Vec<u8>> {
    let mut node = Node::new(config()).expect("a good configuration");
    let (mut frames, mut actions) = (Vec::new(), Vec::new());
    let mut events = vec![Event::Start { incarnation: 5, entropy: [9; 32] }];
    let mut time = 0;
    while time < 10_000_000 {
        let now = Now { host: HostTime(time), nic: NicTime(time) };
        while let Some(event) = events.pop() {
            node.handle(now, event, &mut actions);
            for action in actions.drain(..) {
                match action {
                    Action::Send(frame) => frames.push(frame),
                    Action::Program(program) => {
                        events.push(Event::Programmed { epoch: program.epoch, fenced: program.deadline <= now.nic })
                    }
                    Action::Dump { id, .. } => events.push(Event::Dumped { id, flows: Vec::new() }),
                    Action::List(listing) => events.push(Event::Listed { id: listing.id, refused: Vec::new() }),
                    Action::Renew(_)
                    | Action::Report(_)
                    | Action::Destroy(_)
                    | Action::Activated
                    | Action::EndHalfOpen
                    | Action::EndStale(_)
                    | Action::Remember { .. } => {}
                }
            }
        }
        time = node.deadline().map_or(time + 1, |deadline| deadline.0.max(time + 1));
        events.push(Event::Tick);
    }
    let now = Now { host: HostTime(time), nic: NicTime(time) };
    assert_eq!(node.status(now).phase, PhaseKind::Stable);
    frames
}

fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (index, frame) in frames.iter().enumerate() {
        for word in [index as u32, 0, frame.len() as u32, frame.len() as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

#[test]
fn tshark_shows_host_state_rules_and_weights_and_nothing_malformed() {
    let frames = frames_of_a_node();
    let file = std::env::temp_dir().join(format!("weir-heartbeats-{}.pcap", std::process::id()));
    std::fs::write(&file, pcap(&frames)).expect("a temporary file");
    let fields = [
        "frame.len",
        "msnlb.unique_host_id",
        "msnlb.my_host_ip",
        "msnlb.default_host_ip",
        "msnlb.convergence_state",
        "msnlb.number_of_port_rules",
        "msnlb.loadweights.data",
        "_ws.malformed",
        "_ws.expert",
    ];
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&file).args(["-T", "fields"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.output();
    std::fs::remove_file(&file).expect("the temporary file");
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Not `println!`, which the test harness would swallow: skips are counted.
            writeln!(std::io::stdout(), "skipped: tshark is not installed: `cargo xtask setup`").expect("stdout");
            return;
        }
        other => other.expect("tshark runs"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let last = text.lines().last().expect("a line a frame");
    let columns: Vec<&str> = last.split('\t').collect();
    // Zero-based ids beside the one-based one; 1 is a steady state; the default rule counts as the third.
    assert_eq!(columns[..6], ["1510", "2", "1", "1", "1", "3"], "{last}");
    let heartbeat = Heartbeat::new(&frames.last().expect("frames")[14..]).expect("a heartbeat");
    let weights: Vec<String> = (0..33).map(|slot| heartbeat.weight(slot).unwrap_or(0).to_string()).collect();
    assert_eq!(columns[6], weights.join(","), "{last}");
    assert!(heartbeat.weight(0) == Some(30), "slots are sorted by port");
    for line in text.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        assert!(columns[7..].iter().all(|mark| mark.is_empty()), "{line}");
    }
}
