//! The lab itself: switch, clients and hosts, built together and removed together.

use std::fs;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use weir_agent::control::Query;
use weir_spec::mac::Mac;

use crate::capture::{Capture, CaptureError};
use crate::child::{ChildError, Launcher};
use crate::host::{self, Host, HostError, Settings};
use crate::links::{self, LinksError};
use crate::lock::{Lock, LockError};
use crate::loss::{self, Loss, LossError};
use crate::namespace::{self, Namespace, NamespaceError};
use crate::options::{Mode, Options, OptionsError};
use crate::privilege::{self, PrivilegeError};
use crate::topology;
use crate::traffic::OpenError;

/// Why a lab could not be built or run.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// An impossible option.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The name is taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No right to build one.
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A link.
    #[error(transparent)]
    Links(#[from] LinksError),
    /// A host.
    #[error(transparent)]
    Host(HostError),
    /// A process.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The switch's losses.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// The capture.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The connections that are to be held.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The lab's folder.
    #[error("failed to make {}", path.display())]
    Dir {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The signal handlers.
    #[error("failed to catch {signal}")]
    Signals {
        /// Which signal.
        signal: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The agents did not agree in time.
    #[error("hosts {hosts:?} did not converge within {} s: {states}", waited.as_secs())]
    NotConverged {
        /// Which hosts should have.
        hosts: Vec<u8>,
        /// How long they had.
        waited: Duration,
        /// What each says.
        states: String,
    },
    /// Too few connections reach the host that is to be killed.
    #[error("no request reached host {host}, which is to be killed: send more than {requests} requests")]
    NothingToLose {
        /// The host.
        host: u8,
        /// How many requests were sent.
        requests: u32,
    },
    /// Ctrl-C, or another signal to end.
    #[error("interrupted; nothing is left behind")]
    Interrupted,
}

impl From<HostError> for LabError {
    fn from(error: HostError) -> LabError {
        match error {
            HostError::Interrupted => LabError::Interrupted,
            other => LabError::Host(other),
        }
    }
}

/// What is known of one host while all come to agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    /// The host's priority.
    pub host: u8,
    /// What its agent says; `None` while it says nothing.
    pub query: Option<Query>,
}

/// A cluster on one machine. It stays on the thread that built it, since its processes end with that thread; dropping it
/// removes everything.
#[derive(Debug)]
pub struct Lab {
    // In the order in which they are dropped: the name is given back last.
    hosts: Vec<Host>,
    clients: Namespace,
    switch: Namespace,
    dir: Dir,
    _lock: Lock,
    interrupt: Arc<AtomicBool>,
    _stays: PhantomData<*const ()>,
}

#[derive(Debug)]
struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        // Gone with the last lab.
        if let Some(parent) = self.0.parent() {
            let _ = fs::remove_dir(parent);
        }
    }
}

impl Lab {
    /// Builds switch, clients and hosts; all hosts are off. What a killed lab of this name left behind is removed first.
    pub fn build(options: &Options, interrupt: Arc<AtomicBool>) -> Result<Lab, LabError> {
        options.check()?;
        let lock = Lock::take(&privilege::lock_dir(), &options.name)?;
        privilege::acquire()?;
        namespace::remove_leftovers(&options.name);
        let dir = host::dir(&options.name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("logs")).map_err(|source| LabError::Dir { path: dir.clone(), source })?;
        let dir = Dir(dir);

        let switch = Namespace::create(&topology::switch(&options.name))?;
        links::make_bridge(&switch)?;
        let clients = Namespace::create(&topology::clients(&options.name))?;
        links::plug(&switch, "pc", &clients, "eth0")?;
        let addresses: Vec<_> = (0..topology::CLIENTS).map(|i| (topology::client(i), topology::PREFIX)).collect();
        links::configure(&clients, "eth0", Mac(topology::CLIENT_MAC), &addresses)?;
        links::finish_frames_in_software(&clients, "eth0")?;
        if options.mode != Mode::Unicast {
            links::enable_ipv6(&clients, "eth0")?;
            links::add_addresses(&clients, "eth0", &[(topology::CLIENT6.into(), topology::PREFIX6)])?;
        }

        let settings = Settings {
            lab: options.name.clone(),
            dir: dir.0.clone(),
            engine: options.engine,
            mode: options.mode,
            igmp_version: options.igmp_version,
            period_ms: options.period_ms,
            tolerance: options.tolerance,
            realtime: options.realtime,
            by_frames: options.by_frames,
            launcher: Launcher {
                program: options.program.clone().unwrap_or_else(|| PathBuf::from("/proc/self/exe")),
                logs: dir.0.join("logs"),
            },
        };
        let hosts = (1..=options.hosts).map(|id| Host::install(id, &settings, &switch)).collect::<Result<_, _>>()?;
        Ok(Lab { hosts, clients, switch, dir, _lock: lock, interrupt, _stays: PhantomData })
    }

    /// Turns one host on.
    pub fn boot(&mut self, id: u8) -> Result<(), LabError> {
        let interrupt = self.interrupt.clone();
        Ok(self.host_mut(id).boot(&|| interrupt.load(Ordering::Relaxed))?)
    }

    /// Cuts one host's power.
    pub fn crash(&mut self, id: u8) -> Result<(), LabError> {
        Ok(self.host_mut(id).crash()?)
    }

    /// The host with this priority; panics if the lab has none.
    pub fn host(&self, id: u8) -> &Host {
        &self.hosts[usize::from(id) - 1]
    }

    /// To do something to one host; panics if the lab has none of this priority.
    pub fn host_mut(&mut self, id: u8) -> &mut Host {
        &mut self.hosts[usize::from(id) - 1]
    }

    /// All hosts, by priority.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The namespace of the clients.
    pub fn clients(&self) -> &Namespace {
        &self.clients
    }

    /// Folder of sockets, configurations, traces and logs.
    pub fn dir(&self) -> &Path {
        &self.dir.0
    }

    /// Lets the switch lose these frames and no others, until it is told anew.
    pub fn lose(&self, losses: &[Loss]) -> Result<(), LabError> {
        Ok(loss::lose(&self.switch, losses)?)
    }

    /// Listens on the clients' interface.
    pub fn capture_clients(&self) -> Result<Capture, LabError> {
        Ok(Capture::start(&self.clients, &["eth0".to_string()])?)
    }

    /// Listens to what hosts send into the switch.
    pub fn capture_hosts(&self) -> Result<Capture, LabError> {
        let ports: Vec<String> = self.hosts.iter().map(|host| topology::port(host.id())).collect();
        Ok(Capture::start(&self.switch, &ports)?)
    }

    /// An error once the lab is to end.
    pub fn go_on(&self) -> Result<(), LabError> {
        if self.interrupt.load(Ordering::Relaxed) { Err(LabError::Interrupted) } else { Ok(()) }
    }

    /// Waits while looking out for signals and processes that end by themselves.
    pub fn wait(&mut self, span: Duration) -> Result<(), LabError> {
        let until = Instant::now() + span;
        loop {
            self.go_on()?;
            for host in &mut self.hosts {
                host.check()?;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            sleep(left.min(Duration::from_millis(50)));
        }
    }

    /// What each of `hosts` says now.
    pub fn views(&self, hosts: &[u8]) -> Vec<View> {
        let view = |&id: &u8| View { host: id, query: self.host(id).query().and_then(Result::ok) };
        hosts.iter().map(view).collect()
    }

    /// Waits until the hosts `members` are converged with each other, and with nobody else, in one epoch other than `old`,
    /// and returns what they agree on. `show` is called with every look.
    pub fn converge(
        &mut self,
        members: &[u8],
        old: &str,
        patience: Duration,
        show: &mut dyn FnMut(&[View]),
    ) -> Result<Query, LabError> {
        let since = Instant::now();
        loop {
            let views = self.views(members);
            show(&views);
            if let Some(agreed) = agreed(&views, old) {
                return Ok(agreed);
            }
            if since.elapsed() > patience {
                let states: Vec<String> = views.iter().map(describe).collect();
                let (hosts, states) = (members.to_vec(), states.join("; "));
                return Err(LabError::NotConverged { hosts, waited: patience, states });
            }
            self.wait(Duration::from_millis(20))?;
        }
    }
}

/// One host's view in a few words.
pub fn describe(view: &View) -> String {
    match &view.query {
        None => format!("host {} is silent", view.host),
        Some(query) => {
            let cause = query.cause.as_deref().map(|cause| format!(" ({cause})")).unwrap_or_default();
            let fenced = if query.fenced { ", fenced" } else { "" };
            format!("host {} {} with {:?}{fenced}{cause}", view.host, query.state, query.members)
        }
    }
}

/// What all of `views` agree on, if they do, and it is not `old`, and every NIC serves it.
fn agreed(views: &[View], old: &str) -> Option<Query> {
    let hosts: Vec<u8> = views.iter().map(|view| view.host).collect();
    let first = views.first()?.query.as_ref()?;
    let same = |query: &Query| {
        query.state == "converged"
            && query.members == hosts
            && query.epoch == first.epoch
            && query.buckets == first.buckets
            && !query.fenced
    };
    let all = views.iter().all(|view| view.query.as_ref().is_some_and(same));
    (all && first.epoch != old && !first.epoch.is_empty()).then(|| first.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(host: u8, members: &[u8], epoch: &str) -> View {
        let query = Query {
            host,
            state: "converged".into(),
            members: members.to_vec(),
            epoch: epoch.into(),
            ..Query::default()
        };
        View { host, query: Some(query) }
    }

    #[test]
    fn agreement_needs_everyone_in_one_new_epoch_unfenced() {
        let both = [view(1, &[1, 2], "4.a"), view(2, &[1, 2], "4.a")];
        assert_eq!(agreed(&both, "").expect("agreed").epoch, "4.a");
        assert_eq!(agreed(&both, "4.a"), None);
        assert_eq!(agreed(&[view(1, &[1, 2], "4.a"), view(2, &[1, 2], "5.a")], ""), None);
        assert_eq!(agreed(&[view(1, &[1], "4.a"), view(2, &[1, 2], "4.a")], ""), None);
        assert_eq!(agreed(&[view(1, &[1, 2], "4.a"), View { host: 2, query: None }], ""), None);
        let mut fenced = both.clone();
        fenced[1].query.as_mut().expect("a query").fenced = true;
        assert_eq!(agreed(&fenced, ""), None);
        assert_eq!(agreed(&[], ""), None);
    }
}
