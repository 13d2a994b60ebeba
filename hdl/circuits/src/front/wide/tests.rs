//! The front against `weir_spec::frame::parse`, frame by frame, each answer in the clock it is due.

use rust_hdl::prelude::*;
use weir_spec::frame::{parse, Packet, Parsed, Payload, Transport};

use super::{Wide, ADDRESSES, KIND, PORTS};
use crate::bench::step;
use crate::front::kind::HeaderKind;

const HOP_BY_HOP: u8 = 0;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const ICMPV6: u8 = 58;
const NONE: u8 = 59;
const DESTINATION: u8 = 60;

/// What the front must say of a frame.
#[derive(Clone)]
struct Answer {
    frame: Vec<u8>,
    parsed: Parsed,
    late: bool,
}

struct Bench {
    wide: Wide,
    clock: usize,
    /// Clock of the beat that ended the header window, and the answer.
    due: Vec<(usize, Answer)>,
    records: usize,
}

impl Bench {
    fn new() -> Self {
        let mut wide = Wide::default();
        wide.connect_all();
        Bench { wide, clock: 0, due: Vec::new(), records: 0 }
    }

    /// One clock; whatever the front says in it must be due.
    fn tick(&mut self) {
        step!(self.wide);
        self.clock += 1;
        let due = |distance: usize| self.due.iter().find(|(clock, _)| clock + distance == self.clock).map(|(_, a)| a);
        let long = |answer: &&Answer| answer.frame.len() >= 60;

        let addresses = due(ADDRESSES).filter(long);
        assert_eq!(self.wide.a_valid.val(), addresses.is_some(), "clock {}", self.clock);
        if let Some(Answer { frame, parsed: Parsed::Ip(packet), .. }) = addresses {
            assert_eq!(self.wide.a_ipv6.val(), packet.ipv6, "{frame:02x?}");
            let said = [&self.wide.a_source.val(), &self.wide.a_destination.val()].map(octets);
            assert_eq!(said, [packet.source, packet.destination], "{frame:02x?}");
        }

        let ports = due(ADDRESSES + PORTS).filter(long);
        assert_eq!(self.wide.p_valid.val(), ports.is_some(), "clock {}", self.clock);
        if let Some(Answer { frame, parsed: Parsed::Ip(Packet { payload, .. }), .. }) = ports {
            let said = (self.wide.p_tcp.val(), self.wide.p_no_port.val());
            match *payload {
                Payload::Tcp { source_port, destination_port, .. } | Payload::Udp { source_port, destination_port } => {
                    assert_eq!(said, (matches!(payload, Payload::Tcp { .. }), false), "{frame:02x?}");
                    let ports = u64::from(source_port) << 16 | u64::from(destination_port);
                    assert_eq!(self.wide.p_ports.val().to_u64(), ports, "{frame:02x?}");
                }
                Payload::LaterFragment(Transport::Icmp) => {}
                Payload::LaterFragment(transport) => {
                    assert_eq!(said, (transport == Transport::Tcp, true), "{frame:02x?}");
                }
                _ => {}
            }
        }

        let kind = due(ADDRESSES + KIND);
        assert_eq!(self.wide.k_valid.val(), kind.is_some(), "clock {}", self.clock);
        if let Some(Answer { frame, parsed, late }) = kind {
            assert_eq!(self.wide.k_kind.val().to_u64(), kind_of(parsed) as u64, "{parsed:?} {frame:02x?}");
            assert_eq!(self.wide.k_late.val(), *late, "{frame:02x?}");
            assert_eq!(self.wide.k_mac_valid.val(), frame.len() >= 12);
            if let Some(mac) = frame.get(6..12) {
                let mac = mac.iter().fold(0, |mac, byte| mac << 8 | u64::from(*byte));
                assert_eq!(self.wide.k_mac.val().to_u64(), mac, "{frame:02x?}");
            }
            self.records += 1;
        }
    }

    fn idle(&mut self, clocks: usize) {
        self.wide.tvalid.next = false;
        for _ in 0..clocks {
            self.tick();
        }
    }

    /// A frame; `gap` idle clocks behind its first beat. A frame whose first beat alone counts is judged by that.
    fn send(&mut self, frame: &[u8], gap: usize, late: bool) {
        let in_time = gap <= 5;
        let seen = if in_time { frame } else { &frame[..frame.len().min(64)] };
        let answer = Answer { frame: frame.to_vec(), parsed: parse(seen), late };
        let window = match (frame.len() > 64, in_time) {
            (false, _) => 0,
            (true, true) => 1 + gap,
            (true, false) => 6,
        };
        self.due.push((self.clock + window, answer));
        let beats = frame.len().div_ceil(64);
        for (i, beat) in frame.chunks(64).enumerate() {
            let mut bytes = [0xa5; 64];
            bytes[..beat.len()].copy_from_slice(beat);
            let keep = if i + 1 == beats { u64::MAX >> (64 - beat.len()) } else { 0 };
            self.wide.tdata.next = bits(&bytes);
            self.wide.tkeep.next = keep.into();
            self.wide.tvalid.next = true;
            self.wide.tlast.next = i + 1 == beats;
            self.tick();
            if i == 0 && beats > 1 {
                self.idle(gap);
            }
        }
    }

    /// Whatever is under way has come out.
    fn drain(&mut self) {
        self.idle(6 + ADDRESSES + KIND);
        assert_eq!(self.records, self.due.len());
    }
}

fn bits(bytes: &[u8; 64]) -> Bits<512> {
    let mut bits = Bits::default();
    for (i, byte) in bytes.iter().enumerate() {
        for j in 0..8 {
            bits = bits.replace_bit(i * 8 + j, byte >> j & 1 == 1);
        }
    }
    bits
}

fn octets(bits: &Bits<128>) -> [u8; 16] {
    std::array::from_fn(|i| bits.get_bits::<8>(120 - i * 8).to_u8())
}

fn kind_of(parsed: &Parsed) -> HeaderKind {
    let Parsed::Ip(packet) = parsed else {
        return if *parsed == Parsed::NotIp { HeaderKind::NotIp } else { HeaderKind::Malformed };
    };
    match packet.payload {
        Payload::Tcp { flags, .. } if flags & 0x17 == 2 => HeaderKind::Syn,
        Payload::Tcp { .. } => HeaderKind::Tcp,
        Payload::Udp { .. } => HeaderKind::Udp,
        Payload::Icmp { echo_request: true } | Payload::LaterFragment(Transport::Icmp) => HeaderKind::Echo,
        Payload::Icmp { .. } => HeaderKind::Icmp,
        Payload::LaterFragment(_) => HeaderKind::LaterFragment,
        Payload::BeyondWindow => HeaderKind::BeyondWindow,
        Payload::Other => HeaderKind::Other,
    }
}

/// Bytes that are all different from their neighbours.
fn filler(length: usize) -> impl Iterator<Item = u8> {
    (0..length).map(|i| (i * 37 + 11) as u8)
}

fn ethernet(tags: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = filler(12).collect();
    for tag in 0..tags {
        frame.extend(if tag == 0 { [0x88, 0xa8, 0, 7] } else { [0x81, 0, 0, 9] });
    }
    frame
}

/// Twenty bytes of layer 4; TCP that opens, or an echo request.
fn layer4(first: u8) -> Vec<u8> {
    let mut header: Vec<u8> = filler(20).collect();
    header[0] = first;
    header[13] = 0xc2;
    header
}

fn ipv4(tags: usize, words: u8, protocol: u8, offset: u16, total: u16) -> Vec<u8> {
    let mut frame = ethernet(tags);
    frame.extend([0x08, 0, 0x40 | words, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([1, 2]);
    frame.extend(offset.to_be_bytes());
    frame.extend([64, protocol, 3, 4, 192, 0, 2, 1, 198, 51, 100, 7]);
    frame.extend(filler(usize::from(words).saturating_sub(5) * 4));
    frame.extend(layer4(8));
    frame.resize(frame.len().max(60), 0);
    frame
}

/// Extension headers as kind and length byte; a fragment header's length byte means nothing.
fn ipv6(tags: usize, chain: &[(u8, u8)], last: u8, payload: u16) -> Vec<u8> {
    let mut frame = ethernet(tags);
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend(payload.to_be_bytes());
    frame.extend([chain.first().map_or(last, |e| e.0), 64]);
    frame.extend(filler(32));
    for (i, (kind, length)) in chain.iter().enumerate() {
        let bytes = if *kind == FRAGMENT { 8 } else { (usize::from(*length) + 1) * 8 };
        frame.extend([chain.get(i + 1).map_or(last, |e| e.0), *length, 0, 1]);
        frame.extend(filler(bytes - 4));
    }
    frame.extend(layer4(128));
    frame
}

#[test]
fn it_emits_clean() {
    crate::emit(&mut Wide::default(), "wide").expect("a clean circuit");
}

#[test]
fn ipv4_is_read_at_every_header_length_and_protocol_behind_no_to_two_tags() {
    let mut bench = Bench::new();
    for tags in 0..4 {
        for words in 4..16 {
            bench.send(&ipv4(tags, words, [TCP, UDP, 1, 47][usize::from(words) % 4], 0, 1500), 0, false);
        }
        for (offset, protocol) in [(0x2000, TCP), (0x0001, TCP), (0x1000, UDP), (0x0100, 1), (0x0010, 47)] {
            bench.send(&ipv4(tags, 5, protocol, offset, 1500), 0, false);
        }
        for total in [23, 24, 31, 32, 43, 44] {
            bench.send(&ipv4(tags, 6, if total < 40 { UDP } else { TCP }, 0, total), 0, false);
        }
    }
    bench.drain();
}

#[test]
fn ipv6_chains_are_followed_to_five_headers_and_to_the_end_of_the_window() {
    let mut bench = Bench::new();
    let kinds = [DESTINATION, FRAGMENT, HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION];
    for tags in 0..3 {
        for hops in 0..7 {
            let chain: Vec<_> =
                kinds[..hops].iter().map(|kind| (*kind, if *kind == FRAGMENT { 9 } else { 0 })).collect();
            for last in [TCP, UDP, ICMPV6, NONE] {
                bench.send(&ipv6(tags, &chain, last, 1400), 0, false);
            }
        }
        for length in 0..10 {
            bench.send(&ipv6(tags, &[(HOP_BY_HOP, length)], TCP, 1400), 0, false);
            bench.send(&ipv6(tags, &[(ROUTING, 1), (DESTINATION, length)], UDP, 1400), 0, false);
        }
        for (length, payload) in [(0, 15), (0, 16), (3, 39), (3, 40), (200, 1615), (200, 1616)] {
            bench.send(&ipv6(tags, &[(DESTINATION, length)], UDP, payload), 0, false);
        }
    }
    let mut later = ipv6(0, &[(DESTINATION, 0), (FRAGMENT, 0)], UDP, 100);
    for offset in [0x0007u16, 0x0008, 0x8000] {
        later[64..66].copy_from_slice(&offset.to_be_bytes());
        bench.send(&later, 0, false);
    }
    bench.drain();
}

#[test]
fn a_frame_may_end_at_any_byte() {
    let mut bench = Bench::new();
    let mut whole = ipv6(0, &[(DESTINATION, 0), (HOP_BY_HOP, 1), (FRAGMENT, 0)], TCP, 1400);
    whole.resize(140, 0);
    for length in 1..=whole.len() {
        bench.send(&whole[..length], 0, false);
    }
    let mut options = ipv4(2, 15, TCP, 0, 1500);
    options.resize(140, 0);
    for length in 59..106 {
        bench.send(&options[..length], 0, false);
    }
    bench.drain();
}

#[test]
fn a_second_beat_six_clocks_after_the_first_counts_and_one_later_does_not() {
    let mut bench = Bench::new();
    let mut near = ipv4(0, 5, TCP, 0, 1500);
    let mut far = ipv6(1, &[(DESTINATION, 0)], TCP, 1400);
    near.resize(200, 0);
    far.resize(200, 0);
    let mut wrong = far.clone();
    wrong[18] = 0x50;
    for gap in 0..9 {
        bench.send(&near, gap, false);
        bench.send(&far, gap, gap > 5);
        bench.send(&wrong, gap, false);
    }
    bench.drain();
}

#[test]
fn a_reset_forgets_the_frame_under_way() {
    let mut bench = Bench::new();
    let mut long = ipv4(0, 5, UDP, 0, 1500);
    long.resize(300, 0);
    bench.send(&long, 0, false);
    bench.send(&ipv4(1, 5, UDP, 0, 1500), 0, false);
    // The first beat of a frame, then a reset: neither it nor what is in the pipeline comes out.
    bench.wide.tlast.next = false;
    bench.tick();
    bench.wide.reset.next = true;
    bench.due.clear();
    bench.records = 0;
    bench.idle(1);
    bench.wide.reset.next = false;
    bench.send(&ipv4(2, 5, TCP, 0, 1500), 0, false);
    bench.drain();
}
