//! What can be wrong with a configuration, told with the line it stands on.

use std::io;
use std::path::{Path, PathBuf};

use super::Span;

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
    #[error("{place}: {field} is {value}, should be {wanted}\n  {excerpt}")]
    Value {
        /// File, line and column.
        place: String,
        /// The field, with its table.
        field: &'static str,
        /// What it says.
        value: String,
        /// What would be right.
        wanted: String,
        /// The line.
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
    /// A hash key of zeros.
    #[error(
        "{place}: {field} is all zeros, which puts every client into bucket 0; should be {wanted} random hexadecimal digits"
    )]
    ZeroKey {
        /// File, line and column.
        place: String,
        /// The field, with its table.
        field: &'static str,
        /// How many digits there should be.
        wanted: usize,
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
    pub(super) fn syntax(&self, error: toml::de::Error) -> ConfigError {
        let line = error.span().map(|span| self.text[self.line_start(span.start)..].lines().next().unwrap_or(""));
        // A line with a key is never repeated.
        let message = match (line, error.span()) {
            (Some(line), Some(span)) if line.contains("key") => {
                format!("line {}: {}", self.text[..span.start].matches('\n').count() + 1, error.message())
            }
            _ => error.to_string(),
        };
        ConfigError::Syntax { path: self.path.to_path_buf(), message: message.trim_end().to_string() }
    }

    pub(super) fn wrong(&self, span: Span, field: &'static str, value: &str, wanted: &str) -> ConfigError {
        let excerpt = self.text[self.line_start(span.start)..].lines().next().unwrap_or("").trim().to_string();
        ConfigError::Value {
            place: self.place(span),
            field,
            value: value.to_string(),
            wanted: wanted.to_string(),
            excerpt,
        }
    }

    pub(super) fn place(&self, span: Span) -> String {
        let line = self.text[..span.start].matches('\n').count() + 1;
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
