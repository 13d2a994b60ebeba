//! The circuit that marks what it drops: every frame from the wire comes out beat for beat, and `tuser` in its last beat
//! tells which of them the MAC behind is to drop. Towards the wire, and for who counts, it is the circuit of the other
//! style.

use std::sync::OnceLock;

use weir_rtl::{DropStyle, Options, Rtl, Side, Source, Width};
use weir_spec::counters::{COUNTERS, RX_DROPPED, RX_PASSED, TX_FENCED, TX_PASSED};
use weir_spec::nic::Identity;
use weir_spec::regs::RegId;

use crate::configs;
use crate::frames::{self, Toward};
use crate::rig::{LONG, Rig, at};
use crate::seed::{chance, rng, rounds};
use crate::shot::{Bank, Pace, Shot};
use crate::width::{self, at_each_width};

/// Of an image for a board, so that one circuit shows both options.
const IDENTITY: Identity = Identity { width_bytes: 8, clock_khz: 125_000, git_hash: 0x8d7c_2b1f, board: 0x8000_0001 };

/// Of each pace in a round, on each side.
const CLOCKS: usize = 3000;

/// The emitted circuit that marks.
fn source(width: Width) -> &'static Source {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    let sources = SOURCES.get_or_init(|| {
        let options = Options { identity: IDENTITY, drop_style: DropStyle::Mark };
        let emitted = |width| Source::emitted_with(width, options).unwrap_or_else(|error| panic!("{error}"));
        Width::ALL.into_iter().map(emitted).collect()
    });
    sources.iter().find(|source| source.top == width.top()).expect("it is emitted at every width")
}

fn marking(width: Width, label: &str) -> Rig {
    let rtl = Rtl::to_try(source(width)).unwrap_or_else(|error| panic!("{error}"));
    Rig::identified(rtl, IDENTITY, label, 1000)
}

/// A frame of the least length that passes.
fn arp() -> Vec<u8> {
    let mut bytes = vec![0; 60];
    bytes[12..14].copy_from_slice(&[0x08, 0x06]);
    bytes
}

/// Rounds of random configurations, some of them fenced, each under full load, with gaps between and inside frames, and with
/// frames that their MAC found bad; now and then a reset with frames under way. All is compared with the spec; the
/// counters at the end of each round.
fn play(rig: &mut Rig) -> Vec<[u64; COUNTERS]> {
    let mut counted = Vec::new();
    for round in 0..rounds(12) {
        let mut rng = rng("marks", round);
        let setting = configs::random(&mut rng);
        rig.load(&setting);
        let until = if chance(&mut rng, 25) { rig.now() } else { rig.now() + LONG };
        rig.commit(round as u32, until).expect("a deadline in reach");
        let banks = [(Side::Rx, Toward::Vip), (Side::Tx, Toward::Client)].map(|(side, toward)| {
            let shots = (0..150).map(|_| frames::random(&mut rng, &setting, toward)).collect();
            Bank::new(side, shots)
        });
        for pace in [Pace::Full, Pace::Gaps, Pace::Mixed] {
            for bank in &banks {
                bank.send(rig, &mut rng, pace, CLOCKS);
            }
            rig.settle();
        }
        rig.check_counters();
        counted.push(rig.snapshot());
        if round % 4 == 3 {
            for bank in &banks {
                bank.send(rig, &mut rng, Pace::Full, 200);
            }
            rig.rtl.run(rng.u64(1..150));
            rig.reset();
        }
    }
    counted
}

fn every_frame_leaves_and_those_the_spec_drops_are_marked(width: Width) {
    let counted = play(&mut marking(width, "marks"));
    for counter in [RX_PASSED, RX_DROPPED, TX_PASSED, TX_FENCED] {
        let frames: u64 = counted.iter().map(|counters| counters[counter]).sum();
        assert!(frames > 1000, "counter {counter}: {frames} frames");
    }
    assert_eq!(counted, play(&mut Rig::new(width, "marks, suppressed", 1000)), "counters of both styles");
}

/// The way out has no clock left over when every frame takes it.
fn marked_frames_leave_at_full_load(width: Width) {
    let mut rig = marking(width, "marks at full load");
    // Malformed, so that all are dropped: an IPv4 header that is none.
    let dropped = |length: usize| {
        let mut bytes = vec![0x5a; length];
        bytes[12..15].copy_from_slice(&[0x08, 0x00, 0x40]);
        bytes
    };
    let lengths: Vec<usize> = (60..=130).chain([190, 192, 193, 1514, 9216]).collect();
    for &length in &lengths {
        rig.rtl.push(Side::Rx, &dropped(length), &[]);
    }
    assert!(rig.rtl.settle());
    let [rx, _] = rig.rtl.drain();
    assert_eq!(rx.frames.len(), lengths.len());
    for (frame, &length) in rx.frames.iter().zip(&lengths) {
        assert!(frame.user && frame.bytes == dropped(length), "{length} bytes, mark {}", frame.user);
    }
    let clocks: Vec<u64> = rx.frames.iter().flat_map(|frame| &frame.clocks).copied().collect();
    assert_eq!(clocks, (clocks[0]..clocks[0] + rx.sent.len() as u64).collect::<Vec<_>>(), "a beat in each clock");
}

fn a_circuit_of_the_other_style_is_noticed(width: Width) {
    let suppressing = Source { drop_style: DropStyle::Mark, ..width::emitted(width).clone() };
    let marking = Source { drop_style: DropStyle::Suppress, ..source(width).clone() };
    for rtl in [Rtl::of_source(&suppressing), Rtl::to_try(&marking)] {
        let mut rig = Rig::around(rtl.unwrap_or_else(|error| panic!("{error}")), "other style", 1000);
        // Cut, so that it is dropped, and in front of one that is not.
        rig.push(Side::Rx, Shot::plain(arp()[..59].to_vec()));
        rig.push(Side::Rx, Shot::plain(arp()));
        assert!(rig.judge().is_err(), "it was taken for a circuit of style {}", rig.rtl.drop_style());
    }
}

fn a_marked_frame_ends_at_the_mac(width: Width) {
    let mut rig = marking(width, "one at a time");
    let arp = arp();
    let (decision, passed) = rig.rtl.rx(&arp).expect("the circuit answers");
    assert!(decision.accept && passed == Some(arp.clone()), "{decision:?}");
    let (decision, passed) = rig.rtl.rx(&arp[..59]).expect("the circuit answers");
    assert!(!decision.accept && passed.is_none(), "{decision:?}");
    let (egress, left) = rig.rtl.tx(&arp).expect("the circuit answers");
    assert!(egress.pass && left == Some(arp), "{egress:?}");
}

fn the_id_block_says_what_the_image_was_emitted_with(width: Width) {
    let mut rig = marking(width, "id block");
    let words = [RegId::ClockKhz, RegId::GitHash, RegId::Board].map(|id| rig.read(at(id)));
    assert_eq!(words, [Ok(IDENTITY.clock_khz), Ok(IDENTITY.git_hash), Ok(IDENTITY.board)]);
    let caps = Identity { width_bytes: width.bytes() as u8, ..IDENTITY }.caps();
    assert_eq!(rig.read(at(RegId::Caps)), Ok(caps), "the width is that of the circuit, whatever the options say");
}

at_each_width!(
    every_frame_leaves_and_those_the_spec_drops_are_marked,
    marked_frames_leave_at_full_load,
    a_circuit_of_the_other_style_is_noticed,
    a_marked_frame_ends_at_the_mac,
    the_id_block_says_what_the_image_was_emitted_with,
);
