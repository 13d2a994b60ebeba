//! Frames over two clocks that differ by 200 ppm either way, and over a core clock that stands still for a while.

use super::*;
use crate::board::crc;
use crate::board::random::Random;

struct Bench {
    circuit: Arrival,
    halves: [u64; 2],
    left: [u64; 2],
    core_runs: bool,
    bytes: Option<Vec<u8>>,
    frames: Vec<(Vec<u8>, u64)>,
}

impl Bench {
    fn new(halves: [u64; 2]) -> Bench {
        let mut circuit = Arrival::default();
        circuit.connect_all();
        assert!(simulate(&mut circuit, 100));
        Bench { circuit, halves, left: halves, core_runs: true, bytes: None, frames: Vec::new() }
    }

    /// Up to and with the next rising edge of the wire, which samples this.
    fn wire(&mut self, octet: u8, carrier: bool) {
        self.circuit.s_octet.next = u64::from(octet).into();
        self.circuit.s_ctl_rise.next = carrier;
        self.circuit.s_ctl_fall.next = carrier;
        loop {
            let step = self.left[0].min(self.left[1]);
            self.left.iter_mut().for_each(|left| *left -= step);
            let mut rose = [false; 2];
            for (side, rose) in rose.iter_mut().enumerate() {
                if self.left[side] == 0 {
                    self.left[side] = self.halves[side];
                    if side == 1 && !self.core_runs {
                        continue;
                    }
                    let clock = if side == 0 { &mut self.circuit.wire_clock } else { &mut self.circuit.core_clock };
                    let clk = !clock.val().clk;
                    clock.next = Clock { clk };
                    *rose = clk;
                }
            }
            assert!(simulate(&mut self.circuit, 100));
            if rose[1] {
                self.take();
            }
            if rose[0] {
                return;
            }
        }
    }

    fn take(&mut self) {
        let circuit = &self.circuit;
        if !circuit.m_valid.val() {
            return;
        }
        // Without a first beat it is the rest of a frame, of which no good comes.
        if circuit.m_first.val() || self.bytes.is_none() {
            self.bytes = Some(Vec::new());
        }
        let count = if circuit.m_last.val() { circuit.m_last_byte.val().index() + 1 } else { 8 };
        let data = circuit.m_data.val();
        let bytes = self.bytes.get_or_insert_default();
        bytes.extend((0..count).map(|byte| data.get_bits::<8>(byte * 8).to_u64() as u8));
        if circuit.m_last.val() {
            let bytes = self.bytes.take().unwrap_or_default();
            self.frames.push((bytes, circuit.m_fault.val().to_u64()));
        }
    }

    fn frame(&mut self, frame: &[u8], gap: usize) {
        let sequence = (!crc::model(frame)).to_le_bytes();
        let wire = [&[0x55; 7], &[0xd5][..], frame, &sequence].concat();
        wire.iter().for_each(|&octet| self.wire(octet, true));
        (0..gap).for_each(|_| self.wire(0, false));
    }
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut Arrival::default(), "arrival").expect("nothing that Verilog takes otherwise");
}

#[test]
fn frames_at_the_smallest_gap_cross_whole_when_the_clocks_differ() {
    for halves in [[40_000, 40_000], [40_000, 40_008], [40_008, 40_000], [40_000, 25_000]] {
        let mut bench = Bench::new(halves);
        let mut random = Random::new(halves[0] + halves[1]);
        let frames: Vec<Vec<u8>> = (0..8)
            .map(|_| random.below(80) as usize + 60)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|length| random.octets(length))
            .collect();
        frames.iter().for_each(|frame| bench.frame(frame, 8));
        (0..12).for_each(|_| bench.wire(0, false));
        let expected: Vec<_> = frames.into_iter().map(|frame| (frame, 0)).collect();
        assert_eq!(bench.frames, expected, "{halves:?}");
    }
}

#[test]
fn a_core_clock_that_stood_still_leaves_no_frame_that_is_taken_for_whole() {
    let sent: Vec<Vec<u8>> = (0..6).map(|seed| Random::new(seed + 1).octets(64 + 9 * seed as usize)).collect();
    for stands in [40usize, 150, 260] {
        for stop in (0..90).step_by(9) {
            let mut bench = Bench::new([40_000, 40_000]);
            let mut clocks = 0;
            for frame in &sent {
                let sequence = (!crc::model(frame)).to_le_bytes();
                let wire = [&[0x55; 7], &[0xd5][..], frame, &sequence].concat();
                for at in 0..wire.len() + 12 {
                    bench.core_runs = !(stop..stop + stands).contains(&clocks);
                    bench.wire(wire.get(at).copied().unwrap_or(0), at < wire.len());
                    clocks += 1;
                }
            }
            let whole: Vec<_> = bench.frames.iter().filter(|(_, fault)| *fault == 0).map(|(bytes, _)| bytes).collect();
            assert!(whole.iter().all(|bytes| sent.contains(bytes)), "stopped at {stop} for {stands}");
            assert_eq!(whole.last(), Some(&&sent[5]), "it goes on");
            assert!(stands > 40 || whole.len() == sent.len(), "a short stop loses nothing");
        }
    }
}
