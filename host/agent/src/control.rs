//! The control socket: one JSON request a line, one JSON answer a line.
//!
//! A Unix socket; whoever may connect may ask, and the agent lets only root and its own user change anything
//! (`SO_PEERCRED`). The types are the stable interface behind `weir query --json` and its siblings.

mod rule_name;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::rule_name::{RuleName, RuleNameError, Transport};

/// What an agent can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Request {
    /// State and members.
    Query,
    /// Configuration, parameters in force, NIC and counters.
    Display,
    /// Join the cluster.
    Start,
    /// Leave the cluster at once; connections to this host lose service.
    Stop,
    /// Take no new connections, and leave the cluster when the last has ended.
    Drainstop,
    /// Take no new connections of a rule.
    Drain {
        /// Which; `None`: all of them.
        rule: Option<RuleName>,
    },
    /// Take them again.
    Enable {
        /// Which; `None`: all of them, which also takes back `Drainstop`.
        rule: Option<RuleName>,
    },
    /// End the agent as soon as no hand-over is under way, and leave its part to the one that is started before its lease ends.
    Restart {
        /// For so many seconds, at most 60: the others are asked to wait, and the lease is as long. `None`: it is what it is.
        #[serde(default)]
        absence: Option<u16>,
    },
    /// Read the configuration file anew.
    Reload {
        /// Only say what would become of it.
        dry_run: bool,
    },
    /// Take back the configuration that is staged.
    Withdraw,
    /// Weigh more or less in a rule of mode multiple, until the agent ends.
    Weight {
        /// Which rule.
        rule: RuleName,
        /// 0 to 100; `None`: equal load.
        weight: Option<u8>,
    },
}

/// What it answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Query`].
    Query(Box<Query>),
    /// To [`Request::Display`].
    Display(Box<Display>),
    /// To [`Request::Reload`].
    Reload(Reload),
    /// The verb was carried out.
    Done,
    /// The host is in that state already.
    Already {
        /// Which state.
        state: String,
    },
    /// The verb was refused.
    Refused {
        /// Why, and what would be right.
        message: String,
    },
    /// What the verb works on is not there: no configuration file.
    NotFound {
        /// What, and where it was looked for.
        message: String,
    },
}

/// State and members as this host sees them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Query {
    /// This host's priority.
    pub host: u8,
    /// `stopped`, `listening`, `converging` or `converged`.
    pub state: String,
    /// This host is the default host.
    pub default: bool,
    /// Priorities of the members, this host among them.
    pub members: Vec<u8>,
    /// Why the cluster does not converge, if it does not.
    pub cause: Option<String>,
    /// The committed epoch as `counter.lineage`, the lineage in hexadecimal; empty before the first.
    pub epoch: String,
    /// Buckets of 4096 a host owns, by priority, in the first rule of mode multiple.
    pub buckets: BTreeMap<u8, u32>,
    /// How often this host has entered the converging state since it joined.
    pub convergences: u64,
    /// The NIC accepts nothing through rules.
    pub fenced: bool,
    /// Members that are absent, or about to be, and for how many milliseconds more they are waited for.
    #[serde(default)]
    pub waited_for: BTreeMap<u8, u64>,
    /// In how many milliseconds this host takes part, if the agent before has promised that it would not before.
    #[serde(default)]
    pub starts_in_ms: Option<u64>,
    /// This host stops when its last connection has ended.
    #[serde(default)]
    pub draining: bool,
    /// Live connections here in buckets that are other hosts'.
    #[serde(default)]
    pub pins: u32,
    /// Name of the configuration in force: the first octets of its digest.
    #[serde(default)]
    pub configuration: String,
    /// Who has staged which configuration, by its name.
    #[serde(default)]
    pub staged: BTreeMap<u8, String>,
    /// Members for which the configuration that is staged here waits.
    #[serde(default)]
    pub waits_for: Vec<u8>,
    /// The one that is staged here is not announced: a flow table has no room for the connections it concerns.
    #[serde(default)]
    pub no_room: bool,
    /// By rule, members that an operator has told to take no new connections of it.
    #[serde(default)]
    pub drained: BTreeMap<String, Vec<u8>>,
    /// By rule, members whose health check of it fails.
    #[serde(default)]
    pub unfit: BTreeMap<String, Vec<u8>>,
    /// By rule of mode multiple, buckets of 4096 a host owns, by priority.
    #[serde(default)]
    pub buckets_by_rule: BTreeMap<String, BTreeMap<u8, u32>>,
}

/// What becomes of a configuration, or of a part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    /// It is in force, or staged, already.
    Nothing,
    /// It applies at once.
    AtOnce,
    /// It comes into force when all members have it.
    Staged,
}

/// What a configuration file changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reload {
    /// What becomes of it.
    pub becomes: Becomes,
    /// In what it differs from the configuration in force.
    pub changes: Vec<Changed>,
    /// Its name.
    pub configuration: String,
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// What differs, in words.
    pub what: String,
    /// What becomes of it.
    pub becomes: Becomes,
}

/// Everything worth knowing about one host.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Display {
    /// State and members.
    pub query: Query,
    /// Name of the cluster.
    pub cluster: String,
    /// Virtual IPs, the primary first.
    pub vips: Vec<String>,
    /// MAC that frames for the cluster go to.
    pub cluster_mac: String,
    /// MAC that this host's frames leave with.
    pub masked_mac: String,
    /// Heartbeat period in milliseconds.
    pub period_ms: u64,
    /// Missed periods until a host counts as dead.
    pub tolerance: u32,
    /// Port rules in the words of the configuration.
    pub rules: Vec<String>,
    /// Health checks of this host.
    #[serde(default)]
    pub checks: Vec<CheckDisplay>,
    /// All hosts heard of, and this one, lowest priority first.
    #[serde(default)]
    pub hosts: Vec<HostDisplay>,
    /// The NIC.
    pub nic: NicDisplay,
    /// Heartbeats received, by what became of them.
    pub heartbeats: BTreeMap<String, u64>,
}

/// What is known of one service.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CheckDisplay {
    /// The rule it is behind, or `default`.
    pub rule: String,
    /// How it is looked at.
    pub check: String,
    /// `fit`, `unfit` or `not known yet`.
    pub state: String,
    /// Why the last look failed, if it did.
    pub failed: Option<String>,
    /// Milliseconds since it came to be what it is.
    pub since_ms: u64,
}

/// What is known of one host.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HostDisplay {
    /// Its priority.
    pub host: u8,
    /// Its dedicated IP.
    pub ip: String,
    /// `stopped`, `listening`, `converging` or `converged`, as it says.
    pub state: String,
    /// Why it does not converge, as it says.
    pub cause: Option<String>,
    /// It is in the epoch that this host has committed.
    pub member: bool,
    /// Its NIC accepts nothing through rules.
    pub fenced: bool,
    /// Milliseconds since its last heartbeat.
    pub silent_ms: u64,
    /// It hears this host.
    pub hears_this: bool,
    /// In what it does not fit this host, in words.
    pub differs: Option<String>,
}

/// What is known of the NIC.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NicDisplay {
    /// The selector it was opened by.
    pub selector: String,
    /// Low word of the epoch in force.
    pub epoch: u32,
    /// Microseconds until the lease ends; negative when it has.
    pub lease_left_us: i64,
    /// Entries of the flow table in use.
    #[serde(default)]
    pub flows: u32,
    /// Counters that are not zero, by name. Those of rules are numbered in the NIC's own order; see `rules`.
    pub counters: BTreeMap<String, u64>,
    /// What it has counted of rules, if that is not zero, by rule.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleCounters>,
}

/// Frames to one rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RuleCounters {
    /// Passed to the host.
    pub accepted: u64,
    /// Left to other hosts.
    pub dropped: u64,
}

/// Why an agent could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing listens there.
    #[error("no agent at {}: is `weir agent` running, and is this its host.control?", path.display())]
    NoAgent {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The agent did not answer, or the connection broke.
    #[error("failed to ask the agent at {}", path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The agent took the request and said nothing.
    #[error("the agent at {} did not answer within {} s: it is stopped, or stuck", path.display(), patience.as_secs())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The answer is not one this version knows.
    #[error("the agent at {} answered what this version does not know", path.display())]
    Unknown {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Asks the agent at `path`, waiting at most `patience` for each step.
pub fn ask(path: &Path, request: Request, patience: Duration) -> Result<Answer, ControlError> {
    let broken = |source| ControlError::Broken { path: path.to_path_buf(), source };
    let mut stream =
        UnixStream::connect(path).map_err(|source| ControlError::NoAgent { path: path.to_path_buf(), source })?;
    stream.set_read_timeout(Some(patience)).map_err(broken)?;
    stream.set_write_timeout(Some(patience)).map_err(broken)?;
    let mut line = serde_json::to_vec(&request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(broken)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            ControlError::Silent { path: path.to_path_buf(), patience }
        }
        _ => broken(error),
    })?;
    serde_json::from_str(&answer).map_err(|source| ControlError::Unknown { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_json_is_the_documented_one() {
        assert_eq!(serde_json::to_string(&Request::Query).expect("json"), r#"{"verb":"query"}"#);
        let request = Request::Drain { rule: Some("10.0.0.1:80".parse().expect("a rule")) };
        let text = r#"{"verb":"drain","rule":{"vip":"10.0.0.1","port":80}}"#;
        assert_eq!(serde_json::to_string(&request).expect("json"), text);
        assert_eq!(serde_json::from_str::<Request>(text).expect("a request"), request);
        let weight = Request::Weight { rule: "53/udp".parse().expect("a rule"), weight: None };
        let text = r#"{"verb":"weight","rule":{"vip":null,"port":53,"transport":"udp"},"weight":null}"#;
        assert_eq!(serde_json::to_string(&weight).expect("json"), text);
        let answer = Answer::Query(Box::new(Query {
            host: 2,
            state: "converged".into(),
            members: vec![1, 2],
            epoch: "7.00c0ffee".into(),
            buckets: BTreeMap::from([(1, 2048), (2, 2048)]),
            buckets_by_rule: BTreeMap::from([("all 80 both".into(), BTreeMap::from([(1, 2048), (2, 2048)]))]),
            convergences: 1,
            ..Query::default()
        }));
        let text = concat!(
            r#"{"query":{"host":2,"state":"converged","default":false,"members":[1,2],"cause":null,"#,
            r#""epoch":"7.00c0ffee","buckets":{"1":2048,"2":2048},"convergences":1,"fenced":false,"waited_for":{},"#,
            r#""starts_in_ms":null,"draining":false,"pins":0,"#,
            r#""configuration":"","staged":{},"waits_for":[],"no_room":false,"drained":{},"unfit":{},"#,
            r#""buckets_by_rule":{"all 80 both":{"1":2048,"2":2048}}}}"#
        );
        assert_eq!(serde_json::to_string(&answer).expect("json"), text);
        assert_eq!(serde_json::from_str::<Answer>(text).expect("an answer"), answer);
    }

    #[test]
    fn nobody_there_garbage_and_silence_are_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("agent.sock");
        let patience = Duration::from_millis(50);
        assert!(matches!(ask(&path, Request::Query, patience), Err(ControlError::NoAgent { .. })));
        let listener = UnixListener::bind(&path).expect("a socket");
        assert!(matches!(ask(&path, Request::Query, patience), Err(ControlError::Silent { .. })));
        let server = std::thread::spawn(move || {
            let _silent = listener.accept().expect("the first client");
            let (mut stream, _) = listener.accept().expect("the second client");
            // What it asks is read first: it may not have written yet, and could not once this end is closed.
            BufReader::new(&stream).read_line(&mut String::new()).expect("a request");
            stream.write_all(b"hello\n").expect("room for a line");
        });
        assert!(matches!(ask(&path, Request::Query, Duration::from_secs(5)), Err(ControlError::Unknown { .. })));
        server.join().expect("no panic");
    }
}
