//! The sending half against a model that knows what has to be on the wire.

use super::*;
use crate::bench::step;
use crate::board::crc;
use crate::board::random::Random;

/// A carrier as it was on the wire: octets with their errors, and the gap before it.
#[derive(PartialEq, Eq, Debug)]
struct Carrier {
    gap: usize,
    octets: Vec<(u8, bool)>,
}

struct Bench {
    circuit: Transmit,
    random: Random,
    /// Beats to come: data, number of the last byte, last, and clocks before it is there.
    beats: Vec<(u64, u64, bool, usize)>,
    carriers: Vec<Carrier>,
    cuts: usize,
    idle: usize,
}

impl Bench {
    fn new() -> Bench {
        let mut circuit = Transmit::default();
        circuit.connect_all();
        circuit.reset.next = true;
        step!(circuit);
        circuit.reset.next = false;
        Bench { circuit, random: Random::new(9), beats: Vec::new(), carriers: Vec::new(), cuts: 0, idle: 0 }
    }

    /// A frame whose beats are there at once, but for one, which is late by so many clocks.
    fn send(&mut self, frame: &[u8], late: Option<(usize, usize)>) {
        let count = frame.len().div_ceil(8);
        for (at, chunk) in frame.chunks(8).enumerate() {
            // Bytes behind the last one are anything.
            let mut bytes = self.random.next().to_le_bytes();
            bytes[..chunk.len()].copy_from_slice(chunk);
            let wait = late.filter(|&(beat, _)| beat == at).map_or(0, |(_, clocks)| clocks);
            self.beats.push((u64::from_le_bytes(bytes), chunk.len() as u64 - 1, at + 1 == count, wait));
        }
    }

    fn clock(&mut self) {
        self.circuit.s_valid.next = false;
        if let Some(beat) = self.beats.first_mut() {
            if beat.3 > 0 {
                beat.3 -= 1;
            } else {
                self.circuit.s_valid.next = true;
                self.circuit.s_data.next = beat.0.into();
                self.circuit.s_last_byte.next = beat.1.into();
                self.circuit.s_last.next = beat.2;
            }
        }
        assert!(simulate(&mut self.circuit, 100));
        if self.circuit.s_taken.val() {
            self.beats.remove(0);
        }
        self.cuts += usize::from(self.circuit.stat_cut.val());
        step!(self.circuit);
        let circuit = &self.circuit;
        if !circuit.m_ctl_rise.val() {
            assert!(!circuit.m_ctl_fall.val(), "nothing but idle between frames");
            self.idle += 1;
            return;
        }
        if self.idle > 0 {
            self.carriers.push(Carrier { gap: self.idle, octets: Vec::new() });
            self.idle = 0;
        }
        let octet = (circuit.m_octet.val().to_u64() as u8, !circuit.m_ctl_fall.val());
        self.carriers.last_mut().expect("an idle clock before").octets.push(octet);
    }

    fn run(&mut self) -> Vec<Carrier> {
        while !self.beats.is_empty() || self.idle < GAP + 2 {
            self.clock();
        }
        std::mem::take(&mut self.carriers)
    }
}

/// The octets of a frame on the wire.
fn model(frame: &[u8]) -> Vec<(u8, bool)> {
    let mut padded = frame.to_vec();
    padded.resize(frame.len().max(60), 0);
    let sequence = (!crc::model(&padded)).to_le_bytes();
    [&[0x55; 7][..], &[0xd5], &padded, &sequence].concat().into_iter().map(|octet| (octet, false)).collect()
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut Transmit::default(), "transmit").expect("nothing that Verilog takes otherwise");
}

#[test]
fn frames_that_wait_leave_whole_and_padded_at_the_smallest_gap() {
    for hurry in [false, true] {
        let mut bench = Bench::new();
        bench.circuit.hurry.next = hurry;
        let frames: Vec<Vec<u8>> = [60usize, 1, 8, 9, 59, 60, 61, 64, 67, 68, 130]
            .map(|length| Random::new(length as u64).octets(length))
            .into();
        frames.iter().for_each(|frame| bench.send(frame, None));
        let carriers = bench.run();
        assert_eq!(carriers.len(), frames.len());
        for (at, (carrier, frame)) in carriers.iter().zip(&frames).enumerate() {
            assert_eq!(carrier.octets, model(frame), "{} bytes", frame.len());
            assert!(at == 0 || carrier.gap == if hurry { SHORT_GAP } else { GAP }, "frame {at}: {}", carrier.gap);
        }
    }
}

/// The gap before a frame whose first beat is there `wait` clocks after the last beat of another was taken.
fn gap(hurry: bool, wait: usize) -> usize {
    let mut bench = Bench::new();
    bench.circuit.hurry.next = hurry;
    let frame = Random::new(5).octets(60);
    bench.send(&frame, None);
    bench.send(&frame, Some((0, wait)));
    bench.run()[1].gap
}

#[test]
fn when_the_gap_is_long_enough_a_frame_leaves_as_soon_as_it_is_there() {
    for (hurry, least) in [(true, SHORT_GAP), (false, GAP)] {
        let gaps: Vec<usize> = (0..40).map(|wait| gap(hurry, wait)).collect();
        assert_eq!(gaps[0], least);
        for pair in gaps.windows(2) {
            assert!(pair[1] == pair[0] + 1 || pair == [least, least], "{gaps:?}");
        }
        assert!(gaps[39] > GAP, "{gaps:?}");
    }
}

#[test]
fn a_late_beat_cuts_its_frame_with_an_error_and_no_other() {
    for (beat, late, cut) in
        [(1usize, 7, false), (1, 8, true), (3, 9, true), (7, 8, true), (3, 60, true), (7, 3, false)]
    {
        let mut bench = Bench::new();
        let (frame, next) = (Random::new(6).octets(64), Random::new(7).octets(100));
        bench.send(&frame, Some((beat, late)));
        bench.send(&next, None);
        let carriers = bench.run();
        assert_eq!(carriers.len(), 2);
        assert_eq!(bench.cuts, usize::from(cut), "beat {beat} late by {late}");
        let mut sent = model(&frame);
        if cut {
            sent.truncate(8 + 8 * beat);
            sent.push((0, true));
        }
        assert_eq!(carriers[0].octets, sent, "beat {beat} late by {late}");
        assert_eq!(carriers[1].octets, model(&next));
        assert!(carriers[1].gap >= GAP);
    }
}

#[test]
fn a_reset_ends_the_carrier_and_the_next_frame_is_whole() {
    let frame = Random::new(8).octets(70);
    for clocks in [3, 12, 40, 85, 90, 95, 105] {
        let mut bench = Bench::new();
        bench.send(&frame, None);
        (0..clocks).for_each(|_| bench.clock());
        bench.circuit.reset.next = true;
        bench.beats.clear();
        bench.clock();
        assert!(!bench.circuit.m_ctl_rise.val() && !bench.circuit.m_ctl_fall.val());
        bench.circuit.reset.next = false;
        bench.carriers.clear();
        bench.send(&frame, None);
        let carriers = bench.run();
        assert_eq!(carriers.len(), 1, "reset after {clocks}");
        assert_eq!(carriers[0].octets, model(&frame));
        assert!(carriers[0].gap >= GAP);
    }
}
