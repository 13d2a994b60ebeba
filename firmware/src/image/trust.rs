//! Whose signatures are taken: a TOML file of public keys, each until a day.

use super::{SignatureError, public_key_id, signer, verify};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

/// The keys that may sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    keys: Vec<TrustedKey>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// As signatures name it.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// minisign's line.
    public: String,
    /// The last day (UTC) it is taken on; for ever if there is none.
    pub until: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    public: String,
    until: Option<toml::value::Datetime>,
}

/// Why a package is not trusted, or a file is none of keys.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Not TOML, or not of these fields.
    #[error("failed to read the trusted keys: {0}")]
    Syntax(String),
    /// A key that is none, twice, or with a day that is none.
    #[error("key[{at}].{field} is {value}, should be {wanted}")]
    Key {
        /// Its place in the file, from 0.
        at: usize,
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What would be right.
        wanted: &'static str,
    },
    /// The signature itself.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A key nobody has named.
    #[error(
        "signed by key {found}, which is not trusted here; trusted: {trusted}; have it signed by one of these, or trust that key"
    )]
    Unknown {
        /// Its id.
        found: String,
        /// Those that are.
        trusted: String,
    },
    /// A key whose time is over.
    #[error(
        "signed by key {id} ({name}), which was to be taken until {until}; today is {today}; have it signed by a key that is taken"
    )]
    Expired {
        /// Its id.
        id: String,
        /// Whose.
        name: String,
        /// The last day.
        until: Date,
        /// The day of asking.
        today: Date,
    },
}

impl Trust {
    /// Reads a file of `[[key]]` tables with `name`, `public` and, if it ends, `until`.
    ///
    /// # Errors
    ///
    /// The first key that is none, by its place.
    pub fn read(text: &str) -> Result<Trust, TrustError> {
        let file: File =
            toml::from_str(text).map_err(|error| TrustError::Syntax(error.to_string().trim_end().into()))?;
        let mut keys: Vec<TrustedKey> = Vec::new();
        for (at, Entry { name, public, until }) in file.key.into_iter().enumerate() {
            let wrong = |field, value, wanted| TrustError::Key { at, field, value, wanted };
            let wanted = "the line of a minisign public key";
            let id = public_key_id(&public).map_err(|_| wrong("public", format!("{public:?}"), wanted))?;
            if keys.iter().any(|other| other.id == id) {
                return Err(wrong("public", id, "a key that is not above already"));
            }
            let until = until.map(|until| {
                let day = until.to_string().parse();
                day.map_err(|_| wrong("until", until.to_string(), "a day, like 2030-12-31"))
            });
            keys.push(TrustedKey { id, name, public, until: until.transpose()? });
        }
        Ok(Trust { keys })
    }

    /// One key without a file.
    ///
    /// # Errors
    ///
    /// [`TrustError::Signature`] if it is none.
    pub fn in_key(public: &str) -> Result<Trust, TrustError> {
        let id = public_key_id(public)?;
        Ok(Trust { keys: vec![TrustedKey { id, name: "as given".into(), public: public.into(), until: None }] })
    }

    /// The keys, in the order of the file.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Checks a signature over octets at a time; returns the key it is by, and the comment that was signed.
    ///
    /// # Errors
    ///
    /// [`TrustError::Unknown`], [`TrustError::Expired`], or that it does not hold.
    pub fn check(&self, signature: &str, octets: &[u8], now: Timestamp) -> Result<(&TrustedKey, String), TrustError> {
        let found = signer(signature)?;
        let Some(key) = self.keys.iter().find(|key| key.id == found) else {
            let names: Vec<_> = self.keys.iter().map(|key| format!("{} ({})", key.id, key.name)).collect();
            let trusted = if names.is_empty() { "none".into() } else { names.join(", ") };
            return Err(TrustError::Unknown { found, trusted });
        };
        let comment = verify(&key.public, signature, octets)?;
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        match key.until {
            Some(until) if until < today => {
                Err(TrustError::Expired { id: found, name: key.name.clone(), until, today })
            }
            _ => Ok((key, comment)),
        }
    }
}
