//! The agents' configuration files.

use std::path::Path;

use crate::host::{Oddity, Settings};
use crate::options::Mode;
use crate::topology;

/// The heartbeat key of all labs: their heartbeats never leave their namespaces, so it is no secret.
const KEY: &str = "7765697220206c61622020686561727462656174206b657920206e6f20736563";

/// The TOML of one host. `nic` selects its NIC, `control` is where its agent listens.
pub(crate) fn of_host(host: u8, odd: &Oddity, settings: &Settings, nic: &str, control: &Path) -> String {
    let Settings { mode, igmp_version, period_ms, tolerance, .. } = settings;
    let (vip, dip) = (topology::VIP, topology::dip(host));
    let vips = match mode {
        Mode::Unicast => format!("\"{vip}\""),
        Mode::Multicast | Mode::Igmp => format!("\"{vip}\", \"{}\"", topology::VIP6),
    };
    let igmp_version = igmp_version.map(|version| format!("igmp_version = {version}\n")).unwrap_or_default();
    let priority = odd.priority.unwrap_or(host);
    let flows = odd.flows.map(|flows| format!("flows = {flows}")).unwrap_or_default();
    let promises = control.parent().unwrap_or(Path::new(".")).display();
    let control = control.display();
    format!(
        r#"[cluster]
name = "lab"
vips = [{vips}]
mode = "{mode}"
{igmp_version}key = "{KEY}"
period_ms = {period_ms}
tolerance = {tolerance}

[host]
priority = {priority}
dip = "{dip}"
interface = "eth0"
nic = "{nic}"
control = "{control}"
promises = "{promises}"

[handover]
{flows}

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
    use weir_agent::config::ClusterMode;

    use super::*;
    use crate::child::Launcher;

    #[test]
    fn an_agent_takes_it() {
        let mut settings = Settings {
            lab: "x".into(),
            dir: "/run/x".into(),
            engine: crate::Engine::Spec,
            mode: Mode::Unicast,
            igmp_version: None,
            period_ms: 60,
            tolerance: 5,
            realtime: false,
            by_frames: false,
            launcher: Launcher { program: "weir".into(), logs: "/run/x/logs".into() },
        };
        let odd = Oddity { flows: Some(12), ..Oddity::default() };
        let parse = |settings: &Settings| {
            let text = of_host(32, &odd, settings, "socket:/run/x/nic32.sock", Path::new("/run/x/h32.sock"));
            weir_agent::config::Config::parse(Path::new("h32.toml"), &text).expect("taken")
        };
        let config = parse(&settings);
        assert_eq!((config.host.priority, config.cluster.period_us), (32, 60_000));
        assert_eq!((config.cluster.primary, config.handover.flows), (topology::VIP, 12));
        assert_eq!((config.rules.len(), config.cluster.mode), (1, ClusterMode::Unicast));
        (settings.mode, settings.igmp_version) = (Mode::Igmp, Some(2));
        let config = parse(&settings);
        assert_eq!((config.cluster.mode, config.cluster.igmp_version), (ClusterMode::Igmp, Some(2)));
        assert_eq!(config.cluster.vips.len(), 2);
    }
}
