//! The kernel's connections as the daemon holds them: when to look at them, and by which rules they are sorted.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tracing::{info, warn};
use weir_cluster::{Event, Flow, Node};

use crate::config::Config;
use crate::error::{AgentError, system};
use crate::flows::Sorter;
use crate::nic::told;
use crate::resolve;
use crate::sockets::{Sockets, SocketsError};
use crate::watch::Vectors;

/// A dump that failed is made again after this time.
const AGAIN: Duration = Duration::from_millis(100);
/// Many sockets go at once: so long after the first one looks.
const TOGETHER: Duration = Duration::from_millis(5);

/// A dump that was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Dump {
    pub(crate) id: u32,
    /// By the rules of the staged configuration.
    pub(crate) staged: bool,
}

/// The kernel's connections, and when to look at them.
pub(crate) struct Connections {
    sockets: Sockets,
    /// By the rules in force.
    pub(crate) sorter: Sorter,
    /// By those that are staged.
    pub(crate) staged: Option<Sorter>,
    /// Becomes readable when a socket goes.
    pub(crate) ended: Vectors,
    /// A dump that waits until what the NIC passed has settled.
    settling: Option<(Instant, Dump)>,
    /// When to look for SYN cookies, and how often; `None`: what answers them is not waited for.
    cookies: Option<(Instant, Duration)>,
    /// Sockets have gone: a look at this time tells whose they were.
    look: Option<Instant>,
    /// The last dump failed, which has been told.
    failing: bool,
}

impl Connections {
    pub(crate) fn open(config: &Config, node: &Node) -> Result<Connections, AgentError> {
        let sockets = Sockets::open(&config.handover.netns)?;
        let ended = Vectors::new(&sockets.hearing()).map_err(system("watch for sockets that end"))?;
        let sorter = resolve::sorter(config, node.config().slots());
        let mut connections = Connections {
            sockets,
            sorter,
            staged: None,
            ended,
            settling: None,
            cookies: None,
            look: None,
            failing: false,
        };
        connections.wait_for_cookies(config);
        Ok(connections)
    }

    /// From here on by this configuration.
    pub(crate) fn wait_for_cookies(&mut self, config: &Config) {
        let every = Duration::from_micros(config.cluster.period_us);
        let wanted = config.handover.cookie_settle_us > 0;
        if wanted && self.cookies.is_none() && !self.sockets.counts_cookies() {
            warn!("the kernel does not count SYN cookies: connections that begin by one are not waited for");
        }
        self.cookies = wanted.then(|| (Instant::now() + every, every));
    }

    /// Whether the kernel has sent SYN cookies since the last look.
    pub(crate) fn sent_cookies(&mut self) -> bool {
        let Some((next, every)) = &mut self.cookies else { return false };
        *next = Instant::now() + *every;
        self.sockets.sent_cookies()
    }

    /// The same once a period.
    pub(crate) fn sent_cookies_of_late(&mut self) -> bool {
        self.cookies.is_some_and(|(next, _)| next <= Instant::now()) && self.sent_cookies()
    }

    /// All live ones of the virtual IPs; `None` if the kernel does not say.
    pub(crate) fn alive(&mut self, staged: bool) -> Option<BTreeSet<Flow>> {
        let dump = self.sockets.dump();
        match &dump {
            Err(error) if !self.failing => {
                warn!("{}; no bucket of this host changes hands until it works", told(error))
            }
            _ => {}
        }
        self.failing = dump.is_err();
        let sorter = self.staged.as_ref().filter(|_| staged).unwrap_or(&self.sorter);
        Some(dump.ok()?.iter().filter_map(|connection| sorter.flow(connection)).collect())
    }

    /// What the protocol asked for. A dump that fails says nothing about connections: it is made again, and nothing is given
    /// up meanwhile.
    pub(crate) fn dumped(&mut self, dump: Dump) -> Option<Event> {
        match self.alive(dump.staged) {
            Some(flows) => Some(Event::Dumped { id: dump.id, flows: flows.into_iter().collect() }),
            None => {
                self.settle(dump, AGAIN);
                None
            }
        }
    }

    /// A dump once what the NIC has passed had time to reach its sockets.
    pub(crate) fn settle(&mut self, dump: Dump, after: Duration) {
        self.settling = Some((Instant::now() + after, dump));
    }

    /// The dump that was waited for.
    pub(crate) fn settled(&mut self) -> Option<Event> {
        let now = Instant::now();
        let (_, dump) = self.settling.take_if(|(at, _)| *at <= now)?;
        self.dumped(dump)
    }

    /// Sockets have gone.
    pub(crate) fn look_soon(&mut self) {
        self.look.get_or_insert(Instant::now() + TOGETHER);
    }

    /// Which of `draining` have gone, if it is time to look.
    pub(crate) fn closed(&mut self, draining: impl Iterator<Item = Flow>) -> Vec<Flow> {
        let now = Instant::now();
        if self.look.take_if(|at| *at <= now).is_none() {
            return Vec::new();
        }
        let mut draining = draining.peekable();
        if draining.peek().is_none() {
            return Vec::new();
        }
        // Which socket went is not asked: what is left in FIN_WAIT2 has lost its socket and is alive.
        let Some(alive) = self.alive(false) else { return Vec::new() };
        // They may be sorted by other rules than those in force.
        let alive: BTreeSet<_> = alive.iter().map(Flow::identity).collect();
        draining.filter(|flow| !alive.contains(&flow.identity())).collect()
    }

    pub(crate) fn destroy(&mut self, flows: &[Flow]) {
        let doomed = flows.iter().filter_map(|flow| self.sorter.connection(flow)).collect();
        match self.sockets.destroy(&doomed) {
            Ok(count) => info!("{count} connections were ended"),
            Err(error) => warn!("{}", told(&error)),
        }
    }

    pub(crate) fn end_half_open(&mut self) {
        let ended: Result<usize, SocketsError> =
            self.sockets.destroy_half_open(|connection| self.sorter.flow(connection).is_some());
        match ended {
            Ok(0) => {}
            Ok(count) => info!("{count} half-open connections were ended, since others have had their buckets"),
            Err(error) => warn!("{}", told(&error)),
        }
    }

    /// When there is something to do.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.settling.map(|(at, _)| at).into_iter().chain(self.look).min()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use weir_spec::rules::Affinity;

    use super::*;

    #[tokio::test]
    async fn a_dump_that_fails_is_no_dump_and_is_made_again() {
        let mut connections = Connections {
            sockets: Sockets::unanswered(),
            sorter: Sorter::new(vec![IpAddr::from([10, 0, 0, 100])], Vec::new(), Affinity::Single, &[7; 40]),
            staged: None,
            ended: Vectors::default(),
            settling: None,
            cookies: None,
            look: None,
            failing: false,
        };
        assert!(connections.dumped(Dump { id: 3, staged: false }).is_none());
        assert!(connections.settled().is_none(), "not at once");
        let again = |connections: &Connections| {
            let due = connections.due().expect("it is made again");
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        };
        again(&connections);
        assert!(connections.settled().is_none(), "it fails again");
        connections.sockets = Sockets::open(&[]).expect("sock_diag");
        again(&connections);
        assert!(matches!(connections.settled(), Some(Event::Dumped { id: 3, .. })));
        assert_eq!(connections.due(), None);
    }
}
