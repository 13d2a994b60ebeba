//! keepalived: VRRP, where one host has the virtual IP and the next takes it over.

use std::fs;
use std::process::Command;
use std::time::Duration;

use weir_lab::topology;

use crate::{Daemon, PeerError, Stage};

/// How often the owner says that it is there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Advertise {
    /// VRRP version 2, the default of one second.
    Default,
    /// VRRP version 3, in milliseconds; a multiple of ten.
    Every(u32),
}

/// From the power cut of the host that has the virtual IP to the first answer of the next, as a client sees it.
pub fn gap_at_a_crash(advertise: Advertise) -> Result<Duration, PeerError> {
    let stage = Stage::build("weir-keepalived", 2, false)?;
    let folder = tempfile::tempdir().map_err(PeerError::io("make a folder"))?;
    let start = |id: u8, priority: u8| {
        let file = |name: &str| folder.path().join(format!("{name}{id}"));
        let (version, period) = match advertise {
            Advertise::Default => ("", "1".to_owned()),
            Advertise::Every(millis) => ("vrrp_version 3", format!("{}.{:02}", millis / 1000, millis / 10 % 100)),
        };
        let text = format!(
            "global_defs {{\n  {version}\n}}\nvrrp_instance weir {{\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  \
             priority {priority}\n  advert_int {period}\n  virtual_ipaddress {{\n    {}/{} dev eth0\n  }}\n}}\n",
            topology::VIP,
            topology::PREFIX,
        );
        fs::write(file("conf"), text).map_err(PeerError::io("write the configuration of keepalived"))?;
        let mut command = Command::new("keepalived");
        command.args(["--dont-fork", "--log-console", "--vrrp", "--use-file"]).arg(file("conf"));
        command.arg("--pid").arg(file("pid")).arg("--vrrp_pid").arg(file("vrrp"));
        Daemon::start(&stage.host(id).namespace, command)
    };
    let patience = Duration::from_secs(20);
    let mut first = start(1, 200)?;
    stage.answered_by(1, patience)?;
    let _second = start(2, 100)?;
    // Till the second has heard the first and both are at rest.
    std::thread::sleep(Duration::from_secs(2));
    stage.answered_by(1, patience)?;
    stage.gap(1, patience, || {
        first.kill();
        stage.unplug(1)
    })
}
