//! The bench itself, around a circuit so plain that only the bench can be wrong: a wire (`wire.sv`), at every width.

mod waveforms;

use weir_rtl::{DropStyle, Rtl, Side, Source, Stuck, Width};
use weir_spec::verdict::{Class, Decision, Reason};

/// A NIC that is a wire.
pub(crate) fn wire(width: Width) -> Source {
    let top = format!("wire{width}");
    let text = include_str!("wire.sv").replace("WIRE", &top).replace("BITS = 512", &format!("BITS = {width}"));
    Source { top, text, drop_style: DropStyle::Suppress }
}

fn open(width: Width) -> Rtl {
    let rtl = Rtl::to_try(&wire(width)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rtl.width(), width, "it is that of the ports");
    rtl
}

/// A frame in which every byte tells its place.
fn frame(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u32).wrapping_mul(0x9e37_79b9).to_be_bytes()[0] ^ length as u8).collect()
}

#[test]
fn frames_of_every_length_go_in_and_come_out_byte_by_byte() {
    for width in Width::ALL {
        let mut rtl = open(width);
        let lengths: Vec<usize> = (1..=3 * width.bytes() + 1).chain([9000, 9217, 65_536]).collect();
        for &length in &lengths {
            rtl.push(Side::Rx, &frame(length), &[]);
            rtl.push(Side::Tx, &frame(length + 1), &[]);
        }
        assert!(rtl.settle());
        let drained = rtl.drain();
        for (side, more) in drained.iter().zip([0, 1]) {
            assert_eq!(side.words.len(), lengths.len());
            for (passed, length) in side.frames.iter().zip(&lengths) {
                assert_eq!(passed.bytes, frame(length + more), "{length} bytes at {width} bits");
                assert_eq!(passed.clocks.len(), width.beats(length + more));
                assert!(!passed.user);
            }
            // Back to back: a beat a clock.
            assert_eq!(side.sent.len() as u64, side.sent[side.sent.len() - 1] - side.sent[0] + 1);
        }
        let decision = Decision::decode(drained[0].words[0].word);
        assert_eq!(decision, Some(Decision::plain(true, Class::NotIp, Reason::Class)));
    }
}

#[test]
fn beats_wait_as_they_are_told() {
    for width in Width::ALL {
        let mut rtl = open(width);
        rtl.push(Side::Rx, &frame(3 * width.bytes()), &[5, 0, 7]);
        rtl.pause(Side::Rx, 11);
        rtl.push(Side::Rx, &frame(1), &[]);
        let start = rtl.clocks();
        assert!(rtl.settle());
        let [rx, _] = rtl.drain();
        assert_eq!(rx.sent, [5, 6, 14, 26].map(|clock| start + clock));
        let out: Vec<u64> = rx.frames.iter().flat_map(|frame| &frame.clocks).copied().collect();
        assert_eq!(out, [6, 7, 15, 27].map(|clock| start + clock));
    }
}

#[test]
fn the_mark_of_a_bad_frame_is_on_its_last_beat_alone() {
    for width in Width::ALL {
        let mut rtl = open(width);
        rtl.push_bad(Side::Rx, &frame(2 * width.bytes()), &[]);
        rtl.push(Side::Rx, &frame(width.bytes()), &[]);
        assert!(rtl.settle());
        let [rx, _] = rtl.drain();
        assert_eq!(rx.frames.iter().map(|frame| frame.user).collect::<Vec<_>>(), [true, false]);
    }
}

#[test]
fn the_bus_and_the_clock_of_the_shell_are_the_same_at_every_width() {
    for width in Width::ALL {
        let mut rtl = open(width);
        rtl.write32(0x40, 0x1234_5678).expect("every write is taken");
        assert_eq!(rtl.read32(0x24), Ok(0x1234_5678 + 0x24));
        assert!(!rtl.fenced());
        rtl.set_time(1000);
        rtl.run(2);
        assert!(rtl.fenced());
        assert_eq!(rtl.fence_changes().iter().map(|(_, fenced)| *fenced).collect::<Vec<_>>(), [true]);
    }
}

/// The wire with every beat from it marked.
fn marks_all() -> Rtl {
    let Source { top, text, drop_style } = wire(Width::Bits64);
    let text = text.replace("m_axis_rx_tuser <= s_axis_rx_tuser;", "m_axis_rx_tuser <= 1'b1;");
    Rtl::to_try(&Source { top, text, drop_style }).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_mark_that_contradicts_the_verdict_is_told() {
    assert!(matches!(marks_all().rx(&frame(8)), Err(Stuck::Contradiction { word: 3, frames: 1 })));
    assert!(marks_all().tx(&frame(8)).is_ok(), "the other way bears none");
}

#[test]
#[should_panic(expected = "marked and not the last")]
fn a_mark_before_the_last_beat_is_a_fault() {
    let mut rtl = marks_all();
    rtl.push(Side::Rx, &frame(9), &[]);
    rtl.settle();
}
