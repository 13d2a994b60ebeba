//! One engine behind one lock: register accesses and frames happen one after another, each at its time. What the NIC
//! tells its host unasked comes from behind the same lock, so that it cannot be told of a state that is over.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard};

use weir_spec::Micros;
use weir_spec::interrupt::{Conditions, INTERRUPTS};
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef, WORDS};
use weir_spec::nic::Refused;
use weir_spec::regs::{self, RegId};

use crate::clock;
use crate::engine::{Engine, EngineError};
use crate::msix::Msix;
use crate::trace::{Event, Trace};
use crate::window::{self, Window};

/// What the engine answers where there is nothing, or nothing that can be accessed so.
pub(crate) const ALL_ONES: u32 = u32::MAX;

/// The NIC without its ports and its bus.
pub(crate) struct Core {
    /// Held by who comes next, from before `state` is free until it is taken: a lock alone goes to whom it likes, and a
    /// thread that gives the NIC one frame after the other would keep it from its bus.
    next: Mutex<()>,
    state: Mutex<State>,
}

struct State {
    engine: Box<dyn Engine>,
    trace: Trace,
    /// Traced last.
    fenced: bool,
    /// A COMMIT was taken and is not traced yet.
    committing: bool,
    bad_accesses: u64,
    msix: Msix,
    /// The wire has a link.
    link: bool,
    /// Interrupts were sent for the beginnings of these.
    told: Conditions,
    window: Option<Window>,
    /// Words of the window that the engine refused.
    refused_words: u64,
}

impl Core {
    /// A NIC around `engine`, with its map slots in memory that a host can map or without.
    pub(crate) fn new(engine: Box<dyn Engine>, trace: Trace, mapped_window: bool) -> Result<Core, EngineError> {
        let window = mapped_window.then(Window::new).transpose().map_err(EngineError::Window)?;
        let mut state = State {
            engine,
            trace,
            fenced: true,
            committing: false,
            bad_accesses: 0,
            msix: Msix::default(),
            link: true,
            told: Conditions::default(),
            window,
            refused_words: 0,
        };
        state.engine.set_time(clock::now());
        state.told = state.engine.conditions();
        Ok(Core { next: Mutex::new(()), state: Mutex::new(state) })
    }

    /// Reads the register at `offset`, aligned and inside the BAR. A refused read gives zero.
    pub(crate) fn read(&self, offset: u32) -> Result<u32, EngineError> {
        Ok(self.try_read(offset)?.unwrap_or(0))
    }

    /// The same, and whether it was refused.
    pub(crate) fn try_read(&self, offset: u32) -> Result<Result<u32, Refused>, EngineError> {
        let (mut state, now) = self.at()?;
        state.carry(now)?;
        let value = state.engine.read(offset);
        state.observe(now);
        Ok(value)
    }

    /// Writes it. A refused write shows in REFUSED_COUNT alone.
    pub(crate) fn write(&self, offset: u32, value: u32) -> Result<(), EngineError> {
        let _counted_by_the_nic = self.try_write(offset, value)?;
        Ok(())
    }

    /// The same, and whether it was refused.
    pub(crate) fn try_write(&self, offset: u32, value: u32) -> Result<Result<(), Refused>, EngineError> {
        let (mut state, now) = self.at()?;
        state.carry(now)?;
        let written = state.engine.write(offset, value);
        let taken = written.is_ok();
        if offset == regs::address(RegId::Commit, 0) || offset == regs::address(RegId::Renew, 0) {
            state.doorbell(now, offset, taken);
        }
        if taken && window::contains(offset) {
            let State { engine, window, .. } = &mut *state;
            let follow = window.as_mut().map(|window| window.follow(offset, engine.read(offset).unwrap_or(0)));
            follow.unwrap_or(Ok(())).map_err(EngineError::Window)?;
        }
        state.observe(now);
        Ok(written)
    }

    /// The memory of the mapped window, if there is one. It is there for as long as this is.
    pub(crate) fn window(&self) -> Result<Option<OwnedFd>, EngineError> {
        let (state, _) = self.at()?;
        let file = state.window.as_ref().map(|window| window.file().try_clone_to_owned());
        file.transpose().map_err(EngineError::Window)
    }

    /// How many words of the window the engine refused.
    pub(crate) fn refused_words(&self) -> Result<u64, EngineError> {
        Ok(self.at()?.0.refused_words)
    }

    /// Has `act` done to the interrupts, between two things that the engine does.
    pub(crate) fn msix<T>(&self, act: impl FnOnce(&mut Msix) -> T) -> Result<T, EngineError> {
        Ok(act(&mut self.at()?.0.msix))
    }

    /// The wire has a link, or not.
    pub(crate) fn set_link(&self, up: bool) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        if std::mem::replace(&mut state.link, up) != up {
            state.trace.record(now, Event::Link { up });
            state.engine.set_link_down(!up);
            // Lets the engine see it.
            state.engine.set_time(now);
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
        self.at().map(drop)
    }

    /// Function-level reset. What was stored in the window before arrives before it, as posted writes do.
    pub(crate) fn reset(&self) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        state.carry(now)?;
        state.engine.reset();
        state.fenced = true;
        state.committing = false;
        state.msix.reset();
        state.told = state.engine.conditions();
        let State { engine, window, .. } = &mut *state;
        let follow = window.as_mut().map(|window| window.follow_all(|offset| engine.read(offset).unwrap_or(0)));
        follow.unwrap_or(Ok(())).map_err(EngineError::Window)?;
        state.trace.record(now, Event::Reset);
        Ok(())
    }

    /// Low word of the epoch in force.
    pub(crate) fn epoch(&self) -> Result<u32, EngineError> {
        Ok(self.at()?.0.read(RegId::EpochActive, 0))
    }

    /// A host came or went.
    pub(crate) fn connection(&self, event: Event) -> Result<(), EngineError> {
        let (mut state, now) = self.at()?;
        state.trace.record(now, event);
        Ok(())
    }

    /// The engine, brought to the present.
    fn at(&self) -> Result<(MutexGuard<'_, State>, Micros), EngineError> {
        let next = self.next.lock().map_err(|_| EngineError::Failed)?;
        let mut state = self.state.lock().map_err(|_| EngineError::Failed)?;
        drop(next);
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

    /// Hands to the engine what a host stored in the mapped window.
    fn carry(&mut self, now: Micros) -> Result<(), EngineError> {
        let Some(window) = &mut self.window else { return Ok(()) };
        for stored in window.stored().map_err(EngineError::Window)? {
            if self.engine.write(stored.offset, stored.value).is_ok() {
                window.taken(stored);
                // Of a register that has not all bits, the host sees what the engine kept.
                if regs::find(stored.offset).is_some_and(|(_, reg, _)| !reg.fields.is_empty()) {
                    let kept = self.engine.read(stored.offset).unwrap_or(0);
                    window.follow(stored.offset, kept).map_err(EngineError::Window)?;
                }
            } else {
                window.refused(stored.offset).map_err(EngineError::Window)?;
                self.refused_words += 1;
                self.trace.record(now, Event::CarryRefused { offset: stored.offset });
            }
        }
        Ok(())
    }

    /// Traces what the engine did by itself, and interrupts the host for it.
    fn observe(&mut self, now: Micros) {
        self.trace_changes(now);
        let conditions = self.engine.conditions();
        let begun = conditions.begun(self.told);
        for interrupt in INTERRUPTS.into_iter().filter(|interrupt| begun.has(*interrupt)) {
            self.msix.raise(interrupt as usize);
        }
        self.told = conditions;
    }

    /// Traces that the engine finished a COMMIT, or fenced.
    fn trace_changes(&mut self, now: Micros) {
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use weir_spec::interrupt::Interrupt;
    use weir_spec::nic::Refused;

    use super::*;

    /// An engine that never takes a map.
    struct Busy;

    impl Engine for Busy {
        fn set_time(&mut self, _: Micros) {}

        fn read(&mut self, _: u32) -> Result<u32, Refused> {
            Ok(0)
        }

        fn write(&mut self, _: u32, _: u32) -> Result<(), Refused> {
            Err(Refused)
        }

        fn rx(&mut self, _: &mut Vec<u8>) -> Result<bool, EngineError> {
            Ok(false)
        }

        fn tx(&mut self, _: &mut Vec<u8>) -> Result<bool, EngineError> {
            Ok(false)
        }

        fn conditions(&self) -> Conditions {
            Conditions::default().with(Interrupt::Fenced, true)
        }

        fn set_link_down(&mut self, _: bool) {}

        fn reset(&mut self) {}
    }

    #[test]
    fn a_stored_word_that_is_refused_is_counted_traced_and_shown_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let trace = dir.path().join("trace");
        let core = Core::new(Box::new(Busy), Trace::create(&trace).expect("a file"), true).expect("memory");
        let host = File::from(core.window().expect("a live engine").expect("a window"));
        host.write_all_at(&7u32.to_le_bytes(), 0x20010).expect("memory");
        for _ in 0..2 {
            core.read(0).expect("a live engine");
            assert_eq!(core.refused_words().expect("a live engine"), 1);
        }
        let mut word = [1; 4];
        host.read_exact_at(&mut word, 0x20010).expect("memory");
        assert_eq!(word, [0; 4]);
        let traced = std::fs::read_to_string(trace).expect("the trace");
        assert!(traced.contains("\"event\":\"carry_refused\",\"offset\":131088"), "{traced}");
    }
}
