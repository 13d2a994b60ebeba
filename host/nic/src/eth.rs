//! A board behind an Ethernet port, by control frames: see [`weir_spec::control`].
//!
//! One request is under way at a time. What is not answered is said again, the same octets, which the board answers without doing it
//! twice. A board that was started anew has forgotten the session: then nothing is answered any more, and that is an error, not
//! a new session, since what a driver knew of the NIC is not so any more.

mod key;
mod wire;

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use weir_link::LinkError;
use weir_spec::control::{BOARD, Frame, Key, Kind, MOST_WORDS, Status};
use weir_spec::mac::Mac;
use weir_spec::regs::PORT_SIZE;

use crate::{Bar, BarError};
pub use key::{KeyError, make_key, read_key};
use wire::Interface;
pub use wire::Wire;

/// The first wait for an answer; each further one is twice as long. A board answers within microseconds.
const FIRST_WAIT: Duration = Duration::from_millis(4);
/// How long a request is said again.
const PATIENCE: Duration = Duration::from_secs(1);

/// The registers of a board.
#[derive(Debug)]
pub struct EthBar<W = Interface> {
    wire: W,
    key: Key,
    mac: Mac,
    host_nonce: u64,
    board_nonce: u64,
    sequence: u32,
    /// Says to other programs on this host that the board is taken, for as long as it lives.
    _sole: Option<UnixDatagram>,
}

/// Why there is no session with a board.
#[derive(Debug, thiserror::Error)]
pub enum EthError {
    /// The interface.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The key's file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The kernel has no randomness.
    #[error("failed to draw a nonce")]
    Nonce(#[source] io::Error),
    /// A board has one session, and the host one program that has it: a second one would end the first one's.
    #[error(
        "another program of this host drives the board on {interface}, its agent or a flash that is under way: end that first"
    )]
    Taken {
        /// The interface.
        interface: String,
    },
    /// Nobody greets.
    #[error("no board answers on {interface} {with}: is the interface up, and the board on this side of it?")]
    Silent {
        /// The interface.
        interface: String,
        /// With or without a key, which a board may not have or be another.
        with: &'static str,
    },
    /// Sending or receiving.
    #[error("failed to speak to the board on {interface}")]
    Io {
        /// The interface.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
}

impl EthBar {
    /// Greets the board on an interface; without a key it is one that has none yet.
    ///
    /// # Errors
    ///
    /// [`EthError::Silent`] if nobody answers under this key within a second; [`EthError::Taken`] if another program of this network
    /// namespace has the board.
    pub fn open(interface: &str, key: Option<Key>) -> Result<EthBar, EthError> {
        let wire = Interface::open(interface)?;
        let sole = take(interface)?;
        let mac = wire.mac().map_err(|source| EthError::Io { interface: interface.into(), source })?;
        let mut nonce = [0; 8];
        getrandom::fill(&mut nonce).map_err(|error| EthError::Nonce(error.into()))?;
        let bar = EthBar::greet(wire, interface, mac, key, u64::from_be_bytes(nonce))?;
        Ok(EthBar { _sole: Some(sole), ..bar })
    }
}

/// A name that one program of a network namespace can have, and that is free when it ends, however it does.
fn take(interface: &str) -> Result<UnixDatagram, EthError> {
    let name = SocketAddr::from_abstract_name(format!("weir-board-{interface}"));
    name.and_then(|name| UnixDatagram::bind_addr(&name)).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => EthError::Taken { interface: interface.into() },
        _ => EthError::Io { interface: interface.into(), source },
    })
}

impl<W: Wire> EthBar<W> {
    /// The same over any wire, with a nonce that was never used with this key.
    ///
    /// # Errors
    ///
    /// As [`EthBar::open`].
    pub fn greet(wire: W, interface: &str, mac: Mac, key: Option<Key>, nonce: u64) -> Result<EthBar<W>, EthError> {
        let with =
            if key.is_some() { "to this key" } else { "without a key (one that has a key answers to that alone)" };
        let key = key.unwrap_or(Key::NONE);
        let mut bar = EthBar { wire, key, mac, host_nonce: nonce, board_nonce: 0, sequence: 0, _sole: None };
        let hello = bar.frame(Kind::Hello, 0, 0, &[]);
        match bar.ask(&hello, Kind::Greeting) {
            Ok(greeting) => {
                bar.board_nonce = greeting.board_nonce;
                Ok(bar)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(EthError::Silent { interface: interface.into(), with })
            }
            Err(source) => Err(EthError::Io { interface: interface.into(), source }),
        }
    }

    /// Gives a board its key, once for all; it keeps it in its flash. From then on it hears frames by this key alone, so this
    /// session is over. The key goes over the wire in the clear, for whoever listens to it.
    ///
    /// # Errors
    ///
    /// [`BarError::Refused`] from a board that has one, or could not keep it; [`BarError::Call`] if it does not answer, and
    /// does not greet to the new key either.
    pub fn set_key(&mut self, key: Key) -> Result<(), BarError> {
        let words: Vec<u32> =
            key.0.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().expect("chunks of four"))).collect();
        let error = match self.request(Kind::SetKey, 0, words.len() as u8, &words) {
            Ok(_) => return Ok(()),
            Err(error @ BarError::Refused { .. }) => return Err(error),
            Err(error) => error,
        };
        // Where the answer alone was lost, the repeat is by a key that the board does not take any more.
        let before = std::mem::replace(&mut self.key, key);
        (self.host_nonce, self.board_nonce, self.sequence) = (!self.host_nonce, 0, 0);
        let hello = self.frame(Kind::Hello, 0, 0, &[]);
        match self.ask(&hello, Kind::Greeting) {
            Ok(_) => Ok(()),
            Err(_) => {
                self.key = before;
                Err(error)
            }
        }
    }

    fn frame(&self, kind: Kind, offset: u32, count: u8, words: &[u32]) -> Frame {
        Frame {
            destination: BOARD,
            source: self.mac,
            kind,
            status: Status::Done,
            count,
            sequence: self.sequence,
            host_nonce: self.host_nonce,
            board_nonce: self.board_nonce,
            offset,
            words: words.to_vec(),
        }
    }

    /// One request and its answer.
    fn request(&mut self, kind: Kind, offset: u32, count: u8, words: &[u32]) -> Result<Vec<u32>, BarError> {
        let failed = |source| BarError::Call { offset, source };
        self.sequence =
            self.sequence.checked_add(1).ok_or_else(|| failed(io::Error::other("the session is used up")))?;
        let request = self.frame(kind, offset, count, words);
        let answer = self.ask(&request, Kind::Answer).map_err(failed)?;
        match answer.status {
            Status::Done if answer.count == count => Ok(answer.words),
            Status::Refused if kind == Kind::SetKey => {
                Err(BarError::Refused { offset, why: "it could not keep the key in its flash, and has none" })
            }
            // As behind PCIe: a refused write shows in REFUSED_COUNT, a refused read is zero.
            Status::Done | Status::Refused => {
                let mut words = answer.words;
                words.resize(if kind == Kind::Read { count.into() } else { 0 }, 0);
                Ok(words)
            }
            Status::Unkeyed => Err(BarError::Refused { offset, why: "it has no key yet" }),
            Status::Keyed => Err(BarError::Refused { offset, why: "it has a key already, which is kept for ever" }),
        }
    }

    /// Says a frame until it is answered by one of this kind, session and sequence.
    fn ask(&mut self, frame: &Frame, kind: Kind) -> io::Result<Frame> {
        let octets = frame.write(&self.key);
        let begun = Instant::now();
        let mut wait = FIRST_WAIT;
        while begun.elapsed() < PATIENCE {
            self.wire.send(&octets)?;
            let said = Instant::now();
            while let Some(heard) = self.wire.receive(wait.saturating_sub(said.elapsed()))? {
                // Whatever else there is on the wire is nobody's answer.
                let Ok(answer) = Frame::read(&heard, &self.key) else {
                    continue;
                };
                let nonce = kind == Kind::Greeting || answer.board_nonce == frame.board_nonce;
                let session = answer.host_nonce == frame.host_nonce && nonce;
                if answer.kind == kind && session && answer.sequence == frame.sequence {
                    return Ok(answer);
                }
            }
            wait = (2 * wait).min(PATIENCE);
        }
        let words = "the board does not answer: unplugged, or started anew, when it holds nothing of what was loaded";
        Err(io::Error::new(io::ErrorKind::TimedOut, words))
    }
}

impl<W: Wire> Bar for EthBar<W> {
    fn size(&self) -> u32 {
        PORT_SIZE
    }

    fn load(&mut self, offset: u32) -> Result<u32, BarError> {
        let words = self.request(Kind::Read, offset, 1, &[])?;
        Ok(words.first().copied().unwrap_or(0))
    }

    fn store(&mut self, offset: u32, value: u32) -> Result<(), BarError> {
        self.request(Kind::Write, offset, 1, &[value]).map(drop)
    }

    /// As many words a frame as it has room for.
    fn load_block(&mut self, offset: u32, words: &mut [u32]) -> Result<(), BarError> {
        for (at, burst) in words.chunks_mut(MOST_WORDS).enumerate() {
            let offset = offset + (at * MOST_WORDS * 4) as u32;
            let read = self.request(Kind::Read, offset, burst.len() as u8, &[])?;
            burst.iter_mut().zip(read).for_each(|(word, read)| *word = read);
        }
        Ok(())
    }

    /// As many words a frame as it has room for; the board writes none of a frame that does not hold.
    fn store_block(&mut self, offset: u32, words: &[u32]) -> Result<(), BarError> {
        for (at, burst) in words.chunks(MOST_WORDS).enumerate() {
            let offset = offset + (at * MOST_WORDS * 4) as u32;
            self.request(Kind::Write, offset, burst.len() as u8, burst)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
