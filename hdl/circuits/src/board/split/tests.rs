//! The side door against a list of frames: each leaves whole by its own door, in order, and without a gap where it is taken.

use super::*;
use crate::bench::step;
use crate::board::pump::HEADER;
use crate::board::random::Random;
use std::collections::VecDeque;

type Beat = (u64, u64, bool);

fn fresh() -> Split {
    let mut split = Split::default();
    split.connect_all();
    split.reset.next = true;
    step!(split);
    split.reset.next = false;
    split
}

/// The beats of a frame: control or not. Every other beat shows the type too, where it means nothing.
fn frame(random: &mut Random, beats: u64, control: bool) -> Vec<Beat> {
    let beat = |at: u64| {
        let kind = match at {
            1 if control => 0xb588,
            1 => [0xb688, 0x88b5, 0x0008, 0xb500][random.below(4) as usize],
            _ => 0xb588,
        };
        let data = (random.next() << 24 ^ random.next()) & !(0xffff << 32) | kind << 32;
        (data, random.below(8), at + 1 == beats)
    };
    (0..beats).map(beat).collect()
}

/// What the two doors show in this clock: (other, control).
fn doors(split: &Split) -> [Option<Beat>; 2] {
    let other = (split.m_data.val().to_u64(), split.m_last_byte.val().to_u64(), split.m_last.val());
    let control = (split.c_data.val().to_u64(), split.c_last_byte.val().to_u64(), split.c_last.val());
    [split.m_valid.val().then_some(other), split.c_valid.val().then_some(control)]
}

/// One clock: a beat is offered, doors are open or not; what was taken in and what left.
fn clock(split: &mut Split, beat: Option<Beat>, open: [bool; 2]) -> (bool, [Option<Beat>; 2]) {
    split.s_valid.next = beat.is_some();
    if let Some((data, last_byte, last)) = beat {
        split.s_data.next = data.into();
        split.s_last_byte.next = last_byte.into();
        split.s_last.next = last;
    }
    (split.m_taken.next, split.c_taken.next) = (open[0], open[1]);
    assert!(simulate(split, 100));
    let (taken, [other, control]) = (split.s_taken.val(), doors(split));
    assert!(other.is_none() || control.is_none(), "one door at a time");
    step!(*split);
    (taken, [other.filter(|_| open[0]), control.filter(|_| open[1])])
}

#[test]
fn it_emits_clean_verilog() {
    crate::emit(&mut Split::default(), "split").expect("nothing that Verilog takes otherwise");
}

#[test]
fn every_frame_leaves_whole_by_its_own_door() {
    for seed in 0..5 {
        let mut random = Random::new(seed);
        let mut split = fresh();
        let [mut source, mut other, mut control] = [const { VecDeque::new() }; 3];
        for _ in 0..120 {
            let is_control = random.once_in(3);
            // A frame of one beat has no type, and is none of ours.
            let beats = if random.once_in(6) { 1 } else { 2 + random.below(12) };
            let beats = frame(&mut random, beats, is_control);
            source.extend(beats.iter().copied());
            if is_control && beats.len() > 1 { &mut control } else { &mut other }.extend(beats);
        }
        let often = [1, 2, 3, 5, 9][seed as usize];
        for _ in 0..200_000 {
            let offered = source.front().copied().filter(|_| !random.once_in(often + 1));
            let open = [random.once_in(often), random.once_in(often)];
            let (taken, left) = clock(&mut split, offered, open);
            assert!(offered.is_some() || !taken);
            if taken {
                source.pop_front();
            }
            for (left, wanted) in left.into_iter().zip([&mut other, &mut control]) {
                if left.is_some() {
                    assert_eq!(left, wanted.pop_front());
                }
            }
            if other.is_empty() && control.is_empty() {
                break;
            }
        }
        assert!(source.is_empty() && other.is_empty() && control.is_empty(), "all has left");
    }
}

#[test]
fn a_header_that_is_taken_has_no_gap_whenever_it_is_begun() {
    for waits in 0..6 {
        let mut random = Random::new(9);
        let mut split = fresh();
        for _ in 0..3 {
            let beats = frame(&mut random, HEADER as u64 + 4, false);
            let (mut source, mut out): (VecDeque<Beat>, Vec<Beat>) = (beats.iter().copied().collect(), Vec::new());
            let mut waited = 0;
            for _ in 0..60 {
                let begins = !out.is_empty() || waited >= waits;
                let ready = split.m_valid.val();
                waited += usize::from(ready);
                let (taken, [left, _]) = clock(&mut split, source.front().copied(), [begins, true]);
                if taken {
                    source.pop_front();
                }
                assert!(left.is_some() || out.is_empty() || out.len() == beats.len(), "a gap behind {}", out.len());
                out.extend(left);
            }
            assert_eq!(out, beats);
        }
    }
}

#[test]
fn a_reset_forgets_a_frame_that_was_begun() {
    let mut split = fresh();
    let mut random = Random::new(4);
    for control in [true, false] {
        for beat in &frame(&mut random, 4, control)[..3] {
            clock(&mut split, Some(*beat), [true; 2]);
        }
        split.reset.next = true;
        clock(&mut split, None, [false; 2]);
        split.reset.next = false;
        let beats = frame(&mut random, 4, !control);
        let (mut source, mut out): (VecDeque<Beat>, [Vec<Beat>; 2]) =
            (beats.iter().copied().collect(), Default::default());
        for _ in 0..12 {
            let (taken, left) = clock(&mut split, source.front().copied(), [true; 2]);
            if taken {
                source.pop_front();
            }
            out.iter_mut().zip(left).for_each(|(out, left)| out.extend(left));
        }
        assert_eq!(out[usize::from(!control)], beats);
    }
}
