//! The state of the protocol in the words of the control socket.

use std::collections::BTreeMap;

use weir_cluster::Load;
use weir_cluster::staged::Announced;
use weir_cluster::status::{HostStatus, RuleStatus};
use weir_cluster::wire::codes;
use weir_cluster::{Cause, Filtering, HostSet, PhaseKind, PortRule as ClusterRule, Status};
use weir_spec::rules::{Affinity, DEFAULT_RULE, Protocol, VipSelect};

use crate::config::{Check, Config, Mode, PortRule, Probe};
use crate::control::{CheckDisplay, Display, HostDisplay, NicDisplay, Query};
use crate::neighbours::Speaker;

/// What Parameters means where nobody differs: a load, a drain, a check or the configuration was changed.
pub(crate) const MODIFIED: &str = "modified parameters (an ordinary change)";

/// State and members.
pub(crate) fn query(config: &Config, status: &Status) -> Query {
    let shared = |rule: &&RuleStatus| rule.rule.is_some_and(|rule| matches!(rule.filtering, Filtering::Multiple(_)));
    let shares = |rule: &RuleStatus| -> BTreeMap<u8, u32> {
        rule.buckets.iter().map(|(host, count)| (host.get(), u32::from(*count))).collect()
    };
    let named = |rule: &RuleStatus| (slot_name(config, rule.rule.as_ref()), shares(rule));
    let own = status.hosts.iter().find(|host| host.host == status.host);
    Query {
        host: status.host.get(),
        state: state(status.phase).into(),
        default: status.default_host == Some(status.host),
        members: status.members.iter().map(|host| host.get()).collect(),
        cause: own.and_then(|own| cause(status, own)),
        epoch: if status.epoch.is_none() { String::new() } else { status.epoch.to_string() },
        buckets: status.rules.iter().find(shared).map(shares).unwrap_or_default(),
        buckets_by_rule: status.rules.iter().filter(shared).map(named).collect(),
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
        hosts: status.hosts.iter().map(|host| describe_host(status, host)).collect(),
        nic,
        heartbeats: status.frames.iter().map(|(kind, count)| (format!("{kind:?}").to_lowercase(), *count)).collect(),
    }
}

fn describe_host(status: &Status, host: &HostStatus) -> HostDisplay {
    HostDisplay {
        host: host.host.get(),
        ip: host.ip.to_string(),
        state: state(host.phase).into(),
        cause: cause(status, host),
        member: host.member,
        fenced: host.fenced,
        silent_ms: host.silent / 1000,
        hears_this: host.hears_us,
        differs: host.mismatch.map(|difference| difference.to_string()),
    }
}

/// Why a host does not converge, in words. A heartbeat has one number for parameters that differ and for those that were changed.
/// Members have those of a host that differs only if it was a member, too; all others are kept out by it.
fn cause(status: &Status, host: &HostStatus) -> Option<String> {
    let told = host.phase != PhaseKind::Stable && host.cause != Cause::None;
    let differs = |host: &HostStatus| host.mismatch.is_some_and(|differs| differs.cause() == Cause::Parameters);
    let in_the_way = |other: &HostStatus| differs(other) && (other.member || !host.member);
    told.then(|| match host.cause {
        Cause::Parameters if !differs(host) && !status.hosts.iter().any(in_the_way) => MODIFIED.into(),
        cause => cause.to_string(),
    })
}

/// The places at which a NIC counts rules, with the names of those: it has rules of one virtual IP before those of all.
pub(crate) fn nic_rules(config: &Config, status: &Status) -> Vec<(usize, String)> {
    let mut rules: Vec<&ClusterRule> = status.rules.iter().filter_map(|slot| slot.rule.as_ref()).collect();
    rules.sort_by_key(|rule| rule.vip == VipSelect::All);
    let names = rules.into_iter().map(|rule| slot_name(config, Some(rule))).enumerate();
    names.chain([(usize::from(DEFAULT_RULE), slot_name(config, None))]).collect()
}

/// This host's load in a rule, if a command has made it another one than is configured.
pub(crate) fn by_command(config: &Config, rule: &PortRule, status: &Status) -> Option<Load> {
    let Mode::Multiple { weight, .. } = rule.mode else { return None };
    match codes::decode_weight(slot(config, rule, status)?.weight)? {
        Filtering::Multiple(load) => Some(load).filter(|load| *load != weight.map_or(Load::Equal, Load::Weight)),
        Filtering::Single(_) | Filtering::Disabled => None,
    }
}

/// What the protocol knows of a rule.
fn slot<'a>(config: &Config, rule: &PortRule, status: &'a Status) -> Option<&'a RuleStatus> {
    let name = rule_name(config, rule);
    status.rules.iter().find(|slot| slot.rule.is_some() && slot_name(config, slot.rule.as_ref()) == name)
}

/// A rule as it is configured, and what a command has made of it since.
fn describe_rule(config: &Config, rule: &PortRule, status: &Status) -> String {
    let name = rule_name(config, rule);
    let mut text = format!("{name} {}", mode(&rule.mode));
    match by_command(config, rule, status) {
        None => {}
        Some(Load::Equal) => text += ", equal load by command",
        Some(Load::Weight(weight)) => text += &format!(", weight {weight} by command"),
    }
    if slot(config, rule, status).is_some_and(|slot| slot.drained.contains(status.host)) {
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use weir_cluster::{Action, Difference, Event, HostId, HostTime, NicTime, Node, Now};
    use weir_spec::mac::Mac;

    use super::*;
    use crate::resolve;

    const TEXT: &str = r#"
[cluster]
vips = ["10.77.0.100"]
key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
[host]
priority = 1
interface = "eth0"
nic = "sim"
[[rule]]
ports = 8080
[[rule]]
ports = 80
weight = 7
[[rule]]
ports = 443
vip = "10.77.0.100"
mode = "disabled"
"#;

    const NOW: Now = Now { host: HostTime(0), nic: NicTime(0) };

    fn host() -> (Config, Node) {
        let config = Config::parse(Path::new("weir.toml"), TEXT).expect("a good configuration");
        let node = Node::new(resolve::cluster(&config, 7, Mac::default())).expect("a good configuration");
        (config, node)
    }

    #[test]
    fn the_counters_of_a_nic_have_the_names_of_the_rules_it_is_given() {
        let (config, mut node) = host();
        let mut actions = Vec::new();
        node.handle(NOW, Event::Start { incarnation: 1, entropy: [7; 32] }, &mut actions);
        let program = actions.iter().find_map(|action| match action {
            Action::Program(program) => Some(program),
            _ => None,
        });
        let given: Vec<String> = program.expect("one").rules.iter().map(|rule| rule.first_port.to_string()).collect();
        let names = nic_rules(&config, &node.status(NOW));
        assert_eq!(given, ["443", "80", "8080"]);
        let expected = [(0, "10.77.0.100 443 both"), (1, "all 80 both"), (2, "all 8080 both"), (32, "default")];
        assert_eq!(names, expected.map(|(place, name)| (place, name.to_string())));
    }

    #[test]
    fn shares_are_told_by_rule() {
        let (config, node) = host();
        let mut status = node.status(NOW);
        let [one, two] = [1, 2].map(|host| HostId::new(host).expect("a host"));
        // By slot: ports 80, 443, 8080.
        status.rules[0].buckets = BTreeMap::from([(one, 4096)]);
        status.rules[2].buckets = BTreeMap::from([(one, 1024), (two, 3072)]);
        let told = query(&config, &status);
        assert_eq!(told.buckets, BTreeMap::from([(1, 4096)]), "of the first rule, as ever");
        let expected = [("all 80 both", vec![(1, 4096)]), ("all 8080 both", vec![(1, 1024), (2, 3072)])];
        let expected = expected.map(|(name, shares)| (name.to_string(), shares.into_iter().collect()));
        assert_eq!(told.buckets_by_rule, BTreeMap::from(expected));
    }

    #[test]
    fn a_change_is_no_difference_unless_somebody_differs() {
        let (config, node) = host();
        let mut status = node.status(NOW);
        let own = &mut status.hosts[0];
        (own.phase, own.cause, own.member) = (PhaseKind::Loaded, Cause::Parameters, true);
        let odd = |member| HostStatus {
            host: HostId::new(2).expect("a host"),
            mismatch: Some(Difference::Digest),
            member,
            phase: PhaseKind::Stable,
            ..status.hosts[0].clone()
        };
        let (outside, inside) = (odd(false), odd(true));
        let told = |status: &Status| query(&config, status).cause.expect("told");
        assert_eq!(told(&status), MODIFIED);
        let with = |host: &HostStatus| Status { hosts: vec![status.hosts[0].clone(), host.clone()], ..status.clone() };
        assert_eq!(told(&with(&outside)), MODIFIED, "it is no member, and in nobody's way");
        assert_eq!(told(&with(&inside)), "different parameters");
        let mut joining = with(&outside);
        joining.hosts[0].member = false;
        assert_eq!(told(&joining), "different parameters");
        let theirs = describe_host(&status, &HostStatus { phase: PhaseKind::Agreeing, ..outside });
        assert_eq!(theirs.cause.as_deref(), Some("different parameters"));
    }

    #[test]
    fn a_load_by_command_is_told_beside_the_configured_one() {
        let (config, mut node) = host();
        let told = |node: &Node| describe_rule(&config, &config.rules[1], &node.status(NOW));
        assert_eq!(told(&node), "all 80 both multiple, affinity single, weight 7");
        node.handle(NOW, Event::SetLoad { slot: 0, load: Load::Weight(9) }, &mut Vec::new());
        let wanted = "all 80 both multiple, affinity single, weight 7, weight 9 by command";
        assert_eq!(told(&node), wanted);
        node.handle(NOW, Event::Start { incarnation: 1, entropy: [7; 32] }, &mut Vec::new());
        assert_eq!(told(&node), wanted, "a start changes no load");
    }
}
