//! The receiving half against a model that sees a whole carrier at once.

use super::*;
use crate::bench::step;
use crate::board::crc;
use crate::board::random::Random;

/// What comes in a clock: octet, carrier, error.
type Clocked = (u8, bool, bool);

/// A frame as it came out: its bytes and what is wrong with it.
type Received = (Vec<u8>, Fault);

const FAULTS: [Fault; 4] = [Fault::None, Fault::Sequence, Fault::Length, Fault::Signal];

struct Bench {
    circuit: Receive,
    frames: Vec<Received>,
    /// Of the frame under way.
    bytes: Option<Vec<u8>>,
}

impl Bench {
    fn new() -> Bench {
        let mut circuit = Receive::default();
        circuit.connect_all();
        let mut bench = Bench { circuit, frames: Vec::new(), bytes: None };
        bench.reset();
        bench
    }

    fn reset(&mut self) {
        self.circuit.reset.next = true;
        step!(self.circuit);
        self.circuit.reset.next = false;
    }

    fn clock(&mut self, (octet, carrier, error): Clocked) {
        self.circuit.s_octet.next = u64::from(octet).into();
        self.circuit.s_ctl_rise.next = carrier;
        self.circuit.s_ctl_fall.next = carrier ^ error;
        step!(self.circuit);
        if !self.circuit.m_valid.val() {
            return;
        }
        let circuit = &self.circuit;
        assert_eq!(circuit.m_first.val(), self.bytes.is_none(), "the first beat of a carrier says so");
        let mut bytes = self.bytes.take().unwrap_or_default();
        let count = circuit.m_last_byte.val().index() + 1;
        let last = circuit.m_last.val();
        assert!(last || count == 8, "only a last beat has less than eight bytes");
        let data = circuit.m_data.val();
        bytes.extend((0..count).map(|byte| data.get_bits::<8>(byte * 8).to_u64() as u8));
        let fault = FAULTS[circuit.m_fault.val().index()];
        match last {
            true => self.frames.push((bytes, fault)),
            false => {
                assert_eq!(fault, Fault::None, "what is wrong is told at the end");
                self.bytes = Some(bytes);
            }
        }
    }

    fn gap(&mut self, clocks: usize) {
        for _ in 0..clocks {
            self.clock((0xdd, false, false));
        }
    }

    /// A carrier and a gap behind it; the frame that it was.
    fn carrier(&mut self, carrier: &[(u8, bool)], gap: usize) {
        carrier.iter().for_each(|&(octet, error)| self.clock((octet, true, error)));
        self.gap(gap);
    }
}

/// What a carrier is worth; no bytes where none start.
fn model(carrier: &[(u8, bool)]) -> (Option<Vec<u8>>, Fault) {
    let start = carrier.iter().position(|&(octet, _)| octet != 0x55).filter(|&at| carrier[at].0 == 0xd5);
    let Some(start) = start else { return (None, Fault::Signal) };
    let body: Vec<u8> = carrier[start + 1..].iter().map(|&(octet, _)| octet).collect();
    let fault = if carrier.iter().any(|&(_, error)| error) {
        Fault::Signal
    } else if !(64..=9220).contains(&body.len()) {
        Fault::Length
    } else if crc::model(&body) != RESIDUE {
        Fault::Sequence
    } else {
        Fault::None
    };
    (Some(body[..body.len().saturating_sub(4)].to_vec()), fault)
}

/// A carrier with this frame in it, as a good sender makes it.
fn carrier(preamble: usize, frame: &[u8]) -> Vec<(u8, bool)> {
    let sequence = (!crc::model(frame)).to_le_bytes();
    let before = [vec![0x55; preamble], vec![0xd5]].concat();
    [&before, frame, &sequence].concat().into_iter().map(|octet| (octet, false)).collect()
}

fn compare(received: &Received, expected: &(Option<Vec<u8>>, Fault), what: &str) {
    let (bytes, fault) = received;
    assert_eq!(*fault, expected.1, "{what}");
    match &expected.0 {
        // A last beat has a byte at the least, and what is too long is cut.
        Some(frame) if !frame.is_empty() && frame.len() <= LONGEST => assert!(bytes == frame, "{what}: {bytes:02x?}"),
        _ => assert_ne!(*fault, Fault::None, "{what}"),
    }
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut Receive::default(), "receive").expect("nothing that Verilog takes otherwise");
}

#[test]
fn faults_are_numbered_in_the_order_in_which_they_count() {
    assert!(FAULTS.iter().enumerate().all(|(number, &fault)| fault as usize == number));
}

#[test]
fn frames_around_the_shortest_come_out_whole_or_with_their_fault() {
    let mut bench = Bench::new();
    let mut random = Random::new(1);
    let mut expected = Vec::new();
    for length in (0..12).chain(55..85) {
        let sent = carrier(random.below(9) as usize, &random.octets(length));
        bench.carrier(&sent, 4);
        let worth = model(&sent);
        assert_eq!(worth.1, if length < 60 { Fault::Length } else { Fault::None });
        expected.push((length, worth));
    }
    assert_eq!(bench.frames.len(), expected.len());
    for (received, (length, worth)) in bench.frames.iter().zip(&expected) {
        compare(received, worth, &format!("{length} bytes"));
    }
}

#[test]
fn a_jumbo_frame_is_the_longest() {
    let mut bench = Bench::new();
    for length in [LONGEST, LONGEST + 1] {
        let sent = carrier(7, &Random::new(2).octets(length));
        bench.carrier(&sent, 12);
        compare(bench.frames.last().expect("a frame"), &model(&sent), &format!("{length} bytes"));
    }
    assert_eq!(bench.frames.iter().map(|frame| frame.1).collect::<Vec<_>>(), [Fault::None, Fault::Length]);
    assert!(bench.frames[1].0.len() <= LONGEST + 8, "what is too long does not go on");
}

#[test]
fn damaged_carriers_at_any_distance_are_told_from_good_ones() {
    let mut bench = Bench::new();
    let mut random = Random::new(3);
    let mut expected = Vec::new();
    for turn in 0..150 {
        let length = [0, 3, 59, 60, 60, 64, 71, 100, 130][random.below(9) as usize];
        let mut sent = carrier(random.below(9) as usize, &random.octets(length));
        let at = random.below(sent.len() as u64) as usize;
        match random.below(6) {
            0 => sent[at].0 ^= 1 << random.below(8),
            1 => sent[at].1 = true,
            2 => sent.truncate(at.max(1)),
            _ => {}
        }
        // A clock without carrier is what ends a carrier.
        bench.carrier(&sent, 1 + random.below(16) as usize);
        expected.push((turn, model(&sent)));
    }
    bench.gap(4);
    assert_eq!(bench.frames.len(), expected.len());
    for (received, (turn, worth)) in bench.frames.iter().zip(&expected) {
        compare(received, worth, &format!("turn {turn}"));
    }
    for fault in FAULTS {
        assert!(expected.iter().any(|(_, worth)| worth.1 == fault), "{fault:?} has come");
    }
}

#[test]
fn a_reset_forgets_the_frame_and_what_is_left_of_it_is_no_frame() {
    let mut bench = Bench::new();
    let sent = carrier(7, &Random::new(4).octets(80));
    for clocks in [4, 9, 30, 60] {
        sent[..clocks].iter().for_each(|&(octet, _)| bench.clock((octet, true, false)));
        bench.reset();
        bench.bytes = None;
        bench.carrier(&sent[clocks + 1..], 12);
        let (_, fault) = bench.frames.pop().expect("the rest ends");
        assert!(fault != Fault::None || clocks == 4, "cut at {clocks}");
    }
    bench.frames.clear();
    bench.carrier(&sent, 12);
    compare(&bench.frames[0], &model(&sent), "after the resets");
}
