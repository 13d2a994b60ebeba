//! The agent's configuration: one TOML file a host.
//!
//! What is under `[cluster]` and the `[[rule]]`s must be the same on every host, weights and handling priorities aside;
//! `[host]` is this host's own. Unknown keys are errors: a misspelt weight must not become a default.

mod check;
mod error;
mod host;
mod keys;
mod number;
mod rule;
mod secrecy;
mod traffic;

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use weir_cluster::Secret;
use weir_cluster::config::FLOWS;

pub use check::{Check, Probe};
pub use error::ConfigError;
pub use rule::{Mode, PortRule};
pub use traffic::Traffic;

use error::Source;
use number::{Number, in_range, number};

/// Everything one agent needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// What all hosts share.
    pub cluster: Cluster,
    /// What is this host's own.
    pub host: Host,
    /// How live connections are handed over.
    pub handover: Handover,
    /// Port rules in the order of the file.
    pub rules: Vec<PortRule>,
    /// How this host sees whether it is fit for what no rule is for.
    pub default_check: Option<Check>,
    /// The file it came from.
    pub path: PathBuf,
    /// The text of that file, which holds keys.
    pub text: Secret,
}

/// How live connections are handed over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Handover {
    /// How long connections may go on in buckets that are another host's; `None`: as long as they like.
    pub drain_limit_us: Option<u64>,
    /// How long what a NIC passed before it released a bucket may take to reach its socket.
    pub settle: Duration,
    /// How long the ACK that answers a SYN cookie may take; 0: it is not waited for.
    pub cookie_settle_us: u64,
    /// Network namespaces of applications, beside the agent's own.
    pub netns: Vec<PathBuf>,
    /// Entries of the NIC's flow table that are used.
    pub flows: usize,
}

/// What all hosts share.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Name, for people.
    pub name: String,
    /// Virtual IPs, the primary first; the primary is IPv4, since MACs are derived from it.
    pub vips: Vec<IpAddr>,
    /// The primary virtual IP.
    pub primary: Ipv4Addr,
    /// How frames reach all hosts.
    pub mode: ClusterMode,
    /// The version of IGMP that is spoken in IGMP mode; `None`: as the kernel finds right.
    pub igmp_version: Option<u8>,
    /// Heartbeat keys: id and 32 octets. The first signs, all are accepted.
    pub keys: Vec<(u8, Secret)>,
    /// Heartbeat period in microseconds.
    pub period_us: u64,
    /// Missed periods until a host counts as dead.
    pub tolerance: u32,
    /// What a partitioned cluster does.
    pub partition: Partition,
    /// The Toeplitz key all NICs hash with.
    pub hash_key: [u8; 40],
}

/// How frames for the virtual IPs reach all hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClusterMode {
    /// By a unicast MAC that no switch ever learns: every interface of the cluster has it.
    #[default]
    Unicast,
    /// By a group MAC. Interfaces keep their own.
    Multicast,
    /// By the MAC of an IP multicast group, which every host joins by IGMP.
    Igmp,
}

/// What a partitioned cluster does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Partition {
    /// Each side goes on serving, as NLB does.
    Availability,
    /// Only the majority of these hosts goes on.
    Quorum(Vec<u8>),
}

/// What is this host's own.
#[derive(Clone, Debug)]
pub struct Host {
    /// Unique priority, 1..=32; the lowest number is the default host.
    pub priority: u8,
    /// Dedicated IP, shown to people.
    pub dip: Ipv4Addr,
    /// The interface of the NIC, for heartbeats.
    pub interface: String,
    /// The NIC's BAR, in the words of `weir_nic`'s selector.
    pub nic: String,
    /// Path of the control socket.
    pub control: PathBuf,
    /// Folder of a file that outlives restarts of the machine: what was promised to a host that is absent.
    pub promises: PathBuf,
    /// Joins the cluster when the agent starts.
    pub started: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    cluster: Option<RawCluster>,
    host: Option<host::RawHost>,
    #[serde(default)]
    handover: RawHandover,
    #[serde(default)]
    rule: Vec<rule::RawRule>,
    #[serde(default)]
    default_rule: check::RawDefaultRule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCluster {
    #[serde(default = "unnamed")]
    name: String,
    vips: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    mode: Option<Spanned<String>>,
    igmp_version: Option<Spanned<Number>>,
    key: Option<Spanned<String>>,
    key_file: Option<Spanned<PathBuf>>,
    key_id: Option<Spanned<Number>>,
    #[serde(default)]
    old_key: Vec<keys::RawOldKey>,
    period_ms: Option<Spanned<Number>>,
    tolerance: Option<Spanned<Number>>,
    partition: Option<Spanned<String>>,
    hosts: Option<Spanned<Vec<Spanned<Number>>>>,
    hash_key: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHandover {
    drain_limit_s: Option<Spanned<Number>>,
    settle_ms: Option<Spanned<Number>>,
    cookie_settle_ms: Option<Spanned<Number>>,
    flows: Option<Spanned<Number>>,
    #[serde(default)]
    netns: Vec<Spanned<PathBuf>>,
}

fn unnamed() -> String {
    "weir".into()
}

/// Where an agent listens for control when the configuration names no place.
pub const DEFAULT_CONTROL: &str = "/run/weir/agent.sock";
/// The longest absence that a host can announce, in seconds.
pub const LONGEST_ABSENCE: u16 = weir_cluster::absence::LONGEST;
/// Where an agent lays down promises when the configuration names no place.
pub const DEFAULT_PROMISES: &str = "/var/lib/weir";

impl Config {
    /// Reads and checks the file at `path`.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        Config::parse(path, &text)
    }

    /// Checks `text`, which came from `path`; the path is named in errors, and key files are found relative to it.
    pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
        Config::checked(path, text, None)
    }

    /// Checks `text`, which was in force with these heartbeat keys, whatever files of keys say by now.
    pub(crate) fn with_keys(path: &Path, text: &str, keys: Vec<(u8, Secret)>) -> Result<Config, ConfigError> {
        Config::checked(path, text, Some(keys))
    }

    fn checked(path: &Path, text: &str, keys: Option<Vec<(u8, Secret)>>) -> Result<Config, ConfigError> {
        let source = Source { path, text };
        let raw: RawConfig = toml::from_str(text).map_err(|error| source.syntax(error))?;
        let cluster_wanted = "there with vips, and key or key_file";
        let raw_cluster = raw.cluster.ok_or_else(|| source.missing("[cluster]", cluster_wanted))?;
        let raw_host = raw.host.ok_or_else(|| source.missing("[host]", "there with priority, interface and nic"))?;
        let host = host::host(&source, raw_host)?;
        let cluster = cluster(&source, raw_cluster, host.priority, keys)?;
        let handover = handover(&source, raw.handover)?;
        let rules = rule::check(&source, raw.rule, &cluster.vips)?;
        let of_the_rest = |raw| check::check(&source, raw, None, &cluster.vips);
        let default_check = raw.default_rule.check.map(of_the_rest).transpose()?;
        let (path, text) = (path.to_path_buf(), Secret(text.as_bytes().to_vec()));
        Ok(Config { cluster, host, handover, rules, default_check, path, text })
    }
}

fn cluster(
    source: &Source<'_>,
    raw: RawCluster,
    priority: u8,
    keys: Option<Vec<(u8, Secret)>>,
) -> Result<Cluster, ConfigError> {
    let vips = addresses(source, &raw.vips)?;
    let Some(IpAddr::V4(primary)) = vips.first().copied() else {
        let what = "an IPv4 address first: the cluster's MACs are derived from it";
        return Err(source.wrong(raw.vips.span(), "cluster.vips", source.slice(raw.vips.span()), what));
    };
    let period_ms: u64 = in_range(source, raw.period_ms.as_ref(), "cluster.period_ms", 1000, 5..=10_000)?;
    let tolerance = in_range(source, raw.tolerance.as_ref(), "cluster.tolerance", 5, 5..=100)?;
    let keys = keys.map_or_else(|| keys::heartbeat_keys(source, &raw), Ok)?;
    let mode = cluster_mode(source, raw.mode)?;
    let igmp_version = igmp_version(source, raw.igmp_version, mode)?;
    let hash_key = match raw.hash_key {
        None => weir_spec::config::RSS_KEY,
        Some(key) => keys::toeplitz_key(source, &key)?,
    };
    let partition = partition(source, raw.partition, raw.hosts, priority)?;
    Ok(Cluster {
        name: raw.name,
        vips,
        primary,
        mode,
        igmp_version,
        keys,
        period_us: period_ms * 1000,
        tolerance,
        partition,
        hash_key,
    })
}

fn cluster_mode(source: &Source<'_>, mode: Option<Spanned<String>>) -> Result<ClusterMode, ConfigError> {
    let Some(mode) = mode else { return Ok(ClusterMode::default()) };
    match mode.get_ref().as_str() {
        "unicast" => Ok(ClusterMode::Unicast),
        "multicast" => Ok(ClusterMode::Multicast),
        "igmp" => Ok(ClusterMode::Igmp),
        other => {
            let what = "\"unicast\", \"multicast\" or \"igmp\"";
            Err(source.wrong(mode.span(), "cluster.mode", other, what))
        }
    }
}

fn igmp_version(
    source: &Source<'_>,
    version: Option<Spanned<Number>>,
    mode: ClusterMode,
) -> Result<Option<u8>, ConfigError> {
    let Some(version) = version else { return Ok(None) };
    if mode != ClusterMode::Igmp {
        let (value, what) = (source.slice(version.span()), "absent: cluster.mode is not \"igmp\"");
        return Err(source.wrong(version.span(), "cluster.igmp_version", value, what));
    }
    number(source, &version, "cluster.igmp_version", 1..=3).map(Some)
}

/// Virtual IPs, each once, at most as many as a NIC has.
fn addresses(source: &Source<'_>, raw: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<IpAddr>, ConfigError> {
    let mut vips = Vec::new();
    for text in raw.get_ref() {
        let vip: IpAddr = text.get_ref().parse().map_err(|_| {
            source.wrong(text.span(), "cluster.vips", text.get_ref(), "an IPv4 or IPv6 address without a prefix length")
        })?;
        let host = match vip {
            IpAddr::V4(address) => !(address.is_unspecified() || address.is_loopback() || address.is_broadcast()),
            IpAddr::V6(address) => !(address.is_unspecified() || address.is_loopback()),
        };
        if !host || vip.is_multicast() {
            return Err(source.wrong(
                text.span(),
                "cluster.vips",
                text.get_ref(),
                "the address of a host on a network",
            ));
        }
        if let (IpAddr::V6(_), IpAddr::V4(plain)) = (vip, vip.to_canonical()) {
            // Frames carry the IPv4 address; to the NIC this would be one that never comes.
            let what = format!("{plain}, the IPv4 address itself");
            return Err(source.wrong(text.span(), "cluster.vips", text.get_ref(), &what));
        }
        if vips.contains(&vip) {
            return Err(source.wrong(text.span(), "cluster.vips", text.get_ref(), "each address once"));
        }
        vips.push(vip);
    }
    if vips.len() > weir_spec::config::VIPS {
        let count = format!("{} addresses", vips.len());
        return Err(source.wrong(raw.span(), "cluster.vips", &count, "at most 16"));
    }
    Ok(vips)
}

fn partition(
    source: &Source<'_>,
    mode: Option<Spanned<String>>,
    hosts: Option<Spanned<Vec<Spanned<Number>>>>,
    priority: u8,
) -> Result<Partition, ConfigError> {
    // A list that nothing is made of is looked at as well: it is there for the day on which the mode is changed.
    let listed = hosts.as_ref().map(|hosts| listed(source, hosts, priority)).transpose()?;
    let Some(mode) = mode.filter(|mode| mode.get_ref() != "availability") else {
        return Ok(Partition::Availability);
    };
    if mode.get_ref() != "quorum" {
        let what = "\"availability\" or \"quorum\"";
        return Err(source.wrong(mode.span(), "cluster.partition", mode.get_ref(), what));
    }
    let (Some(hosts), Some(listed)) = (hosts, listed) else {
        let what = "cluster.hosts beside it, the priorities of all configured hosts";
        return Err(source.wrong(mode.span(), "cluster.partition", "quorum", what));
    };
    if listed.len() < 3 {
        let what = "at least 3: of two hosts neither is a majority";
        return Err(source.wrong(hosts.span(), "cluster.hosts", &format!("{} hosts", listed.len()), what));
    }
    Ok(Partition::Quorum(listed))
}

/// Priorities of hosts, in order; this host's is among them.
fn listed(source: &Source<'_>, hosts: &Spanned<Vec<Spanned<Number>>>, own: u8) -> Result<Vec<u8>, ConfigError> {
    let mut listed = Vec::new();
    for host in hosts.get_ref() {
        let value = number(source, host, "cluster.hosts", 1..=32)?;
        if listed.contains(&value) {
            return Err(source.wrong(host.span(), "cluster.hosts", &value.to_string(), "each priority once"));
        }
        listed.push(value);
    }
    if !listed.contains(&own) {
        let what = format!("the priorities of all configured hosts, with {own}, this one's host.priority");
        return Err(source.wrong(hosts.span(), "cluster.hosts", source.slice(hosts.span()), &what));
    }
    listed.sort_unstable();
    Ok(listed)
}

/// A round trip and a repetition by a kernel that has measured it: 0.2 s is Linux's least. Less than the second after which a
/// client repeats its first SYN, so that one which connects meanwhile repeats it once.
const COOKIE_SETTLE_MS: u64 = 800;

fn handover(source: &Source<'_>, raw: RawHandover) -> Result<Handover, ConfigError> {
    const WEEK_S: u64 = 604_800;
    let drain_limit_us = match &raw.drain_limit_s {
        None => None,
        Some(limit) => Some(number(source, limit, "handover.drain_limit_s", 1..=WEEK_S)? * 1_000_000),
    };
    let settle_ms = in_range(source, raw.settle_ms.as_ref(), "handover.settle_ms", 5, 1..=1000)?;
    let cookie_settle_ms =
        in_range(source, raw.cookie_settle_ms.as_ref(), "handover.cookie_settle_ms", COOKIE_SETTLE_MS, 0..=10_000)?;
    let flows = in_range(source, raw.flows.as_ref(), "handover.flows", FLOWS as u64, 1..=FLOWS as u64)? as usize;
    let mut netns = Vec::new();
    for path in raw.netns {
        if !path.get_ref().is_absolute() || netns.contains(path.get_ref()) {
            let value = path.get_ref().display().to_string();
            let what = "absolute paths of network namespaces, as in \"/run/netns/app\", each once";
            return Err(source.wrong(path.span(), "handover.netns", &value, what));
        }
        netns.push(path.into_inner());
    }
    let settle = Duration::from_millis(settle_ms);
    Ok(Handover { drain_limit_us, settle, cookie_settle_us: cookie_settle_ms * 1000, netns, flows })
}

type Span = Range<usize>;

#[cfg(test)]
mod tests;
