//! One engine behind one lock: register accesses and frames happen one after another, each at its time.

use std::sync::{Mutex, MutexGuard};

use weir_spec::Micros;
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef, WORDS};
use weir_spec::regs::{self, RegId};

use crate::clock;
use crate::engine::{Engine, EngineError};
use crate::trace::{Event, Trace};

/// What the engine answers where there is nothing, or nothing that can be accessed so.
pub(crate) const ALL_ONES: u32 = u32::MAX;

/// The NIC without its ports and its bus.
pub(crate) struct Core(Mutex<State>);

struct State {
    engine: Box<dyn Engine>,
    trace: Trace,
    /// Traced last.
    fenced: bool,
    /// A COMMIT was taken and is not traced yet.
    committing: bool,
    bad_accesses: u64,
}

impl Core {
    pub(crate) fn new(engine: Box<dyn Engine>, trace: Trace) -> Core {
        let mut state = State { engine, trace, fenced: true, committing: false, bad_accesses: 0 };
        state.engine.set_time(clock::now());
        Core(Mutex::new(state))
    }

    /// Reads the register at `offset`, aligned and inside the BAR. A refused read gives zero.
    pub(crate) fn read(&self, offset: u32) -> Result<u32, EngineError> {
        let (mut state, now) = self.at()?;
        let value = state.engine.read(offset).unwrap_or(0);
        state.observe(now);
        Ok(value)
    }

    /// Writes it. A refused write shows in REFUSED_COUNT alone.
    pub(crate) fn write(&self, offset: u32, value: u32) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        let taken = state.engine.write(offset, value).is_ok();
        if offset == regs::address(RegId::Commit, 0) || offset == regs::address(RegId::Renew, 0) {
            state.doorbell(now, offset, taken);
        }
        state.observe(now);
        Ok(())
    }

    /// Counts an access that a host must not make.
    pub(crate) fn bad_access(&self, offset: u64, length: usize) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        state.bad_accesses += 1;
        state.trace.record(now, Event::BadAccess { offset, length });
        tracing::warn!("BAR 0 was accessed by {length} bytes at {offset:#x}: not an aligned word");
        Ok(())
    }

    /// How many there were.
    pub(crate) fn bad_accesses(&self) -> Result<u64, EngineError> {
        Ok(self.at()?.0.bad_accesses)
    }

    /// A frame from the wire, which is left as the host is to see it; whether it passes.
    pub(crate) fn rx(&self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        let (mut state, now) = self.at()?;
        let passed = state.engine.rx(frame)?;
        state.observe(now);
        Ok(passed)
    }

    /// A frame from the host, which is left as the wire is to see it; whether it passes.
    pub(crate) fn tx(&self, frame: &mut Vec<u8>) -> Result<bool, EngineError> {
        let (mut state, now) = self.at()?;
        let passed = state.engine.tx(frame)?;
        state.observe(now);
        Ok(passed)
    }

    /// Lets the time pass when nothing happens, so that a lease ends at its end.
    pub(crate) fn tick(&self) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        state.observe(now);
        Ok(())
    }

    pub(crate) fn reset(&self) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        state.engine.reset();
        state.fenced = true;
        state.committing = false;
        state.trace.record(now, Event::Reset);
        Ok(())
    }

    /// A host came or went.
    pub(crate) fn connection(&self, event: Event) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        state.trace.record(now, event);
        Ok(())
    }

    /// The engine, brought to the present.
    fn at(&self) -> Result<(MutexGuard<'_, State>, Micros), EngineError> {
        let mut state = self.0.lock().map_err(|_| EngineError::Failed)?;
        let now = clock::now();
        state.engine.set_time(now);
        // What happened by then, before what happens now.
        state.observe(now);
        Ok((state, now))
    }
}

impl State {
    fn doorbell(&mut self, now: Micros, offset: u32, taken: bool) {
        if !taken {
            self.trace.record(now, Event::Refused { offset });
        } else if offset == regs::address(RegId::Commit, 0) {
            self.committing = true;
        } else {
            let until = self.lease_until();
            self.trace.record(now, Event::Renew { until });
        }
    }

    /// Traces what the engine did by itself: finished a COMMIT, or fenced.
    fn observe(&mut self, now: Micros) {
        if self.committing {
            let status = self.read(RegId::Status, 0);
            if regs::reg(RegId::Status).field("busy").get(status) == 1 {
                return;
            }
            self.committing = false;
            self.fenced = self.engine.fenced();
            let event = Event::Commit {
                epoch: self.read(RegId::EpochActive, 0),
                until: self.lease_until(),
                fenced: self.fenced,
                buckets: self.own_buckets(),
            };
            self.trace.record(now, event);
        }
        let fenced = self.engine.fenced();
        if fenced && !self.fenced {
            let until = self.lease_until();
            self.trace.record(now, Event::Fenced { until });
        }
        self.fenced = fenced;
    }

    /// OWN buckets of rule 0's map. Right after a COMMIT the shadow registers are what is in force.
    fn own_buckets(&mut self) -> usize {
        let matching = self.read(RegId::RuleMatch, 0);
        if regs::reg(RegId::RuleMatch).field("valid").get(matching) == 0 {
            return 0;
        }
        match MapRef::from_bits(self.read(RegId::RuleMap, 0)) {
            MapRef::Constant(BucketState::Own) => BUCKETS,
            MapRef::Constant(_) => 0,
            MapRef::Slot(slot) => {
                let mut map = Map::default();
                for (index, word) in map.words_mut().iter_mut().enumerate() {
                    *word = self.read(RegId::MapWord, u32::from(slot) * WORDS as u32 + index as u32);
                }
                map.count(BucketState::Own)
            }
        }
    }

    fn lease_until(&mut self) -> Micros {
        Micros::from(self.read(RegId::LeaseUntilHi, 0)) << 32 | Micros::from(self.read(RegId::LeaseUntilLo, 0))
    }

    /// A register without side effects.
    fn read(&mut self, id: RegId, index: u32) -> u32 {
        self.engine.read(regs::address(id, index)).unwrap_or(0)
    }
}
