//! Why a text is no program.

use weir_spec::map::SLOTS;

/// What is wrong, where, and what would be right. A key is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A value that is not allowed.
    #[error("{field} is {value}, should be {wanted}")]
    Value {
        /// Where in the listing.
        field: String,
        /// What it says.
        value: String,
        /// What would be right.
        wanted: String,
    },
    /// A field that has to be there.
    #[error("{field} is missing, should be {wanted}")]
    Missing {
        /// Where it should be.
        field: String,
        /// What would be right.
        wanted: String,
    },
    /// A field that is not known.
    #[error("{field} is not known; known here are {known}")]
    Unknown {
        /// Where in the listing.
        field: String,
        /// The names there are.
        known: String,
    },
    /// One name twice in an object.
    #[error("{field} is there twice, should be there once")]
    Twice {
        /// Where in the listing.
        field: String,
    },
    /// An index that is not there.
    #[error("an index of {field} is {value}; a NIC has 0 to {most}")]
    Beyond {
        /// `vips` or `rules`.
        field: &'static str,
        /// The index.
        value: String,
        /// The highest there is.
        most: usize,
    },
    /// More maps than slots.
    #[error("maps has {count} maps; a NIC has {SLOTS} slots")]
    TooManyMaps {
        /// How many.
        count: usize,
    },
    /// A key of another length.
    #[error("hash_key has {length} characters, should be 80 hexadecimal digits, \"rss\" or \"nic\"")]
    KeyLength {
        /// How many it has.
        length: usize,
    },
    /// A key with a character that is no digit.
    #[error("hash_key has a character that is no hexadecimal digit, the {place}. of 80")]
    KeyDigit {
        /// Which, from 1.
        place: usize,
    },
    /// A key of zeros.
    #[error(
        "hash_key is all zeros, which puts every client into bucket 0; should be random digits, \"rss\" or \"nic\""
    )]
    KeyOfZeros,
    /// The key of a NIC that has none.
    #[error(
        "hash_key is \"nic\", but this NIC has no key (zeros, as after a reset); should be 80 hexadecimal digits, as \
         `weir nic table --json --show-keys` prints them, or \"rss\""
    )]
    NoKeyThere,
    /// No key, on a NIC that has one of its own.
    #[error(
        "hash_key is missing, and this NIC has another key than that of the published RSS vectors; should be \"nic\" to \
         keep it, \"rss\" to change it, or 80 hexadecimal digits"
    )]
    KeyWouldChange,
}
