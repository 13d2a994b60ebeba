//! What the front has to say of a stream of beats, clock by clock, from `weir_spec`.

use std::collections::VecDeque;

use weir_spec::frame::{parse, Parsed, Payload, Transport, MIN_FRAME, WINDOW};

use crate::front::frames::{frame, Random};
use crate::front::kind::HeaderKind;

/// See the circuit.
const HEADER_CLOCKS: u64 = 20;
/// Clocks from the firing beat to `a_valid`, and from there to `k_valid`.
const LATENCIES: [u64; 2] = [3, 4];

/// The pins in one clock.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Pins {
    pub(super) reset: bool,
    pub(super) valid: bool,
    pub(super) last: bool,
    pub(super) keep: u8,
    pub(super) data: u64,
}

/// What a frame shows: fields of its packet, if it has any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Judged {
    pub(super) kind: HeaderKind,
    pub(super) late: bool,
    pub(super) mac: Option<[u8; 6]>,
    pub(super) addresses: Option<(bool, [u8; 16], [u8; 16])>,
    pub(super) ports: Option<u32>,
    pub(super) tcp: Option<bool>,
    pub(super) no_port: Option<bool>,
    /// There are 60 bytes.
    pub(super) long: bool,
}

fn is_tag(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..at + 2), Some([0x81, 0x00] | [0x88, 0xa8]))
}

fn judge(seen: &[u8], expired: bool) -> Judged {
    let long = seen.len() >= MIN_FRAME;
    let parsed = parse(seen);
    // A frame whose time is up is late if there is a way to go on that makes it a header: no next header, byte 59. What
    // there is of an extension header that is not whole does not count.
    let tags = (0..2).take_while(|tag| is_tag(seen, 12 + 4 * tag)).count();
    let layer3 = 14 + 4 * tags;
    let mut longer = seen.to_vec();
    longer.truncate(layer3 + seen.len().saturating_sub(layer3) / 8 * 8);
    longer.resize(WINDOW, 59);
    let late = expired && parsed == Parsed::Malformed && (!long || parse(&longer) != Parsed::Malformed);
    let mut judged = Judged {
        kind: HeaderKind::of(&parsed),
        late,
        mac: seen.get(6..12).map(|mac| mac.try_into().expect("six octets")),
        addresses: None,
        ports: None,
        tcp: None,
        no_port: None,
        long,
    };
    if let Parsed::Ip(packet) = parsed {
        judged.addresses = Some((packet.ipv6, packet.source, packet.destination));
        match packet.payload {
            Payload::Tcp { source_port, destination_port, .. } | Payload::Udp { source_port, destination_port } => {
                judged.ports = Some(u32::from(source_port) << 16 | u32::from(destination_port));
                judged.tcp = Some(matches!(packet.payload, Payload::Tcp { .. }));
                judged.no_port = Some(false);
            }
            Payload::LaterFragment(transport) if transport != Transport::Icmp => {
                judged.tcp = Some(transport == Transport::Tcp);
                judged.no_port = Some(true);
            }
            _ => {}
        }
    }
    judged
}

/// Random frames as beats, with gaps and resets; and what is to be seen of them.
pub(super) struct Stream {
    random: Random,
    clock: u64,
    beats: VecDeque<Pins>,
    pause: u64,
    // Chance of a gap before a beat, and where a long one is.
    gaps: usize,
    stop: usize,
    at: usize,
    // The frame under way: when it began, its bytes; none while its window is over.
    under_way: Option<(u64, Vec<u8>)>,
    in_frame: bool,
    coming: VecDeque<(u64, Judged)>,
    resets: bool,
}

impl Stream {
    /// A stream; the same for the same seed.
    pub(super) fn new(seed: u64, resets: bool) -> Self {
        Stream {
            random: Random(seed),
            clock: 0,
            beats: VecDeque::new(),
            pause: 0,
            gaps: 0,
            stop: usize::MAX,
            at: 0,
            under_way: None,
            in_frame: false,
            coming: VecDeque::new(),
            resets,
        }
    }

    fn load(&mut self) {
        let bytes = frame(&mut self.random);
        let chunks = bytes.chunks(8);
        let count = chunks.len();
        for (index, chunk) in chunks.enumerate() {
            let mut word = self.random.word().to_le_bytes();
            word[..chunk.len()].copy_from_slice(chunk);
            let last = index + 1 == count;
            let keep = if last { 0xff >> (8 - chunk.len()) } else { self.random.word() as u8 };
            self.beats.push_back(Pins { reset: false, valid: true, last, keep, data: u64::from_le_bytes(word) });
        }
        self.at = 0;
        self.gaps = self.random.pick(&[0, 0, 0, 0, 0, 5, 20, 50, 70]);
        self.stop = if self.random.chance(20) { self.random.below(count) } else { usize::MAX };
        self.pause = if self.random.chance(70) { 0 } else { self.random.below(30) as u64 };
    }

    /// The pins of the next clock.
    pub(super) fn pins(&mut self) -> Pins {
        if self.beats.is_empty() {
            self.load();
        }
        let reset = self.clock == 0 || self.resets && self.random.chance(1) && self.random.chance(20);
        let idle = Pins {
            reset,
            valid: false,
            last: self.random.chance(50),
            keep: self.random.word() as u8,
            data: self.random.word(),
        };
        let mut pins = idle;
        if self.pause > 0 {
            self.pause -= 1;
        } else if !self.random.chance(self.gaps) {
            pins = Pins { reset, ..self.beats.pop_front().expect("a frame was loaded") };
            self.at += 1;
            if self.at == self.stop {
                self.pause = self.random.below(24) as u64;
            }
        }
        self.take(&pins);
        self.clock += 1;
        pins
    }

    fn take(&mut self, pins: &Pins) {
        let clock = self.clock;
        if pins.reset {
            self.under_way = None;
            self.in_frame = false;
            // What the reset finds on its way is gone; what is registered at the outputs is seen in this clock.
            self.coming.retain(|(fired, _)| fired + LATENCIES[0] + LATENCIES[1] <= clock);
            return;
        }
        let mut closes = false;
        if pins.valid {
            if !self.in_frame {
                self.under_way = Some((clock, Vec::new()));
            }
            self.in_frame = !pins.last;
            if let Some((_, bytes)) = &mut self.under_way {
                let count = if pins.last { pins.keep.count_ones() as usize } else { 8 };
                bytes.extend(&pins.data.to_le_bytes()[..count]);
                closes = pins.last || bytes.len() > WINDOW - 8;
            }
        }
        let expires = self.under_way.as_ref().is_some_and(|(began, _)| clock == began + HEADER_CLOCKS);
        if closes || expires {
            let (_, bytes) = self.under_way.take().expect("it fires");
            self.coming.push_back((clock, judge(&bytes, !closes)));
        }
    }

    /// What is to be seen after the clock whose pins were given last: the frame of `a_valid`, and that of `k_valid`.
    pub(super) fn seen(&mut self) -> [Option<Judged>; 2] {
        let fields = self.coming.iter().find(|(fired, _)| fired + LATENCIES[0] == self.clock);
        let fields = fields.filter(|(_, judged)| judged.long).map(|(_, judged)| judged.clone());
        let due = |(fired, _): &(u64, Judged)| fired + LATENCIES[0] + LATENCIES[1] == self.clock;
        let kind = self.coming.front().is_some_and(due).then(|| self.coming.pop_front().expect("a front").1);
        [fields, kind]
    }
}

/// What a circuit shows in one clock.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) a_valid: bool,
    pub(super) ipv6: bool,
    pub(super) source: [u8; 16],
    pub(super) destination: [u8; 16],
    pub(super) ports: u32,
    pub(super) tcp: bool,
    pub(super) no_port: bool,
    pub(super) k_valid: bool,
    pub(super) kind: u8,
    pub(super) late: bool,
    pub(super) mac: [u8; 6],
    pub(super) mac_valid: bool,
}

/// Whether a circuit shows what is to be seen.
pub(super) fn agrees(shown: &Shown, [fields, judged]: &[Option<Judged>; 2]) -> bool {
    let addresses = (shown.ipv6, shown.source, shown.destination);
    let fields_agree = shown.a_valid == fields.is_some()
        && fields.as_ref().is_none_or(|f| {
            f.addresses.is_none_or(|a| a == addresses)
                && f.ports.is_none_or(|p| p == shown.ports)
                && f.tcp.is_none_or(|t| t == shown.tcp)
                && f.no_port.is_none_or(|n| n == shown.no_port)
        });
    let kind_agrees = shown.k_valid == judged.is_some()
        && judged.as_ref().is_none_or(|j| {
            j.kind as u8 == shown.kind
                && j.late == shown.late
                && j.mac.is_some() == shown.mac_valid
                && j.mac.is_none_or(|mac| mac == shown.mac)
        });
    fields_agree && kind_agrees
}
