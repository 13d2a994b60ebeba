//! corosync: totem membership, which a cluster manager asks who is there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use weir_lab::topology;

use crate::{Daemon, PeerError, Stage};

/// Hosts of the membership.
const HOSTS: u8 = 3;

/// From the power cut of a host to the membership of the others without it. `token` is the token's time-out; none leaves
/// the default.
pub fn membership_after_a_crash(token: Option<Duration>) -> Result<Duration, PeerError> {
    let stage = Stage::build("weir-corosync", HOSTS, false)?;
    let folder = tempfile::tempdir().map_err(PeerError::io("make a folder"))?;
    let mut daemons = Vec::new();
    for host in &stage.hosts {
        let home = folder.path().join(host.id.to_string());
        let make = |path: &Path| fs::create_dir_all(path).map_err(PeerError::io("make a folder"));
        make(&home.join("state"))?;
        let file = home.join("corosync.conf");
        fs::write(&file, configuration(&home, token)).map_err(PeerError::io("write the configuration of corosync"))?;
        // Its shared memory and its sockets have fixed names, so each has folders of its own for them.
        let script = "mount -t tmpfs none /dev/shm && mount -t tmpfs none /run && exec corosync -f -c \"$0\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(&file);
        daemons.push(Daemon::start(&host.namespace, command)?);
    }
    let patience = Duration::from_secs(60);
    let all = (1..=HOSTS).map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
    let members = |hosts: &str, line: &str| line.contains("Members[") && line.trim_end().ends_with(hosts);
    for daemon in &daemons {
        daemon.says("all members", patience, |line| members(&format!(": {all}"), line))?;
    }
    std::thread::sleep(Duration::from_secs(1));
    let crash = Instant::now();
    if let Some(last) = daemons.last_mut() {
        last.kill();
    }
    stage.unplug(HOSTS)?;
    let left = (1..HOSTS).map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
    let mut noticed = crash;
    for daemon in &daemons[..usize::from(HOSTS) - 1] {
        noticed = noticed.max(daemon.says("the others alone", patience, |line| members(&format!(": {left}"), line))?);
    }
    Ok(noticed - crash)
}

fn configuration(home: &Path, token: Option<Duration>) -> String {
    let token = token.map(|token| format!("  token: {}\n", token.as_millis())).unwrap_or_default();
    let nodes: String = (1..=HOSTS)
        .map(|id| {
            format!("  node {{\n    ring0_addr: {}\n    nodeid: {id}\n    name: h{id}\n  }}\n", topology::dip(id))
        })
        .collect();
    let state = home.join("state");
    format!(
        "totem {{\n  version: 2\n  cluster_name: weir\n  transport: udpu\n{token}}}\nsystem {{\n  state_dir: {}\n  sched_rr: no\n  \
         move_to_root_cgroup: no\n}}\nlogging {{\n  to_stderr: yes\n  to_syslog: no\n}}\nquorum {{\n  provider: corosync_votequorum\n}}\n\
         nodelist {{\n{nodes}}}\n",
        state.display()
    )
}
