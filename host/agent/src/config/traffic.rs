//! Which traffic a cluster balances, and no more: for programs that need neither a host nor its secrets.

use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use weir_spec::config::RSS_KEY;

use super::error::{ConfigError, Source};
use super::keys::toeplitz_key;
use super::rule::{self, PortRule};
use super::{RawCluster, addresses};

/// Virtual IPs, hash key and port rules of a configuration.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Virtual IPs, 1 to 16, of any family and in any order.
    pub vips: Vec<IpAddr>,
    /// The Toeplitz key all NICs hash with.
    pub hash_key: [u8; 40],
    /// Port rules in the order of the file.
    pub rules: Vec<PortRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTraffic {
    cluster: Option<RawCluster>,
    /// An agent's whole configuration will do; what is one host's own says nothing here.
    #[serde(rename = "host")]
    _host: Option<IgnoredAny>,
    #[serde(rename = "handover")]
    _handover: Option<IgnoredAny>,
    #[serde(rename = "default_rule")]
    _default_rule: Option<IgnoredAny>,
    #[serde(default)]
    rule: Vec<rule::RawRule>,
}

impl Traffic {
    /// Reads and checks the file at `path`: `[cluster]` with `vips`, perhaps `hash_key`, and `[[rule]]`s. All else that
    /// an agent's configuration may hold is allowed and not looked at.
    pub fn load(path: &Path) -> Result<Traffic, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        Traffic::parse(path, &text)
    }

    /// Checks `text`, which came from `path`; the path is named in errors.
    pub fn parse(path: &Path, text: &str) -> Result<Traffic, ConfigError> {
        let source = Source { path, text };
        let raw: RawTraffic = toml::from_str(text).map_err(|error| source.syntax(error))?;
        let cluster = raw.cluster.ok_or_else(|| source.missing("[cluster]", "there with vips"))?;
        let vips = addresses(&source, &cluster.vips)?;
        if vips.is_empty() {
            let span = cluster.vips.span();
            return Err(source.wrong(span.clone(), "cluster.vips", source.slice(span), "at least one address"));
        }
        let hash_key = match cluster.hash_key {
            None => RSS_KEY,
            Some(key) => toeplitz_key(&source, &key)?,
        };
        let rules = rule::check(&source, raw.rule, &vips)?;
        Ok(Traffic { vips, hash_key, rules })
    }
}
