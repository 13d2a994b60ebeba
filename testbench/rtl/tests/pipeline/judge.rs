//! The comparison of what came out with what the spec says, frame by frame, across changes that were made meanwhile.

use std::collections::HashMap;
use std::rc::Rc;

use weir_rtl::{Drained, DropStyle, Side};
use weir_spec::egress::Egress;
use weir_spec::nic::Nic;
use weir_spec::verdict::{Class, Decision, Reason};

use crate::coverage::Kind;
use crate::report::{self, Difference};
use crate::rig::Rig;
use crate::shot::Shot;

/// The change between two oracles, as seen on the bus: what a frame may be judged by depends on when it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch {
    /// A frame whose last header beat came before this clock belongs to the first oracle.
    pub(crate) begins: u64,
    /// A frame whose first beat came after this clock belongs to the second.
    pub(crate) ends: u64,
}

/// What an oracle says of a frame, kept for the next time it is sent.
#[derive(Clone)]
struct Expected {
    word: u32,
    /// As it leaves, if that is not as it came.
    changed: Option<Vec<u8>>,
    kind: Kind,
    /// The policy was to quiesce.
    quiesce: bool,
}

impl Rig {
    /// Runs all that is queued and compares: each frame with the oracle that is in force, which only ever changes to a
    /// later one, between two frames, and around the clocks of its change.
    pub(crate) fn judge(&mut self) -> Result<(), Difference> {
        let settled = self.rtl.settle();
        let drained = self.rtl.drain();
        let (mut oracles, switches): (Vec<Nic>, Vec<Switch>) = std::mem::take(&mut self.history).into_iter().unzip();
        oracles.push(self.nic.clone());
        for (side, drained) in [Side::Rx, Side::Tx].into_iter().zip(drained) {
            let shots = std::mem::take(&mut self.pending[side as usize]);
            self.judge_side(side, &shots, &drained, settled, &mut oracles, &switches)?;
        }
        Ok(())
    }

    fn judge_side(
        &mut self,
        side: Side,
        shots: &[Shot],
        drained: &Drained,
        settled: bool,
        oracles: &mut [Nic],
        switches: &[Switch],
    ) -> Result<(), Difference> {
        let width = self.width();
        let mut passed = drained.frames.iter();
        let (mut sent, mut current) = (drained.sent.as_slice(), 0);
        // By oracle, and by the bytes themselves: they are there as long as the shots are.
        let mut known: Vec<HashMap<*const Vec<u8>, Expected>> = vec![HashMap::new(); oracles.len()];
        for (index, shot) in shots.iter().enumerate() {
            let (beats, rest) = sent.split_at(shot.beats(width));
            sent = rest;
            let differs = |what: String| Difference { side, index, shot: shot.clone(), what };
            let Some(word) = drained.words.get(index) else {
                return Err(differs("the circuit gave no verdict".into()));
            };
            let header = beats[shot.header_beats(width) - 1];
            let first = switches.iter().take_while(|switch| beats[0] > switch.ends).count().max(current);
            let last = switches.iter().take_while(|switch| header >= switch.begins).count().max(first);
            let late = shot.late(width);
            let mut expected = Vec::with_capacity(last - first + 1);
            for oracle in first..=last {
                let says = if late {
                    expect_late(side)
                } else {
                    let judged = || expect(&mut oracles[oracle], side, &shot.bytes);
                    known[oracle].entry(Rc::as_ptr(&shot.bytes)).or_insert_with(judged).clone()
                };
                expected.push(says);
            }
            let accepted = word.word & 1 == 1;
            // What is dropped comes out where it is marked, on the way in alone.
            let leaving = accepted || side == Side::Rx && self.rtl.drop_style() == DropStyle::Mark;
            let out = if leaving { passed.next() } else { None };
            // The earliest that agrees: taking a later one would only leave less for the frames behind.
            let says = |expected: &Expected| expected.word == word.word;
            let leaves = |expected: &Expected| {
                out.is_none_or(|out| out.bytes == *expected.changed.as_ref().unwrap_or(&shot.bytes))
            };
            let Some(found) = expected.iter().position(|expected| says(expected) && leaves(expected)) else {
                return Err(differs(match (expected.iter().find(|expected| says(expected)), out) {
                    (Some(expected), Some(out)) => {
                        report::bytes(expected.changed.as_ref().unwrap_or(&shot.bytes), &out.bytes)
                    }
                    _ => report::verdicts(side, expected.iter().map(|expected| expected.word), word.word),
                }));
            };
            current = first + found;
            self.count(side, shot, (expected[found].kind, expected[found].quiesce), word.word);
            if !leaving {
                continue;
            }
            let Some(frame) = out else {
                return Err(differs("the frame leaves and did not come out".into()));
            };
            if frame.user != (shot.bad || !accepted) {
                return Err(differs(format!(
                    "the frame went in with mark {}, was accepted: {accepted}, and came out with mark {}",
                    shot.bad, frame.user
                )));
            }
            let latency = *self.latency[side as usize].get_or_insert(frame.clocks[0] - beats[0]);
            if let Some(beat) = (0..beats.len()).find(|&beat| frame.clocks[beat] - beats[beat] != latency) {
                let clocks = frame.clocks[beat] - beats[beat];
                return Err(differs(format!("beat {beat} took {clocks} clocks, where others took {latency}")));
            }
        }
        let left = passed.count();
        let last = |what: String| {
            let shot = shots.last().cloned().unwrap_or_else(|| Shot::plain(vec![]));
            Err(Difference { side, index: shots.len(), shot, what })
        };
        match (drained.words.len() - shots.len(), left) {
            (0, 0) if settled => Ok(()),
            (0, 0) => last("the circuit did not come to rest".into()),
            (words, frames) => last(format!("the circuit gave {words} verdicts and {frames} frames too many")),
        }
    }
}

/// What the spec says of a frame.
fn expect(oracle: &mut Nic, side: Side, bytes: &[u8]) -> Expected {
    let (kind, quiesce) = (Kind::of(bytes), oracle.active().config().policy.quiesce);
    match side {
        Side::Rx => Expected { word: oracle.rx(bytes).encode(), changed: None, kind, quiesce },
        Side::Tx => {
            let mut leaving = bytes.to_vec();
            let word = oracle.tx(&mut leaving).encode();
            Expected { word, changed: (leaving != bytes).then_some(leaving), kind, quiesce }
        }
    }
}

/// What becomes of a frame whose header comes too late: what it is, is not known, so it is dropped, or held back.
fn expect_late(side: Side) -> Expected {
    let word = match side {
        Side::Rx => Decision::plain(false, Class::Malformed, Reason::Class).encode(),
        Side::Tx => Egress { pass: false, masked: false }.encode(),
    };
    Expected { word, changed: None, kind: Kind::Plain, quiesce: false }
}
