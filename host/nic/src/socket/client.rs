//! The conversation with a vfio-user server.
//!
//! Reads are asked and answered; writes are posted, as PCIe posts them. A reply is read header first, so that an error,
//! which is shorter, is understood. When anything is not as it should be, no later reply can be trusted to belong to its
//! question: the connection is poisoned and every further access fails.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};

use super::message::{self, Command, HEADER, Header, Region};

/// How long the server may take for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Posted writes go out in pieces of at most this many bytes: the kernel hands over such a piece whole, so that the
/// server never finds half a header.
const PIECE: usize = 4096;

/// Why a conversation failed.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listens, or the path is no socket.
    #[error("failed to connect to {path}")]
    Connect {
        /// The path.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The server went away.
    #[error("the device closed its socket")]
    Closed,
    /// The server did not answer in time.
    #[error("the device has not answered for {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The server did not even answer the greeting: as a rule it is talking to another.
    #[error(
        "the device has not answered for {} s: another program may hold it, for a device serves one host at a time; if that is \
         this host's agent, `weir display` asks it about its NIC",
        PATIENCE.as_secs()
    )]
    NotServed,
    /// The kernel refused to send or to receive.
    #[error("failed to {step}")]
    Io {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The server refused a command.
    #[error("the device refused {command} with errno {errno}")]
    Refused {
        /// Which command.
        command: &'static str,
        /// What it says is the reason; 0 if it does not say.
        errno: u32,
    },
    /// The server answered what was not asked, or not as the protocol has it.
    #[error("the device answered {command} with {field} {found:#x}, expected {expected:#x}")]
    Malformed {
        /// What was asked.
        command: &'static str,
        /// Which part of the answer is wrong.
        field: &'static str,
        /// What it is.
        found: u64,
        /// What would be right.
        expected: u64,
    },
    /// Fewer vectors than were asked for.
    #[error("the device has {there} MSI-X vectors; {wanted} were asked for")]
    NoVector {
        /// How many were asked for.
        wanted: u16,
        /// How many it says it has.
        there: u32,
    },
    /// An earlier failure ended the conversation.
    #[error("the conversation with the device failed before; open it anew")]
    Poisoned,
}

impl Command {
    fn name(self) -> &'static str {
        match self {
            Command::Version => "VERSION",
            Command::DeviceInfo => "DEVICE_GET_INFO",
            Command::RegionInfo => "DEVICE_GET_REGION_INFO",
            Command::IrqInfo => "DEVICE_GET_IRQ_INFO",
            Command::SetIrqs => "DEVICE_SET_IRQS",
            Command::RegionRead => "REGION_READ",
            Command::RegionWrite => "REGION_WRITE",
            Command::Reset => "DEVICE_RESET",
        }
    }

    fn malformed(self, field: &'static str, found: impl Into<u64>, expected: impl Into<u64>) -> SocketError {
        SocketError::Malformed { command: self.name(), field, found: found.into(), expected: expected.into() }
    }
}

/// A connection to a vfio-user server.
pub(super) struct Client {
    stream: UnixStream,
    next_id: u16,
    poisoned: bool,
    patience: Duration,
    out: Vec<u8>,
    sizes: [(Region, u64); 2],
}

impl Client {
    /// Connects, agrees on the version, and asks for the sizes of the regions.
    pub(super) fn connect(path: &Path) -> Result<Client, SocketError> {
        let connect = |source| SocketError::Connect { path: path.display().to_string(), source };
        Client::greet(UnixStream::connect(path).map_err(connect)?, PATIENCE)
    }

    pub(super) fn greet(stream: UnixStream, patience: Duration) -> Result<Client, SocketError> {
        let step = |step| move |source| SocketError::Io { step, source };
        stream.set_read_timeout(Some(patience)).map_err(step("limit the wait for answers"))?;
        stream.set_write_timeout(Some(patience)).map_err(step("limit the wait for sending"))?;
        let sizes = [(Region::Bar0, 0), (Region::Config, 0)];
        let mut client = Client { stream, next_id: 0, poisoned: false, patience, out: Vec::new(), sizes };

        let id = client.id();
        message::push_version(&mut client.out, id);
        let version = client.ask(id, Command::Version, 4, message::LONGEST).map_err(|error| match error {
            SocketError::TimedOut => SocketError::NotServed,
            error => error,
        })?;
        let major = message::u16_at(&version, 0);
        if major != message::MAJOR {
            return Err(Command::Version.malformed("major version", major, message::MAJOR));
        }
        let info = client.command(Command::DeviceInfo, &[&message::device_info()], message::DEVICE_INFO)?;
        let flags = message::u32_at(&info, 4);
        if flags & message::INFO_PCI == 0 {
            return Err(Command::DeviceInfo.malformed("flags", flags, flags | message::INFO_PCI));
        }
        for place in 0..client.sizes.len() {
            let region = client.sizes[place].0;
            let info = client.command(Command::RegionInfo, &[&message::region_info(region)], message::REGION_INFO)?;
            client.sizes[place].1 = message::u64_at(&info, 16);
        }
        Ok(client)
    }

    /// Bytes of a region.
    pub(super) fn size_of(&self, region: Region) -> u64 {
        self.sizes.iter().find(|(known, _)| *known == region).map_or(0, |(_, size)| *size)
    }

    /// Reads one word.
    pub(super) fn read32(&mut self, region: Region, offset: u32) -> Result<u32, SocketError> {
        let access = message::access(region, offset);
        let reply = self.command(Command::RegionRead, &[&access], message::ACCESS + 4)?;
        if reply[..message::ACCESS] != access {
            let found = message::u64_at(&reply, 0);
            return Err(self.poison(Command::RegionRead.malformed("offset", found, offset)));
        }
        Ok(message::u32_at(&reply, message::ACCESS))
    }

    /// Writes words, one message each, rising, without waiting for them to arrive.
    pub(super) fn post(&mut self, region: Region, offset: u32, words: &[u32]) -> Result<(), SocketError> {
        self.usable()?;
        for (offset, word) in (offset..).step_by(4).zip(words) {
            let id = self.id();
            message::push_posted(&mut self.out, id, region, offset, *word);
            if self.out.len() > PIECE - 64 {
                self.send()?;
            }
        }
        self.send()
    }

    /// Resets the device.
    pub(super) fn reset(&mut self) -> Result<(), SocketError> {
        self.command(Command::Reset, &[], 0).map(drop)
    }

    /// How many MSI-X vectors the device has.
    pub(super) fn vectors(&mut self) -> Result<u32, SocketError> {
        let info = self.command(Command::IrqInfo, &[&message::irq_info()], message::IRQ_INFO)?;
        Ok(message::u32_at(&info, 12))
    }

    /// Switches MSI-X off.
    pub(super) fn disable_vectors(&mut self) -> Result<(), SocketError> {
        self.command(Command::SetIrqs, &[&message::disable_irqs()], 0).map(drop)
    }

    /// Has `vector` arrive at `event`, and switches MSI-X on. One vector a message, since every server takes one
    /// descriptor beside a message and not every one takes more.
    pub(super) fn connect_vector(&mut self, vector: u16, event: BorrowedFd<'_>) -> Result<(), SocketError> {
        self.usable()?;
        let id = self.id();
        message::push(&mut self.out, id, Command::SetIrqs, &[&message::connect_irq(vector)]);
        self.send_beside(event)?;
        self.ask(id, Command::SetIrqs, 0, 0).map(drop)
    }

    fn id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    fn usable(&self) -> Result<(), SocketError> {
        if self.poisoned { Err(SocketError::Poisoned) } else { Ok(()) }
    }

    fn poison(&mut self, error: SocketError) -> SocketError {
        self.poisoned = true;
        error
    }

    /// Sends a command and returns the body of its answer, `length` bytes.
    fn command(&mut self, command: Command, body: &[&[u8]], length: usize) -> Result<Vec<u8>, SocketError> {
        self.usable()?;
        let id = self.id();
        message::push(&mut self.out, id, command, body);
        self.ask(id, command, length, length)
    }

    /// Sends what is prepared and returns the body of the answer to `id`, `least` to `most` bytes.
    fn ask(&mut self, id: u16, command: Command, least: usize, most: usize) -> Result<Vec<u8>, SocketError> {
        self.send()?;
        let end = Instant::now() + self.patience;
        let mut header = [0; HEADER];
        self.receive(&mut header, end)?;
        let header = Header::parse(&header);
        let size = (header.size as usize).saturating_sub(HEADER);
        let wrong = if !header.is_reply() {
            Some(("type", 0, 1))
        } else if header.id != id {
            Some(("message id", u64::from(header.id), u64::from(id)))
        } else if header.command != command as u16 {
            Some(("command", u64::from(header.command), command as u64))
        } else if header.is_error() && header.size as usize != HEADER {
            Some(("size of an error", u64::from(header.size), HEADER as u64))
        } else if !header.is_error() && !(least..=most).contains(&size) {
            Some(("size", u64::from(header.size), (HEADER + least) as u64))
        } else {
            None
        };
        if let Some((field, found, expected)) = wrong {
            return Err(self.poison(command.malformed(field, found, expected)));
        }
        if header.is_error() {
            return Err(SocketError::Refused { command: command.name(), errno: header.errno });
        }
        let mut body = vec![0; size];
        self.receive(&mut body, end)?;
        Ok(body)
    }

    fn send(&mut self) -> Result<(), SocketError> {
        let sent = self.stream.write_all(&self.out);
        self.out.clear();
        sent.map_err(|error| self.failed("send to the device", error))
    }

    /// Begins to send what is prepared, with a descriptor beside its first byte. What the kernel does not take at once
    /// is left to [`send`](Client::send).
    fn send_beside(&mut self, file: BorrowedFd<'_>) -> Result<(), SocketError> {
        let files = [file.as_raw_fd()];
        let beside = [ControlMessage::ScmRights(&files)];
        let sent = loop {
            let bytes = [IoSlice::new(&self.out)];
            let socket = self.stream.as_raw_fd();
            match sendmsg::<UnixAddr>(socket, &bytes, &beside, MsgFlags::MSG_NOSIGNAL, None) {
                Err(Errno::EINTR) => {}
                sent => break sent,
            }
        };
        match sent {
            Ok(count) => {
                self.out.drain(..count);
                Ok(())
            }
            Err(errno) => {
                self.out.clear();
                Err(self.failed("send to the device", errno.into()))
            }
        }
    }

    /// Fills `buffer`, by `end` at the latest or one time-out after it.
    fn receive(&mut self, buffer: &mut [u8], end: Instant) -> Result<(), SocketError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => return Err(self.poison(SocketError::Closed)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed("receive from the device", error)),
            }
            if filled < buffer.len() && Instant::now() >= end {
                return Err(self.poison(SocketError::TimedOut));
            }
        }
        Ok(())
    }

    fn failed(&mut self, step: &'static str, source: io::Error) -> SocketError {
        let error = match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => SocketError::TimedOut,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => SocketError::Closed,
            _ => SocketError::Io { step, source },
        };
        self.poison(error)
    }
}

#[cfg(test)]
mod tests;
