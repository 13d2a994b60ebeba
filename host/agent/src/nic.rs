//! The NIC as the daemon holds it.
//!
//! A NIC may go: a card is reset, a device model is restarted. The daemon then goes on without it, owns nothing, and
//! looks for it again; its lease protects the cluster meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tracing::{info, warn};
use weir_cluster::{NicTime, Now, action};
use weir_nic::driver::Renewal;
use weir_nic::{Device, Nic, Selector};
use weir_spec::egress::Masking;

use crate::clock;
use crate::config::Config;
use crate::control::NicDisplay;
use crate::daemon::AgentError;
use crate::resolve;

/// Between two attempts to find a lost NIC again.
const RETRY: Duration = Duration::from_millis(500);

/// A NIC, or the memory of one.
pub(crate) struct HeldNic {
    selector: Selector,
    name: String,
    masking: Masking,
    driver: Option<Nic<Box<dyn Device>>>,
    last_time: NicTime,
    tried: Instant,
}

impl HeldNic {
    /// Opens the NIC that the configuration names. Whatever it may have in force stays so.
    pub(crate) fn open(config: &Config) -> Result<HeldNic, AgentError> {
        let selector: Selector = config.host.nic.parse()?;
        let (cluster, masked) = resolve::macs(config);
        let mut held = HeldNic {
            selector,
            name: config.host.nic.clone(),
            masking: Masking { enabled: true, cluster, masked },
            driver: None,
            last_time: NicTime::default(),
            tried: Instant::now(),
        };
        held.attach()?;
        Ok(held)
    }

    fn attach(&mut self) -> Result<(), AgentError> {
        self.tried = Instant::now();
        let mut driver = Nic::open(self.selector.open()?)?;
        driver.set_masking(&self.masking)?;
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

    /// Moves the deadline; true if the NIC says that it is fenced instead.
    pub(crate) fn renew(&mut self, until: NicTime) -> bool {
        self.driving("renew the lease", |driver| driver.renew(until.0)) == Some(Renewal::Fenced)
    }

    /// What is known of it.
    pub(crate) fn display(&mut self) -> NicDisplay {
        let mut display = NicDisplay { selector: self.name.clone(), ..NicDisplay::default() };
        if let Some(status) = self.driving("read the status", |driver| driver.status()) {
            display.epoch = status.epoch;
            display.lease_left_us = status.until as i64 - status.now as i64;
            display.flows = status.flows;
        }
        if let Some(values) = self.driving("take a snapshot", |driver| driver.counters()) {
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
                let mut causes = error.to_string();
                let mut cause = error.source();
                while let Some(deeper) = cause {
                    causes += &format!(": {deeper}");
                    cause = deeper.source();
                }
                warn!("NIC {} is lost: failed to {what}: {causes}", self.name);
                self.driver = None;
                self.tried = Instant::now();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use weir_cluster::{Step, flow_key};
    use weir_nic::sim::Sim;
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

    #[test]
    fn after_an_epoch_the_registers_of_the_nic_hold_the_flow_key() {
        let config = Config::parse(Path::new("weir.toml"), CONFIG).expect("a good configuration");
        let sim = Sim::new();
        let mut held = HeldNic::open(&config).expect("a NIC");
        held.driver = Some(Nic::open(Box::new(sim.clone()) as Box<dyn Device>).expect("a NIC that can be looked into"));
        let step = action::Program {
            epoch: 0x101,
            step: Step::Own,
            rules: Vec::new(),
            default_rule: weir_spec::config::DefaultRule::default(),
            maps: Vec::new(),
            deadline: NicTime(0),
        };
        assert_eq!(held.program(&config, &step), Some(true), "committed, with a deadline that is past");

        let expected = flow_key::derive(&config.cluster.keys[0].1, config.cluster.primary);
        let mut nic = sim.nic();
        let words = (0..regs::FLOW_KEY.count).map(|index| nic.read(regs::address(RegId::FlowKey, index)));
        let held: Vec<u8> = words.flat_map(|word| word.expect("a register").to_be_bytes()).collect();
        assert_eq!(held, expected);
        assert_eq!(nic.active().config().flow_key, expected, "in force, not only written");
    }
}
