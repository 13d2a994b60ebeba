//! The secrets of a configuration: heartbeat keys, in it or in files beside it, and the key that buckets are made with.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use weir_cluster::Secret;

use super::RawCluster;
use super::error::{ConfigError, Source};
use super::number::{Number, in_range, number};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOldKey {
    id: Spanned<Number>,
    key: Option<Spanned<String>>,
    key_file: Option<Spanned<PathBuf>>,
}

/// What the fields of a key are called, in errors.
struct Fields {
    key: &'static str,
    file: &'static str,
    in_file: &'static str,
}

const SIGNING: Fields = Fields { key: "cluster.key", file: "cluster.key_file", in_file: "the key in cluster.key_file" };
const OLD: Fields = Fields {
    key: "cluster.old_key.key",
    file: "cluster.old_key.key_file",
    in_file: "the key in cluster.old_key.key_file",
};

/// All heartbeat keys with their ids, the one that signs first.
pub(super) fn heartbeat_keys(source: &Source<'_>, raw: &RawCluster) -> Result<Vec<(u8, Secret)>, ConfigError> {
    let id = in_range(source, raw.key_id.as_ref(), "cluster.key_id", 1, 0..=u8::MAX)?;
    let missing = || ConfigError::NoKey { path: source.path.to_path_buf() };
    let mut keys = vec![(id, one(source, raw.key.as_ref(), raw.key_file.as_ref(), &SIGNING, missing)?)];
    for old in &raw.old_key {
        let id = number(source, &old.id, "cluster.old_key.id", 0..=u8::MAX)?;
        if keys.iter().any(|(other, _)| *other == id) {
            return Err(source.wrong(old.id.span(), "cluster.old_key.id", &id.to_string(), "each id once"));
        }
        let missing = || {
            let what = "beside cluster.old_key.key or cluster.old_key.key_file, the key of this id";
            source.wrong(old.id.span(), "cluster.old_key.id", &id.to_string(), what)
        };
        keys.push((id, one(source, old.key.as_ref(), old.key_file.as_ref(), &OLD, missing)?));
    }
    Ok(keys)
}

/// A key that is given in one of two ways.
fn one(
    source: &Source<'_>,
    key: Option<&Spanned<String>>,
    file: Option<&Spanned<PathBuf>>,
    fields: &Fields,
    missing: impl FnOnce() -> ConfigError,
) -> Result<Secret, ConfigError> {
    match (key, file) {
        (Some(key), None) => heartbeat_key(source, key, fields.key),
        (None, Some(file)) => {
            let text = read(source, file, fields.file)?;
            heartbeat_key(source, &Spanned::new(file.span(), text.trim().to_string()), fields.in_file)
        }
        (Some(_), Some(file)) => {
            let what = format!("one of the two: it stands beside {}", fields.key);
            Err(source.wrong(file.span(), fields.file, &file.get_ref().display().to_string(), &what))
        }
        (None, None) => Err(missing()),
    }
}

fn read(source: &Source<'_>, file: &Spanned<PathBuf>, field: &'static str) -> Result<String, ConfigError> {
    let path = source.path.parent().unwrap_or(Path::new("")).join(file.get_ref());
    std::fs::read_to_string(&path).map_err(|error| {
        let name = file.get_ref().to_string_lossy();
        // A key in place of its file's name must not be told as the name of a file that is not there.
        if Source::is_secret(&name) {
            return source.wrong(file.span(), field, &name, "the name of a file; a key itself is cluster.key");
        }
        ConfigError::Read { path, source: error }
    })
}

/// A key of zeros is what a template is filled with, and anyone's guess.
fn heartbeat_key(source: &Source<'_>, text: &Spanned<String>, field: &'static str) -> Result<Secret, ConfigError> {
    let key: [u8; 32] = octets(source, text, field)?;
    if key == [0; 32] {
        let (place, why) = (source.place(text.span()), "which anyone would guess");
        return Err(ConfigError::ZeroKey { place, field, why, wanted: 64 });
    }
    Ok(Secret(key.to_vec()))
}

/// The key that buckets are made with. Of zeros every client would be in bucket 0.
pub(super) fn toeplitz_key(source: &Source<'_>, text: &Spanned<String>) -> Result<[u8; 40], ConfigError> {
    let (field, why) = ("cluster.hash_key", "which puts every client into bucket 0");
    let key = octets(source, text, field)?;
    if key == [0; 40] {
        return Err(ConfigError::ZeroKey { place: source.place(text.span()), field, why, wanted: 80 });
    }
    Ok(key)
}

/// `N` octets in hexadecimal. The value is a secret: errors tell its length, or the place of a wrong character, alone.
fn octets<const N: usize>(
    source: &Source<'_>,
    text: &Spanned<String>,
    field: &'static str,
) -> Result<[u8; N], ConfigError> {
    let (place, wanted) = (source.place(text.span()), 2 * N);
    let digits: Vec<Option<u32>> = text.get_ref().chars().map(|digit| digit.to_digit(16)).collect();
    if digits.len() != wanted {
        return Err(ConfigError::Secret { place, field, length: digits.len(), wanted });
    }
    let mut octets = [0; N];
    for (at, digit) in digits.iter().enumerate() {
        let digit = digit.ok_or_else(|| ConfigError::Digit { place: place.clone(), field, at: at + 1, wanted })?;
        octets[at / 2] = octets[at / 2] << 4 | digit as u8;
    }
    Ok(octets)
}
