//! What a lab is asked to be.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::topology::MAX_HOSTS;

/// What decides on every frame in the simulated NICs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Engine {
    /// The specification in plain Rust.
    #[default]
    Spec,
    /// The circuits, emitted as Verilog and compiled by Verilator.
    Rtl,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Spec => "spec",
            Engine::Rtl => "rtl",
        })
    }
}

impl FromStr for Engine {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Engine, OptionsError> {
        match text {
            "spec" => Ok(Engine::Spec),
            "rtl" => Ok(Engine::Rtl),
            other => Err(OptionsError::Engine { value: other.to_string() }),
        }
    }
}

/// How frames for the virtual IP reach all hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Every host's interface has the cluster MAC.
    #[default]
    Unicast,
    /// Interfaces have a MAC of their own, and the cluster a group MAC.
    Multicast,
    /// The group MAC is that of an IP multicast group, which hosts join.
    Igmp,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Unicast => "unicast",
            Mode::Multicast => "multicast",
            Mode::Igmp => "igmp",
        })
    }
}

impl FromStr for Mode {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Mode, OptionsError> {
        match text {
            "unicast" => Ok(Mode::Unicast),
            "multicast" => Ok(Mode::Multicast),
            "igmp" => Ok(Mode::Igmp),
            other => Err(OptionsError::Mode { value: other.to_string() }),
        }
    }
}

/// What a lab is asked to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Hosts, 1..=32. With one host nothing is killed.
    pub hosts: u8,
    /// What decides on every frame.
    pub engine: Engine,
    /// How frames for the virtual IP reach all hosts.
    pub mode: Mode,
    /// The version of IGMP that hosts speak in mode igmp; `None`: as their kernels do.
    pub igmp_version: Option<u8>,
    /// Requests of the measured traffic: half before the crash, half after the take-over.
    pub requests: u32,
    /// Prefix of all namespaces: 1 to 24 small letters, digits and hyphens, a letter first. One lab of a name at a time.
    pub name: String,
    /// Heartbeat period in milliseconds, 5..=10000.
    pub period_ms: u64,
    /// Missed periods until a host counts as dead, 5..=100.
    pub tolerance: u32,
    /// Run agents and simulated NICs under SCHED_FIFO, by `chrt`: needs root. On a busy machine heartbeats of some milliseconds
    /// need it, and so does who wants to see no host fenced.
    pub realtime: bool,
    /// Agents reach their NICs by control frames, as boards in the wire, and not by the socket that stands for PCIe.
    pub by_frames: bool,
    /// Keep the lab up after the report, until Ctrl-C.
    pub keep: bool,
    /// No progress, the report alone.
    pub quiet: bool,
    /// Print the report as one JSON object on the last line of stdout.
    pub json: bool,
    /// The `weir` binary that devices, agents and servers are started from; `None`: this very program.
    pub program: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            hosts: 4,
            engine: Engine::Spec,
            mode: Mode::Unicast,
            igmp_version: None,
            requests: 400,
            name: "weir".into(),
            period_ms: 1000,
            tolerance: 5,
            realtime: false,
            by_frames: false,
            keep: false,
            quiet: false,
            json: false,
            program: None,
        }
    }
}

/// Which option is not possible.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// No such engine.
    #[error("engine is {value}, should be spec or rtl")]
    Engine {
        /// What was asked for.
        value: String,
    },
    /// No such mode.
    #[error("mode is {value}, should be unicast, multicast or igmp")]
    Mode {
        /// What was asked for.
        value: String,
    },
    /// A number out of its range.
    #[error("{option} is {value}, should be {least} to {most}")]
    Range {
        /// Which option.
        option: &'static str,
        /// What was asked for.
        value: u64,
        /// Smallest value.
        least: u64,
        /// Largest value.
        most: u64,
    },
    /// The name cannot be the prefix of namespaces.
    #[error("name is {value:?}, should be 1 to 24 small letters, digits and hyphens, a letter first")]
    Name {
        /// What was asked for.
        value: String,
    },
}

impl Options {
    /// Refuses what a lab cannot be, before anything is made.
    pub fn check(&self) -> Result<(), OptionsError> {
        let ranges = [
            ("hosts", u64::from(self.hosts), 1, u64::from(MAX_HOSTS)),
            ("requests", u64::from(self.requests), 2, 100_000),
            ("period-ms", self.period_ms, 5, 10_000),
            ("tolerance", u64::from(self.tolerance), 5, 100),
        ];
        for (option, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(OptionsError::Range { option, value, least, most });
            }
        }
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let name = self.name.as_bytes();
        let good = (1..=24).contains(&name.len()) && name[0].is_ascii_lowercase() && name.iter().all(|&b| legal(b));
        if good { Ok(()) } else { Err(OptionsError::Name { value: self.name.clone() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_possible() {
        Options::default().check().expect("possible");
    }

    #[test]
    fn each_impossible_option_is_named_with_what_would_be_right() {
        let message = |options: Options| options.check().expect_err("impossible").to_string();
        assert_eq!(message(Options { hosts: 33, ..Options::default() }), "hosts is 33, should be 1 to 32");
        assert_eq!(message(Options { tolerance: 4, ..Options::default() }), "tolerance is 4, should be 5 to 100");
        for name in ["", "1a", "a/b", "A", "../../etc", "aaaaaaaaaaaaaaaaaaaaaaaaa"] {
            assert!(message(Options { name: name.into(), ..Options::default() }).contains("small letters"), "{name}");
        }
        assert_eq!(
            "verilog".parse::<Engine>().expect_err("none").to_string(),
            "engine is verilog, should be spec or rtl"
        );
        assert_eq!(
            "anycast".parse::<Mode>().expect_err("none").to_string(),
            "mode is anycast, should be unicast, multicast or igmp"
        );
    }
}
