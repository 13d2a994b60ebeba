//! Circuit and spec side by side.

use weir_rtl::{Drained, Rtl, Side};
use weir_spec::Micros;
use weir_spec::counters::{self, COUNTERS};
use weir_spec::egress::Egress;
use weir_spec::nic::{Identity, Nic, Refused};
use weir_spec::regs::{self, RegId};
use weir_spec::verdict::{Class, Decision, Reason};

use crate::configs::Setting;
use crate::coverage::Coverage;
use crate::frames::Shot;
use crate::report::{self, Difference};

/// Clocks in which a COMMIT or a SNAPSHOT must be done while the streams are quiet, in bus reads of some clocks each.
const POLLS: usize = 500;

/// The change between two oracles, as seen on the bus: what a frame may be judged by depends on when it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch {
    /// A frame whose last header beat came before this clock belongs to the first oracle.
    pub(crate) begins: u64,
    /// A frame whose first beat came after this clock belongs to the second.
    pub(crate) ends: u64,
}

/// Both, and what the circuit has shown so far.
pub(crate) struct Rig {
    pub(crate) rtl: Rtl,
    pub(crate) nic: Nic,
    /// What the counters must be: the sum over all verdict words that were found right.
    pub(crate) tally: [u64; COUNTERS],
    pub(crate) coverage: Coverage,
    /// Clocks from a beat going in to the same beat coming out, of each side, once seen.
    pub(crate) latency: [Option<u64>; 2],
    pending: [Vec<Shot>; 2],
    now: Micros,
    label: String,
}

pub(crate) fn at(id: RegId) -> u32 {
    regs::address(id, 0)
}

/// A deadline this far ahead does not pass by itself.
pub(crate) const LONG: Micros = 60_000_000;

impl Rig {
    /// Both fresh from reset, at a time of `now`; `label` names the test in a report.
    pub(crate) fn new(label: &str, now: Micros) -> Rig {
        let rtl = Rtl::open().unwrap_or_else(|error| panic!("{error}"));
        Rig::around(rtl, label, now)
    }

    /// The same around any circuit.
    pub(crate) fn around(rtl: Rtl, label: &str, now: Micros) -> Rig {
        let mut nic = Nic::new(Identity::default());
        nic.set_time(0);
        let mut rig = Rig {
            rtl,
            nic,
            tally: [0; COUNTERS],
            coverage: Coverage::default(),
            latency: [None; 2],
            pending: Default::default(),
            now: 0,
            label: label.to_string(),
        };
        rig.set_time(now);
        rig
    }

    /// Names the round for a report.
    pub(crate) fn relabel(&mut self, label: String) {
        self.label = label;
    }

    /// Clocks so far.
    pub(crate) fn clocks(&self) -> u64 {
        self.rtl.clocks()
    }

    /// The time on both clocks.
    pub(crate) fn now(&self) -> Micros {
        self.now
    }

    /// Sets the time on both clocks, and waits until the circuit has seen it.
    pub(crate) fn set_time(&mut self, now: Micros) {
        self.now = now;
        self.nic.set_time(now);
        self.rtl.set_time(now);
        self.rtl.run(16);
        assert_eq!(self.rtl.fenced(), self.nic.fenced(), "{}: fenced at {now} us", self.label);
    }

    /// Reads the same register of both.
    pub(crate) fn read(&mut self, offset: u32) -> Result<u32, Refused> {
        let (rtl, spec) = (self.rtl.read32(offset), self.nic.read(offset));
        assert_eq!(rtl, spec, "{}: circuit and spec at {offset:#07x} ({})", self.label, name(offset));
        rtl
    }

    /// Writes the same register of both.
    pub(crate) fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused> {
        let (rtl, spec) = (self.rtl.write32(offset, value), self.nic.write(offset, value));
        let name = name(offset);
        assert_eq!(rtl, spec, "{}: circuit and spec, write of {value:#010x} to {offset:#07x} ({name})", self.label);
        rtl
    }

    /// Writes a configuration with its maps; it is not in force yet.
    pub(crate) fn load(&mut self, setting: &Setting) {
        for (slot, words) in &setting.maps {
            for (index, word) in words.iter().enumerate() {
                let offset = regs::address(RegId::MapWord, u32::from(*slot) * 256 + index as u32);
                self.write(offset, *word).expect("no COMMIT is under way");
            }
        }
        for (offset, word) in &setting.words {
            self.write(*offset, *word).expect("no COMMIT is under way");
        }
    }

    /// Stages a deadline.
    pub(crate) fn stage_deadline(&mut self, until: Micros) {
        self.write(at(RegId::LeaseNextLo), until as u32).expect("a plain register");
        self.write(at(RegId::LeaseNextHi), (until >> 32) as u32).expect("a plain register");
    }

    /// COMMIT, and the wait for it. Streams are quiet.
    pub(crate) fn commit(&mut self, epoch: u32, until: Micros) -> Result<(), Refused> {
        self.stage_deadline(until);
        self.write(at(RegId::Commit), epoch)?;
        self.await_commit();
        self.read(at(RegId::EpochActive)).expect("it can be read");
        assert_eq!(self.rtl.fenced(), self.nic.fenced(), "{}: fenced after COMMIT", self.label);
        Ok(())
    }

    /// Waits until STATUS is as the spec, which never is busy, has it.
    pub(crate) fn await_commit(&mut self) {
        let wanted = self.nic.read(at(RegId::Status));
        let done = (0..POLLS).any(|_| self.rtl.read32(at(RegId::Status)) == wanted);
        assert!(done, "{}: STATUS does not become {wanted:x?} after COMMIT", self.label);
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, side: Side, shot: Shot) {
        self.rtl.push(side, &shot.bytes, &shot.waits);
        self.pending[side as usize].push(shot);
    }

    /// Tells the comparison of a frame that the circuit was not given.
    pub(crate) fn expect_only(&mut self, side: Side, shot: Shot) {
        self.pending[side as usize].push(shot);
    }

    /// Runs all that is queued and compares it with the spec.
    pub(crate) fn settle(&mut self) {
        let mut oracle = [self.nic.clone()];
        if let Err(difference) = self.judge(&mut oracle, None) {
            self.fail(difference);
        }
    }

    /// Runs all that is queued and compares it with the spec before a change, up to some frame, and after it from there.
    pub(crate) fn settle_across(&mut self, before: Nic, switch: Switch) {
        let mut oracles = [before, self.nic.clone()];
        if let Err(difference) = self.judge(&mut oracles, Some(switch)) {
            panic!("{}", report::text(&self.label, &difference, None));
        }
    }

    /// Runs all that is queued and forgets what became of it; the counters are no longer those of the tally.
    pub(crate) fn forget_frames(&mut self) {
        assert!(self.rtl.settle(), "{}: the circuit comes to rest", self.label);
        self.rtl.drain();
        self.pending = Default::default();
    }

    /// Runs all that is queued and compares: each frame with the oracle that is in force, which only ever changes to a
    /// later one, between two frames, and not outside of `switch`.
    pub(crate) fn judge(&mut self, oracles: &mut [Nic], switch: Option<Switch>) -> Result<(), Difference> {
        let settled = self.rtl.settle();
        let drained = self.rtl.drain();
        for (side, drained) in [Side::Rx, Side::Tx].into_iter().zip(drained) {
            let shots = std::mem::take(&mut self.pending[side as usize]);
            self.judge_side(side, &shots, &drained, settled, oracles, switch)?;
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
        switch: Option<Switch>,
    ) -> Result<(), Difference> {
        let mut passed = drained.frames.iter();
        let (mut sent, mut current) = (drained.sent.as_slice(), 0);
        for (index, shot) in shots.iter().enumerate() {
            let (beats, rest) = sent.split_at(shot.beats());
            sent = rest;
            let differs = |what: String| Difference { side, index, shot: shot.clone(), what };
            let Some(word) = drained.words.get(index) else {
                return Err(differs("the circuit gave no verdict".into()));
            };
            let (first, last) = match switch {
                Some(switch) if header_end(shot, beats) < switch.begins => (0, 0),
                Some(switch) if beats[0] > switch.ends => (oracles.len() - 1, oracles.len() - 1),
                _ => (current, oracles.len() - 1),
            };
            let expected: Vec<(u32, Vec<u8>)> =
                oracles[first..=last].iter_mut().map(|oracle| expect(oracle, side, shot)).collect();
            let Some(found) = expected.iter().position(|(expected, _)| *expected == word.word) else {
                let expected: Vec<u32> = expected.iter().map(|(word, _)| *word).collect();
                return Err(differs(report::verdicts(side, &expected, word.word)));
            };
            // What both oracles say tells nothing about which is in force.
            if expected.iter().filter(|(expected, _)| *expected == word.word).count() == 1 {
                current = first + found;
            }
            self.count(side, shot, word.word);
            if word.word & 1 == 0 {
                continue;
            }
            let Some(frame) = passed.next() else {
                return Err(differs("the frame was passed and did not come out".into()));
            };
            if frame.bytes != expected[found].1 {
                return Err(differs(report::bytes(&expected[found].1, &frame.bytes)));
            }
            if frame.user {
                return Err(differs("the frame came out marked as bad".into()));
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

    fn count(&mut self, side: Side, shot: &Shot, word: u32) {
        let mut bump = |index: usize| self.tally[index] += 1;
        match side {
            Side::Rx => {
                let decision = Decision::decode(word).expect("it equals an encoded decision");
                counters::of_decision(&decision).for_each(&mut bump);
                self.coverage.received(&shot.made, &decision);
            }
            Side::Tx => {
                let egress = Egress { pass: word & 1 == 1, masked: word & 2 == 2 };
                counters::of_egress(&egress).for_each(&mut bump);
                self.coverage.sent(&egress);
            }
        }
    }

    /// Takes a snapshot and compares every counter with the tally. Streams are quiet.
    pub(crate) fn check_counters(&mut self) {
        let counted = self.snapshot();
        for (index, (counted, tallied)) in counted.iter().zip(self.tally).enumerate() {
            let name = counters::name(index).unwrap_or_else(|| "reserved".into());
            assert_eq!(*counted, tallied, "{}: counter {index} ({name}), circuit and verdicts", self.label);
        }
    }

    /// Takes a snapshot and reads every counter of the circuit.
    pub(crate) fn snapshot(&mut self) -> [u64; COUNTERS] {
        self.write(at(RegId::Snapshot), 1).expect("no snapshot is under way");
        self.await_snapshot();
        self.read_counters()
    }

    /// Waits until SNAP_SEQ is as the spec has it at once.
    pub(crate) fn await_snapshot(&mut self) {
        let wanted = self.nic.read(at(RegId::SnapSeq));
        let done = (0..POLLS).any(|_| self.rtl.read32(at(RegId::SnapSeq)) == wanted);
        assert!(done, "{}: SNAP_SEQ does not become {wanted:x?}", self.label);
    }

    /// Every counter of the last snapshot.
    pub(crate) fn read_counters(&mut self) -> [u64; COUNTERS] {
        std::array::from_fn(|index| {
            let mut half = |id| u64::from(self.rtl.read32(regs::address(id, index as u32)).expect("a counter"));
            half(RegId::CounterLo) | half(RegId::CounterHi) << 32
        })
    }

    /// Panics with all that replays and explains a difference, after making the frame as small as it still differs.
    fn fail(&mut self, difference: Difference) -> ! {
        let (side, mut shot) = (difference.side, difference.shot.clone());
        let smallest = self.alone(side, &shot).map(|mut smallest| {
            // The shortest first, then as many zeros as it bears.
            let mut simplify = |candidate: Shot, shot: &mut Shot| {
                if let Some(differs) = self.alone(side, &candidate) {
                    (*shot, smallest) = (candidate, differs);
                    return true;
                }
                false
            };
            let mut step = shot.bytes.len() / 2;
            while step > 0 {
                let length = shot.bytes.len().saturating_sub(step).max(1);
                let shorter = Shot { bytes: shot.bytes[..length].to_vec(), ..shot.clone() };
                if length == shot.bytes.len() || !simplify(shorter, &mut shot) {
                    step /= 2;
                }
            }
            for byte in (0..shot.bytes.len()).rev() {
                let mut zeroed = shot.clone();
                zeroed.bytes[byte] = 0;
                if zeroed.bytes != shot.bytes {
                    simplify(zeroed, &mut shot);
                }
            }
            smallest
        });
        panic!("{}", report::text(&self.label, &difference, Some(smallest.as_ref())));
    }

    /// The difference a frame makes alone in a quiet pipeline, if it makes one.
    fn alone(&mut self, side: Side, shot: &Shot) -> Option<Difference> {
        self.rtl.run(200);
        self.rtl.drain();
        self.pending = Default::default();
        self.push(side, shot.clone());
        self.judge(&mut [self.nic.clone()], None).err()
    }
}

/// The clock of the last beat a decision waits for.
fn header_end(shot: &Shot, beats: &[u64]) -> u64 {
    beats[shot.beats().min(weir_spec::frame::WINDOW / 8) - 1]
}

/// What the spec says of a frame: the word, and the bytes as they leave if it passes.
fn expect(oracle: &mut Nic, side: Side, shot: &Shot) -> (u32, Vec<u8>) {
    let mut bytes = shot.bytes.clone();
    let word = match side {
        Side::Rx if shot.late() => Decision::plain(false, Class::Malformed, Reason::Class).encode(),
        Side::Rx => oracle.rx(&bytes).encode(),
        // It is held back: what it is, is not known.
        Side::Tx if shot.late() => Egress { pass: false, masked: false }.encode(),
        Side::Tx => oracle.tx(&mut bytes).encode(),
    };
    (word, bytes)
}

fn name(offset: u32) -> String {
    regs::find(offset)
        .map_or("no register".into(), |(block, reg, index)| format!("{}.{} of entry {index}", block.name, reg.name))
}
