//! The loop of the daemon: frames, timers, requests and signals in, actions out.
//!
//! One thread. The protocol decides, in `weir-cluster`; here its events are read off the kernel and its actions carried
//! out. Frames that wait are always handed over before a timer is, so that silence is never a full socket.

mod replace;
mod requests;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};
use weir_cluster::node::Node;
use weir_cluster::{Action, Event, PhaseKind, Report};
use weir_link::{Ethertype, PacketSocket};
use weir_spec::mac::Mac;

use crate::carrier::{Carrier, Change};
use crate::config::{ClusterMode, Config};
use crate::connections::{Connections, Dump};
use crate::control::Answer;
use crate::error::{AgentError, system};
use crate::health::{Begin, Health};
use crate::neighbours::{Questions, Speaker};
use crate::nic::{HeldNic, told};
use crate::promised::Promised;
use crate::reception::Reception;
use crate::report::Teller;
use crate::server::Server;
use crate::successor::Left;
use crate::watch::Watched;
use crate::writing::Written;
use crate::{clock, reload, resolve, successor};

use replace::Replacing;

/// EtherType of heartbeats, registered for NLB.
const HEARTBEAT: u16 = 0x886f;
/// The longest frame a heartbeat interface may deliver.
const LONGEST: usize = 9216 + 18;
/// How long a leaving host waits for its NIC and its last heartbeats.
const FAREWELL: Duration = Duration::from_secs(2);

/// Goes on where the process before ended, by its configuration; `file` is the one to take up then.
fn go_on(
    config: Config,
    left: &[u8],
    file: &Config,
    nic: &mut HeldNic,
    (started, own): (u32, Mac),
) -> Result<(Config, Node), Box<dyn std::error::Error>> {
    let now = nic.now();
    let node = Node::resume(resolve::cluster(&config, started, own), left, now)?;
    reload::plan(&config, file.clone(), &node, now)?;
    Ok((config, node))
}

/// Whether an agent could run with this configuration, as far as that can be told without touching anything.
pub fn check(config: &Config) -> Result<(), AgentError> {
    resolve::cluster(config, 0, Mac::default()).check()?;
    config.host.nic.parse::<weir_nic::Selector>()?;
    Ok(())
}

/// Runs the agent until SIGTERM or SIGINT. Everything it needs is opened before anything is changed. On SIGUSR2 it gives way
/// to a new process of this program, which goes on where it was.
pub fn run(config: &Config) -> Result<(), AgentError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system("start the runtime"))?;
    let left = runtime.block_on(async {
        let mut daemon = Daemon::open(config)?;
        daemon.serve().await
    })?;
    // What the daemon had open is closed by now, so that the one after it can open it.
    drop(runtime);
    match left {
        None => Ok(()),
        Some(left) => successor::hand_over(left).map_err(AgentError::Successor),
    }
}

/// What is open on the interface of the NIC.
struct Interface {
    reception: Reception,
    heartbeats: Watched,
    questions: Questions,
    /// Its own MAC.
    own: Mac,
}

impl Interface {
    /// In the runtime this is called in.
    fn open(config: &Config) -> Result<Interface, AgentError> {
        // First, since an interface that is not there is told as such.
        let socket = PacketSocket::open(&config.host.interface, Ethertype::Only(HEARTBEAT))?;
        let own = socket.mac().map_err(system("read the MAC of the interface"))?;
        is_ours(config, own)?;
        let reception = Reception::open(config)?;
        let heartbeats = Watched::new(socket).map_err(system("watch the interface"))?;
        Ok(Interface { reception, heartbeats, questions: Questions::open(config)?, own })
    }
}

/// In unicast mode the NIC masks the cluster MAC where it is the source, and no other. That of another cluster would leave
/// as it is, and switches would send that cluster's frames here alone: as when one digit of a virtual IP is wrong.
fn is_ours(config: &Config, own: Mac) -> Result<(), AgentError> {
    let (wanted, _) = resolve::macs(config, own);
    let of_a_cluster = own.0[..2] == wanted.0[..2];
    if config.cluster.mode == ClusterMode::Unicast && of_a_cluster && own != wanted {
        let interface = config.host.interface.clone();
        return Err(AgentError::OtherCluster { interface, found: own, wanted });
    }
    Ok(())
}

fn listed(written: Written) -> Event {
    Event::Listed { id: written.id, refused: written.refused }
}

struct Daemon {
    config: Config,
    /// What is staged.
    staged: Option<Config>,
    node: Node,
    socket: Watched,
    questions: Questions,
    speaker: Speaker,
    /// `None` while the interface is opened anew.
    reception: Option<Reception>,
    carrier: Carrier,
    sends_fail: bool,
    teller: Teller,
    nic: HeldNic,
    connections: Connections,
    health: Health,
    server: Server,
    promised: Promised,
    terminate: Signal,
    interrupt: Signal,
    replace: Signal,
    hangup: Signal,
    /// Gives way as soon as the protocol is calm.
    replacing: Option<Replacing>,
}

impl Daemon {
    fn open(file: &Config) -> Result<Daemon, AgentError> {
        // Two hosts with one priority are told apart by when their agents started.
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as u32;
        let Interface { reception, heartbeats, questions, own } = Interface::open(file)?;
        let (cluster, source) = resolve::macs(file, own);
        let carrier = Carrier::new(&file.host.interface);
        let mut nic = HeldNic::open(file, (cluster, source))?;
        // What this process has of it by now goes on.
        successor::close_kept();
        let file_left = successor::on_disk::take(&successor::on_disk::beside(&file.host.control));
        let left = successor::left_by_the_one_before().or(file_left);
        let left = left.and_then(|left| reload::unpack(&left, &file.path, file));
        let resumed = left.and_then(|(config, left)| match go_on(config, &left, file, &mut nic, (started, own)) {
            Ok(resumed) => Some(resumed),
            Err(error) => {
                warn!("{error}: starting anew");
                None
            }
        });
        if resumed.is_some() {
            info!("going on where the agent before ended");
        }
        let goes_on = resumed.is_some();
        let (config, node) = match resumed {
            Some(resumed) => resumed,
            None => (file.clone(), Node::new(resolve::cluster(file, started, own))?),
        };
        let speaker = Speaker { vips: config.cluster.vips.clone(), cluster, source };
        let connections = Connections::open(&config, &node)?;
        let server = Server::listen(&file.host.control)?;
        let watch = |kind| signal(kind).map_err(system("watch for signals"));
        let (terminate, interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
        let replace = watch(SignalKind::user_defined2())?;
        let hangup = watch(SignalKind::hangup())?;
        // What came since the process before gave way.
        successor::take_signals();
        let teller = Teller::default();
        let mut daemon = Daemon {
            config,
            staged: None,
            node,
            socket: heartbeats,
            questions,
            speaker,
            reception: Some(reception),
            carrier,
            sends_fail: false,
            teller,
            nic,
            connections,
            health: Health::default(),
            server,
            promised: Promised::new(file),
            terminate,
            interrupt,
            replace,
            hangup,
            replacing: None,
        };
        if let Some(until) = daemon.promised.before(file).filter(|_| !goes_on) {
            daemon.handle(Event::Promised { until });
        }
        daemon.watch(|node, slot| if goes_on { Begin::As(node.fitness(slot)) } else { Begin::Unknown });
        // What has been edited meanwhile is taken up.
        if let (true, Answer::Refused { message }) = (goes_on, daemon.take(file.clone())) {
            warn!("{message}");
        }
        Ok(daemon)
    }

    /// What the next process is to go on with, if there is to be one.
    async fn serve(&mut self) -> Result<Option<Left>, AgentError> {
        info!("agent of host {} on {}", self.config.host.priority, self.config.host.interface);
        // Does nothing for one that goes on.
        if self.config.host.started {
            self.start()?;
        }
        loop {
            let left = self.left();
            tokio::select! {
                biased;
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => {
                    if let Answer::Refused { message } = self.reload() {
                        warn!("{message}");
                    }
                }
                _ = self.replace.recv() => match self.next_may_start() {
                    Ok(()) => self.give_way_soon(false, None),
                    Err(reason) => warn!("not replaced, since the next agent would not start: {reason}"),
                },
                (until, kept) = self.promised.written() => self.handle(Event::Remembered { until, kept }),
                Some(asked) = self.server.next() => self.answer(asked)?,
                () = self.nic.told() => self.heed(),
                () = self.connections.ended.any() => self.connections.look_soon(),
                () = tokio::task::yield_now(), if self.nic.is_writing() => self.turn(),
                () = self.questions.asked() => {
                    self.questions.answer(self.node.answers().then_some(&self.speaker));
                    self.turn();
                }
                look = self.health.look() => {
                    if self.health.hear(look) {
                        self.tell_fitness();
                    }
                }
                () = self.socket.frame_or_timer(left) => self.turn(),
            }
            if let Some(left) = self.give_way() {
                return Ok(Some(left));
            }
        }
        self.health.end();
        self.leave().await;
        Ok(None)
    }

    /// Time until the protocol wants to be called; `None`: not at all.
    fn left(&self) -> Option<Duration> {
        let protocol = self.node.deadline().map(|deadline| Duration::from_micros(deadline - clock::now()));
        let connections = self.connections.due().map(|at| at.saturating_duration_since(Instant::now()));
        protocol.into_iter().chain(connections).min()
    }

    /// The NIC interrupted: a fence is the protocol's affair at once, and a lease that ends may still be renewed.
    fn heed(&mut self) {
        if self.nic.heed() {
            self.handle(Event::Fenced);
        }
        self.turn();
    }

    /// Hands over every frame that waits, then the time.
    fn turn(&mut self) {
        self.look_at_the_carrier();
        let mut buffer = [0; LONGEST];
        loop {
            match self.socket.socket().receive(&mut buffer) {
                Ok(length) => self.handle(Event::Frame(buffer[..length].to_vec())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // ENETDOWN when the interface goes down: silence, which the protocol sees for itself.
                    warn!("failed to receive on {}: {error}", self.config.host.interface);
                    break;
                }
            }
        }
        self.look_at_the_connections();
        if self.health.miss() {
            self.tell_fitness();
        }
        self.handle(Event::Tick);
        if let Some(written) = self.nic.write_on() {
            self.handle(listed(written));
        }
    }

    fn look_at_the_connections(&mut self) {
        if let Some(event) = self.connections.settled() {
            self.handle(event);
        }
        if self.connections.sent_cookies_of_late() {
            self.handle(Event::CookiesSent);
        }
        let closed = self.connections.closed(self.node.draining());
        if !closed.is_empty() {
            self.handle(Event::Closed(closed));
        }
    }

    /// Watches the services of the configuration in force; what is new begins as `begin` says.
    fn watch(&mut self, begin: impl Fn(&Node, usize) -> Begin) {
        let slots = self.node.config().slots();
        self.health.watch(&self.config, &slots, |slot| begin(&self.node, slot));
        self.tell_fitness();
    }

    fn tell_fitness(&mut self) {
        self.fitness().into_iter().for_each(|event| self.handle(event));
    }

    /// What the protocol does not know yet of the services.
    fn fitness(&self) -> Vec<Event> {
        let found = self.health.fitness().into_iter().enumerate();
        let news = found.filter(|(slot, fitness)| self.node.fitness(*slot) != *fitness);
        news.map(|(slot, fitness)| Event::SetFitness { slot, fitness }).collect()
    }

    /// Tells the protocol when the interface goes, and opens it anew when it comes.
    fn look_at_the_carrier(&mut self) {
        match self.carrier.look() {
            None => {}
            Some(Change::Down) => {
                warn!("{} cannot carry heartbeats", self.config.host.interface);
                self.handle(Event::Link { up: false });
            }
            Some(Change::Up) => {
                // Taken back before it is asked for anew.
                self.reception = None;
                match Interface::open(&self.config) {
                    Ok(interface) => {
                        info!("{} carries heartbeats again", self.config.host.interface);
                        self.speaker.source = resolve::macs(&self.config, interface.own).1;
                        self.reception = Some(interface.reception);
                        self.questions = interface.questions;
                        self.socket = interface.heartbeats;
                        self.handle(Event::Link { up: true });
                    }
                    Err(error) => {
                        warn!("failed to open {} again: {}", self.config.host.interface, told(&error));
                        self.carrier.forget();
                    }
                }
            }
        }
    }

    /// The default host tells all neighbours where the virtual IPs are, as soon as it is agreed who that is.
    fn announce(&mut self, told: &Report) {
        if matches!(told, Report::Converged { default_host, .. } if *default_host == self.node.config().host) {
            self.speaker.announcements().into_iter().for_each(|frame| self.send(frame));
        }
    }

    /// Sends a frame as it is but for its source: the interface may be another one than the protocol was told of.
    fn send(&mut self, mut frame: Vec<u8>) {
        if let Some(source) = frame.get_mut(6..12) {
            source.copy_from_slice(&self.speaker.source.0);
        }
        let sent = self.socket.socket().send(&frame);
        if let (Err(error), false) = (&sent, self.sends_fail) {
            warn!("failed to send on {}: {error}; told once until it works", self.config.host.interface);
        }
        self.sends_fail = sent.is_err();
    }

    /// Hands over one event and carries out what follows from it.
    fn handle(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut actions = Vec::new();
        while let Some(event) = events.pop_front() {
            if matches!(event, Event::Stop) {
                // Who stops has nothing to leave to another one.
                self.replacing = None;
            }
            let now = self.nic.now();
            self.node.handle(now, event, &mut actions);
            for action in actions.drain(..) {
                match action {
                    Action::Send(frame) => self.send(frame),
                    Action::Program(step) => {
                        let epoch = step.epoch;
                        let config = self.staged.as_ref().filter(|_| step.staged).unwrap_or(&self.config);
                        events.push_back(match self.nic.program(config, &step) {
                            Some(fenced) => Event::Programmed { epoch, fenced },
                            None => Event::ProgramFailed { epoch },
                        });
                    }
                    Action::Renew(until) => {
                        // Also how a NIC that was reset, or lost and found again, is noticed: it is fenced.
                        if self.nic.renew(until) {
                            events.push_back(Event::Fenced);
                        }
                    }
                    Action::List(listing) => {
                        events.extend(self.nic.list(*listing).map(listed));
                    }
                    Action::Dump { id, settle, staged } => {
                        let dump = Dump { id, staged };
                        if settle {
                            self.connections.settle(dump, self.config.handover.settle);
                        } else {
                            events.extend(self.connections.sent_cookies().then_some(Event::CookiesSent));
                            events.extend(self.connections.dumped(dump));
                        }
                    }
                    Action::Activated => {
                        self.activate();
                        events.extend(self.fitness());
                    }
                    Action::Remember { until } => self.promised.remember(until),
                    Action::Destroy(flows) => self.connections.destroy(&flows),
                    Action::EndHalfOpen => self.connections.end_half_open(),
                    Action::EndStale(flows) => self.connections.destroy(&flows),
                    Action::Report(told) => {
                        self.teller.tell(&told);
                        self.announce(&told);
                    }
                }
            }
        }
    }

    fn start(&mut self) -> Result<(), AgentError> {
        let mut random = [0; 40];
        getrandom::fill(&mut random).map_err(|error| system("read random octets")(io::Error::other(error)))?;
        let (incarnation, entropy) = random.split_first_chunk().expect("forty octets are eight and the rest");
        self.handle(Event::Start {
            incarnation: u64::from_le_bytes(*incarnation),
            entropy: entropy.try_into().expect("forty octets less eight"),
        });
        Ok(())
    }

    /// Leaves the cluster, so that the others need not wait for silence.
    async fn leave(&mut self) {
        self.handle(Event::Stop);
        let stopped = async {
            while self.node.status(self.nic.now()).phase != PhaseKind::Stopped {
                self.socket.frame_or_timer(self.left()).await;
                self.turn();
            }
        };
        if tokio::time::timeout(FAREWELL, stopped).await.is_err() {
            warn!("the NIC did not confirm that it owns nothing; its lease will end by itself");
        }
    }
}
