//! Frames that real stacks sent: the captures beside this crate, and what etherparse builds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use etherparse::PacketBuilder;
use weir_rtl::{Side, Width};
use weir_spec::config::{Config, Echo, RSS_KEY};
use weir_spec::frame::{MIN_FRAME, Parsed, parse};
use weir_spec::map::MapRef;
use weir_spec::regs::codec;
use weir_spec::rules::{Affinity, Protocol, Rule, VipSelect};
use weir_spec::verdict::Class;

use crate::configs::Setting;
use crate::rig::{LONG, Rig};
use crate::seed::rng;
use crate::shot::Shot;
use crate::width::at_each_width;

/// The frames of every capture, padded to what a MAC delivers.
fn captured() -> Vec<(String, Vec<Vec<u8>>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("the captures").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    paths.sort();
    let read = |path: &Path| {
        let mut reader = pcap_file::pcap::PcapReader::new(File::open(path).expect("it opens")).expect("a pcap file");
        let mut frames = Vec::new();
        while let Some(packet) = reader.next_packet() {
            let mut frame = packet.expect("a whole packet").data.to_vec();
            frame.resize(frame.len().max(MIN_FRAME), 0);
            frames.push(frame);
        }
        frames
    };
    paths.iter().map(|path| (path.file_name().expect("a file").to_string_lossy().into_owned(), read(path))).collect()
}

/// A configuration in which the most frequent addresses are virtual IPs.
fn setting_for(frames: &[Vec<u8>]) -> Setting {
    let mut seen: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for frame in frames {
        if let Parsed::Ip(packet) = parse(frame) {
            *seen.entry(packet.destination_ip()).or_default() += 1;
        }
    }
    let mut frequent: Vec<(usize, IpAddr)> = seen.into_iter().map(|(address, count)| (count, address)).collect();
    frequent.sort_by(|a, b| b.cmp(a));
    let mut config = Config { hash_key: RSS_KEY, ..Config::default() };
    for (vip, (_, address)) in config.vips.iter_mut().zip(frequent).take(3) {
        *vip = Some(address);
    }
    let rule = |first_port, last_port, protocol, affinity, slot| {
        Some(Rule { vip: VipSelect::All, first_port, last_port, protocol, affinity, map: MapRef::Slot(slot) })
    };
    config.rules[0] = rule(80, 80, Protocol::Tcp, Affinity::None, 0);
    config.rules[1] = rule(443, 8443, Protocol::Both, Affinity::Single, 1);
    config.rules[31] = rule(1, 60000, Protocol::Both, Affinity::Network, 2);
    config.policy.echo = Echo::Hash(MapRef::Slot(3));
    let mut rng = rng("captures", 0);
    let maps = (0..4).map(|slot| (slot, Box::new(std::array::from_fn(|_| rng.u32(..))))).collect();
    Setting { words: codec::encode(&config), maps, config }
}

fn compare(width: Width, label: &str, frames: &[Vec<u8>]) -> Rig {
    let mut rig = Rig::new(width, label, 1 << 20);
    let setting = setting_for(frames);
    rig.load(&setting);
    rig.commit(1, rig.now() + LONG).expect("a deadline in reach");
    for frame in frames {
        rig.push(Side::Rx, Shot::plain(frame.clone()));
        rig.push(Side::Tx, Shot::plain(frame.clone()));
    }
    rig.settle();
    rig.check_counters();
    rig
}

fn captured_frames_fare_as_the_spec_says(width: Width) {
    let mut classes = [0; 9];
    for (name, frames) in captured() {
        assert!(!frames.is_empty(), "{name} holds no frame");
        let rig = compare(width, &name, &frames);
        for class in Class::ALL {
            classes[class as usize] += rig.tally[weir_spec::counters::class(class)];
        }
    }
    for class in [Class::NotIp, Class::NotVip, Class::Icmp, Class::Echo, Class::Transport] {
        assert!(classes[class as usize] > 0, "no captured frame is {class:?}: {classes:?}");
    }
}

fn frames_that_etherparse_builds_fare_as_the_spec_says(width: Width) {
    let v4 = |low: u8| Ipv4Addr::new(198, 51, 100, low).octets();
    let v6 = |low: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, low).octets();
    let mut frames = Vec::new();
    let mut add = |frame: Vec<u8>| {
        frames.push(if frame.len() < MIN_FRAME {
            [frame, vec![0; MIN_FRAME]].concat()[..MIN_FRAME].to_vec()
        } else {
            frame
        })
    };
    for port in [1u16, 80, 443, 8443, 8444, 60001] {
        for client in 1..20u8 {
            let link = || PacketBuilder::ethernet2([2; 6], [4; 6]);
            let (source, payload) = (1000 + u16::from(client), [client; 30]);
            let mut frame = Vec::new();
            link()
                .ipv4(v4(client), v4(200), 64)
                .tcp(source, port, 1, 1024)
                .syn()
                .write(&mut frame, &[])
                .expect("a vector");
            add(std::mem::take(&mut frame));
            link().ipv4(v4(client), v4(200), 64).udp(source, port).write(&mut frame, &payload).expect("a vector");
            add(std::mem::take(&mut frame));
            link()
                .single_vlan(etherparse::VlanId::try_new(7).expect("below 4096"))
                .ipv6(v6(client.into()), v6(200), 64)
                .tcp(source, port, 1, 1024)
                .ack(1)
                .write(&mut frame, &payload)
                .expect("a vector");
            add(std::mem::take(&mut frame));
            link()
                .ipv6(v6(client.into()), v6(200), 64)
                .udp(source, port)
                .write(&mut frame, &payload)
                .expect("a vector");
            add(std::mem::take(&mut frame));
            link()
                .ipv6(v6(client.into()), v6(200), 64)
                .icmpv6_echo_request(1, port)
                .write(&mut frame, &payload)
                .expect("a vector");
            add(std::mem::take(&mut frame));
            link()
                .ipv4(v4(client), v4(200), 64)
                .icmpv4_echo_request(1, port)
                .write(&mut frame, &payload)
                .expect("a vector");
            add(std::mem::take(&mut frame));
        }
    }
    let rig = compare(width, "built frames", &frames);
    assert!(rig.tally[weir_spec::counters::class(Class::Transport)] > 300);
}

at_each_width!(captured_frames_fare_as_the_spec_says, frames_that_etherparse_builds_fare_as_the_spec_says,);
