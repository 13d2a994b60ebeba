//! The NIC as the daemon holds it.
//!
//! A NIC may go: a card is reset, a device model is restarted. The daemon then goes on without it, owns nothing, and
//! looks for it again; its lease protects the cluster meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tracing::{info, warn};
use weir_cluster::{Listing, NicTime, Now, action};
use weir_nic::driver::{Renewal, Warnings};
use weir_nic::{Device, Nic, Selector};
use weir_spec::counters;
use weir_spec::egress::Masking;
use weir_spec::interrupt::Interrupt;
use weir_spec::mac::Mac;

use crate::clock;
use crate::config::Config;
use crate::control::{NicDisplay, RuleCounters};
use crate::error::AgentError;
use crate::resolve;
use crate::watch::Vectors;
use crate::writing::{Writing, Written};

/// Between two attempts to find a lost NIC again.
const RETRY: Duration = Duration::from_millis(500);

/// The flow table is written for this part of a period at a time; timers that are late by half a period count as a pause.
const SLICES: u64 = 8;

/// Entries of the flow table, of 4096, from which on somebody should know.
const MANY_FLOWS: u16 = 3072;

/// A NIC, or the memory of one.
pub(crate) struct HeldNic {
    selector: Selector,
    name: String,
    masking: Masking,
    driver: Option<Nic<Box<dyn Device>>>,
    warnings: Warnings,
    vectors: Vectors,
    last_time: NicTime,
    tried: Instant,
    /// The flow table is being written.
    writing: Option<Writing>,
    /// The NIC was lost on the way, which has not been answered yet.
    broken_off: Option<Written>,
    /// How long it is written at a time.
    slice: Duration,
    /// The NIC was lost while its flow table was being written: nobody knows what that holds.
    torn: bool,
}

impl HeldNic {
    /// Opens the NIC that the configuration names. Whatever it may have in force stays so. What leaves with the source
    /// `cluster` gets `masked` instead.
    pub(crate) fn open(config: &Config, (cluster, masked): (Mac, Mac)) -> Result<HeldNic, AgentError> {
        let selector: Selector = config.host.nic.parse()?;
        let mut held = HeldNic {
            selector,
            name: config.host.nic.clone(),
            masking: Masking { enabled: true, cluster, masked },
            driver: None,
            warnings: Warnings { lease: resolve::warning(config), flows: MANY_FLOWS },
            vectors: Vectors::default(),
            last_time: NicTime::default(),
            tried: Instant::now(),
            writing: None,
            broken_off: None,
            slice: Duration::from_micros(config.cluster.period_us / SLICES),
            torn: false,
        };
        held.attach()?;
        Ok(held)
    }

    fn attach(&mut self) -> Result<(), AgentError> {
        self.tried = Instant::now();
        let device = self.selector.open()?;
        self.take(device)
    }

    fn take(&mut self, mut device: Box<dyn Device>) -> Result<(), AgentError> {
        // Those of a NIC that was lost are closed before those of this one are made.
        self.vectors = Vectors::default();
        let vectors = device.interrupts().map_err(|error| told(&error));
        let mut driver = Nic::open(device)?;
        driver.set_masking(&self.masking)?;
        driver.set_warnings(self.warnings)?;
        if self.torn {
            // A renewal will find it fenced, and then the table is written anew.
            driver.fence()?;
            self.torn = false;
        }
        match vectors.and_then(|interrupts| Vectors::new(&interrupts).map_err(|error| error.to_string())) {
            Ok(vectors) => self.vectors = vectors,
            Err(error) => warn!("NIC {} sends no interrupts, its state is asked for instead: {error}", self.name),
        }
        self.last_time = NicTime(driver.time()?);
        self.driver = Some(driver);
        Ok(())
    }

    /// Both clocks, read now. While the NIC is lost its last time is repeated, which is safe: leases only get shorter.
    pub(crate) fn now(&mut self) -> Now {
        if self.driver.is_none() && self.tried.elapsed() >= RETRY && self.attach().is_ok() {
            info!("NIC {} is back", self.name);
        }
        if let Some(time) = self.driving("read the time", |driver| driver.time()) {
            self.last_time = NicTime(time);
        }
        Now { host: clock::now(), nic: self.last_time }
    }

    /// Puts one step of the protocol in force; `None` if that did not work, else whether the NIC is fenced after it.
    pub(crate) fn program(&mut self, config: &Config, step: &action::Program) -> Option<bool> {
        let program = resolve::program(config, step);
        self.driving("load an epoch", |driver| driver.load(&program))?;
        let committed = self.driving("commit an epoch", |driver| driver.commit(step.epoch, step.deadline.0))?;
        Some(committed.fenced)
    }

    /// Begins to bring the flow table to what is asked, in place of what was asked before; the answer, if it is done already.
    pub(crate) fn list(&mut self, listing: Listing) -> Option<Written> {
        self.writing = Some(Writing::new(listing));
        self.broken_off = None;
        self.write_on()
    }

    /// Whether the flow table is still being written.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_some() || self.broken_off.is_some()
    }

    /// Writes one slice more; the answer, once it is done. A NIC that is lost on the way keeps nothing.
    pub(crate) fn write_on(&mut self) -> Option<Written> {
        if self.broken_off.is_some() {
            return self.broken_off.take();
        }
        let mut writing = self.writing.take()?;
        let end = Instant::now() + self.slice;
        let slice = |driver: &mut Nic<_>| writing.go_on(&mut driver.flows(), || Instant::now() < end);
        match self.driving("write the flow table", slice) {
            Some(true) => Some(writing.written()),
            Some(false) => {
                self.writing = Some(writing);
                None
            }
            None => {
                self.torn = true;
                Some(writing.lost())
            }
        }
    }

    /// Moves the deadline; true if the NIC says that it is fenced instead.
    pub(crate) fn renew(&mut self, until: NicTime) -> bool {
        self.driving("renew the lease", |driver| driver.renew(until.0)) == Some(Renewal::Fenced)
    }

    /// Returns when the NIC says something unasked.
    pub(crate) async fn told(&self) {
        self.vectors.any().await;
    }

    /// Looks why. Returns whether the NIC is fenced.
    pub(crate) fn heed(&mut self) -> bool {
        let Some(status) = self.driving("read the status", |driver| driver.status()) else { return false };
        if !status.ours {
            warn!("NIC {} was reset or taken by another driver", self.name);
            self.lose();
            return status.fenced;
        }
        let Some(conditions) = self.driving("read the status", |driver| driver.conditions()) else { return false };
        if conditions.has(Interrupt::FlowsHigh) {
            warn!("the flow table of NIC {} holds {} entries of 4096", self.name, status.flows);
        }
        if conditions.has(Interrupt::LinkDown) {
            warn!("the port of NIC {} has no link", self.name);
        }
        status.fenced
    }

    /// What is known of it, which counts these rules at these places.
    pub(crate) fn display(&mut self, rules: &[(usize, String)]) -> NicDisplay {
        let mut display = NicDisplay { selector: self.name.clone(), ..NicDisplay::default() };
        if let Some(status) = self.driving("read the status", |driver| driver.status()) {
            display.epoch = status.epoch;
            display.lease_left_us = status.until as i64 - status.now as i64;
            display.flows = status.flows;
        }
        if let Some(values) = self.driving("take a snapshot", |driver| driver.counters()) {
            display.rules = by_rule(&values.0, rules);
            display.counters = values.named().filter(|(_, value)| *value != 0).collect::<BTreeMap<_, _>>();
        }
        display
    }

    /// Runs one operation; a NIC that fails it counts as lost.
    fn driving<T, E: std::error::Error>(
        &mut self,
        what: &str,
        operate: impl FnOnce(&mut Nic<Box<dyn Device>>) -> Result<T, E>,
    ) -> Option<T> {
        match operate(self.driver.as_mut()?) {
            Ok(value) => Some(value),
            Err(error) => {
                warn!("NIC {} is lost: failed to {what}: {}", self.name, told(&error));
                self.lose();
                self.tried = Instant::now();
                None
            }
        }
    }

    fn lose(&mut self) {
        self.driver = None;
        if let Some(writing) = self.writing.take() {
            self.torn = true;
            self.broken_off = Some(writing.lost());
        }
    }
}

/// What was counted of rules, but for those of which nothing was.
fn by_rule(values: &[u64; counters::COUNTERS], rules: &[(usize, String)]) -> BTreeMap<String, RuleCounters> {
    let of = |(place, name): &(usize, String)| {
        let (accepted, dropped) = (values[counters::RULE_ACCEPTED + place], values[counters::RULE_DROPPED + place]);
        (name.clone(), RuleCounters { accepted, dropped })
    };
    rules.iter().map(of).filter(|(_, counted)| *counted != RuleCounters::default()).collect()
}

/// An error with its causes.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use weir_cluster::Step;
    use weir_cluster::flow_key::FlowKey;
    use weir_nic::sim::Sim;
    use weir_spec::flow::{Entry, FlowKind};
    use weir_spec::regs::{self, RegId};

    use super::*;

    const CONFIG: &str = r#"
[cluster]
vips = ["10.77.0.100"]
key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[host]
priority = 1
interface = "eth0"
nic = "sim"
"#;

    /// A NIC held as the configuration has it, that can be looked into.
    fn held() -> (Config, Sim, HeldNic) {
        let config = Config::parse(Path::new("weir.toml"), CONFIG).expect("a good configuration");
        let sim = Sim::new();
        let mut held = HeldNic::open(&config, resolve::macs(&config, Mac::default())).expect("a NIC");
        held.driver = Some(Nic::open(Box::new(sim.clone()) as Box<dyn Device>).expect("a NIC"));
        (config, sim, held)
    }

    /// An epoch without rules.
    fn step(deadline: NicTime) -> action::Program {
        action::Program {
            epoch: 0x101,
            step: Step::Own,
            rules: Vec::new(),
            default_rule: weir_spec::config::DefaultRule::default(),
            maps: Vec::new(),
            deadline,
            quiesce: false,
            flow_key: FlowKey::new([0xa5; 40]),
            staged: false,
        }
    }

    #[test]
    fn after_an_epoch_the_registers_of_the_nic_hold_the_flow_key() {
        let (config, sim, mut held) = held();
        assert_eq!(held.program(&config, &step(NicTime(0))), Some(true), "committed, with a deadline that is past");

        let expected = [0xa5; 40];
        let mut nic = sim.nic();
        let words = (0..regs::FLOW_KEY.count).map(|index| nic.read(regs::address(RegId::FlowKey, index)));
        let held: Vec<u8> = words.flat_map(|word| word.expect("a register").to_be_bytes()).collect();
        assert_eq!(held, expected);
        assert_eq!(nic.active().config().flow_key, expected, "in force, not only written");
    }

    #[test]
    fn a_fence_is_heeded_and_a_nic_that_another_reset_is_let_go() {
        let (config, sim, mut held) = held();
        let until = NicTime(held.now().nic.0 + 60_000_000);
        assert_eq!(held.program(&config, &step(until)), Some(false));
        assert!(!held.heed(), "it serves");
        sim.nic().set_time(until.0);
        assert!(held.heed(), "its lease is over");
        assert!(held.driver.is_some());
        sim.nic().reset();
        assert!(held.heed(), "a NIC that was reset is fenced");
        assert!(held.driver.is_none(), "and has to be taken anew");
    }

    #[test]
    fn what_is_counted_of_a_rule_goes_by_its_name() {
        let mut values = [0; counters::COUNTERS];
        (values[counters::RULE_ACCEPTED], values[counters::RULE_DROPPED]) = (7, 8);
        values[counters::RULE_ACCEPTED + 32] = 9;
        let rules = [(0, "all 8080 tcp".to_string()), (1, "all 80 tcp".into()), (32, "default".into())];
        let told = by_rule(&values, &rules);
        let counted = |accepted, dropped| RuleCounters { accepted, dropped };
        assert_eq!(told, BTreeMap::from([("all 8080 tcp".into(), counted(7, 8)), ("default".into(), counted(9, 0))]));
    }

    fn listing(id: u32, entries: u64) -> Listing {
        let entry = |number: u64| Entry { signature: number << 20 | number, vip: 0, kind: FlowKind::Foreign };
        Listing { id, clear: id == 1, remove: Vec::new(), add: (0..entries).map(entry).collect() }
    }

    #[test]
    fn between_two_slices_a_newer_listing_that_clears_takes_the_place_of_the_older() {
        let (_, sim, mut held) = held();
        held.slice = Duration::ZERO;
        assert_eq!(held.list(listing(1, 500)), None, "one entry a slice");
        assert_eq!(held.write_on(), None);
        let newer = Listing { id: 2, clear: true, ..listing(2, 1) };
        assert_eq!(held.list(newer), None);
        assert_eq!(held.write_on(), Some(Written { id: 2, refused: vec![] }));
        assert!(!held.is_writing());
        assert_eq!(sim.nic().flows().count(), 1);
    }

    #[test]
    fn a_nic_that_is_lost_between_two_slices_keeps_nothing_and_is_fenced_when_it_is_back() {
        let (config, sim, mut held) = held();
        let until = NicTime(held.now().nic.0 + 60_000_000);
        assert_eq!(held.program(&config, &step(until)), Some(false), "it serves");
        held.slice = Duration::ZERO;
        let asked = listing(1, 500);
        assert_eq!(held.list(asked.clone()), None);
        held.lose();
        assert!(held.is_writing(), "an answer is owed");
        assert_eq!(held.write_on(), Some(Written { id: 1, refused: asked.add }));
        assert!(!held.is_writing());
        // The same NIC is found again, as it was: half a listing in its table.
        held.take(Box::new(sim.clone())).expect("a NIC");
        assert!(held.renew(until), "fenced, so that the table is written anew");
        assert!(sim.nic().fenced());
    }
}
