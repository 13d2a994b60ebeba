//! A NIC as the agent and the wire see it: the specification, behind the driver that drives a card, with a clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_cluster::{Listing, Micros, NicTime, action};
use weir_nic::driver::{FlowError, Renewal};
use weir_nic::sim::Sim;
use weir_nic::{Nic as Driver, Program};
use weir_spec::egress::{Egress, Masking};
use weir_spec::flow::Entry;
use weir_spec::lease::LEASE_MAX;
use weir_spec::map::{BucketState, MapRef, WORDS};
use weir_spec::nic::{Identity, Nic as Spec};
use weir_spec::regs::{self, RegId};
use weir_spec::rules::{Affinity, Rule, VipSelect};
use weir_spec::verdict::Decision;

use crate::clock::Clock;

/// A bit in each two of a word of a map.
const LOW_BITS: u32 = 0x5555_5555;

/// The words of one rule, a bit set for each bucket whose new connections are accepted.
pub(crate) type Accepts = Box<[u32; WORDS]>;

/// When a NIC has to be fenced, computed beside it: by the deadlines it was given and its clock alone.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    until: Micros,
    fenced: bool,
}

/// One NIC.
pub(crate) struct HeldNic {
    spec: Sim,
    driver: Option<Driver<Sim>>,
    masking: Masking,
    clock: Clock,
    time: Arc<AtomicU64>,
    due: Deadline,
    /// How often it was fenced.
    fences: u64,
    /// New connections it accepts while it is not fenced, by rule in its own order, the default rule last.
    accepts: Vec<Accepts>,
    /// By which rules.
    rules: Vec<Sorted>,
}

/// What decides by which rule a packet goes, and into which bucket of it.
type Sorted = (VipSelect, u16, u16, Affinity);

impl HeldNic {
    pub(crate) fn new(clock: Clock, masking: Masking) -> HeldNic {
        let time = Arc::new(AtomicU64::new(clock.reads(0)));
        let shown = Arc::clone(&time);
        let spec = Sim::with_clock(Spec::new(Identity::default()), move || shown.load(Ordering::Relaxed));
        let due = Deadline { until: 0, fenced: true };
        HeldNic { spec, driver: None, masking, clock, time, due, fences: 0, accepts: Vec::new(), rules: Vec::new() }
    }

    /// Lets its clock reach `at`.
    fn reach(&mut self, at: Micros) -> Micros {
        let now = self.clock.reads(at);
        self.time.store(now, Ordering::Relaxed);
        if !self.due.fenced && now >= self.due.until {
            self.due.fenced = true;
            self.fences += 1;
        }
        now
    }

    /// A process takes it.
    pub(crate) fn open(&mut self, at: Micros) {
        self.reach(at);
        let mut driver = Driver::open(self.spec.clone()).expect("a NIC in this process");
        driver.set_masking(&self.masking).expect("a NIC in this process");
        self.driver = Some(driver);
    }

    /// The process that had it is gone. The NIC goes on.
    pub(crate) fn let_go(&mut self) {
        self.driver = None;
    }

    /// Power comes back: nothing is configured.
    pub(crate) fn reset(&mut self, at: Micros) {
        self.reach(at);
        self.spec.nic().reset();
        self.driver = None;
        self.accepts.clear();
        self.fences += u64::from(!self.due.fenced);
        self.due.fenced = true;
    }

    pub(crate) fn now(&mut self, at: Micros) -> NicTime {
        self.reach(at);
        NicTime(self.driver.as_mut().map_or(0, |driver| driver.time().expect("a NIC in this process")))
    }

    /// Puts a step of the protocol in force; whether it is fenced then, or `None` if it was not taken.
    pub(crate) fn program(
        &mut self,
        at: Micros,
        shared: &weir_spec::Config,
        step: &action::Program,
        report: &mut Option<String>,
    ) -> Option<bool> {
        let now = self.reach(at);
        let driver = self.driver.as_mut()?;
        let mut config = weir_spec::Config { default_rule: step.default_rule, ..shared.clone() };
        for (place, rule) in config.rules.iter_mut().zip(&step.rules) {
            *place = Some(*rule);
        }
        config.policy.quiesce = step.quiesce;
        config.flow_key = *step.flow_key.octets();
        let done = driver
            .load(&Program { config, maps: step.maps.clone() })
            .map_err(|error| error.to_string())
            .and_then(|_| driver.commit(step.epoch, step.deadline.0).map_err(|error| error.to_string()));
        match done {
            Ok(committed) => {
                let fenced = now >= step.deadline.0;
                self.fences += u64::from(fenced && !self.due.fenced);
                self.due = Deadline { until: step.deadline.0, fenced };
                self.accepts = self.read_back();
                let sorted = |rule: &Rule| (rule.vip, rule.first_port, rule.last_port, rule.affinity);
                self.rules = step.rules.iter().map(sorted).collect();
                Some(committed.fenced)
            }
            Err(error) => {
                *report = Some(format!("the NIC did not take a program: {error}"));
                None
            }
        }
    }

    /// Whether both go by the same rules.
    pub(crate) fn sorts_as(&self, other: &HeldNic) -> bool {
        self.rules == other.rules
    }

    /// What is in force, from the registers.
    fn read_back(&self) -> Vec<Accepts> {
        let mut nic = self.spec.nic();
        let active = nic.active().config().clone();
        let maps = active.rules.iter().flatten().map(|rule| rule.map).chain([active.default_rule.map]);
        let mut accepts = Vec::new();
        for map in maps {
            let mut words = Box::new([0; WORDS]);
            for (index, word) in words.iter_mut().enumerate() {
                let states = match map {
                    MapRef::Constant(state) => LOW_BITS * state as u32,
                    MapRef::Slot(slot) => {
                        let word =
                            nic.read(regs::address(RegId::MapWord, u32::from(slot) * WORDS as u32 + index as u32));
                        word.expect("a register")
                    }
                };
                const { assert!(BucketState::Own as u32 == 1 && BucketState::Adopt as u32 == 2) };
                // To quiesce OWN takes no new connections.
                let own = if active.policy.quiesce { 0 } else { states & !(states >> 1) };
                *word = (own | !states & states >> 1) & LOW_BITS;
            }
            accepts.push(words);
        }
        accepts
    }

    /// Brings the flow table to what is asked; what found no room.
    pub(crate) fn list(&mut self, at: Micros, listing: &Listing, report: &mut Option<String>) -> Vec<Entry> {
        self.reach(at);
        let Some(driver) = &mut self.driver else { return listing.add.clone() };
        let mut refused = Vec::new();
        let mut flows = driver.flows();
        let mut write = || {
            if listing.clear {
                flows.clear()?;
            }
            for entry in &listing.remove {
                flows.remove(entry)?;
            }
            for entry in &listing.add {
                match flows.insert(*entry) {
                    Err(FlowError::Full { .. }) => refused.push(*entry),
                    other => drop(other?),
                }
            }
            Ok::<_, FlowError>(())
        };
        if let Err(error) = write() {
            *report = Some(format!("the flow table was not written: {error}"));
        }
        refused
    }

    /// Moves the deadline; true if the NIC says that it is fenced instead.
    pub(crate) fn renew(&mut self, at: Micros, until: NicTime, report: &mut Option<String>) -> bool {
        let now = self.reach(at);
        if self.driver.is_some() && !self.due.fenced && until.0 <= now + LEASE_MAX {
            self.due.until = until.0;
            self.reach(at);
        }
        match self.driver.as_mut().map(|driver| driver.renew(until.0)) {
            Some(Ok(renewal)) => renewal == Renewal::Fenced,
            Some(Err(error)) => {
                *report = Some(format!("the lease was not renewed: {error}"));
                false
            }
            None => false,
        }
    }

    /// A frame from the wire.
    pub(crate) fn rx(&mut self, at: Micros, frame: &[u8]) -> Decision {
        self.reach(at);
        self.spec.nic().rx(frame)
    }

    /// A frame from the host.
    pub(crate) fn tx(&mut self, at: Micros, frame: &mut [u8]) -> Egress {
        self.reach(at);
        self.spec.nic().tx(frame)
    }

    /// Whether it has to be fenced: computed beside it.
    pub(crate) fn must_be_fenced(&mut self, at: Micros) -> bool {
        self.reach(at);
        self.due.fenced
    }

    /// How often it was fenced.
    pub(crate) fn fences(&mut self, at: Micros) -> u64 {
        self.reach(at);
        self.fences
    }

    /// What it accepts now, by rule; nothing while it is fenced.
    pub(crate) fn accepts(&mut self, at: Micros) -> &[Accepts] {
        self.reach(at);
        if self.spec.nic().fenced() { &[] } else { &self.accepts }
    }

    /// Entries of the flow table.
    pub(crate) fn listed(&self) -> usize {
        self.spec.nic().flows().count()
    }

    /// Gives it a deadline behind the back of everybody: a planted fault.
    pub(crate) fn extend_for_ever(&mut self, at: Micros) {
        let now = self.reach(at);
        let mut nic = self.spec.nic();
        if !nic.fenced() {
            let until = now + LEASE_MAX;
            let _ = nic.write(regs::address(RegId::LeaseNextLo, 0), until as u32);
            let _ = nic.write(regs::address(RegId::LeaseNextHi, 0), (until >> 32) as u32);
            let _ = nic.write(regs::address(RegId::Renew, 0), 1);
        }
    }
}
