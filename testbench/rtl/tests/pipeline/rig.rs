//! Circuit and spec side by side.

use weir_rtl::{Rtl, Side, Width};
use weir_spec::Micros;
use weir_spec::config::{Config, Echo};
use weir_spec::counters::{self, COUNTERS};
use weir_spec::egress::Egress;
use weir_spec::map::{BUCKETS, MapRef};
use weir_spec::nic::{Identity, Nic, Refused};
use weir_spec::regs::{self, RegId};
use weir_spec::verdict::Decision;

use crate::configs::Setting;
use crate::coverage::{Coverage, Kind};
use crate::judge::Switch;
use crate::report::{self, Difference};
use crate::shot::Shot;
use crate::width;

/// Bus reads of some clocks each in which a COMMIT or a SNAPSHOT must be done.
const POLLS: usize = 4000;

/// Clocks a frame may be under way before its decision is made: one whose header is older than this fell before.
const PIPELINE: u64 = 64;

/// Clocks after which a NIC has seen the time it was told.
const TIME_SEEN: u64 = 16;

/// Both, and what the circuit has shown so far.
pub(crate) struct Rig {
    pub(crate) rtl: Rtl,
    pub(crate) nic: Nic,
    /// What the counters must be: the sum over all verdict words that were found right.
    pub(crate) tally: [u64; COUNTERS],
    pub(crate) coverage: Coverage,
    /// Clocks from a beat going in to the same beat coming out, of each side, once seen.
    pub(crate) latency: [Option<u64>; 2],
    /// What the bucket counters must be, which no reset reaches.
    heat: Vec<u32>,
    pub(crate) pending: [Vec<Shot>; 2],
    /// What the spec's NIC was before each change since the last settling, and when the change was made.
    pub(crate) history: Vec<(Nic, Switch)>,
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
    pub(crate) fn new(width: Width, label: &str, now: Micros) -> Rig {
        Rig::around(width::open(width), label, now)
    }

    /// The same around any circuit of the simulated NIC.
    pub(crate) fn around(rtl: Rtl, label: &str, now: Micros) -> Rig {
        Rig::identified(rtl, Identity::default(), label, now)
    }

    /// The same around a circuit that was emitted with this identity.
    pub(crate) fn identified(rtl: Rtl, identity: Identity, label: &str, now: Micros) -> Rig {
        let mut nic = Nic::new(Identity { width_bytes: rtl.width().bytes() as u8, ..identity });
        nic.set_time(0);
        let mut rig = Rig {
            coverage: Coverage::new(rtl.width()),
            rtl,
            nic,
            tally: [0; COUNTERS],
            latency: [None; 2],
            pending: Default::default(),
            history: Vec::new(),
            heat: vec![0; BUCKETS],
            now: 0,
            label: label.to_string(),
        };
        rig.set_time(now);
        rig.await_flows();
        rig
    }

    /// Of the circuit.
    pub(crate) fn width(&self) -> Width {
        self.rtl.width()
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
        self.rtl.run(TIME_SEEN);
        assert_eq!(self.rtl.fenced(), self.nic.fenced(), "{}: fenced at {now} us", self.label);
    }

    /// Does something to both that decides otherwise on frames from then on, while they stream. Frames that were under way
    /// may be judged either way, but never one way and then the other again.
    pub(crate) fn change<T>(&mut self, change: impl FnOnce(&mut Rig) -> T) -> T {
        // Two changes whose frames could overlap would have no order.
        let quiet = self.history.last().map_or(0, |(_, last)| last.ends + PIPELINE);
        self.rtl.run(quiet.saturating_sub(self.rtl.clocks()));
        let before = self.nic.clone();
        let begins = self.rtl.clocks().saturating_sub(PIPELINE);
        let changed = change(self);
        self.history.push((before, Switch { begins, ends: self.rtl.clocks() + TIME_SEEN }));
        changed
    }

    /// Resets both in the middle of whatever is going on: frames under way are lost, counters start again.
    pub(crate) fn reset(&mut self) {
        for judged in self.rtl.reset() {
            let decision = Decision::decode(judged.word).expect("a verdict is a decision");
            if let Some((bucket, _)) = decision.bucket {
                self.heat[usize::from(bucket)] += 1;
            }
        }
        self.nic.reset();
        self.tally = [0; COUNTERS];
        self.pending = Default::default();
        self.history.clear();
        self.set_time(self.now);
        self.await_flows();
    }

    /// One operation on the flow table, as its COMMAND register takes it, on the entry at `index`; false if it is refused.
    pub(crate) fn flow(&mut self, command: u32, index: usize, signature: u64) -> bool {
        for (id, word) in [
            (RegId::FlowSignatureLo, signature as u32),
            (RegId::FlowSignatureHi, (signature >> 32) as u32),
            (RegId::FlowIndex, index as u32),
        ] {
            self.write(at(id), word).expect("the mailbox is idle");
        }
        let taken = self.write(at(RegId::FlowCommand), command).is_ok();
        self.await_flows();
        taken
    }

    /// Waits until the mailbox is idle and shows what the spec, which never is busy, shows.
    pub(crate) fn await_flows(&mut self) {
        let wanted = self.nic.read(at(RegId::FlowStatus));
        let done = (0..POLLS).any(|_| self.rtl.read32(at(RegId::FlowStatus)) == wanted);
        assert!(done, "{}: FLOW.STATUS does not become {wanted:x?}", self.label);
    }

    /// Compares every bucket's counter with the verdicts. Streams are quiet.
    pub(crate) fn check_heat(&mut self) {
        let mut wrong = Vec::new();
        for bucket in 0..BUCKETS {
            let counted = self.rtl.read32(regs::address(RegId::Heat, bucket as u32));
            let expected = self.heat[bucket] & 0xff_ffff;
            if counted != Ok(expected) {
                wrong.push((bucket, counted, expected));
            }
        }
        assert!(wrong.is_empty(), "{}: heat of buckets, by circuit and by verdicts: {wrong:?}", self.label);
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

    /// Writes a configuration while frames stream. Slots in use may not be written: what it would put there is left out.
    pub(crate) fn load_beside(&mut self, setting: &Setting) {
        let used = used_slots(self.nic.active().config());
        let maps = setting.maps.iter().filter(|(slot, _)| !used.contains(slot)).cloned().collect();
        self.load(&Setting { words: setting.words.clone(), maps, config: setting.config.clone() });
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

    /// Waits until EPOCH_ACTIVE and STATUS are as the spec, which never is busy, has them.
    pub(crate) fn await_commit(&mut self) {
        for id in [RegId::EpochActive, RegId::Status] {
            let wanted = self.nic.read(at(id));
            let done = (0..POLLS).any(|_| self.rtl.read32(at(id)) == wanted);
            assert!(done, "{}: {} does not become {wanted:x?} after COMMIT", self.label, regs::reg(id).name);
        }
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, side: Side, shot: Shot) {
        if shot.bad {
            self.rtl.push_bad(side, &shot.bytes, &shot.waits);
        } else {
            self.rtl.push(side, &shot.bytes, &shot.waits);
        }
        self.pending[side as usize].push(shot);
    }

    /// Tells the comparison of a frame that the circuit was not given.
    pub(crate) fn expect_only(&mut self, side: Side, shot: Shot) {
        self.pending[side as usize].push(shot);
    }

    /// Runs all that is queued and compares it with the spec, across all changes since the last time.
    pub(crate) fn settle(&mut self) {
        if let Err(difference) = self.judge() {
            self.fail(difference);
        }
    }

    /// Runs all that is queued and forgets what became of it; the counters are no longer those of the tally.
    pub(crate) fn forget_frames(&mut self) {
        assert!(self.rtl.settle(), "{}: the circuit comes to rest", self.label);
        self.rtl.drain();
        self.pending = Default::default();
        self.history.clear();
    }

    /// Counts a verdict that was found right, and whether the policy it was found by was to quiesce.
    pub(crate) fn count(&mut self, side: Side, shot: &Shot, (kind, quiesce): (Kind, bool), word: u32) {
        let mut bump = |index: usize| self.tally[index] += 1;
        match side {
            Side::Rx => {
                let decision = Decision::decode(word).expect("it equals an encoded decision");
                counters::of_decision(&decision).for_each(&mut bump);
                if let Some((bucket, _)) = decision.bucket {
                    self.heat[usize::from(bucket)] += 1;
                }
                self.coverage.received(&shot.made, kind, &decision, quiesce);
            }
            Side::Tx => {
                let egress = Egress { pass: word & 1 == 1, masked: word & 2 == 2 };
                counters::of_egress(&egress).for_each(&mut bump);
                self.coverage.sent(kind, &egress);
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
                let shorter = Shot { bytes: shot.bytes[..length].to_vec().into(), ..shot.clone() };
                if length == shot.bytes.len() || !simplify(shorter, &mut shot) {
                    step /= 2;
                }
            }
            for byte in (0..shot.bytes.len()).rev() {
                if shot.bytes[byte] != 0 {
                    let mut bytes = shot.bytes.to_vec();
                    bytes[byte] = 0;
                    simplify(Shot { bytes: bytes.into(), ..shot.clone() }, &mut shot);
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
        self.history.clear();
        self.push(side, shot.clone());
        self.judge().err()
    }
}

/// The map slots a configuration looks buckets up in.
fn used_slots(config: &Config) -> Vec<u8> {
    let echo = match config.policy.echo {
        Echo::Hash(map) => Some(map),
        Echo::PassAll => None,
    };
    let maps = config.rules.iter().flatten().map(|rule| rule.map).chain([config.default_rule.map]).chain(echo);
    maps.filter_map(|map| if let MapRef::Slot(slot) = map { Some(slot) } else { None }).collect()
}

fn name(offset: u32) -> String {
    regs::find(offset)
        .map_or("no register".into(), |(block, reg, index)| format!("{}.{} of entry {index}", block.name, reg.name))
}
