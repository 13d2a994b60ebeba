//! From a JSON tree to a [`Listing`]: each value is known by its path, as `rules.0.map`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use weir_spec::config::VIPS;
use weir_spec::map::{BUCKETS, SLOTS};
use weir_spec::rules::RULES;

use super::json::Json;
use super::{ListedDefault, ListedKey, ListedMap, ListedRule, Listing, ListingError, Run};

/// What a map may be, in words.
const MAP: &str = "the number of one of maps, or \"none\", \"own\", \"adopt\" or \"release\"";
const AFFINITY: &str = "\"none\", \"single\" or \"network\"";
const PROTOCOL: &str = "\"tcp\", \"udp\" or \"both\"";
const STATE: &str = "\"none\", \"own\", \"adopt\" or \"release\"";
const PORTS: &str = "the first and the last port, as in [80, 80], 0 to 65535, the first not above the last";

pub(super) fn listing(tree: &Json) -> Result<Listing, ListingError> {
    let known =
        ["vips", "rules", "default_rule", "echo", "drop_portless_fragments", "quiesce", "hash_key", "maps", "in_force"];
    let top = Object::of("", tree, &known)?;
    let mut listing = Listing::default();
    if let Some(vips) = top.get("vips") {
        listing.vips = indexed("vips", vips, VIPS, address)?;
    }
    if let Some(rules) = top.get("rules") {
        listing.rules = indexed("rules", rules, RULES, rule)?;
    }
    if let Some(default) = top.get("default_rule") {
        let of = Object::of("default_rule", default, &["affinity", "map"])?;
        listing.default_rule =
            ListedDefault { affinity: of.need("affinity", AFFINITY, name)?, map: of.need("map", MAP, map)? };
    }
    listing.echo =
        top.get("echo").filter(|echo| **echo != Json::Null).map(|echo| map("echo", echo, MAP)).transpose()?;
    if let Some(drop) = top.get("drop_portless_fragments") {
        listing.drop_portless_fragments = boolean("drop_portless_fragments", drop)?;
    }
    if let Some(quiesce) = top.get("quiesce") {
        listing.quiesce = boolean("quiesce", quiesce)?;
    }
    listing.in_force = top.get("in_force").map(|value| boolean("in_force", value)).transpose()?;
    listing.hash_key = top.get("hash_key").map(key).transpose()?;
    if let Some(maps) = top.get("maps") {
        let maps = list("maps", maps, "a list of maps, each a list of runs")?;
        listing.maps = maps.iter().enumerate().map(|(at, map)| runs(at, map)).collect::<Result<_, _>>()?;
    }
    Ok(listing)
}

/// An object whose names are known, each there once.
struct Object<'a> {
    path: String,
    entries: &'a [(String, Json)],
}

impl<'a> Object<'a> {
    fn of(path: &str, tree: &'a Json, known: &[&str]) -> Result<Object<'a>, ListingError> {
        let Json::Object(entries) = tree else {
            let field = if path.is_empty() { "the program" } else { path };
            return Err(wrong(field, tree, &format!("an object with {}", known.join(", "))));
        };
        let object = Object { path: path.to_owned(), entries };
        if let Some((name, _)) = entries.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Err(ListingError::Unknown { field: object.at(name), known: known.join(", ") });
        }
        once(entries, |name| object.at(name))?;
        Ok(object)
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn get(&self, name: &str) -> Option<&'a Json> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn need<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&str, &Json, &str) -> Result<T, ListingError>,
    ) -> Result<T, ListingError> {
        let field = self.at(name);
        match self.get(name) {
            None => Err(ListingError::Missing { field, wanted: wanted.to_owned() }),
            Some(value) => read(&field, value, wanted),
        }
    }
}

fn once(entries: &[(String, Json)], field: impl Fn(&str) -> String) -> Result<(), ListingError> {
    for (place, (name, _)) in entries.iter().enumerate() {
        if entries[..place].iter().any(|(earlier, _)| earlier == name) {
            return Err(ListingError::Twice { field: field(name) });
        }
    }
    Ok(())
}

fn wrong(field: &str, value: &Json, wanted: &str) -> ListingError {
    ListingError::Value { field: field.to_owned(), value: value.to_string(), wanted: wanted.to_owned() }
}

/// An object whose names are numbers below `count`, written as numbers are.
fn indexed<T>(
    field: &'static str,
    tree: &Json,
    count: usize,
    read: impl Fn(&str, &Json) -> Result<T, ListingError>,
) -> Result<BTreeMap<u8, T>, ListingError> {
    let Json::Object(entries) = tree else {
        return Err(wrong(field, tree, &format!("an object whose names are \"0\" to \"{}\"", count - 1)));
    };
    once(entries, |name| format!("{field}.{name}"))?;
    let each = |(name, value): &(String, Json)| {
        let index = name.parse::<u8>().ok().filter(|index| usize::from(*index) < count && index.to_string() == *name);
        let index = index.ok_or_else(|| ListingError::Beyond { field, value: name.clone(), most: count - 1 })?;
        Ok((index, read(&format!("{field}.{name}"), value)?))
    };
    entries.iter().map(each).collect()
}

fn address(field: &str, value: &Json) -> Result<IpAddr, ListingError> {
    let address = if let Json::Text(text) = value { text.parse().ok() } else { None };
    address.ok_or_else(|| wrong(field, value, "an IPv4 or IPv6 address in quotes, without a prefix length"))
}

fn rule(path: &str, tree: &Json) -> Result<ListedRule, ListingError> {
    let of = Object::of(path, tree, &["vip", "ports", "protocol", "affinity", "map"])?;
    Ok(ListedRule {
        vip: match of.get("vip") {
            None | Some(Json::Null) => None,
            Some(value) => {
                Some(number(&of.at("vip"), value, VIPS - 1, "an index of vips, 0 to 15; all without it")? as u8)
            }
        },
        ports: of.need("ports", PORTS, |field, value, wanted| pair(field, value, 0xffff, wanted))?,
        protocol: of.need("protocol", PROTOCOL, name)?,
        affinity: of.need("affinity", AFFINITY, name)?,
        map: of.need("map", MAP, map)?,
    })
}

/// One of the texts in `T`.
fn name<T: serde::de::DeserializeOwned>(field: &str, value: &Json, wanted: &str) -> Result<T, ListingError> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};
    let Json::Text(text) = value else { return Err(wrong(field, value, wanted)) };
    let from: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
    T::deserialize(from).map_err(|_| wrong(field, value, wanted))
}

fn map(field: &str, value: &Json, wanted: &str) -> Result<ListedMap, ListingError> {
    match value {
        Json::Count(_) => Ok(ListedMap::Number(number(field, value, SLOTS - 1, wanted)? as u8)),
        _ => Ok(ListedMap::All(name(field, value, wanted)?)),
    }
}

fn number(field: &str, value: &Json, most: usize, wanted: &str) -> Result<u16, ListingError> {
    match value {
        Json::Count(count) if *count <= most as u64 => Ok(*count as u16),
        _ => Err(wrong(field, value, wanted)),
    }
}

/// Two numbers, the first not above the last.
fn pair(field: &str, value: &Json, most: usize, wanted: &str) -> Result<(u16, u16), ListingError> {
    match value {
        Json::List(both) if both.len() == 2 => {
            let one = |item| number(field, item, most, wanted).map_err(|_| wrong(field, value, wanted));
            let (first, last) = (one(&both[0])?, one(&both[1])?);
            if first > last { Err(wrong(field, value, wanted)) } else { Ok((first, last)) }
        }
        _ => Err(wrong(field, value, wanted)),
    }
}

fn boolean(field: &str, value: &Json) -> Result<bool, ListingError> {
    match value {
        Json::Bool(value) => Ok(*value),
        _ => Err(wrong(field, value, "true or false")),
    }
}

fn list<'a>(field: &str, value: &'a Json, wanted: &str) -> Result<&'a [Json], ListingError> {
    match value {
        Json::List(items) => Ok(items),
        _ => Err(wrong(field, value, wanted)),
    }
}

fn runs(map: usize, tree: &Json) -> Result<Vec<Run>, ListingError> {
    let runs = list(&format!("maps[{map}]"), tree, "a list of runs")?;
    let each = |(place, tree): (usize, &Json)| {
        let of = Object::of(&format!("maps[{map}][{place}]"), tree, &["buckets", "state"])?;
        let wanted = format!("the first and the last bucket, 0 to {}, the first not above the last", BUCKETS - 1);
        let buckets = of.need("buckets", &wanted, |field, value, wanted| pair(field, value, BUCKETS - 1, wanted))?;
        Ok(Run { buckets, state: of.need("state", STATE, name)? })
    };
    runs.iter().enumerate().map(each).collect()
}

/// A key is secret: what is wrong with it is told without it.
fn key(value: &Json) -> Result<ListedKey, ListingError> {
    let Json::Text(text) = value else {
        let (field, wanted) = ("hash_key".to_owned(), "80 hexadecimal digits in quotes, \"rss\" or \"nic\"".to_owned());
        return Err(ListingError::Value { field, value: "no text".to_owned(), wanted });
    };
    match text.as_str() {
        "rss" => return Ok(ListedKey::Rss),
        "nic" => return Ok(ListedKey::Nic),
        _ => {}
    }
    let digits: Vec<Option<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    if digits.len() != 80 {
        return Err(ListingError::KeyLength { length: digits.len() });
    }
    let mut key = [0; 40];
    for (place, digit) in digits.iter().enumerate() {
        let digit = digit.ok_or(ListingError::KeyDigit { place: place + 1 })?;
        key[place / 2] = key[place / 2] << 4 | digit as u8;
    }
    if key == [0; 40] { Err(ListingError::KeyOfZeros) } else { Ok(ListedKey::Octets(key)) }
}
