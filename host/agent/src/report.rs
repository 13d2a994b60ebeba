//! What an operator should know, as log lines.

use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};
use weir_cluster::{Cause, HostId, Report};

use crate::describe;

/// The least time between two lines about the same nuisance: anybody on the wire can cause some of them at will.
const QUIET: Duration = Duration::from_secs(10);

/// Tells reports, the repeated nuisances among them seldom.
#[derive(Default)]
pub(crate) struct Teller {
    told: Vec<(Discriminant<Report>, Instant, u64)>,
}

impl Teller {
    /// Tells one report, unless it repeats a nuisance too soon.
    pub(crate) fn tell(&mut self, report: &Report) {
        let nuisance = matches!(
            report,
            Report::Unauthenticated { .. }
                | Report::NicFailed
                | Report::Foreign { .. }
                | Report::DuplicatePriority
                | Report::Mismatch { .. }
        );
        if !nuisance {
            return tell(report);
        }
        let kind = discriminant(report);
        match self.told.iter_mut().find(|(known, ..)| *known == kind) {
            None => self.told.push((kind, Instant::now(), 0)),
            Some((_, since, left_out)) if since.elapsed() < QUIET => {
                *left_out += 1;
                return;
            }
            Some((_, since, left_out)) => {
                if *left_out > 0 {
                    info!("{left_out} lines like the next were left out");
                }
                (*since, *left_out) = (Instant::now(), 0);
            }
        }
        tell(report);
    }
}

/// Tells one report.
fn tell(report: &Report) {
    match *report {
        Report::Started => info!("started: listening before anything else"),
        Report::Stopped => info!("stopped: this host owns nothing"),
        Report::Heard { host } => info!("host {host} is heard"),
        Report::Lost { host, cause } => warn!("host {host} is out: {cause}"),
        Report::Proposed { epoch, view, moved } => info!("proposing epoch {epoch} for {view}: {moved} buckets move"),
        Report::Converging { cause, host } => info!("converging: {}", because(cause, host)),
        Report::Converged { epoch, members, default_host } => {
            info!("converged with {members} in epoch {epoch}; default host {default_host}");
        }
        Report::Fenced => warn!("the NIC is fenced: it accepts nothing through rules"),
        Report::Unfenced => info!("the NIC accepts again"),
        Report::Resumed { late } => warn!("the clock jumped by {} ms: listening anew", late / 1000),
        Report::Foreign { priority } => {
            error!(
                "a Windows NLB host (priority {priority}) uses this cluster IP: nobody new converges while it is there"
            );
        }
        Report::DuplicatePriority => error!("another host has this host's priority: host.priority must be unique"),
        Report::Mismatch { host, difference } => {
            error!("host {host} cannot converge with this one: {}: {difference}", difference.cause());
        }
        Report::Unauthenticated { priority } => {
            warn!("heartbeats that no key opens, as if from host {priority}: is cluster.key the same on every host?");
        }
        Report::Draining { connections } => {
            info!("{connections} connections go on here in buckets that are others' now")
        }
        Report::Drained => info!("the last of the connections that went on here has ended"),
        Report::Quiescing { settle } => {
            info!(
                "SYN cookies were sent of late: buckets that leave take no new connections for {} ms first",
                settle / 1000
            );
        }
        Report::Superseded { connections } => {
            warn!(
                "{connections} connections were answered by other hosts while this one was left out, or may have been: they are ended here"
            )
        }
        Report::DrainLimit { connections } => warn!("the drain limit ends {connections} connections"),
        Report::NoneFit { rule, taken } => {
            let rule = match rule {
                Some(rule) => format!("the rule of ports {}-{}", rule.first_port, rule.last_port),
                None => "the default rule".into(),
            };
            let taken = if taken { "unfit hosts take it as a last resort" } else { "nobody takes it" };
            error!("no host is fit for {rule}: {taken}");
        }
        Report::Waits { host, seconds } => info!("host {host} will be absent, and is waited for: {seconds} s"),
        Report::Back { host } => info!("host {host} is not absent any more"),
        Report::Deferred { span } => {
            warn!(
                "this host takes part in {:.1} s: the agent before has promised to wait for one that is absent",
                span as f32 / 1e6
            );
        }
        Report::KeyHasNoRoom => {
            warn!(
                "the flow key stays what it was: while it changes the flow table has to have room for all connections twice"
            );
        }
        Report::Held { buckets } => warn!("{buckets} buckets stay: a flow table has no room for their connections"),
        Report::Staged { name } => {
            info!("configuration {} is staged: it comes into force when all members have it", describe::name(name));
        }
        Report::Withdrawn => info!("the configuration that was staged is taken back"),
        Report::NoRoom => {
            warn!("the staged configuration is not announced any more: a flow table has no room for its connections");
        }
        Report::Reconfigured => info!("the configuration that was staged is in force"),
        Report::NicFailed => error!("the NIC did not take an epoch: this host owns nothing"),
    }
}

/// Why a host converges. Parameters that differ are those of a host; else they were changed, as they may be.
fn because(cause: Cause, host: Option<HostId>) -> String {
    match (cause, host) {
        (Cause::Parameters, None) => describe::MODIFIED.into(),
        (cause, None) => cause.to_string(),
        (cause, Some(host)) => format!("{cause}, host {host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_change_is_told_as_one_and_a_host_that_differs_with_its_number() {
        assert_eq!(because(Cause::Parameters, None), "modified parameters (an ordinary change)");
        assert_eq!(because(Cause::Parameters, HostId::new(3)), "different parameters, host 3");
        assert_eq!(because(Cause::Listening, None), "listening");
    }
}
