//! What is seen on a wire: who answers connection attempts, and whether the cluster MAC ever leaks.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use weir_link::{Ethertype, LinkError, PacketSocket};
use weir_spec::mac::Mac;

use crate::namespace::{Namespace, NamespaceError};
use crate::{sys, topology};

/// A SYN-ACK is told by its first 128 octets.
const SNAP: usize = 128;
/// Room for what arrives while this machine does something else, in octets.
const RECEIVE_BUFFER: usize = 8 << 20;
const STOP_CHECK_MS: u16 = 50;

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The namespace could not be entered.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A packet socket.
    #[error("failed to capture on {link}")]
    Open {
        /// The interface.
        link: String,
        /// Why not.
        source: LinkError,
    },
    /// The capture thread.
    #[error("failed to start the capture")]
    Thread {
        /// What the kernel said.
        source: io::Error,
    },
}

/// One connection attempt of a client: address, port and initial sequence number plus one, as a SYN-ACK acknowledges it.
/// A retransmitted SYN is the same attempt; the same port used again is another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Attempt {
    /// Client address.
    pub address: Ipv4Addr,
    /// Client port.
    pub port: u16,
    /// Acknowledged sequence number.
    pub acknowledged: u32,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    answers: BTreeMap<Attempt, BTreeSet<Mac>>,
    frames: u64,
    leaks: u64,
    lost: u64,
}

impl Ledger {
    /// Takes one frame into account.
    pub fn observe(&mut self, frame: &[u8]) {
        self.frames += 1;
        let Some(source) = frame.get(6..12).and_then(|octets| octets.try_into().ok()).map(Mac) else { return };
        // Nor may a group be a source, that of the cluster or any other.
        if source == topology::cluster_mac() || source.0[0] & 1 != 0 {
            self.leaks += 1;
        }
        if let Some(attempt) = answered_attempt(frame) {
            self.answers.entry(attempt).or_default().insert(source);
        }
    }

    /// Connection attempts that more than one host answered.
    pub fn duplicates(&self) -> u64 {
        self.answers.values().filter(|sources| sources.len() > 1).count() as u64
    }

    /// Who answered attempts from this address and port.
    pub fn answered_by(&self, address: Ipv4Addr, port: u16) -> BTreeSet<Mac> {
        let from = Attempt { address, port, acknowledged: 0 };
        let to = Attempt { address, port, acknowledged: u32::MAX };
        self.answers.range(from..=to).flat_map(|(_, sources)| sources.iter().copied()).collect()
    }

    /// Connection attempts that were answered.
    pub fn attempts(&self) -> u64 {
        self.answers.len() as u64
    }

    /// Frames that carried a MAC of the cluster as their source.
    pub fn leaks(&self) -> u64 {
        self.leaks
    }

    /// Frames seen.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames that came too fast to be looked at; while this is not 0, the other figures are lower bounds.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

/// The attempt that this frame answers, if it is a SYN-ACK of the virtual IP.
fn answered_attempt(frame: &[u8]) -> Option<Attempt> {
    let ip = frame.get(14..)?;
    if frame[12..14] != [0x08, 0x00] || *ip.first()? >> 4 != 4 || *ip.get(9)? != 6 {
        return None;
    }
    let tcp = ip.get(usize::from(ip[0] & 0xf) * 4..)?;
    let word = |octets: &[u8], at: usize| Some(u32::from_be_bytes(octets.get(at..at + 4)?.try_into().ok()?));
    const SYN_ACK: u8 = 0x12;
    if word(ip, 12)? != topology::VIP.to_bits() || tcp.get(13)? & SYN_ACK != SYN_ACK {
        return None;
    }
    Some(Attempt {
        address: Ipv4Addr::from_bits(word(ip, 16)?),
        port: (word(tcp, 0)? & 0xffff) as u16,
        acknowledged: word(tcp, 8)?,
    })
}

/// A running capture; it ends when this is dropped.
#[derive(Debug)]
pub struct Capture {
    ledger: Arc<Mutex<Ledger>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Listens to what arrives on `links` of `namespace`, from now on.
    pub fn start(namespace: &Namespace, links: &[String]) -> Result<Capture, CaptureError> {
        let sockets = namespace.enter(|| links.iter().map(|link| open(link)).collect::<Result<Vec<_>, _>>())??;
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (ledger.clone(), stop.clone());
        let listen = move || {
            // The last look comes after the stop was seen: what had arrived by then is counted.
            loop {
                let last = stopped.load(Ordering::Acquire);
                listen_once(&sockets, &shared);
                if last {
                    break;
                }
            }
        };
        let thread = thread::Builder::new()
            .name("capture".into())
            .spawn(listen)
            .map_err(|source| CaptureError::Thread { source })?;
        Ok(Capture { ledger, stop, thread: Some(thread) })
    }

    /// What was seen so far.
    pub fn ledger(&self) -> Ledger {
        locked(&self.ledger).clone()
    }

    /// Ends the capture and returns what was seen.
    pub fn stop(mut self) -> Ledger {
        self.halt();
        self.ledger()
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.halt();
    }
}

fn locked(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(link: &str) -> Result<PacketSocket, CaptureError> {
    let socket = PacketSocket::open(link, Ethertype::All)
        .map_err(|source| CaptureError::Open { link: link.to_string(), source })?;
    // Refused where the lab is rootless: then the default has to do, and losses are counted anyway.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
    Ok(socket)
}

fn listen_once(sockets: &[PacketSocket], ledger: &Mutex<Ledger>) {
    let ready: Vec<BorrowedFd<'_>> = sockets.iter().map(AsFd::as_fd).collect();
    let mut waiting: Vec<PollFd<'_>> = ready.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    // An interrupted wait is a wait that ends early.
    let _ = poll(&mut waiting, PollTimeout::from(STOP_CHECK_MS));
    let mut frame = [0; SNAP];
    let mut ledger = locked(ledger);
    for (socket, fd) in sockets.iter().zip(ready) {
        while let Ok(length) = socket.receive(&mut frame) {
            ledger.observe(&frame[..length.min(SNAP)]);
        }
        ledger.lost += sys::frames_lost(fd).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syn_ack(source: Mac, port: u16, acknowledged: u32, flags: u8) -> Vec<u8> {
        let mut frame = topology::CLIENT_MAC.to_vec();
        frame.extend(source.0);
        frame.extend([0x08, 0x00, 0x45, 0, 0, 44, 0, 0, 0x40, 0, 64, 6, 0, 0]);
        frame.extend(topology::VIP.octets());
        frame.extend(topology::client(3).octets());
        frame.extend(80_u16.to_be_bytes());
        frame.extend(port.to_be_bytes());
        frame.extend(7_u32.to_be_bytes());
        frame.extend(acknowledged.to_be_bytes());
        frame.extend([0x60, flags, 0, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4]);
        frame
    }

    fn masked(host: u8) -> Mac {
        Mac::masked(host, topology::VIP)
    }

    #[test]
    fn a_retransmission_and_a_port_used_again_are_no_duplicates() {
        let mut ledger = Ledger::default();
        ledger.observe(&syn_ack(masked(1), 4000, 11, 0x12));
        ledger.observe(&syn_ack(masked(1), 4000, 11, 0x12));
        ledger.observe(&syn_ack(masked(2), 4000, 12, 0x12));
        assert_eq!((ledger.duplicates(), ledger.attempts(), ledger.frames()), (0, 2, 3));
    }

    #[test]
    fn two_hosts_answering_one_attempt_are_a_duplicate() {
        let mut ledger = Ledger::default();
        ledger.observe(&syn_ack(masked(1), 4000, 11, 0x12));
        ledger.observe(&syn_ack(masked(2), 4000, 11, 0x52));
        assert_eq!(ledger.duplicates(), 1);
        assert_eq!(ledger.answered_by(topology::client(3), 4000), BTreeSet::from([masked(1), masked(2)]));
        assert!(ledger.answered_by(topology::client(3), 4001).is_empty());
    }

    #[test]
    fn other_frames_answer_nothing() {
        let mut ledger = Ledger::default();
        ledger.observe(&syn_ack(masked(1), 4000, 11, 0x10));
        ledger.observe(&[0; 60]);
        for length in 0..58 {
            ledger.observe(&syn_ack(masked(1), 4000, 11, 0x10)[..length]);
        }
        assert_eq!((ledger.attempts(), ledger.leaks()), (0, 0));
    }

    #[test]
    fn a_frame_from_the_cluster_mac_is_a_leak_whatever_it_carries() {
        let mut ledger = Ledger::default();
        ledger.observe(&syn_ack(topology::cluster_mac(), 4000, 11, 0x12));
        ledger.observe(&syn_ack(topology::cluster_mac(), 4000, 11, 0x10)[..14]);
        assert_eq!(ledger.leaks(), 2);
        ledger.observe(&syn_ack(Mac::multicast(topology::VIP), 4000, 11, 0x10));
        ledger.observe(&syn_ack(Mac::igmp(topology::VIP), 4000, 11, 0x10));
        assert_eq!(ledger.leaks(), 4);
    }
}
