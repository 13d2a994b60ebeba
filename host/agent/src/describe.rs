//! The state of the protocol in the words of the control socket.

use std::collections::BTreeMap;

use weir_cluster::Load;
use weir_cluster::staged::Announced;
use weir_cluster::status::{HostStatus, RuleStatus};
use weir_cluster::{Cause, Filtering, HostSet, PhaseKind, PortRule as ClusterRule, Status};
use weir_spec::rules::{Affinity, Protocol, VipSelect};

use crate::config::{Check, Config, Mode, PortRule, Probe};
use crate::control::{CheckDisplay, Display, HostDisplay, NicDisplay, Query};
use crate::neighbours::Speaker;

/// State and members.
pub(crate) fn query(config: &Config, status: &Status) -> Query {
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
        waited_for: waited_for(status),
        starts_in_ms: status.starts_in.map(|span| span / 1000),
        draining: status.draining,
        pins: status.pins,
        configuration: name(status.configuration),
        staged: status.staged.iter().map(|(host, staged)| (host.get(), name(*staged))).collect(),
        waits_for: status.waits_for.iter().map(|host| host.get()).collect(),
        no_room: status.no_room,
        drained: by_rule(config, status, |rule| rule.drained),
        unfit: by_rule(config, status, |rule| rule.unfit),
    }
}

fn waited_for(status: &Status) -> BTreeMap<u8, u64> {
    let hosts = status.hosts.iter();
    hosts.filter_map(|host| Some((host.host.get(), host.waited_for? / 1000))).collect()
}

/// Rules for which there are such hosts, with those.
fn by_rule(config: &Config, status: &Status, of: impl Fn(&RuleStatus) -> HostSet) -> BTreeMap<String, Vec<u8>> {
    let hosts = |rule: &RuleStatus| of(rule).iter().map(|host| host.get()).collect::<Vec<_>>();
    let rules = status.rules.iter().map(|rule| (slot_name(config, rule.rule.as_ref()), hosts(rule)));
    rules.filter(|(_, hosts)| !hosts.is_empty()).collect()
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
pub(crate) fn display(
    config: &Config,
    status: &Status,
    nic: NicDisplay,
    speaker: &Speaker,
    checks: Vec<CheckDisplay>,
) -> Display {
    Display {
        query: query(config, status),
        cluster: config.cluster.name.clone(),
        vips: config.cluster.vips.iter().map(|vip| vip.to_string()).collect(),
        cluster_mac: speaker.cluster.to_string(),
        masked_mac: speaker.source.to_string(),
        period_ms: config.cluster.period_us / 1000,
        tolerance: config.cluster.tolerance,
        rules: config.rules.iter().map(|rule| describe_rule(config, rule, status)).collect(),
        checks,
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

/// A rule as it is configured, and what a command has made of it since.
fn describe_rule(config: &Config, rule: &PortRule, status: &Status) -> String {
    let name = rule_name(config, rule);
    let mut text = format!("{name} {}", mode(&rule.mode));
    let slot = status.rules.iter().find(|slot| slot.rule.is_some() && slot_name(config, slot.rule.as_ref()) == name);
    if let (Some(slot), Mode::Multiple { weight, .. }) = (slot, &rule.mode)
        && let Some(Filtering::Multiple(load)) = slot.rule.map(|rule| rule.filtering)
        && load != weight.map_or(Load::Equal, Load::Weight)
    {
        text += &match load {
            Load::Equal => ", equal load by command".into(),
            Load::Weight(weight) => format!(", weight {weight} by command"),
        };
    }
    if slot.is_some_and(|slot| slot.drained.contains(status.host)) {
        text += ", drained here";
    }
    text
}

/// What a rule of the protocol is for; `None`: the default rule. The same words as [`rule_name`].
pub(crate) fn slot_name(config: &Config, rule: Option<&ClusterRule>) -> String {
    rule.map_or("default".into(), |rule| name_of(config, rule.vip, (rule.first_port, rule.last_port), rule.protocol))
}

/// What a rule is for.
pub(crate) fn rule_name(config: &Config, rule: &PortRule) -> String {
    name_of(config, rule.vip, (rule.first_port, rule.last_port), rule.protocol)
}

fn name_of(config: &Config, vip: VipSelect, (first, last): (u16, u16), protocol: Protocol) -> String {
    let vip = match vip {
        VipSelect::All => "all".to_string(),
        VipSelect::One(index) => match config.cluster.vips.get(usize::from(index)) {
            Some(vip) => vip.to_string(),
            None => format!("virtual IP {index}"),
        },
    };
    let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
    let protocol = match protocol {
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

/// What is done to see whether a service is fit, and how often.
pub(crate) fn check(check: &Check) -> String {
    let probe = match &check.probe {
        Probe::Tcp(to) => format!("tcp {to}"),
        Probe::Http { to, path, host, status: (first, last) } => {
            let host = if *host == to.to_string() { String::new() } else { format!(" as {host}") };
            format!("http://{to}{path}{host}, status {first}-{last}")
        }
        Probe::Command(words) => format!("command {}", words.join(" ")),
    };
    let netns = check.netns.as_ref().map(|path| format!(" in {}", path.display())).unwrap_or_default();
    let none_fit = if check.last_resort { "" } else { ", refuses while none is fit" };
    let (interval, timeout) = (check.interval.as_millis(), check.timeout.as_millis());
    let Check { rise, fall, .. } = check;
    format!("{probe}{netns}, every {interval} ms within {timeout} ms, rise {rise}, fall {fall}{none_fit}")
}

/// The name of a configuration.
pub(crate) fn name(name: Announced) -> String {
    name.iter().map(|octet| format!("{octet:02x}")).collect()
}
