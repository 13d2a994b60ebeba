//! What the scenarios share: the binary, a fast cluster, and a look at what is left.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use weir_agent::control::Query;
use weir_lab::capture::Capture;
use weir_lab::client::{Outcome, Tuples};
use weir_lab::traffic::Stream;
use weir_lab::{Engine, Lab, Options};

/// Agreeing may take so long, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn weir_binary() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("a test knows where it is");
        test.ancestors().nth(2).expect("tests lie in target/<profile>/deps").join("weir")
    };
    let path = std::env::var_os("WEIR_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.exists(), "{} is missing: run `cargo xtask test lab`, or set WEIR_BIN", path.display());
    path
}

/// `weir lab --name NAME --quiet` with more arguments.
pub(crate) fn weir_lab(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(weir_binary());
    command.args(["lab", "--quiet", "--name", name]).args(arguments);
    command
}

/// Heartbeats ten times as fast as by default, so that scenarios take seconds.
pub(crate) fn fast(name: &str, hosts: u8, engine: Engine) -> Lab {
    let program = Some(weir_binary());
    let options = Options { hosts, engine, name: name.into(), period_ms: 100, program, ..Options::default() };
    Lab::build(&options, Arc::default()).expect("these scenarios need root")
}

/// The same with agents and NICs that get a processor when they want one: for tests that no host is fenced.
pub(crate) fn prompt(name: &str, hosts: u8, period_ms: u64) -> Lab {
    let program = Some(weir_binary());
    let options = Options { hosts, name: name.into(), period_ms, realtime: true, program, ..Options::default() };
    Lab::build(&options, Arc::default()).expect("these scenarios need root")
}

/// All that is watched while something goes wrong: whom clients are answered by, and what leaves the hosts.
pub(crate) struct Watch {
    clients: Capture,
    hosts: Capture,
    stream: Stream,
}

impl Watch {
    /// Starts watching, and clients that connect without end; returns when some have been answered.
    pub(crate) fn start(lab: &Lab, seed: u64) -> Watch {
        let clients = lab.capture_clients().expect("a capture");
        let hosts = lab.capture_hosts().expect("a capture");
        let stream = Stream::start(lab.clients(), Tuples::new(seed), Duration::from_millis(5)).expect("a stream");
        let since = Instant::now();
        while clients.ledger().attempts() < 50 {
            assert!(since.elapsed() < PATIENCE, "{} attempts were answered", clients.ledger().attempts());
            sleep(Duration::from_millis(20));
        }
        Watch { clients, hosts, stream }
    }

    /// Panics if anybody was answered twice, or the cluster MAC was shown; what became of the clients.
    pub(crate) fn stop(self) -> Vec<Outcome> {
        let outcomes = self.stream.stop();
        let (clients, hosts) = (self.clients.stop(), self.hosts.stop());
        assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
        assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
        outcomes
    }
}

/// Turns all hosts on and waits until they agree.
pub(crate) fn converged(lab: &mut Lab, hosts: &[u8]) -> Query {
    for &host in hosts {
        lab.boot(host).expect("a host boots");
    }
    lab.converge(hosts, "", PATIENCE, &mut |_| {}).expect("they converge")
}

/// Everything on this machine that carries the name of a lab.
pub(crate) fn leftovers(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut look = |dir: &str, belongs: &dyn Fn(&str) -> bool| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        found.extend(names.filter(|entry| belongs(entry)).map(|entry| format!("{dir}/{entry}")));
    };
    look("/run/netns", &|entry| entry.starts_with(&format!("{name}-")));
    look("/run/weir-lab", &|entry| entry == name);
    look("/run", &|entry| entry == format!("weir-lab-{name}.lock"));
    let mounts = fs::read_to_string("/proc/mounts").expect("the kernel tells its mounts");
    found.extend(mounts.lines().filter(|line| line.contains(&format!("/run/netns/{name}-"))).map(String::from));
    for entry in fs::read_dir("/proc").expect("the kernel tells its processes").flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&format!("/run/weir-lab/{name}/")) || line.contains(&format!("/run/netns/{name}-")) {
            found.push(line);
        }
    }
    found
}

/// The object on the last line of stdout, and the exit code.
pub(crate) fn report(output: &Output) -> (serde_json::Value, Option<i32>) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let last = stdout.lines().last().unwrap_or_else(|| panic!("nothing on stdout; stderr: {stderr}"));
    let value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error} in {stdout}\n{stderr}"));
    (value, output.status.code())
}

/// The one line a refused command prints.
pub(crate) fn only_line(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 1, "not one line:\n{stderr}");
    lines[0].to_string()
}
