//! The queue of frames against a queue that is a list: what comes out is what went in and was to be kept, whole, in order.

use super::*;
use crate::bench::step;
use crate::board::random::Random;
use std::collections::VecDeque;

type Small = FrameFifo<5, 6>;
const LIMITS: [usize; 3] = [16, 24, 32];
const MANY: usize = 20;

/// A frame: its number, which its beats carry, its beats, its fault and grade, and whether it breaks off.
#[derive(Clone, Copy, Debug)]
struct Frame {
    number: u64,
    beats: usize,
    fault: u64,
    grade: u64,
    breaks: bool,
}

impl Frame {
    fn sound(&self) -> bool {
        !self.breaks && self.fault == 0 && self.grade != 3
    }

    fn beat(&self, at: usize) -> (u64, u64, bool) {
        (self.number << 32 | at as u64, (self.number + at as u64) % 8, at + 1 == self.beats && !self.breaks)
    }
}

struct Bench {
    fifo: Small,
    /// Beats of kept frames that have not come out.
    inside: VecDeque<(u64, u64, bool)>,
    kept: u64,
    refused: u64,
    /// The most beats that were inside when a frame of a grade was kept, itself among them.
    most: [usize; 3],
}

impl Bench {
    fn new() -> Bench {
        let mut fifo = Small::new(LIMITS, MANY);
        fifo.connect_all();
        fifo.reset.next = true;
        step!(fifo);
        fifo.reset.next = false;
        Bench { fifo, inside: VecDeque::new(), kept: 0, refused: 0, most: [0; 3] }
    }

    /// One clock, with a beat or without; what it takes out has to be the next one.
    fn clock(&mut self, beat: Option<(Frame, usize)>, take: bool) {
        self.fifo.s_valid.next = beat.is_some();
        if let Some((frame, at)) = beat {
            let (data, last_byte, last) = frame.beat(at);
            self.fifo.s_data.next = data.into();
            self.fifo.s_last_byte.next = last_byte.into();
            self.fifo.s_first.next = at == 0;
            self.fifo.s_last.next = last;
            self.fifo.s_fault.next = if last { frame.fault } else { 0 }.into();
            self.fifo.s_grade.next = frame.grade.into();
        }
        self.fifo.m_taken.next = take;
        assert!(simulate(&mut self.fifo, 100));
        if take && self.fifo.m_valid.val() {
            let fifo = &self.fifo;
            let out = (fifo.m_data.val().to_u64(), fifo.m_last_byte.val().to_u64(), fifo.m_last.val());
            assert_eq!(Some(out), self.inside.pop_front());
        }
        step!(self.fifo);
        let Some((frame, at)) = beat else {
            assert!(!self.fifo.stat_kept.val() && !self.fifo.stat_refused.val());
            return;
        };
        let ends = at + 1 == frame.beats && frame.sound();
        assert_eq!(self.fifo.stat_kept.val() || self.fifo.stat_refused.val(), ends, "{frame:?}");
        if self.fifo.stat_kept.val() {
            self.kept += 1;
            self.inside.extend((0..frame.beats).map(|at| frame.beat(at)));
            let most = &mut self.most[frame.grade as usize];
            *most = self.inside.len().max(*most);
        }
        self.refused += u64::from(self.fifo.stat_refused.val());
    }

    /// A frame without gaps and some clocks behind it, nothing taken; whether it was kept.
    fn put(&mut self, frame: Frame) -> bool {
        let before = self.kept;
        (0..frame.beats).for_each(|at| self.clock(Some((frame, at)), false));
        (0..12).for_each(|_| self.clock(None, false));
        self.kept > before
    }

    fn drain(&mut self) {
        for _ in 0..64 {
            self.clock(None, true);
        }
        assert!(self.inside.is_empty() && !self.fifo.m_valid.val(), "{} beats stay", self.inside.len());
    }
}

fn frame(number: u64, beats: usize, grade: u64) -> Frame {
    Frame { number, beats, fault: 0, grade, breaks: false }
}

#[test]
fn it_emits_clean_verilog() {
    let mut fifo = FrameFifo::<11, 12>::new([1536, 1792, 2048], 1280);
    crate::emit(&mut fifo, "frame_fifo").expect("nothing that Verilog takes otherwise");
}

#[test]
fn sound_frames_come_out_whole_and_in_order_and_no_others() {
    for seed in 0..6 {
        let mut bench = Bench::new();
        let mut random = Random::new(seed);
        // From a reader that stands still most of the time to one that never does.
        let takes = [2, 3, 5, 9, 12, 16][seed as usize];
        let mut faults = 0;
        for number in 1..80 {
            let fault = if random.once_in(6) { 1 + random.below(3) } else { 0 };
            let longest = if random.once_in(8) { 40 } else { 9 };
            let frame = Frame {
                number,
                beats: 1 + random.below(longest) as usize,
                fault,
                grade: random.below(4),
                breaks: random.once_in(9),
            };
            let inside = bench.inside.len();
            let (kept, refused) = (bench.kept, bench.refused);
            let spaced = random.once_in(2);
            for at in 0..frame.beats {
                if spaced && random.once_in(2) {
                    bench.clock(None, random.below(16) < takes);
                }
                bench.clock(Some((frame, at)), random.below(16) < takes);
            }
            faults += u64::from(!frame.sound());
            if frame.sound() {
                let limit = LIMITS[frame.grade as usize];
                assert!(inside + frame.beats > limit || bench.kept > kept, "{frame:?} had room beside {inside}");
                assert_eq!(bench.kept + bench.refused, kept + refused + 1);
            }
        }
        assert!(faults > 20 && bench.kept > 15, "{} kept", bench.kept);
        // Seven wait outside the RAM.
        for (most, limit) in bench.most.into_iter().zip(LIMITS) {
            assert!(most <= limit + 7, "{most} of {limit}");
        }
        bench.drain();
    }
}

#[test]
fn the_cheaper_grades_leave_room_for_the_others() {
    let mut bench = Bench::new();
    // Seven beats go ahead of the RAM; then each grade fills up to its limit.
    assert!(bench.put(frame(1, 7, 0)));
    assert!(bench.put(frame(2, 16, 0)) && !bench.put(frame(3, 1, 0)));
    assert!(bench.put(frame(4, 8, 1)) && !bench.put(frame(5, 1, 1)) && !bench.put(frame(6, 1, 0)));
    assert!(bench.put(frame(7, 7, 2)) && bench.put(frame(8, 1, 2)));
    assert!(!bench.put(frame(9, 1, 2)) && !bench.put(frame(10, 40, 2)));
    assert_eq!((bench.kept, bench.refused), (5, 5));
    bench.drain();
    assert!(bench.put(frame(11, 16, 0)));
    bench.drain();
}

#[test]
fn a_frame_too_long_for_the_ram_is_refused_and_the_next_is_kept() {
    let mut bench = Bench::new();
    assert!(!bench.put(frame(1, 33, 2)) && bench.put(frame(2, 32, 2)));
    bench.drain();
}

#[test]
fn mac_control_and_faults_never_come_out() {
    let mut bench = Bench::new();
    for fault in 0..4 {
        assert_eq!(bench.put(Frame { fault, ..frame(1, 8, 2) }), fault == 0);
        assert!(!bench.put(Frame { fault, ..frame(2, 8, 3) }));
        assert!(!bench.put(Frame { breaks: true, ..frame(3, 8, 2) }));
    }
    bench.drain();
}

#[test]
fn a_frame_comes_out_seven_clocks_after_its_end_and_without_a_gap() {
    let mut bench = Bench::new();
    (0..16).for_each(|at| bench.clock(Some((frame(1, 16, 0), at)), true));
    for _ in 0..6 {
        assert!(!bench.fifo.m_valid.val());
        bench.clock(None, true);
    }
    for _ in 0..16 {
        assert!(bench.fifo.m_valid.val());
        bench.clock(None, true);
    }
    assert!(bench.inside.is_empty());
    // Nor has one that stood waiting.
    assert!(bench.put(frame(2, 16, 0)));
    for _ in 0..16 {
        assert!(bench.fifo.m_valid.val());
        bench.clock(None, true);
    }
}

#[test]
fn it_is_high_while_many_wait() {
    let mut bench = Bench::new();
    for (beats, high) in [(7, false), (16, false), (3, false), (1, true), (3, true)] {
        assert!(bench.put(frame(beats as u64, beats, 2)));
        assert_eq!(bench.fifo.high.val(), high, "after {beats} more");
    }
    bench.drain();
    assert!(!bench.fifo.high.val());
}

#[test]
fn a_reset_forgets_all_frames() {
    let mut bench = Bench::new();
    assert!(bench.put(frame(1, 12, 0)));
    bench.fifo.reset.next = true;
    bench.clock(None, false);
    bench.fifo.reset.next = false;
    bench.inside.clear();
    bench.drain();
    assert!(bench.put(frame(2, 12, 0)));
    bench.drain();
}
