//! One host of the lab: its NIC's namespace, which stays, and everything that dies and returns with the host.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use weir_agent::control::{self, Answer, ControlError, Query, Request};

use crate::child::{Child, ChildError, Launcher};
use crate::links::{self, LinksError};
use crate::namespace::{Namespace, NamespaceError};
use crate::options::{Engine, Mode};
use crate::{configuration, topology};

/// How long a simulated NIC may take to show its TAP and socket; the first `rtl` device compiles its circuits.
const NIC_PATIENCE: Duration = Duration::from_secs(300);
const ASK_PATIENCE: Duration = Duration::from_millis(500);

/// Why a host did not come up.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A link.
    #[error(transparent)]
    Links(#[from] LinksError),
    /// A process.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The agent's configuration could not be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The simulated NIC runs, but does not show itself.
    #[error("the device of host {host} shows no TAP and socket within {} s; its log is {}", NIC_PATIENCE.as_secs(), log.display())]
    NoNic {
        /// Which host.
        host: u8,
        /// The device's log.
        log: PathBuf,
    },
    /// The lab was told to end.
    #[error("interrupted")]
    Interrupted,
}

/// What all hosts of a lab have in common.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) lab: String,
    pub(crate) dir: PathBuf,
    pub(crate) engine: Engine,
    pub(crate) mode: Mode,
    pub(crate) igmp_version: Option<u8>,
    pub(crate) period_ms: u64,
    pub(crate) tolerance: u32,
    pub(crate) realtime: bool,
    pub(crate) by_frames: bool,
    pub(crate) launcher: Launcher,
}

/// In what a host differs from what its number makes of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Oddity {
    /// Its priority.
    pub priority: Option<u8>,
    /// Entries of its NIC's flow table that are used.
    pub flows: Option<u16>,
    /// How far its agent's clocks are ahead of this machine's, but for the wall clock; whole seconds.
    pub clock_ahead: Duration,
}

/// One host.
#[derive(Debug)]
pub struct Host {
    id: u8,
    odd: Oddity,
    settings: Settings,
    nic: Namespace,
    alive: Option<Alive>,
}

/// What a crash takes with it. Processes come before the namespace: they are dropped first.
#[derive(Debug)]
struct Alive {
    /// `None` once it was killed, until it is started again.
    agent: Option<Child>,
    /// As the agent.
    http: Option<Child>,
    device: Child,
    namespace: Namespace,
}

impl Host {
    /// Makes the NIC's namespace and plugs it into the switch; the host itself is not on yet.
    pub(crate) fn install(id: u8, settings: &Settings, switch: &Namespace) -> Result<Host, HostError> {
        let nic = Namespace::create(&topology::nic(&settings.lab, id))?;
        links::plug(switch, &topology::port(id), &nic, "wire")?;
        Ok(Host { id, odd: Oddity::default(), settings: settings.clone(), nic, alive: None })
    }

    /// Powers the simulated NIC, which then makes its TAP; returns at once.
    fn start_device(&self) -> Result<Child, HostError> {
        links::set_wire(&self.nic, "wire")?;
        // A killed device leaves its socket's name behind.
        let _ = fs::remove_file(self.socket());
        let mut arguments: Vec<OsString> = vec![
            "device".into(),
            "--socket".into(),
            self.socket().into(),
            "--engine".into(),
            self.settings.engine.to_string().into(),
            "--wire".into(),
            "wire".into(),
            "--tap".into(),
            topology::tap(self.id).into(),
            "--trace".into(),
            self.trace().into(),
        ];
        if self.settings.by_frames {
            let path = self.board_key();
            write_key(&path, self.id).map_err(|source| HostError::Write { path: path.clone(), source })?;
            arguments.extend(["--board-key".into(), path.into()]);
        }
        Ok(self.settings.launcher.start(
            &format!("device of host {}", self.id),
            &self.nic,
            &self.promptly(),
            arguments,
        )?)
    }

    /// Addresses and interfaces, as the mode wants them.
    fn configure(&self, namespace: &Namespace) -> Result<(), LinksError> {
        let dip = (topology::dip(self.id), topology::PREFIX);
        if self.settings.mode == Mode::Unicast {
            return links::configure(
                namespace,
                "eth0",
                topology::cluster_mac(),
                &[(topology::VIP, topology::PREFIX), dip],
            );
        }
        // As hosts of other balancers without a translation have it: the virtual IPs where nobody asks for them.
        links::keep_to_its_own(namespace, "eth0")?;
        links::configure(namespace, "eth0", topology::own_mac(self.id), &[dip])?;
        links::enable_ipv6(namespace, "lo")?;
        links::enable_ipv6(namespace, "eth0")?;
        links::add_addresses(namespace, "lo", &[(topology::VIP.into(), 32), (topology::VIP6.into(), 128)])?;
        links::add_addresses(namespace, "eth0", &[(topology::dip6(self.id).into(), topology::PREFIX6)])
    }

    /// Turns the host on: NIC, interface, server, agent. `interrupted` ends the wait for the NIC.
    pub fn boot(&mut self, interrupted: &dyn Fn() -> bool) -> Result<(), HostError> {
        let mut device = self.start_device()?;
        let tap = topology::tap(self.id);
        let since = Instant::now();
        while !(self.socket().exists() && links::exists(&self.nic, &tap)?) {
            device.check()?;
            if interrupted() {
                return Err(HostError::Interrupted);
            }
            if since.elapsed() > NIC_PATIENCE {
                return Err(HostError::NoNic { host: self.id, log: device.log().to_path_buf() });
            }
            sleep(Duration::from_millis(5));
        }
        let namespace = Namespace::create(&topology::host(&self.settings.lab, self.id))?;
        links::hand_over(&self.nic, &tap, &namespace, "eth0")?;
        self.configure(&namespace)?;

        let config = self.config();
        let text = configuration::of_host(self.id, &self.odd, &self.settings, &self.nic_selector(), &self.control());
        fs::write(&config, text).map_err(|source| HostError::Write { path: config.clone(), source })?;

        let http = Some(self.start_server(&namespace)?);
        let agent = Some(self.start_agent(&namespace)?);
        self.alive = Some(Alive { agent, http, device, namespace });
        Ok(())
    }

    fn start_server(&self, namespace: &Namespace) -> Result<Child, ChildError> {
        let (id, port) = (self.id.to_string(), topology::SERVICE.port().to_string());
        let arguments = ["lab-serve", "http", "--host", &id, "--port", &port].map(OsString::from).to_vec();
        self.settings.launcher.start(&format!("server of host {id}"), namespace, &[], arguments)
    }

    fn start_agent(&self, namespace: &Namespace) -> Result<Child, ChildError> {
        let arguments = vec!["agent".into(), "--config".into(), self.config().into()];
        let what = format!("agent of host {}", self.id);
        let mut through = self.promptly();
        if !self.odd.clock_ahead.is_zero() {
            let ahead = self.odd.clock_ahead.as_secs();
            through.extend(["unshare".into(), "--time".into()]);
            through.extend([format!("--monotonic={ahead}"), format!("--boottime={ahead}"), "--".into()]);
        }
        self.settings.launcher.start(&what, namespace, &through, arguments)
    }

    /// What starts a process that does not wait for its turn, if the lab is to have such.
    fn promptly(&self) -> Vec<String> {
        let chrt = ["chrt", "--fifo", "10"].map(String::from);
        if self.settings.realtime { chrt.to_vec() } else { Vec::new() }
    }

    /// Kills its agent alone: kernel, server and NIC go on. Nothing happens to a host that is off.
    pub fn kill_agent(&mut self) {
        // Killed when it is dropped.
        drop(self.alive.as_mut().and_then(|alive| alive.agent.take()));
    }

    /// Whether its agent ends by itself within `patience`, without a fault. It can be started again then.
    pub fn agent_ends(&mut self, patience: Duration) -> bool {
        self.alive.as_mut().and_then(|alive| alive.agent.take()).is_some_and(|mut agent| agent.has_ended_well(patience))
    }

    /// Starts the agent of a host that is on, where it was killed or has ended.
    pub fn restart_agent(&mut self) -> Result<(), HostError> {
        if let Some(mut alive) = self.alive.take() {
            alive.agent = Some(self.start_agent(&alive.namespace)?);
            self.alive = Some(alive);
        }
        Ok(())
    }

    /// Kills its server alone: its connections end, and nobody listens any more.
    pub fn kill_server(&mut self) {
        drop(self.alive.as_mut().and_then(|alive| alive.http.take()));
    }

    /// Starts the server of a host that is on, where it was killed.
    pub fn restart_server(&mut self) -> Result<(), HostError> {
        if let Some(mut alive) = self.alive.take() {
            alive.http = Some(self.start_server(&alive.namespace)?);
            self.alive = Some(alive);
        }
        Ok(())
    }

    /// Makes it differ, from the next boot on.
    pub fn make_odd(&mut self, odd: Oddity) {
        self.odd = odd;
    }

    /// A power cut: agent, NIC, server and kernel are gone at once, and the switch sees the carrier go.
    pub fn crash(&mut self) -> Result<(), HostError> {
        if let Some(alive) = &self.alive {
            for process in alive.agent.iter().chain(&alive.http).chain([&alive.device]) {
                process.signal(Signal::SIGKILL)?;
            }
            links::set_down(&self.nic, "wire")?;
        }
        self.alive = None;
        Ok(())
    }

    /// An error if one of the host's processes has ended by itself.
    pub fn check(&mut self) -> Result<(), ChildError> {
        match &mut self.alive {
            None => Ok(()),
            Some(alive) => {
                alive.device.check()?;
                alive.agent.as_mut().map_or(Ok(()), Child::check)?;
                alive.http.as_mut().map_or(Ok(()), Child::check)
            }
        }
    }

    /// What its agent says; `None` for a host that is off.
    pub fn query(&self) -> Option<Result<Query, ControlError>> {
        self.alive.as_ref()?;
        match control::ask(&self.control(), Request::Query, ASK_PATIENCE) {
            Ok(Answer::Query(query)) => Some(Ok(*query)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Asks its agent to start or stop.
    pub fn ask(&self, request: Request) -> Result<Answer, ControlError> {
        control::ask(&self.control(), request, Duration::from_secs(5))
    }

    /// Changes the text of its configuration file; its agent reads it when it is told to.
    pub fn edit(&self, change: impl FnOnce(String) -> String) -> Result<(), HostError> {
        let path = self.settings.dir.join(format!("h{}.toml", self.id));
        let failed = |source| HostError::Write { path: path.clone(), source };
        let text = fs::read_to_string(&path).map_err(failed)?;
        fs::write(&path, change(text)).map_err(failed)
    }

    /// Sends its agent a signal; `None` for a host that is off, or without an agent.
    pub fn signal_agent(&self, signal: Signal) -> Option<Result<(), ChildError>> {
        self.alive.as_ref()?.agent.as_ref().map(|agent| agent.signal(signal))
    }

    /// The namespace it is in; `None` for a host that is off.
    pub fn namespace(&self) -> Option<&Namespace> {
        self.alive.as_ref().map(|alive| &alive.namespace)
    }

    /// Its priority.
    pub fn id(&self) -> u8 {
        self.id
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.alive.is_some()
    }

    /// Where its NIC logs fences and commits, one JSON object a line.
    pub fn trace(&self) -> PathBuf {
        self.settings.dir.join(format!("nic{}.trace", self.id))
    }

    /// Where its agent listens.
    pub fn control(&self) -> PathBuf {
        self.settings.dir.join(format!("h{}.sock", self.id))
    }

    fn config(&self) -> PathBuf {
        self.settings.dir.join(format!("h{}.toml", self.id))
    }

    /// How its agent reaches its NIC.
    fn nic_selector(&self) -> String {
        match self.settings.by_frames {
            true => format!("eth:eth0:{}", self.board_key().display()),
            false => format!("socket:{}", self.socket().display()),
        }
    }

    fn board_key(&self) -> PathBuf {
        self.settings.dir.join(format!("nic{}.key", self.id))
    }

    fn socket(&self) -> PathBuf {
        self.settings.dir.join(format!("nic{}.sock", self.id))
    }
}

/// The key of a host's board: no secret, since its frames never leave their cable.
fn write_key(path: &Path, host: u8) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{}", format!("{host:02x}").repeat(16))
}

/// Folder of the lab's sockets, configurations and logs.
pub(crate) fn dir(lab: &str) -> PathBuf {
    Path::new("/run/weir-lab").join(lab)
}
