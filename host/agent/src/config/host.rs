//! `[host]` as a person writes it.

use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::error::{ConfigError, Source};
use super::number::{Number, number};
use super::{DEFAULT_CONTROL, DEFAULT_PROMISES, Host};

/// What `sun_path` holds before its zero.
const LONGEST_SOCKET: usize = 107;
/// What `ifr_name` holds before its zero.
const LONGEST_INTERFACE: usize = 15;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHost {
    priority: Spanned<Number>,
    dip: Option<Spanned<String>>,
    interface: Spanned<String>,
    nic: String,
    control: Option<Spanned<PathBuf>>,
    promises: Option<PathBuf>,
    state: Option<Spanned<String>>,
}

pub(super) fn host(source: &Source<'_>, raw: RawHost) -> Result<Host, ConfigError> {
    let priority = number(source, &raw.priority, "host.priority", 1..=32)?;
    if !is_interface(raw.interface.get_ref()) {
        let what = "an interface name of 1 to 15 characters, without spaces, \"/\" and \":\"";
        return Err(source.wrong(raw.interface.span(), "host.interface", source.slice(raw.interface.span()), what));
    }
    let dip = match &raw.dip {
        None => Ipv4Addr::UNSPECIFIED,
        Some(text) => text
            .get_ref()
            .parse()
            .map_err(|_| source.wrong(text.span(), "host.dip", source.slice(text.span()), "an IPv4 address"))?,
    };
    let started = match &raw.state {
        None => true,
        Some(state) => match state.get_ref().as_str() {
            "started" => true,
            "stopped" => false,
            other => return Err(source.wrong(state.span(), "host.state", other, "\"started\" or \"stopped\"")),
        },
    };
    Ok(Host {
        priority,
        dip,
        interface: raw.interface.into_inner(),
        nic: raw.nic,
        control: raw.control.map_or(Ok(DEFAULT_CONTROL.into()), |path| control(source, path))?,
        promises: raw.promises.unwrap_or_else(|| DEFAULT_PROMISES.into()),
        started,
    })
}

/// As the kernel has it.
fn is_interface(name: &str) -> bool {
    let wrong =
        |octet: u8| octet == b'/' || octet == b':' || octet == 0 || octet.is_ascii_whitespace() || octet == 0x0b;
    (1..=LONGEST_INTERFACE).contains(&name.len()) && name != "." && name != ".." && !name.bytes().any(wrong)
}

fn control(source: &Source<'_>, path: Spanned<PathBuf>) -> Result<PathBuf, ConfigError> {
    let octets = path.get_ref().as_os_str().as_bytes();
    if (1..=LONGEST_SOCKET).contains(&octets.len()) && !octets.contains(&0) {
        return Ok(path.into_inner());
    }
    let value = format!("{} of {} octets", source.slice(path.span()), octets.len());
    let what = "the path of a Unix socket, 1 to 107 octets, none of them zero";
    Err(source.wrong(path.span(), "host.control", &value, what))
}
