//! Gives way to the next process, which goes on where this one was.

use std::fs::File;
use std::time::{Duration, Instant};

use nix::net::if_::if_nametoindex;
use tracing::warn;
use weir_cluster::Event;

use super::Daemon;
use crate::config::Config;
use crate::nic::told;
use crate::reception::Reception;
use crate::successor::Left;
use crate::{reload, successor};

/// How long an agent that is to be replaced waits for a moment without hand-over.
const CALM: Duration = Duration::from_secs(30);

/// One process is to give way to the next.
pub(super) struct Replacing {
    /// Then that is given up.
    until: Instant,
    /// This process ends, and somebody else starts the next one.
    ends: bool,
    /// The others are asked to wait for so many seconds.
    absence: Option<u16>,
}

impl Replacing {
    fn now(ends: bool, absence: Option<u16>) -> Option<Replacing> {
        Some(Replacing { until: Instant::now() + CALM, ends, absence })
    }
}

impl Daemon {
    /// Whether the next process could take what the file says by now: this one goes on otherwise.
    pub(super) fn next_may_start(&self) -> Result<(), String> {
        let path = &self.config.path;
        let config = Config::load(path).map_err(|error| told(&error))?;
        super::check(&config).map_err(|error| format!("{}: {}", path.display(), told(&error)))?;
        let interface = &config.host.interface;
        if_nametoindex(interface.as_str())
            .map_err(|errno| format!("host.interface is {interface}, should be an interface of this host: {errno}"))?;
        for namespace in &config.handover.netns {
            File::open(namespace)
                .map_err(|error| format!("handover.netns: failed to open {}: {error}", namespace.display()))?;
        }
        Ok(())
    }

    /// Gives way as soon as the protocol is calm, and all others wait for this host if they are asked to.
    pub(super) fn give_way_soon(&mut self, ends: bool, absence: Option<u16>) {
        // What was asked for before does not count any more.
        self.handle(Event::Absent { seconds: 0 });
        self.replacing = Replacing::now(ends, absence);
        if let Some(seconds) = absence {
            self.handle(Event::Absent { seconds });
        }
    }

    /// What to leave to the next process, if there is to be one and the protocol is calm. Then this one serves no more.
    pub(super) fn give_way(&mut self) -> Option<Left> {
        let &Replacing { until, ends, absence } = self.replacing.as_ref()?;
        // Who asked for it has its answer first: the next frame or timer is soon enough.
        if self.server.is_answering() {
            return None;
        }
        let Some(state) = self.node.save(self.nic.now()) else {
            if Instant::now() >= until {
                let promised = if absence.is_some() { ", or not all others have promised to wait" } else { "" };
                warn!("not replaced: the cluster did not settle within {} s{promised}", CALM.as_secs());
                self.replacing = None;
                self.handle(Event::Absent { seconds: 0 });
            }
            return None;
        };
        successor::hold_signals();
        self.health.end();
        let kept = self.reception.take().map(Reception::hand_on).unwrap_or_default();
        let file = ends.then(|| successor::on_disk::beside(&self.config.host.control));
        let cluster = &self.config.cluster;
        let dead_after = Duration::from_micros(cluster.period_us * u64::from(cluster.tolerance));
        let longest = dead_after + Duration::from_secs(absence.unwrap_or(0).into());
        Some(Left { state: reload::pack(&self.config, state), kept, file, longest })
    }
}
