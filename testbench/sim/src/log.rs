//! What happened, as one number, and as lines when somebody wants to read them.

use std::fmt;

use weir_cluster::Micros;

/// FNV-1a, 64 bits.
const START: u64 = 0xcbf2_9ce4_8422_2325;
const FACTOR: u64 = 0x0000_0100_0000_01b3;

/// The log of a run. Two runs of one seed have the same hash.
#[derive(Clone, Debug)]
pub struct Log {
    hash: u64,
    events: u64,
    lines: Option<Vec<String>>,
}

impl Log {
    /// An empty log; with lines, if they are to be read.
    pub fn new(lines: bool) -> Log {
        Log { hash: START, events: 0, lines: lines.then(Vec::new) }
    }

    /// Something happened. The line is made only if it is to be read.
    pub(crate) fn note(&mut self, at: Micros, what: &[u64], line: impl FnOnce() -> String) {
        self.events += 1;
        for word in [at].iter().chain(what) {
            for octet in word.to_le_bytes() {
                self.hash = (self.hash ^ u64::from(octet)).wrapping_mul(FACTOR);
            }
        }
        if let Some(lines) = &mut self.lines {
            let line = line();
            if !line.is_empty() {
                lines.push(format!("{:>13} {line}", Seconds(at).to_string()));
            }
        }
    }

    /// The hash of all that happened.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How much happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }
}

/// A time in seconds, to the microsecond.
pub(crate) struct Seconds(pub(crate) Micros);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}
