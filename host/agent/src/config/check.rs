//! Health checks as a person writes them: `[rule.check]`, and `[default_rule.check]` for the rule behind all others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::error::{ConfigError, Source};
use super::number::{Number, in_range, number};

/// How the service behind a rule is looked at, and what becomes of the rule while it is unfit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What is done.
    pub probe: Probe,
    /// The network namespace it is done in; `None`: the agent's own.
    pub netns: Option<PathBuf>,
    /// From the start of one probe to that of the next.
    pub interval: Duration,
    /// A probe that takes longer has failed.
    pub timeout: Duration,
    /// So many successes in a row make an unfit service fit.
    pub rise: u32,
    /// So many failures in a row make a fit service unfit.
    pub fall: u32,
    /// Takes the rule even so while no other host is fit.
    pub last_resort: bool,
}

/// What is done to see whether a service is fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probe {
    /// A TCP connection is opened.
    Tcp(SocketAddr),
    /// A path is asked for.
    Http {
        /// Of whom.
        to: SocketAddr,
        /// Which.
        path: String,
        /// The Host header.
        host: String,
        /// First and last status that is good.
        status: (u16, u16),
    },
    /// A program is run that ends with 0.
    Command(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    kind: Spanned<String>,
    address: Option<Spanned<String>>,
    port: Option<Spanned<Number>>,
    path: Option<Spanned<String>>,
    host: Option<Spanned<String>>,
    status: Option<Spanned<RawStatus>>,
    command: Option<Spanned<Vec<String>>>,
    netns: Option<Spanned<PathBuf>>,
    interval_ms: Option<Spanned<Number>>,
    timeout_ms: Option<Spanned<Number>>,
    rise: Option<Spanned<Number>>,
    fall: Option<Spanned<Number>>,
    none_fit: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a status, or a range as in \"200-299\"")]
enum RawStatus {
    One(i64),
    Range(String),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDefaultRule {
    pub(super) check: Option<RawCheck>,
}

/// Checks a check; `port` is the rule's first one, which is asked unless another is named.
pub(super) fn check(
    source: &Source<'_>,
    raw: RawCheck,
    port: Option<u16>,
    vips: &[IpAddr],
) -> Result<Check, ConfigError> {
    let ms = |value, field, default, range| in_range(source, value, field, default, range).map(Duration::from_millis);
    let probe = probe(source, &raw, port, vips)?;
    if let Some(path) = raw.netns.as_ref().filter(|path| !path.get_ref().is_absolute()) {
        let value = path.get_ref().display().to_string();
        let wanted = "the absolute path of a network namespace, as in \"/run/netns/app\"";
        return Err(source.wrong(path.span(), "check.netns", &value, wanted));
    }
    let last_resort = match &raw.none_fit {
        None => true,
        Some(text) => match text.get_ref().as_str() {
            "serve" => true,
            "refuse" => false,
            other => return Err(source.wrong(text.span(), "check.none_fit", other, "\"serve\" or \"refuse\"")),
        },
    };
    Ok(Check {
        probe,
        netns: raw.netns.map(Spanned::into_inner),
        interval: ms(raw.interval_ms.as_ref(), "check.interval_ms", 2000, 100..=3_600_000)?,
        timeout: ms(raw.timeout_ms.as_ref(), "check.timeout_ms", 1000, 10..=600_000)?,
        rise: in_range(source, raw.rise.as_ref(), "check.rise", 2, 1..=100)?,
        fall: in_range(source, raw.fall.as_ref(), "check.fall", 3, 1..=100)?,
        last_resort,
    })
}

fn probe(source: &Source<'_>, raw: &RawCheck, port: Option<u16>, vips: &[IpAddr]) -> Result<Probe, ConfigError> {
    let kind = raw.kind.get_ref().as_str();
    if !["tcp", "http", "command"].contains(&kind) {
        return Err(source.wrong(raw.kind.span(), "check.kind", kind, "\"tcp\", \"http\" or \"command\""));
    }
    let spans = [
        ("check.address", raw.address.as_ref().map(Spanned::span), &["tcp", "http"][..]),
        ("check.port", raw.port.as_ref().map(Spanned::span), &["tcp", "http"]),
        ("check.path", raw.path.as_ref().map(Spanned::span), &["http"]),
        ("check.host", raw.host.as_ref().map(Spanned::span), &["http"]),
        ("check.status", raw.status.as_ref().map(Spanned::span), &["http"]),
        ("check.command", raw.command.as_ref().map(Spanned::span), &["command"]),
    ];
    for (field, span, kinds) in spans {
        if let Some(span) = span.filter(|_| !kinds.contains(&kind)) {
            let wanted = format!("absent unless check.kind is \"{}\"", kinds.join("\" or \""));
            return Err(source.wrong(span.clone(), field, source.slice(span), &wanted));
        }
    }
    if kind == "command" {
        let Some(command) = &raw.command else {
            let wanted = "beside check.command, the program to run and its arguments";
            return Err(source.wrong(raw.kind.span(), "check.kind", kind, wanted));
        };
        let good = command.get_ref().first().is_some_and(|program| program.starts_with('/'))
            && !command.get_ref().iter().any(|word| word.contains('\0'));
        if !good {
            let (span, wanted) = (command.span(), "a program by its absolute path, and its arguments");
            return Err(source.wrong(span.clone(), "check.command", source.slice(span), wanted));
        }
        return Ok(Probe::Command(command.get_ref().clone()));
    }
    let to = address(source, raw, kind, port, vips)?;
    if kind == "tcp" {
        return Ok(Probe::Tcp(to));
    }
    let path = raw.path.as_ref().map_or("/", |path| path.get_ref());
    if let Some(raw) = raw.path.as_ref().filter(|_| !path.starts_with('/') || !is_one_word(path)) {
        let wanted = "a path as in \"/health?full=1\", from the slash on and without spaces";
        return Err(source.wrong(raw.span(), "check.path", path, wanted));
    }
    if let Some(host) = raw.host.as_ref().filter(|host| !is_one_word(host.get_ref())) {
        let wanted = "the name of a host, with a port where it needs one";
        return Err(source.wrong(host.span(), "check.host", host.get_ref(), wanted));
    }
    let host = raw.host.as_ref().map_or_else(|| to.to_string(), |host| host.get_ref().clone());
    Ok(Probe::Http { to, path: path.to_string(), host, status: status(source, raw)? })
}

/// Nothing in it would end the line of a request that it stands in.
fn is_one_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic())
}

fn address(
    source: &Source<'_>,
    raw: &RawCheck,
    kind: &str,
    port: Option<u16>,
    vips: &[IpAddr],
) -> Result<SocketAddr, ConfigError> {
    let address = match &raw.address {
        None => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(text) => {
            let wanted = "an IPv4 or IPv6 address without a port";
            let parsed = text.get_ref().parse::<IpAddr>();
            let address = parsed.map_err(|_| source.wrong(text.span(), "check.address", text.get_ref(), wanted))?;
            if vips.contains(&address.to_canonical()) || address.is_unspecified() || address.is_multicast() {
                let wanted =
                    "127.0.0.1 or another address of this host alone: who has a virtual IP is what is to be found out";
                return Err(source.wrong(text.span(), "check.address", text.get_ref(), wanted));
            }
            address
        }
    };
    let port = match (&raw.port, port.filter(|&port| port != 0)) {
        (Some(port), _) => number(source, port, "check.port", 1..=u16::MAX)?,
        (None, Some(port)) => port,
        (None, None) => {
            let wanted = "beside check.port, since the rule has no port to ask";
            return Err(source.wrong(raw.kind.span(), "check.kind", kind, wanted));
        }
    };
    Ok(SocketAddr::new(address, port))
}

/// As Kubernetes has it, what is neither an error nor informational is good.
fn status(source: &Source<'_>, raw: &RawCheck) -> Result<(u16, u16), ConfigError> {
    let Some(raw) = &raw.status else { return Ok((200, 399)) };
    let range = match raw.get_ref() {
        RawStatus::One(status) => u16::try_from(*status).ok().map(|status| (status, status)),
        RawStatus::Range(text) => {
            text.split_once('-').and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)))
        }
    };
    range.filter(|(first, last)| (200..=599).contains(first) && (*first..=599).contains(last)).ok_or_else(|| {
        let wanted = "200 to 599, or a range as in \"200-299\", lower end first";
        source.wrong(raw.span(), "check.status", source.slice(raw.span()), wanted)
    })
}
