//! A program as people and tools read and write it: what one NIC is told, in JSON.
//!
//! ```json
//! {
//!   "vips": { "0": "192.0.2.1" },
//!   "rules": { "0": { "vip": 0, "ports": [80, 80], "protocol": "tcp", "affinity": "single", "map": 0 } },
//!   "default_rule": { "affinity": "single", "map": "own" },
//!   "hash_key": "rss",
//!   "maps": [ [ { "buckets": [0, 1365], "state": "own" } ] ]
//! }
//! ```
//!
//! A `map` is the number of one of `maps`, or a state that all buckets have. Buckets that no run names are `none`.
//!
//! Who knows the hash key can choose the host that he burdens, so it is written out only where that is asked for:
//! `hash_key` is 80 digits, `"rss"` for the key of the published RSS vectors, or `"nic"` for whichever key the NIC has.
//! Without it the key is that of the vectors, and a NIC with another is refused. The flow key is an agent's own affair and
//! stays zero.

mod error;
mod json;
mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_spec::Config;
use weir_spec::config::{DefaultRule, Echo, Policy, RSS_KEY, VIPS};
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef, SLOTS};
use weir_spec::rules::{Affinity, Protocol, RULES, Rule, VipSelect};

pub use error::ListingError;

use crate::Program;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Listing {
    /// Whether a NIC's registers, which this was read from, hold what is in force; a program need not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<bool>,
    /// Virtual IPs by index, 0 to 15; each address once.
    pub vips: BTreeMap<u8, IpAddr>,
    /// Port rules by index, 0 to 31; the first that matches counts.
    pub rules: BTreeMap<u8, ListedRule>,
    /// The rule behind them.
    pub default_rule: ListedDefault,
    /// What decides on ICMP echo requests; absent: every host answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<ListedMap>,
    /// Later fragments of rules with affinity none are dropped.
    pub drop_portless_fragments: bool,
    /// Buckets in OWN take no new connections.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quiesce: bool,
    /// Toeplitz key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<ListedKey>,
    /// The maps.
    pub maps: Vec<Vec<Run>>,
}

impl<'de> Deserialize<'de> for Listing {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Listing, D::Error> {
        read::listing(&json::Json::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// A hash key, or which one. Its `Debug` shows no digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ListedKey {
    /// That of the published RSS vectors.
    Rss,
    /// The one that the NIC has.
    Nic,
    /// This one.
    Octets([u8; 40]),
}

impl Serialize for ListedKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            ListedKey::Rss => to.serialize_str("rss"),
            ListedKey::Nic => to.serialize_str("nic"),
            ListedKey::Octets(key) => {
                to.collect_str(&key.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
            }
        }
    }
}

impl fmt::Debug for ListedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ListedKey::Rss => "Rss",
            ListedKey::Nic => "Nic",
            ListedKey::Octets(_) => "Octets(..)",
        })
    }
}

/// One port rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListedRule {
    /// Index of the virtual IP; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vip: Option<u8>,
    /// First and last destination port.
    pub ports: (u16, u16),
    /// Transport protocols.
    pub protocol: ListedProtocol,
    /// What is hashed.
    pub affinity: ListedAffinity,
    /// Where the bucket's state is looked up.
    pub map: ListedMap,
}

/// The rule behind all others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListedDefault {
    /// What is hashed.
    pub affinity: ListedAffinity,
    /// Where the bucket's state is looked up.
    pub map: ListedMap,
}

impl Default for ListedDefault {
    fn default() -> ListedDefault {
        ListedDefault { affinity: ListedAffinity::None, map: ListedMap::All(ListedState::None) }
    }
}

/// Buckets in a row that have the same state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Run {
    /// First and last bucket, 0 to 4095.
    pub buckets: (u16, u16),
    /// Their state.
    pub state: ListedState,
}

/// A map by its number, or one state for all buckets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum ListedMap {
    /// One of `maps`.
    Number(u8),
    /// All buckets are so.
    All(ListedState),
}

/// A type of the specification by the names it has in JSON.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident = $of:ident { $($variant:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[allow(missing_docs)] // documented where they come from
        pub enum $name {
            $($variant),*
        }

        impl From<$of> for $name {
            fn from(value: $of) -> $name {
                match value {
                    $($of::$variant => $name::$variant),*
                }
            }
        }

        impl From<$name> for $of {
            fn from(value: $name) -> $of {
                match value {
                    $($name::$variant => $of::$variant),*
                }
            }
        }
    };
}

named!(
    /// State of a bucket.
    ListedState = BucketState { None, Own, Adopt, Release }
);
named!(
    /// What is hashed.
    ListedAffinity = Affinity { None, Single, Network }
);
named!(
    /// Transport protocols.
    ListedProtocol = Protocol { Tcp, Udp, Both }
);

impl Listing {
    /// What `program` says. Of its hash key no more than whether it is that of the RSS vectors; zeros are no key.
    pub fn of(program: &Program) -> Listing {
        let config = &program.config;
        let rule = |rule: &Rule| ListedRule {
            vip: match rule.vip {
                VipSelect::All => None,
                VipSelect::One(vip) => Some(vip),
            },
            ports: (rule.first_port, rule.last_port),
            protocol: rule.protocol.into(),
            affinity: rule.affinity.into(),
            map: rule.map.into(),
        };
        Listing {
            in_force: None,
            vips: (0..).zip(&config.vips).filter_map(|(index, vip)| Some((index, (*vip)?))).collect(),
            rules: (0..).zip(&config.rules).filter_map(|(index, it)| Some((index, rule(it.as_ref()?)))).collect(),
            default_rule: ListedDefault {
                affinity: config.default_rule.affinity.into(),
                map: config.default_rule.map.into(),
            },
            echo: match config.policy.echo {
                Echo::PassAll => None,
                Echo::Hash(map) => Some(map.into()),
            },
            drop_portless_fragments: config.policy.drop_portless_fragments,
            quiesce: config.policy.quiesce,
            hash_key: match config.hash_key {
                RSS_KEY => Some(ListedKey::Rss),
                key if key == [0; 40] => None,
                _ => Some(ListedKey::Nic),
            },
            maps: program.maps.iter().map(runs).collect(),
        }
    }

    /// The same with the digits of the hash key.
    pub fn with_key(program: &Program) -> Listing {
        let key = program.config.hash_key;
        let shown = (key != [0; 40]).then_some(ListedKey::Octets(key));
        Listing { hash_key: shown, ..Listing::of(program) }
    }

    /// The program it asks for on a NIC that has no hash key, as after a reset.
    pub fn program(&self) -> Result<Program, ListingError> {
        self.program_on(&[0; 40])
    }

    /// The program it asks for on a NIC with `held` as its hash key; zeros are none.
    pub fn program_on(&self, held: &[u8; 40]) -> Result<Program, ListingError> {
        let mut program = self.keyless()?;
        program.config.hash_key = self.key(held)?;
        Ok(program)
    }

    /// Refuses what is no program for any NIC.
    pub fn check(&self) -> Result<(), ListingError> {
        self.keyless().map(drop)
    }

    fn key(&self, held: &[u8; 40]) -> Result<[u8; 40], ListingError> {
        match self.hash_key {
            Some(ListedKey::Octets(key)) => Ok(key),
            Some(ListedKey::Rss) => Ok(RSS_KEY),
            Some(ListedKey::Nic) if *held == [0; 40] => Err(ListingError::NoKeyThere),
            Some(ListedKey::Nic) => Ok(*held),
            None if *held == [0; 40] || *held == RSS_KEY => Ok(RSS_KEY),
            None => Err(ListingError::KeyWouldChange),
        }
    }

    fn keyless(&self) -> Result<Program, ListingError> {
        if self.maps.len() > SLOTS {
            return Err(ListingError::TooManyMaps { count: self.maps.len() });
        }
        let mut config = Config::default();
        for (index, address) in &self.vips {
            if let Some((other, _)) = self.vips.range(..index).find(|(_, known)| *known == address) {
                let wanted = format!("an address of its own: vips.{other} has this one");
                return Err(wrong(format!("vips.{index}"), address, wanted));
            }
            config.vips[within("vips", *index, VIPS)?] = Some(*address);
        }
        for (index, rule) in &self.rules {
            config.rules[within("rules", *index, RULES)?] = Some(self.rule(*index, rule)?);
        }
        let default = &self.default_rule;
        config.default_rule =
            DefaultRule { affinity: default.affinity.into(), map: self.map_ref("default_rule.map", default.map)? };
        let echo = self.echo.map(|map| self.map_ref("echo", map)).transpose()?;
        config.policy = Policy {
            echo: echo.map_or(Echo::PassAll, Echo::Hash),
            drop_portless_fragments: self.drop_portless_fragments,
            quiesce: self.quiesce,
        };
        let maps = self.maps.iter().enumerate().map(|(index, runs)| map(index, runs)).collect::<Result<_, _>>()?;
        Ok(Program { config, maps })
    }

    fn rule(&self, index: u8, rule: &ListedRule) -> Result<Rule, ListingError> {
        let vip = match rule.vip {
            None => VipSelect::All,
            Some(vip) if self.vips.contains_key(&vip) => VipSelect::One(vip),
            Some(vip) => {
                let wanted = match self.vips.is_empty() {
                    true => "left out, for all: vips has none".to_owned(),
                    false => format!("one that vips has ({}), or left out, for all", numbers(self.vips.keys())),
                };
                return Err(wrong(format!("rules.{index}.vip"), vip, wanted));
            }
        };
        let (first_port, last_port) = rule.ports;
        if first_port > last_port {
            let shown = format!("[{first_port}, {last_port}]");
            return Err(wrong(format!("rules.{index}.ports"), shown, "the first port and one not below it".to_owned()));
        }
        Ok(Rule {
            vip,
            first_port,
            last_port,
            protocol: rule.protocol.into(),
            affinity: rule.affinity.into(),
            map: self.map_ref(&format!("rules.{index}.map"), rule.map)?,
        })
    }

    fn map_ref(&self, field: &str, map: ListedMap) -> Result<MapRef, ListingError> {
        match map {
            ListedMap::Number(number) if usize::from(number) >= self.maps.len() => {
                let there = match self.maps.len() {
                    0 => "\"none\", \"own\", \"adopt\" or \"release\": maps has none".to_owned(),
                    count => format!("0 to {}, the maps there are, or a state for all buckets", count - 1),
                };
                Err(wrong(field.to_owned(), number, there))
            }
            ListedMap::Number(number) => Ok(MapRef::Slot(number)),
            ListedMap::All(state) => Ok(MapRef::Constant(state.into())),
        }
    }
}

fn wrong(field: String, value: impl fmt::Display, wanted: String) -> ListingError {
    ListingError::Value { field, value: value.to_string(), wanted }
}

fn within(field: &'static str, index: u8, count: usize) -> Result<usize, ListingError> {
    let inside = Some(usize::from(index)).filter(|index| *index < count);
    inside.ok_or_else(|| ListingError::Beyond { field, value: index.to_string(), most: count - 1 })
}

fn numbers<'a>(all: impl Iterator<Item = &'a u8>) -> String {
    all.map(u8::to_string).collect::<Vec<_>>().join(", ")
}

impl From<MapRef> for ListedMap {
    fn from(map: MapRef) -> ListedMap {
        match map {
            MapRef::Slot(slot) => ListedMap::Number(slot),
            MapRef::Constant(state) => ListedMap::All(state.into()),
        }
    }
}

/// The buckets of `map` that are not NONE, in runs.
fn runs(map: &Map) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for bucket in 0..BUCKETS {
        let (state, bucket) = (map.get(bucket), bucket as u16);
        match runs.last_mut() {
            Some(run) if run.state == state.into() && run.buckets.1 + 1 == bucket => run.buckets.1 = bucket,
            _ if state != BucketState::None => runs.push(Run { buckets: (bucket, bucket), state: state.into() }),
            _ => {}
        }
    }
    runs
}

fn map(index: usize, runs: &[Run]) -> Result<Map, ListingError> {
    let (mut map, mut seen) = (Map::default(), [false; BUCKETS]);
    for (place, run) in runs.iter().enumerate() {
        let field = || format!("maps[{index}][{place}].buckets");
        let (first, last) = (usize::from(run.buckets.0), usize::from(run.buckets.1));
        let shown = format!("[{first}, {last}]");
        if first > last || last >= BUCKETS {
            return Err(wrong(field(), shown, format!("0 to {}, the first not above the last", BUCKETS - 1)));
        }
        if seen[first..=last].contains(&true) {
            return Err(wrong(field(), shown, "buckets that no earlier run of the map has".to_owned()));
        }
        seen[first..=last].fill(true);
        (first..=last).for_each(|bucket| map.set(bucket, run.state.into()));
    }
    Ok(map)
}

#[cfg(test)]
mod tests;
