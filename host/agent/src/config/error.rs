//! What can be wrong with a configuration, told with the line it stands on.

use std::io;
use std::path::{Path, PathBuf};

use super::{Span, secrecy};

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not TOML, a key that is unknown or missing, or a value of the wrong type.
    #[error("{}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, excerpt and what was expected.
        message: String,
    },
    /// A value that is not allowed.
    #[error("{place}: {field} is {value}, should be {wanted}{excerpt}")]
    Value {
        /// File, line and column.
        place: String,
        /// The field, with its table.
        field: &'static str,
        /// What it says.
        value: String,
        /// What would be right.
        wanted: String,
        /// The line, on one of its own; nothing where it may hold a key.
        excerpt: String,
    },
    /// A key that is not so many hexadecimal digits; the digits are not repeated.
    #[error("{place}: {field} has {length} characters, should be {wanted} hexadecimal digits")]
    Secret {
        /// File, line and column.
        place: String,
        /// The field, with its table.
        field: &'static str,
        /// What it has.
        length: usize,
        /// What it should have.
        wanted: usize,
    },
    /// A key with a character that is no digit; it is not repeated.
    #[error("{place}: {field} has a character that is no hexadecimal digit, the {at}. of {wanted}")]
    Digit {
        /// File, line and column.
        place: String,
        /// The field, with its table.
        field: &'static str,
        /// Which character, from 1.
        at: usize,
        /// How many digits there should be.
        wanted: usize,
    },
    /// A key of zeros.
    #[error("{place}: {field} is all zeros, {why}; should be {wanted} random hexadecimal digits")]
    ZeroKey {
        /// File, line and column.
        place: String,
        /// The field, with its table.
        field: &'static str,
        /// Why not.
        why: &'static str,
        /// How many digits there should be.
        wanted: usize,
    },
    /// An empty file, or half a one.
    #[error("{}: {what} is missing, should be {wanted}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What.
        what: &'static str,
        /// What would be right.
        wanted: &'static str,
    },
    /// Heartbeats cannot be signed.
    #[error("{}: cluster.key or cluster.key_file is missing, should be 64 hexadecimal digits, the same on every host", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
}

/// A file, for telling where something stands in it.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// What the parser of TOML says, with the line if that may be repeated.
    pub(super) fn syntax(&self, error: toml::de::Error) -> ConfigError {
        let message = match error.span() {
            Some(span) if self.may_hold_a_key(span.start) => {
                format!("line {}: {}", self.line_number(span.start), secrecy::without_value(error.message()))
            }
            // Of a field that nobody knows it is not known either whether it is a key, misspelt.
            Some(span) if error.message().starts_with("unknown field") => {
                format!("line {}: {}", self.line_number(span.start), error.message())
            }
            _ => error.to_string(),
        };
        let message = secrecy::without_secrets(message.trim_end());
        ConfigError::Syntax { path: self.path.to_path_buf(), message }
    }

    pub(super) fn wrong(&self, span: Span, field: &'static str, value: &str, wanted: &str) -> ConfigError {
        let value = match value.lines().next().unwrap_or("") {
            _ if Source::is_secret(value) => format!("{} characters that may be a key", value.chars().count()),
            "" => "empty".into(),
            line if line.len() < value.len() => format!("{line} ..."),
            line => line.into(),
        };
        let excerpt = match self.holds_a_key(span.start) {
            true => String::new(),
            false => format!("\n  {}", self.line(span.start).trim()),
        };
        ConfigError::Value { place: self.place(span), field, value, wanted: wanted.to_string(), excerpt }
    }

    pub(super) fn missing(&self, what: &'static str, wanted: &'static str) -> ConfigError {
        ConfigError::Missing { path: self.path.to_path_buf(), what, wanted }
    }

    /// Whether so many hexadecimal digits are together in it that they may be a key.
    pub(super) fn is_secret(text: &str) -> bool {
        secrecy::holds_digits_of_a_key(text)
    }

    /// Whether the line at an offset holds a key, or a part of one. Such a line is never repeated.
    fn holds_a_key(&self, at: usize) -> bool {
        let before = &self.text[..self.line_start(at)];
        let in_a_text = |quotes| before.matches(quotes).count() % 2 == 1;
        secrecy::holds_a_key(self.line(at)) || in_a_text("\"\"\"") || in_a_text("'''")
    }

    /// The same where the file is broken, and with it perhaps a key, over two lines or in its field.
    fn may_hold_a_key(&self, at: usize) -> bool {
        let before = self.text[..self.line_start(at)].lines().next_back().unwrap_or("");
        self.holds_a_key(at) || [before, self.line(at)].into_iter().any(secrecy::may_hold_a_key)
    }

    fn line(&self, at: usize) -> &str {
        self.text[self.line_start(at)..].lines().next().unwrap_or("")
    }

    fn line_number(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    pub(super) fn place(&self, span: Span) -> String {
        let line = self.line_number(span.start);
        let column = self.text[self.line_start(span.start)..span.start].chars().count() + 1;
        format!("{}:{line}:{column}", self.path.display())
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        &self.text[span]
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }
}
