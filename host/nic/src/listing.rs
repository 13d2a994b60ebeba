//! A program as people and tools read and write it: what one NIC is told, in JSON.
//!
//! ```json
//! {
//!   "vips": { "0": "192.0.2.1" },
//!   "rules": { "0": { "vip": 0, "ports": [80, 80], "protocol": "tcp", "affinity": "single", "map": 0 } },
//!   "default_rule": { "affinity": "single", "map": "own" },
//!   "maps": [ [ { "buckets": [0, 1365], "state": "own" } ] ]
//! }
//! ```
//!
//! A `map` is the number of one of `maps`, or a state that all buckets have. Buckets that no run names are `none`. Keys are
//! not told: the hash key is taken if it is there, and is that of the published RSS vectors if not; the flow key is an
//! agent's own affair and stays zero.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use weir_spec::Config;
use weir_spec::config::{DefaultRule, Echo, Policy, RSS_KEY, VIPS};
use weir_spec::map::{BUCKETS, BucketState, Map, MapRef, SLOTS};
use weir_spec::rules::{Affinity, Protocol, RULES, Rule, VipSelect};

use crate::Program;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// Virtual IPs by index, 0 to 15.
    #[serde(default)]
    pub vips: BTreeMap<u8, IpAddr>,
    /// Port rules by index, 0 to 31.
    #[serde(default)]
    pub rules: BTreeMap<u8, ListedRule>,
    /// The rule behind them.
    #[serde(default)]
    pub default_rule: ListedDefault,
    /// What decides on ICMP echo requests; absent: every host answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<ListedMap>,
    /// Later fragments of rules with affinity none are dropped.
    #[serde(default)]
    pub drop_portless_fragments: bool,
    /// Toeplitz key, 80 hexadecimal digits; never shown.
    #[serde(default, skip_serializing)]
    pub hash_key: Option<String>,
    /// The maps.
    #[serde(default)]
    pub maps: Vec<Vec<Run>>,
}

/// One port rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedRule {
    /// Index of the virtual IP; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// First and last bucket, 0 to 4095.
    pub buckets: (u16, u16),
    /// Their state.
    pub state: ListedState,
}

/// A map by its number, or one state for all buckets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
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

/// Why a listing is no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// An index that is not there.
    #[error("{field} is {value}; a NIC has 0 to {most}")]
    Beyond {
        /// Where in the listing.
        field: String,
        /// The index.
        value: u8,
        /// The highest there is.
        most: usize,
    },
    /// More maps than slots.
    #[error("maps has {count} maps; a NIC has {SLOTS} slots")]
    TooManyMaps {
        /// How many.
        count: usize,
    },
    /// A run that is none.
    #[error("maps[{map}][{run}].buckets is {first} to {last}; buckets are 0 to {}, the first not above the last", BUCKETS - 1)]
    Run {
        /// Index of the map.
        map: usize,
        /// Index of the run.
        run: usize,
        /// Its first bucket.
        first: u16,
        /// Its last.
        last: u16,
    },
    /// The same bucket twice.
    #[error("maps[{map}][{run}].buckets begins at {first}, which an earlier run of the map has")]
    Overlap {
        /// Index of the map.
        map: usize,
        /// Index of the run.
        run: usize,
        /// Its first bucket.
        first: u16,
    },
    /// No key.
    #[error("hash_key is no 80 hexadecimal digits")]
    HashKey,
}

impl Listing {
    /// What `program` says.
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
            hash_key: None,
            maps: program.maps.iter().map(runs).collect(),
        }
    }

    /// The program it asks for.
    pub fn program(&self) -> Result<Program, ListingError> {
        if self.maps.len() > SLOTS {
            return Err(ListingError::TooManyMaps { count: self.maps.len() });
        }
        let inside = |field: String, value: u8, most: usize| match usize::from(value) > most {
            true => Err(ListingError::Beyond { field, value, most }),
            false => Ok(usize::from(value)),
        };
        let mut config = Config { hash_key: self.key()?, ..Config::default() };
        for (index, address) in &self.vips {
            config.vips[inside("an index of vips".into(), *index, VIPS - 1)?] = Some(*address);
        }
        for (index, rule) in &self.rules {
            let place = inside("an index of rules".into(), *index, RULES - 1)?;
            let vip = match rule.vip {
                None => VipSelect::All,
                Some(vip) => {
                    inside(format!("rules.{index}.vip"), vip, VIPS - 1)?;
                    VipSelect::One(vip)
                }
            };
            config.rules[place] = Some(Rule {
                vip,
                first_port: rule.ports.0,
                last_port: rule.ports.1,
                protocol: rule.protocol.into(),
                affinity: rule.affinity.into(),
                map: rule.map.into(),
            });
        }
        config.default_rule =
            DefaultRule { affinity: self.default_rule.affinity.into(), map: self.default_rule.map.into() };
        config.policy = Policy {
            echo: self.echo.map_or(Echo::PassAll, |map| Echo::Hash(map.into())),
            drop_portless_fragments: self.drop_portless_fragments,
        };
        let maps = self.maps.iter().enumerate().map(|(index, runs)| map(index, runs)).collect::<Result<_, _>>()?;
        Ok(Program { config, maps })
    }

    fn key(&self) -> Result<[u8; 40], ListingError> {
        let Some(text) = &self.hash_key else { return Ok(RSS_KEY) };
        let mut key = [0; 40];
        if text.len() != 80 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ListingError::HashKey);
        }
        for (place, octet) in key.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| ListingError::HashKey)?;
        }
        Ok(key)
    }
}

impl From<MapRef> for ListedMap {
    fn from(map: MapRef) -> ListedMap {
        match map {
            MapRef::Slot(slot) => ListedMap::Number(slot),
            MapRef::Constant(state) => ListedMap::All(state.into()),
        }
    }
}

impl From<ListedMap> for MapRef {
    fn from(map: ListedMap) -> MapRef {
        match map {
            ListedMap::Number(number) => MapRef::Slot(number),
            ListedMap::All(state) => MapRef::Constant(state.into()),
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
        let (first, last) = run.buckets;
        if first > last || usize::from(last) >= BUCKETS {
            return Err(ListingError::Run { map: index, run: place, first, last });
        }
        let (first, last) = (usize::from(first), usize::from(last));
        if seen[first..=last].contains(&true) {
            return Err(ListingError::Overlap { map: index, run: place, first: run.buckets.0 });
        }
        seen[first..=last].fill(true);
        (first..=last).for_each(|bucket| map.set(bucket, run.state.into()));
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Program {
        let mut program = Program::default();
        program.config.hash_key = RSS_KEY;
        program.config.vips[0] = Some([192, 0, 2, 1].into());
        program.config.vips[15] = Some("2001:db8::1".parse().expect("an address"));
        let rule = Rule {
            vip: VipSelect::One(15),
            first_port: 80,
            last_port: 443,
            protocol: Protocol::Both,
            affinity: Affinity::Network,
            map: MapRef::Slot(0),
        };
        program.config.rules[3] = Some(rule);
        program.config.rules[31] = Some(Rule { vip: VipSelect::All, map: MapRef::Constant(BucketState::Own), ..rule });
        program.config.policy.echo = Echo::Hash(MapRef::Slot(0));
        let mut map = Map::default();
        for (bucket, state) in
            [(0, BucketState::Own), (1, BucketState::Own), (2, BucketState::Release), (4095, BucketState::Adopt)]
        {
            map.set(bucket, state);
        }
        program.maps.push(map);
        program
    }

    #[test]
    fn a_program_comes_back_as_it_was_written() {
        let text = serde_json::to_string(&Listing::of(&program())).expect("JSON");
        assert!(text.contains(r#"{"buckets":[0,1],"state":"own"}"#) && !text.contains("key"), "{text}");
        let read: Listing = serde_json::from_str(&text).expect("a listing");
        assert_eq!(read.program().expect("a program"), program());
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        let wrong = |text: &str| {
            serde_json::from_str::<Listing>(text).expect("the right shape").program().expect_err(text).to_string()
        };
        assert_eq!(wrong(r#"{"vips":{"16":"192.0.2.1"}}"#), "an index of vips is 16; a NIC has 0 to 15");
        assert!(
            wrong(r#"{"maps":[[],[{"buckets":[5,4],"state":"own"}]]}"#).starts_with("maps[1][0].buckets is 5 to 4")
        );
        assert!(wrong(r#"{"maps":[[{"buckets":[0,4096],"state":"own"}]]}"#).contains("buckets are 0 to 4095"));
        let twice = r#"{"maps":[[{"buckets":[0,9],"state":"own"},{"buckets":[9,9],"state":"none"}]]}"#;
        assert!(wrong(twice).starts_with("maps[0][1].buckets begins at 9"));
        assert_eq!(wrong(r#"{"hash_key":"00ff"}"#), "hash_key is no 80 hexadecimal digits");
        assert!(serde_json::from_str::<Listing>(r#"{"vip":{}}"#).is_err(), "a name that is not there");
    }

    #[test]
    fn a_key_is_its_octets_in_order() {
        let digits: String = (0..40).map(|octet| format!("{octet:02x}")).collect();
        let listing = Listing { hash_key: Some(digits), ..Listing::default() };
        let key = listing.program().expect("a program").config.hash_key;
        assert!(key.into_iter().eq(0..40));
    }
}
