//! What the first process of a guest is told, and what it tells: JSON, one object, and one line an event.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where the plan lies in the guest.
pub const PLAN: &str = "/plan.json";
/// Where the modules lie in the guest.
pub const MODULES: &str = "/modules";
/// Where `weir` lies in the guest.
pub const WEIR: &str = "/bin/weir";
/// The serial port for [`Report`]s. The kernel's messages have one of their own, and so never stand in the middle of a
/// line.
pub const PORT: &str = "/dev/ttyS1";
/// Most bytes that are kept of one stream of a step.
pub const MOST_OUTPUT: usize = 256 << 10;

/// What to do, in this order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Files in [`MODULES`] to load.
    pub modules: Vec<String>,
    /// What to run then, up to the first that ends otherwise than expected.
    pub steps: Vec<Step>,
}

/// One command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The exit code that is right.
    pub expect: i32,
    /// When it is killed, in milliseconds from its start.
    pub limit_ms: u64,
}

impl Step {
    /// `weir ARGUMENTS`, which are split at spaces; it is right if it exits with `expect` within ten seconds.
    pub fn weir(arguments: &str, expect: i32) -> Step {
        let arguments = arguments.split_whitespace().map(str::to_owned);
        Step { argv: std::iter::once(WEIR.to_owned()).chain(arguments).collect(), expect, limit_ms: 10_000 }
    }

    /// The same with another limit.
    pub fn within(self, limit: Duration) -> Step {
        Step { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX), ..self }
    }
}

/// What the first process tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Report {
    /// The steps begin.
    Ready {
        /// Release of the kernel.
        kernel: String,
        /// How long the modules took, in microseconds.
        modules_us: u64,
    },
    /// One step ended.
    Step(Ran),
    /// The guest is not as it should be, and does no more.
    Failed {
        /// Why.
        what: String,
    },
    /// Nothing is left to do.
    Done,
}

/// What became of a step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ran {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How it ended.
    pub ended: Ended,
    /// What it printed; see `cut`.
    pub stdout: String,
    /// What it complained; see `cut`.
    pub stderr: String,
    /// One of them was longer than [`MOST_OUTPUT`], and its rest is lost.
    pub cut: bool,
    /// From its start to its end.
    pub micros: u64,
}

/// How a step ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself.
    Exit(i32),
    /// By a signal.
    Signal(i32),
    /// Killed at its limit.
    TimedOut,
    /// It never began.
    NotStarted(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_one_line_each_and_read_as_the_same() {
        let ran = |ended| {
            let argv = vec!["weir".into(), "nic".into()];
            let (stdout, stderr) = ("a\nb\n".into(), "\u{1b}\"\r".into());
            Report::Step(Ran { argv, ended, stdout, stderr, cut: false, micros: 7 })
        };
        let reports = [
            Report::Ready { kernel: "6.1".into(), modules_us: 2 },
            ran(Ended::Exit(0)),
            ran(Ended::Signal(9)),
            ran(Ended::TimedOut),
            ran(Ended::NotStarted("no such file".into())),
            Report::Failed { what: "no module".into() },
            Report::Done,
        ];
        for report in reports {
            let line = serde_json::to_string(&report).expect("JSON");
            assert!(!line.contains(['\n', '\r', '\u{1b}']), "a terminal would take it for its own: {line}");
            assert_eq!(serde_json::from_str::<Report>(&line).expect("JSON"), report);
        }
    }

    #[test]
    fn a_step_is_written_as_one_types_it() {
        let step = Step::weir("nic list --json", 0).within(Duration::from_secs(2));
        assert_eq!(step.argv, ["/bin/weir", "nic", "list", "--json"]);
        assert_eq!((step.expect, step.limit_ms), (0, 2000));
    }
}
