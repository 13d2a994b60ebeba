//! The lab's switch and clients, with hosts whose kernels are on the wire themselves.

use std::thread;
use std::time::{Duration, Instant};

use weir_lab::client::{Tuple, Tuples};
use weir_lab::lock::Lock;
use weir_lab::namespace::{self, Namespace};
use weir_lab::traffic::{self, Probes};
use weir_lab::{links, privilege, topology};
use weir_spec::mac::Mac;

use crate::PeerError;

/// As fine as the lab looks at a Weir cluster.
pub(crate) const BEAT: Duration = Duration::from_millis(5);
/// An attempt is given up after this without connection or answer, long before TCP repeats anything.
pub(crate) const CONNECT: Duration = Duration::from_millis(30);
/// Tuples that are asked from.
pub(crate) const PROBES: usize = 4;

/// One host: a namespace with an interface on the switch and a server.
#[derive(Debug)]
pub struct Host {
    /// 1 and up.
    pub id: u8,
    /// Where its programs run.
    pub namespace: Namespace,
}

/// Switch, clients and hosts. Dropping it removes all of it.
#[derive(Debug)]
pub struct Stage {
    /// By number.
    pub hosts: Vec<Host>,
    /// The namespace of the clients, with the lab's forty addresses.
    pub clients: Namespace,
    _switch: Namespace,
    _lock: Lock,
}

impl Stage {
    /// Builds it with `hosts` hosts on a switch that learns, or on a hub: where all share one MAC, a switch that learns
    /// would send everything to the last who spoke.
    pub fn build(name: &str, hosts: u8, hub: bool) -> Result<Stage, PeerError> {
        let lock = Lock::take(&privilege::lock_dir(), name)?;
        privilege::acquire()?;
        namespace::remove_leftovers(name);
        let switch = Namespace::create(&topology::switch(name))?;
        if hub {
            links::make_hub(&switch)?
        } else {
            links::make_bridge(&switch)?
        };
        let clients = Namespace::create(&topology::clients(name))?;
        links::plug(&switch, "pc", &clients, "eth0")?;
        let addresses: Vec<_> = (0..topology::CLIENTS).map(|i| (topology::client(i), topology::PREFIX)).collect();
        links::configure(&clients, "eth0", Mac(topology::CLIENT_MAC), &addresses)?;
        let plug = |id| {
            let namespace = Namespace::create(&topology::host(name, id))?;
            links::plug(&switch, &topology::port(id), &namespace, "eth0")?;
            let mac = if hub { topology::cluster_mac() } else { Mac([0x02, 0, 0, 0, 1, id]) };
            let mut addresses = vec![(topology::dip(id), topology::PREFIX)];
            if hub {
                addresses.push((topology::VIP, 32));
            }
            links::configure(&namespace, "eth0", mac, &addresses)?;
            namespace.enter(|| {
                // Ends with this process: nobody reaches it once its host is gone.
                thread::spawn(move || weir_lab::serve::http(id, topology::SERVICE.port()));
            })?;
            Ok(Host { id, namespace })
        };
        let hosts = (1..=hosts).map(plug).collect::<Result<_, PeerError>>()?;
        Ok(Stage { hosts, clients, _switch: switch, _lock: lock })
    }

    /// The host of this number; panics if there is none.
    pub fn host(&self, id: u8) -> &Host {
        &self.hosts[usize::from(id) - 1]
    }

    /// Waits until requests for the virtual IP are answered by `host` alone.
    pub fn answered_by(&self, host: u8, patience: Duration) -> Result<(), PeerError> {
        let tuples: Vec<Tuple> = Tuples::new(77).take(8).collect();
        let since = Instant::now();
        while since.elapsed() < patience {
            let outcomes = traffic::wave(&self.clients, &tuples, &|| false)?;
            if outcomes.iter().all(|outcome| outcome.host.as_ref().is_ok_and(|by| *by == host)) {
                return Ok(());
            }
        }
        Err(PeerError::Late { what: format!("an answer of host {host} to every request"), waited: patience })
    }

    /// How long clients go without an answer when `end` ends `victim`, which has the virtual IP.
    pub fn gap(
        &self,
        victim: u8,
        patience: Duration,
        end: impl FnOnce() -> Result<(), PeerError>,
    ) -> Result<Duration, PeerError> {
        let tuples: Vec<Tuple> = Tuples::new(5).take(PROBES).collect();
        let probes = Probes::start(&self.clients, &tuples, BEAT, CONNECT)?;
        thread::sleep(Duration::from_millis(500));
        end()?;
        longest_gap(&probes, victim, patience)
    }

    /// Cuts the host off, as when its power goes.
    pub fn unplug(&self, id: u8) -> Result<(), PeerError> {
        Ok(links::set_down(&self.host(id).namespace, "eth0")?)
    }
}

/// Waits until each probe was answered by another host than `victim`, and returns the longest that one went without.
pub(crate) fn longest_gap(probes: &Probes, victim: u8, patience: Duration) -> Result<Duration, PeerError> {
    let since = Instant::now();
    while since.elapsed() < patience {
        let gaps: Option<Vec<Duration>> = probes.look().iter().map(|answers| traffic::gap(answers, victim)).collect();
        if let Some(most) = gaps.and_then(|gaps| gaps.into_iter().max()) {
            return Ok(most);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Err(PeerError::Late { what: format!("an answer of another host than {victim}"), waited: patience })
}

/// How many of so many fresh connections are answered.
pub(crate) fn fresh(clients: &Namespace, count: usize, seed: u64) -> Result<usize, PeerError> {
    let tuples: Vec<Tuple> = Tuples::new(seed).take(count).collect();
    let answered = traffic::wave(clients, &tuples, &|| false)?;
    Ok(answered.iter().filter(|outcome| outcome.host.is_ok()).count())
}
