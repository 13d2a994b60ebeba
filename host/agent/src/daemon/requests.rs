//! What `weir` asks over the control socket, carried out.

mod by_rule;

use std::io;

use weir_cluster::{Event, Load, PhaseKind};

use self::by_rule::Asking;
use super::Daemon;
use crate::config::{Config, ConfigError};
use crate::control::{Answer, Request};
use crate::error::AgentError;
use crate::health::Begin;
use crate::nic::told;
use crate::server::Asked;
use crate::{describe, reload, resolve};

impl Daemon {
    pub(super) fn answer(&mut self, asked: Asked) -> Result<(), AgentError> {
        let now = self.nic.now();
        let status = self.node.status(now);
        let stopped = status.phase == PhaseKind::Stopped;
        let answer = match asked.request {
            Request::Query => Answer::Query(Box::new(describe::query(&self.config, &status))),
            Request::Display => {
                let rules = describe::nic_rules(&self.config, &status);
                let (nic, checks) = (self.nic.display(&rules), self.health.display());
                Answer::Display(Box::new(describe::display(&self.config, &status, nic, &self.speaker, checks)))
            }
            Request::Start if status.draining => {
                self.handle(Event::SetDrain { slot: None, drain: false });
                Answer::Done
            }
            Request::Start if !stopped => Answer::Already { state: "started".into() },
            Request::Stop if stopped => Answer::Already { state: "stopped".into() },
            Request::Start => {
                self.start()?;
                Answer::Done
            }
            Request::Stop => {
                self.handle(Event::Stop);
                Answer::Done
            }
            Request::Drainstop | Request::Drain { .. } | Request::Enable { .. } if stopped => {
                Answer::Already { state: "stopped".into() }
            }
            Request::Drainstop if status.draining => Answer::Already { state: "draining".into() },
            Request::Drainstop => {
                self.handle(Event::DrainStop);
                Answer::Done
            }
            Request::Restart { .. } if stopped => Answer::Already { state: "stopped".into() },
            Request::Restart { absence } => match self.may_end_for_the_next(absence) {
                Err(message) => Answer::Refused { message },
                Ok(()) => {
                    self.give_way_soon(true, absence);
                    Answer::Done
                }
            },
            Request::Drain { rule } => self.carry_out(|asking| asking.drain(&status, rule)),
            Request::Enable { rule } => self.carry_out(|asking| asking.enable(&status, rule)),
            Request::Reload { dry_run } => self.reload_file(dry_run),
            Request::Withdraw => self.withdraw(),
            Request::Weight { weight: Some(weight), .. } if weight > 100 => {
                Answer::Refused { message: format!("weight is {weight}, should be 0 to 100") }
            }
            Request::Weight { rule, weight } => {
                let load = weight.map_or(Load::Equal, Load::Weight);
                self.carry_out(|asking| asking.weigh(&status, rule, load))
            }
        };
        // Whoever asked may have gone meanwhile.
        let _ = asked.reply.send(answer);
        Ok(())
    }

    fn may_end_for_the_next(&mut self, absence: Option<u16>) -> Result<(), String> {
        self.next_may_start().map_err(|reason| format!("the agent would not start again: {reason}"))?;
        absence.map_or(Ok(()), |seconds| self.may_be_absent(seconds))
    }

    fn may_be_absent(&mut self, seconds: u16) -> Result<(), String> {
        if self.config.host.nic.starts_with("vfio:") {
            let nic = &self.config.host.nic;
            return Err(format!("{nic} is reset by the kernel when its agent ends, however long the others wait"));
        }
        self.node.may_be_absent(self.nic.now(), seconds).map_err(|error| error.to_string())
    }

    /// Reads the configuration file anew, unasked: one that is not there is refused like any other.
    pub(super) fn reload(&mut self) -> Answer {
        match self.reload_file(false) {
            Answer::NotFound { message } => Answer::Refused { message },
            answer => answer,
        }
    }

    fn reload_file(&mut self, dry_run: bool) -> Answer {
        match Config::load(&self.config.path) {
            Ok(config) => self.take_up(config, dry_run),
            Err(error) => not_read(&error),
        }
    }

    /// Takes what was edited before this process went on from the one before. What is this host's own it has by that, and a load
    /// that a command has set stays, unless the file's was edited.
    pub(super) fn take(&mut self, config: Config) -> Answer {
        if reload::is_taken(&config, &self.node) {
            return Answer::Already { state: "in force".into() };
        }
        self.take_up(config, false)
    }

    /// Takes another configuration, or only says what would become of it.
    fn take_up(&mut self, config: Config, dry_run: bool) -> Answer {
        let plan = match reload::plan(&self.config, config, &self.node, self.nic.now()) {
            Ok(plan) => plan,
            Err(message) => return Answer::Refused { message },
        };
        let answer = Answer::Reload(plan.told());
        if dry_run || plan.change == weir_cluster::Change::Nothing {
            return answer;
        }
        if plan.protocol.digest() == self.node.config().digest() {
            self.staged = None;
            self.connections.staged = None;
            self.config = plan.config;
            self.connections.wait_for_cookies(&self.config);
        } else {
            self.connections.staged = Some(resolve::sorter(&plan.config, plan.protocol.slots()));
            self.staged = Some(plan.config);
        }
        self.handle(Event::Configure(Box::new(plan.protocol)));
        if self.staged.is_none() {
            self.watch(|node, slot| Begin::As(node.fitness(slot)));
        }
        answer
    }

    /// Takes back what is staged.
    fn withdraw(&mut self) -> Answer {
        if self.staged.is_none() {
            return Answer::Already { state: "without a staged configuration".into() };
        }
        if self.node.is_being_put_in_force() {
            let message = "the staged configuration is being put in force at this moment: stage the one before instead";
            return Answer::Refused { message: message.into() };
        }
        self.handle(Event::Withdraw);
        self.staged = None;
        self.connections.staged = None;
        Answer::Done
    }

    /// What was staged is in force.
    pub(super) fn activate(&mut self) {
        if let Some(config) = self.staged.take() {
            self.speaker.vips.clone_from(&config.cluster.vips);
            self.config = config;
            self.connections.wait_for_cookies(&self.config);
        }
        if let Some(sorter) = self.connections.staged.take() {
            self.connections.sorter = sorter;
        }
        let slots = self.node.config().slots();
        self.health.watch(&self.config, &slots, |slot| Begin::As(self.node.fitness(slot)));
    }

    /// Carries out what concerns one rule, or all.
    fn carry_out(&mut self, order: impl FnOnce(Asking<'_>) -> Result<Event, Answer>) -> Answer {
        match order(Asking { config: &self.config, sorter: &self.connections.sorter }) {
            Ok(event) => {
                self.handle(event);
                Answer::Done
            }
            Err(answer) => answer,
        }
    }
}

/// The answer where a file, or one that it names, could not be read.
fn not_read(error: &ConfigError) -> Answer {
    let message = told(error);
    match error {
        ConfigError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => Answer::NotFound { message },
        _ => Answer::Refused { message },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_that_is_gone_is_not_found_and_a_wrong_one_is_refused() {
        let gone = Config::load(Path::new("/nowhere/weir.toml")).expect_err("there is none");
        assert!(matches!(not_read(&gone), Answer::NotFound { message } if message.contains("/nowhere/weir.toml")));
        let folder = Config::load(Path::new("/")).expect_err("no file");
        assert!(matches!(not_read(&folder), Answer::Refused { .. }));
        let wrong = Config::parse(Path::new("weir.toml"), "cluster = 7").expect_err("no configuration");
        assert!(matches!(not_read(&wrong), Answer::Refused { .. }));
    }
}
