//! Health checks: whether the services behind the rules are fit on this host.
//!
//! Threads [look](probe), the daemon [judges](judge), and tells the protocol when a service has fallen or risen. What an operator
//! sets is another matter: neither overrules the other.
//!
//! A service that is not known yet counts as unfit until its first probe, so that a host does not take connections which nothing
//! answers. Where an agent serves already, as when a check is added by a reload, its services count as fit until they have
//! failed as often as they may.

pub(crate) mod answer;
mod command;
mod judge;
mod probe;
mod worker;

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::{info, warn};
use weir_cluster::{Fitness, PortRule as ClusterRule};

use crate::config::{Check, Config};
use crate::control::CheckDisplay;
use crate::describe;
use judge::{Judge, State};
use worker::Worker;

/// A check that has said nothing for so much longer than it may take hangs, and has failed.
const OVERDUE: Duration = Duration::from_secs(1);

/// What is known of a service that is new to the daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begin {
    /// Nothing: the host serves nothing yet.
    Unknown,
    /// What it was, as the protocol has it.
    As(Fitness),
}

/// One look at a service.
#[derive(Debug)]
pub(crate) struct Look {
    /// Of which check.
    number: u64,
    /// Why it failed, if it did.
    failed: Option<String>,
}

/// A service under watch.
struct Service {
    rule: String,
    slot: usize,
    check: Check,
    judge: Judge,
    /// When it came to be what it is.
    since: Instant,
    /// Why the last look failed, if it did.
    failed: Option<String>,
    /// Names its looks: those of a check that was replaced are not heard.
    number: u64,
    heard: Instant,
    /// `None` if the kernel gave no thread.
    worker: Option<Worker>,
}

/// All services under watch.
pub(crate) struct Health {
    services: Vec<Service>,
    slots: usize,
    numbers: u64,
    tell: UnboundedSender<Look>,
    looks: UnboundedReceiver<Look>,
}

impl Default for Health {
    fn default() -> Health {
        let (tell, looks) = unbounded_channel();
        Health { services: Vec::new(), slots: 0, numbers: 0, tell, looks }
    }
}

impl Health {
    /// Watches what `config` says, whose rules have these slots. What is watched already stays what it is; what is new begins
    /// as `begin` says of its slot.
    pub(crate) fn watch(&mut self, config: &Config, slots: &[ClusterRule], begin: impl Fn(usize) -> Begin) {
        let named = |slot: &ClusterRule| describe::slot_name(config, Some(slot));
        let of_rules = config.rules.iter().filter_map(|rule| {
            let name = describe::rule_name(config, rule);
            let slot = slots.iter().position(|slot| named(slot) == name)?;
            Some((slot, name, rule.check.clone()?))
        });
        let of_the_rest =
            config.default_check.clone().map(|check| (slots.len(), describe::slot_name(config, None), check));
        let wanted: Vec<_> = of_rules.chain(of_the_rest).collect();
        let mut before = std::mem::take(&mut self.services);
        self.slots = slots.len() + 1;
        for (slot, rule, check) in wanted {
            let known = before.iter().position(|service| service.rule == rule).map(|at| before.swap_remove(at));
            let service = match known {
                Some(service) if service.check == check => Service { slot, ..service },
                Some(service) => {
                    let judge = Judge::new(service.judge.state);
                    let (number, worker) = self.start(&check, &rule);
                    Service { slot, check, judge, number, worker, heard: Instant::now(), ..service }
                }
                None => {
                    let state = match begin(slot) {
                        Begin::Unknown => State::Unknown,
                        Begin::As(Fitness::Fit) => State::Fit,
                        Begin::As(_) => State::Unfit,
                    };
                    let (number, worker) = self.start(&check, &rule);
                    let (judge, now) = (Judge::new(state), Instant::now());
                    Service { rule, slot, check, judge, since: now, failed: None, number, heard: now, worker }
                }
            };
            self.services.push(service);
        }
    }

    fn start(&mut self, check: &Check, rule: &str) -> (u64, Option<Worker>) {
        self.numbers += 1;
        let (number, tell) = (self.numbers, self.tell.clone());
        let worker = Worker::start(check.clone(), move |looked| {
            // The daemon has gone: so will this thread.
            let _ = tell.send(Look { number, failed: looked.err().map(|failure| failure.to_string()) });
        });
        let worker = worker.map_err(|error| warn!("rule {rule}: failed to start a thread for its check: {error}"));
        (number, worker.ok())
    }

    /// The next look at any service; never, if none is watched.
    pub(crate) async fn look(&mut self) -> Look {
        match self.looks.recv().await {
            Some(look) => look,
            // It holds a sender itself.
            None => std::future::pending().await,
        }
    }

    /// Hears of a look; whether a service has fallen or risen by it.
    pub(crate) fn hear(&mut self, look: Look) -> bool {
        let service = self.services.iter_mut().find(|service| service.number == look.number);
        service.is_some_and(|service| service.hear(look.failed))
    }

    /// Looks that have not come back count as failed; whether a service has fallen by that.
    pub(crate) fn miss(&mut self) -> bool {
        let mut fell = false;
        for service in &mut self.services {
            let longest = service.check.interval + service.check.timeout + OVERDUE;
            if service.heard.elapsed() > longest {
                fell |= service.hear(Some("the check hangs".into()));
            }
        }
        fell
    }

    /// Slot by slot, what the protocol is to know.
    pub(crate) fn fitness(&self) -> Vec<Fitness> {
        let mut fitness = vec![Fitness::Fit; self.slots];
        for service in &self.services {
            fitness[service.slot] = match service.judge.state {
                State::Fit => Fitness::Fit,
                State::Unknown | State::Unfit if service.check.last_resort => Fitness::LastResort,
                State::Unknown | State::Unfit => Fitness::Unfit,
            };
        }
        fitness
    }

    /// For people.
    pub(crate) fn display(&self) -> Vec<CheckDisplay> {
        self.services.iter().map(Service::display).collect()
    }

    /// Ends all checks, before this process ends or becomes another one: no command outlives it.
    pub(crate) fn end(&mut self) {
        self.services.drain(..).filter_map(|service| service.worker).for_each(Worker::end);
    }
}

impl Service {
    fn hear(&mut self, failed: Option<String>) -> bool {
        self.heard = Instant::now();
        self.failed = failed;
        let turned = self.judge.hear(self.failed.is_none(), &self.check);
        if turned {
            self.since = self.heard;
            match &self.failed {
                None => info!("rule {} is fit: {}", self.rule, describe::check(&self.check)),
                Some(failed) => warn!("rule {} is unfit: {failed}; {}", self.rule, describe::check(&self.check)),
            }
        }
        turned
    }

    fn display(&self) -> CheckDisplay {
        let state = match self.judge.state {
            State::Unknown => "not known yet",
            State::Fit => "fit",
            State::Unfit => "unfit",
        };
        CheckDisplay {
            rule: self.rule.clone(),
            check: describe::check(&self.check),
            state: state.into(),
            failed: self.failed.clone(),
            since_ms: self.since.elapsed().as_millis() as u64,
        }
    }
}

#[cfg(test)]
mod tests;
