//! The kernel's TCP sockets by `sock_diag`: which are alive, an end to some, and a word when one goes.
//!
//! Two dumps, one a family: that of IPv4 misses connections of listeners that serve both, whose addresses are IPv4 ones
//! mapped into IPv6, and the kernel has no dump of both at once. Alive is everything but TIME_WAIT (and what has never been a
//! connection): FIN_WAIT2, CLOSE_WAIT and LAST_ACK still have something to say. Half-open sockets are dumped like all
//! others.
//!
//! A socket of netlink belongs to the network namespace it was opened in, so those for the namespaces of applications are
//! opened by a thread that goes there and ends; so is the file that counts [SYN cookies](crate::cookies).

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, TCP_SYN_RECV};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_packet_sock_diag::{SOCK_DESTROY, SockDiagMessage};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};
use nix::sched::{CloneFlags, setns};

use crate::cookies::Cookies;

/// Groups of `NETLINK_SOCK_DIAG` that hear of TCP sockets that are destroyed: IPv4, IPv6 (`linux/sock_diag.h`).
const DESTROYED: [u32; 2] = [1, 3];
/// A dump comes in messages of at most so much.
const RECEIVE: usize = 64 * 1024;

/// Why the kernel's sockets are not known.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    /// A network namespace cannot be entered.
    #[error("failed to enter network namespace {}", path.display())]
    Enter {
        /// Where it is named.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// There is no `sock_diag`.
    #[error("failed to open sock_diag{}", whose(path))]
    Open {
        /// The namespace; `None`: the agent's own.
        path: Option<PathBuf>,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel broke off.
    #[error("failed to {step} by sock_diag")]
    Ask {
        /// What was asked.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

fn whose(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| format!(" in {}", path.display())).unwrap_or_default()
}

/// A TCP connection as its host sees it. IPv4 addresses that are mapped into IPv6 are IPv4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Connection {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
}

/// The sockets of one network namespace.
struct Namespace {
    ask: Socket,
    /// Of the last question. What is left of an answer that was given up has another number.
    sequence: u32,
    /// Hears of destroyed sockets, if the kernel lets it.
    hear: Option<OwnedFd>,
    /// SYN cookies it has sent.
    cookies: Cookies,
}

/// The sockets of the agent's network namespace, and of those that were named.
pub(crate) struct Sockets {
    namespaces: Vec<Namespace>,
}

impl Sockets {
    /// Opens what is needed in this namespace and in those at `others`.
    pub(crate) fn open(others: &[PathBuf]) -> Result<Sockets, SocketsError> {
        let mut namespaces = vec![open_here(None)?];
        for path in others {
            namespaces.push(open_in(path)?);
        }
        Ok(Sockets { namespaces })
    }

    /// What becomes readable when a socket goes.
    pub(crate) fn hearing(&self) -> Vec<BorrowedFd<'_>> {
        self.namespaces.iter().filter_map(|namespace| Some(namespace.hear.as_ref()?.as_fd())).collect()
    }

    /// Whether the kernel tells of SYN cookies, wherever sockets are dumped.
    pub(crate) fn counts_cookies(&self) -> bool {
        self.namespaces.iter().all(|namespace| namespace.cookies.are_counted())
    }

    /// Whether SYN cookies were sent since this was last asked.
    pub(crate) fn sent_cookies(&mut self) -> bool {
        // Each is asked, whatever another says: what one has sent is new once.
        self.namespaces.iter_mut().filter_map(|namespace| namespace.cookies.more().then_some(())).count() > 0
    }

    /// All live connections.
    pub(crate) fn dump(&mut self) -> Result<BTreeSet<Connection>, SocketsError> {
        let mut alive = BTreeSet::new();
        for namespace in &mut self.namespaces {
            for family in [AF_INET, AF_INET6] {
                alive.extend(namespace.dump(family)?.into_iter().map(|(connection, ..)| connection));
            }
        }
        Ok(alive)
    }

    /// Ends those of `doomed` that are not half-open; how many.
    pub(crate) fn destroy(&mut self, doomed: &BTreeSet<Connection>) -> Result<usize, SocketsError> {
        self.destroy_where(|connection, half_open| !half_open && doomed.contains(connection))
    }

    /// Ends those half-open ones that `are_ours`; how many. Nobody is told: what is half open goes without a reset.
    pub(crate) fn destroy_half_open(&mut self, are_ours: impl Fn(&Connection) -> bool) -> Result<usize, SocketsError> {
        self.destroy_where(|connection, half_open| half_open && are_ours(connection))
    }

    fn destroy_where(&mut self, doomed: impl Fn(&Connection, bool) -> bool) -> Result<usize, SocketsError> {
        let mut destroyed = 0;
        for namespace in &mut self.namespaces {
            for family in [AF_INET, AF_INET6] {
                for (connection, state, id) in namespace.dump(family)? {
                    if doomed(&connection, state == TCP_SYN_RECV) {
                        namespace.destroy(family, id)?;
                        destroyed += 1;
                    }
                }
            }
        }
        Ok(destroyed)
    }
}

#[cfg(test)]
impl Sockets {
    /// Nobody answers what these ask.
    pub(crate) fn unanswered() -> Sockets {
        let ask = Socket::new(NETLINK_SOCK_DIAG).expect("a socket");
        // No process has this address.
        ask.connect(&NetlinkAddr::new(0x7fff_fff0, 0)).expect("an address");
        Sockets { namespaces: vec![Namespace { ask, sequence: 0, hear: None, cookies: Cookies::here() }] }
    }
}

fn open_in(path: &Path) -> Result<Namespace, SocketsError> {
    let failed = |source| SocketsError::Enter { path: path.to_path_buf(), source };
    let namespace = File::open(path).map_err(failed)?;
    let there = std::thread::spawn({
        let path = path.to_path_buf();
        move || {
            let entered = setns(namespace, CloneFlags::CLONE_NEWNET);
            entered.map_err(|errno| SocketsError::Enter { path: path.clone(), source: errno.into() })?;
            open_here(Some(&path))
        }
    });
    there.join().unwrap_or_else(|_| Err(failed(io::Error::other("the thread that went there ended"))))
}

fn open_here(path: Option<&Path>) -> Result<Namespace, SocketsError> {
    let open = || {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        Ok(socket)
    };
    let ask = open().map_err(|source| SocketsError::Open { path: path.map(Path::to_path_buf), source })?;
    // Without it, what ends is found by looking again and again.
    let hear = || -> io::Result<OwnedFd> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        for group in DESTROYED {
            socket.add_membership(group)?;
        }
        socket.set_non_blocking(true)?;
        Ok(owned(socket))
    };
    Ok(Namespace { ask, sequence: 0, hear: hear().ok(), cookies: Cookies::here() })
}

#[allow(unsafe_code)]
fn owned(socket: Socket) -> OwnedFd {
    // SAFETY: into_raw_fd gives the descriptor away, so nobody else closes it.
    unsafe { OwnedFd::from_raw_fd(socket.into_raw_fd()) }
}

impl Namespace {
    fn dump(&mut self, family: u8) -> Result<Vec<(Connection, u8, SocketId)>, SocketsError> {
        let failed = |source| SocketsError::Ask { step: "dump sockets", source };
        let dead = StateFlags::TIME_WAIT | StateFlags::LISTEN | StateFlags::CLOSE | StateFlags::SYN_SENT;
        let id = if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() };
        let request = request(family, StateFlags::all() - dead, id);
        self.send(request, NLM_F_REQUEST | NLM_F_DUMP, None).map_err(failed)?;
        let mut found = Vec::new();
        loop {
            let buffer = self.receive().map_err(failed)?;
            for message in messages(&buffer) {
                let message = message.map_err(failed)?;
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(found),
                    NetlinkPayload::Error(error) => return Err(failed(error.to_io())),
                    NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                        let (state, id) = (response.header.state, response.header.socket_id);
                        let end = |address: IpAddr, port| SocketAddr::new(address.to_canonical(), port);
                        let local = end(id.source_address, id.source_port);
                        let remote = end(id.destination_address, id.destination_port);
                        found.push((Connection { local, remote }, state, id));
                    }
                    _ => {}
                }
            }
        }
    }

    /// A socket that has gone meanwhile is no fault.
    fn destroy(&mut self, family: u8, id: SocketId) -> Result<(), SocketsError> {
        let failed = |source| SocketsError::Ask { step: "destroy a socket", source };
        let request = request(family, StateFlags::all(), id);
        self.send(request, NLM_F_REQUEST | NLM_F_ACK, Some(SOCK_DESTROY)).map_err(failed)?;
        let buffer = self.receive().map_err(failed)?;
        for message in messages(&buffer) {
            if let NetlinkPayload::Error(error) = message.map_err(failed)?.payload
                && error.code.is_some()
                && error.to_io().kind() != io::ErrorKind::NotFound
            {
                return Err(failed(error.to_io()));
            }
        }
        Ok(())
    }

    fn send(&mut self, request: InetRequest, flags: u16, kind: Option<u16>) -> io::Result<()> {
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        self.sequence = self.sequence.wrapping_add(1);
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
        message.finalize();
        message.header.message_type = kind.unwrap_or(message.header.message_type);
        let mut buffer = vec![0; message.buffer_len()];
        message.serialize(&mut buffer);
        self.ask.send(&buffer, 0).map(|_| ())
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = Vec::with_capacity(RECEIVE);
        self.ask.recv(&mut buffer, 0)?;
        Ok(buffer)
    }
}

fn request(family: u8, states: StateFlags, socket_id: SocketId) -> InetRequest {
    InetRequest { family, protocol: IPPROTO_TCP, extensions: ExtensionFlags::empty(), states, socket_id }
}

/// The messages of one datagram.
fn messages(buffer: &[u8]) -> impl Iterator<Item = io::Result<NetlinkMessage<SockDiagMessage>>> {
    let mut rest = buffer;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest).map_err(io::Error::other);
        let length = message.as_ref().map_or(0, |message| message.header.length as usize);
        // Messages start at multiples of four.
        rest = rest.get(length.next_multiple_of(4)..).filter(|_| length > 0).unwrap_or(&[]);
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    /// The connection as the listener's side has it.
    fn accepted(listener: &str) -> (TcpStream, TcpStream, Connection) {
        let listener = TcpListener::bind(listener).expect("a port");
        let to = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), listener.local_addr().expect("bound").port());
        let client = TcpStream::connect(to).expect("listening");
        let (server, _) = listener.accept().expect("a client");
        let connection = Connection { local: to, remote: client.local_addr().expect("connected") };
        (client, server, connection)
    }

    #[test]
    fn connections_are_found_whichever_family_the_listener_has() {
        let mut sockets = Sockets::open(&[]).expect("sock_diag");
        for listener in ["127.0.0.1:0", "[::]:0"] {
            let (client, server, connection) = accepted(listener);
            assert!(sockets.dump().expect("a dump").contains(&connection), "{listener}");
            // What has closed on one side only is alive.
            client.shutdown(std::net::Shutdown::Write).expect("connected");
            assert!(sockets.dump().expect("a dump").contains(&connection), "{listener}, half closed");
            drop(server);
            drop(client);
            let since = Instant::now();
            while sockets.dump().expect("a dump").contains(&connection) {
                assert!(since.elapsed() < Duration::from_secs(10), "{listener}, closed");
            }
        }
    }

    #[test]
    fn a_destroyed_connection_ends_and_is_heard_to_end() {
        let mut sockets = Sockets::open(&[]).expect("sock_diag");
        let (mut client, _server, connection) = accepted("[::]:0");
        match sockets.destroy(&BTreeSet::from([connection])) {
            Ok(count) => assert_eq!(count, 1),
            // Needs CAP_NET_ADMIN.
            Err(SocketsError::Ask { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => return,
            Err(error) => panic!("{error}"),
        }
        assert!(client.read(&mut [0; 1]).is_err(), "reset");
        assert!(!sockets.dump().expect("a dump").contains(&connection));
        assert_eq!(sockets.destroy(&BTreeSet::from([connection])).expect("no fault"), 0);
    }

    #[test]
    fn another_namespace_is_looked_into_as_well_and_is_another() {
        let (stay, stays) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let there = std::thread::spawn(move || {
            let entered = nix::sched::unshare(CloneFlags::CLONE_NEWNET).is_ok();
            let path = format!("/proc/{}/task/{}/ns/net", std::process::id(), nix::unistd::gettid());
            tell.send(entered.then(|| PathBuf::from(path))).expect("the test waits");
            let _ = stays.recv();
        });
        // Only root may make one.
        if let Some(path) = told.recv().expect("it says") {
            let (_client, _server, connection) = accepted("127.0.0.1:0");
            let mut sockets = Sockets::open(&[path]).expect("sock_diag there, too");
            assert_eq!(sockets.namespaces.len(), 2);
            assert!(sockets.dump().expect("a dump").contains(&connection));
            assert!(sockets.namespaces[1].dump(AF_INET).expect("a dump").is_empty(), "nobody is there");
            assert_eq!(sockets.hearing().len(), 2);
        }
        drop(stay);
        there.join().expect("no panic");
    }

    #[test]
    fn a_namespace_that_is_not_there_is_named() {
        let error = Sockets::open(&["/run/netns/weir-nowhere".into()]).err().expect("none there");
        assert_eq!(error.to_string(), "failed to enter network namespace /run/netns/weir-nowhere");
    }
}
