//! A rule as a person names it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use weir_spec::rules::Protocol;

/// A rule by a port of it, its virtual IP and its transport where those are needed to tell it from others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleName {
    /// One of the virtual IPs, of which alone the rule is; `None`: the rule for all of them, or the only one that has the port.
    pub vip: Option<IpAddr>,
    /// A port of the rule.
    pub port: u16,
    /// What it is for; `None`: TCP, where it has a rule for the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
}

/// A protocol that has ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    const ALL: [(Transport, &str); 2] = [(Transport::Tcp, "/tcp"), (Transport::Udp, "/udp")];

    /// Whether a rule is for it, alone or beside the other one.
    pub(crate) fn is_of(self, protocol: Protocol) -> bool {
        match self {
            Transport::Tcp => protocol.tcp(),
            Transport::Udp => protocol.udp(),
        }
    }
}

impl RuleName {
    /// The rule of a port.
    pub const fn of_port(port: u16) -> RuleName {
        RuleName { vip: None, port, transport: None }
    }
}

/// What names no rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "rule is {0:?}, should be a port, or a virtual IP and a port as in 10.77.0.100:80 or [2001:db8::7]:80; /tcp or /udp may follow"
)]
pub struct RuleNameError(String);

impl FromStr for RuleName {
    type Err = RuleNameError;

    fn from_str(text: &str) -> Result<RuleName, RuleNameError> {
        let ends = |&(transport, end): &(Transport, &str)| Some((text.strip_suffix(end)?, Some(transport)));
        let (place, transport) = Transport::ALL.iter().find_map(ends).unwrap_or((text, None));
        if let Ok(port) = place.parse() {
            return Ok(RuleName { transport, ..RuleName::of_port(port) });
        }
        let named: SocketAddr = place.parse().map_err(|_| RuleNameError(text.to_string()))?;
        Ok(RuleName { vip: Some(named.ip()), port: named.port(), transport })
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.vip {
            None => write!(f, "{}", self.port)?,
            Some(vip) => write!(f, "{}", SocketAddr::new(vip, self.port))?,
        }
        let end = Transport::ALL.iter().find(|(transport, _)| self.transport == Some(*transport));
        end.map_or(Ok(()), |(_, end)| f.write_str(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_it_was_read() {
        for text in ["80", "53/udp", "10.0.0.1:80", "10.0.0.1:53/tcp", "[2001:db8::7]:53/udp"] {
            assert_eq!(text.parse::<RuleName>().expect("a name").to_string(), text);
        }
    }

    #[test]
    fn what_names_no_rule_is_told_whole() {
        for text in ["http", "80/sctp", "/udp", "10.0.0.1/udp", "65536", "80/tcp/udp", ""] {
            assert_eq!(text.parse::<RuleName>().expect_err("no name").0, text);
        }
    }
}
