//! The state of the protocol in the words of the control socket.

use std::collections::BTreeMap;

use weir_cluster::staged::Announced;
use weir_cluster::status::{HostStatus, RuleStatus};
use weir_cluster::{Cause, Filtering, PhaseKind, Status};
use weir_spec::rules::{Affinity, Protocol, VipSelect};

use crate::config::{Config, Mode, PortRule};
use crate::control::{Display, HostDisplay, NicDisplay, Query};
use crate::neighbours::Speaker;

/// State and members.
pub(crate) fn query(status: &Status) -> Query {
    let shared = |rule: &&RuleStatus| rule.rule.is_some_and(|rule| matches!(rule.filtering, Filtering::Multiple(_)));
    let buckets = status.rules.iter().find(shared).map(|rule| &rule.buckets);
    Query {
        host: status.host.get(),
        state: state(status.phase).into(),
        default: status.default_host == Some(status.host),
        members: status.members.iter().map(|host| host.get()).collect(),
        cause: (status.phase != PhaseKind::Stable && status.cause != Cause::None).then(|| status.cause.to_string()),
        epoch: if status.epoch.is_none() { String::new() } else { status.epoch.to_string() },
        buckets: buckets
            .into_iter()
            .flatten()
            .map(|(host, count)| (host.get(), u32::from(*count)))
            .collect::<BTreeMap<_, _>>(),
        convergences: status.convergences.into(),
        fenced: status.fenced,
        draining: status.draining,
        pins: status.pins,
        configuration: name(status.configuration),
        staged: status.staged.iter().map(|(host, staged)| (host.get(), name(*staged))).collect(),
        waits_for: status.waits_for.iter().map(|host| host.get()).collect(),
        no_room: status.no_room,
    }
}

/// The states of `query`: what lies between them is converging.
fn state(phase: PhaseKind) -> &'static str {
    match phase {
        PhaseKind::Stopped | PhaseKind::Leaving => "stopped",
        PhaseKind::Listening => "listening",
        PhaseKind::Agreeing | PhaseKind::Loaded | PhaseKind::Listed | PhaseKind::Released => "converging",
        PhaseKind::Stable => "converged",
    }
}

/// Everything.
pub(crate) fn display(config: &Config, status: &Status, nic: NicDisplay, speaker: &Speaker) -> Display {
    Display {
        query: query(status),
        cluster: config.cluster.name.clone(),
        vips: config.cluster.vips.iter().map(|vip| vip.to_string()).collect(),
        cluster_mac: speaker.cluster.to_string(),
        masked_mac: speaker.source.to_string(),
        period_ms: config.cluster.period_us / 1000,
        tolerance: config.cluster.tolerance,
        rules: config.rules.iter().map(|rule| describe_rule(config, rule)).collect(),
        hosts: status.hosts.iter().map(describe_host).collect(),
        nic,
        heartbeats: status.frames.iter().map(|(kind, count)| (format!("{kind:?}").to_lowercase(), *count)).collect(),
    }
}

fn describe_host(status: &HostStatus) -> HostDisplay {
    let told = status.phase != PhaseKind::Stable && status.cause != Cause::None;
    HostDisplay {
        host: status.host.get(),
        ip: status.ip.to_string(),
        state: state(status.phase).into(),
        cause: told.then(|| status.cause.to_string()),
        member: status.member,
        fenced: status.fenced,
        silent_ms: status.silent / 1000,
        hears_this: status.hears_us,
        differs: status.mismatch.map(|difference| difference.to_string()),
    }
}

fn describe_rule(config: &Config, rule: &PortRule) -> String {
    format!("{} {}", rule_name(config, rule), mode(&rule.mode))
}

/// What a rule is for.
pub(crate) fn rule_name(config: &Config, rule: &PortRule) -> String {
    let vip = match rule.vip {
        VipSelect::All => "all".to_string(),
        VipSelect::One(index) => config.cluster.vips[usize::from(index)].to_string(),
    };
    let ports = if rule.first_port == rule.last_port {
        rule.first_port.to_string()
    } else {
        format!("{}-{}", rule.first_port, rule.last_port)
    };
    let protocol = match rule.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Both => "both",
    };
    format!("{vip} {ports} {protocol}")
}

/// What becomes of what a rule is for.
pub(crate) fn mode(mode: &Mode) -> String {
    match mode {
        Mode::Multiple { affinity, weight } => {
            let affinity = match affinity {
                Affinity::None => "none",
                Affinity::Single => "single",
                Affinity::Network => "network",
            };
            match weight {
                None => format!("multiple, affinity {affinity}, equal load"),
                Some(weight) => format!("multiple, affinity {affinity}, weight {weight}"),
            }
        }
        Mode::Single { priority } => format!("single, priority {priority}"),
        Mode::Disabled => "disabled".into(),
    }
}

/// The name of a configuration.
pub(crate) fn name(name: Announced) -> String {
    name.iter().map(|octet| format!("{octet:02x}")).collect()
}
