//! The agents' configuration files.

use std::path::Path;

use crate::topology;

/// The heartbeat key of all labs: their heartbeats never leave their namespaces, so it is no secret.
const KEY: &str = "7765697220206c61622020686561727462656174206b657920206e6f20736563";

/// The TOML of one host. `socket` is its NIC's, `control` where its agent listens.
pub(crate) fn of_host(host: u8, period_ms: u64, tolerance: u32, socket: &Path, control: &Path) -> String {
    let (vip, dip) = (topology::VIP, topology::dip(host));
    let (socket, control) = (socket.display(), control.display());
    format!(
        r#"[cluster]
name = "lab"
vips = ["{vip}"]
key = "{KEY}"
period_ms = {period_ms}
tolerance = {tolerance}

[host]
priority = {host}
dip = "{dip}"
interface = "eth0"
nic = "socket:{socket}"
control = "{control}"

[[rule]]
vip = "{vip}"
ports = 80
protocol = "tcp"
mode = "multiple"
affinity = "none"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_takes_it() {
        let text = of_host(32, 60, 5, Path::new("/run/x/nic32.sock"), Path::new("/run/x/h32.sock"));
        let config = weir_agent::config::Config::parse(Path::new("h32.toml"), &text).expect("taken");
        assert_eq!((config.host.priority, config.cluster.period_us), (32, 60_000));
        assert_eq!(config.cluster.primary, topology::VIP);
        assert_eq!(config.rules.len(), 1);
    }
}
