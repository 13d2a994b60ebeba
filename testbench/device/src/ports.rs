//! Frames between the wire, the engine and the host.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Mutex;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use weir_link::PacketSocket;
use weir_spec::frame::MIN_FRAME;
use weir_spec::nic::MAX_FRAME;

use crate::board::{Board, BoardError};
use crate::carrier::Carrier;
use crate::core::Core;
use crate::engine::EngineError;
use crate::tap::Tap;

/// How long to sleep when no frame comes, milliseconds: so much after its end a lease is traced as fenced at the latest.
const TICK: u16 = 2;
/// Frames of one side before the other is looked at.
const TURN: usize = 32;

/// Why frames do not flow any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Board(#[from] BoardError),
    #[error("failed to wait for frames")]
    Poll(#[source] io::Error),
    #[error("failed to receive from the {port}")]
    Receive {
        port: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("failed to send to the {port}")]
    Send {
        port: &'static str,
        #[source]
        source: io::Error,
    },
}

/// Both ports.
pub(crate) struct Ports {
    pub(crate) wire: PacketSocket,
    /// The wire's interface.
    pub(crate) name: String,
    pub(crate) tap: Tap,
    /// What hears control frames, if it is a board.
    pub(crate) board: Option<Mutex<Board>>,
}

impl Ports {
    /// Carries frames until `stop` can be read. No batching: a frame goes on as soon as it is there.
    pub(crate) fn carry(&self, core: &Core, stop: BorrowedFd<'_>) -> Result<(), PortError> {
        let mut buffer = vec![0; 1 << 16];
        let mut frame = Vec::with_capacity(MAX_FRAME);
        let mut carrier = Carrier::new(&self.name);
        loop {
            if let Some(up) = carrier.look() {
                core.set_link(up)?;
            }
            let mut ready = [
                PollFd::new(self.wire.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.tap.as_fd(), PollFlags::POLLIN),
                PollFd::new(stop, PollFlags::POLLIN),
            ];
            match poll(&mut ready, PollTimeout::from(TICK)) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(PortError::Poll(errno.into())),
            }
            let [wire, tap, stop] = ready.map(|fd| fd.any().unwrap_or(false));
            if stop {
                return Ok(());
            }
            if !wire && !tap {
                core.tick()?;
            }
            if wire {
                turn(
                    "wire",
                    &mut buffer,
                    &mut frame,
                    |buffer| self.wire.receive(buffer),
                    |frame| {
                        if core.rx(frame)? { send("TAP", self.tap.send(frame)) } else { Ok(()) }
                    },
                )?;
            }
            if tap {
                turn(
                    "TAP",
                    &mut buffer,
                    &mut frame,
                    |buffer| self.tap.receive(buffer),
                    |frame| {
                        if let Some(board) = &self.board {
                            let mut board = board.lock().map_err(|_| EngineError::Failed)?;
                            if let Some(answer) = board.hear(core, frame)? {
                                return answer.map_or(Ok(()), |answer| send("TAP", self.tap.send(&answer)));
                            }
                        }
                        if core.tx(frame)? { send("wire", self.wire.send(frame)) } else { Ok(()) }
                    },
                )?;
            }
        }
    }
}

/// Takes what waits at one port, at most [`TURN`] frames.
fn turn(
    port: &'static str,
    buffer: &mut [u8],
    frame: &mut Vec<u8>,
    receive: impl Fn(&mut [u8]) -> io::Result<usize>,
    mut pass: impl FnMut(&mut Vec<u8>) -> Result<(), PortError>,
) -> Result<(), PortError> {
    for _ in 0..TURN {
        let length = match receive(buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            // The interface is down, or away; frames come again when it is back.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENETDOWN | libc::ENXIO | libc::EINTR)) => {
                return Ok(());
            }
            Err(source) => return Err(PortError::Receive { port, source }),
        };
        // Longer than any NIC takes: a real port drops it too.
        if length > MAX_FRAME {
            continue;
        }
        frame.clear();
        frame.extend_from_slice(&buffer[..length]);
        // Virtual interfaces leave out the padding that a wire has.
        frame.resize(length.max(MIN_FRAME), 0);
        pass(frame)?;
    }
    Ok(())
}

/// A port that is down or full loses the frame, as a wire does.
fn send(port: &'static str, sent: io::Result<()>) -> Result<(), PortError> {
    let lost = |error: &io::Error| {
        error.kind() == io::ErrorKind::WouldBlock
            || matches!(
                error.raw_os_error(),
                // EMSGSIZE: beyond the MTU of the interface.
                Some(
                    libc::EIO
                        | libc::ENETDOWN
                        | libc::ENXIO
                        | libc::ENODEV
                        | libc::ENOBUFS
                        | libc::EMSGSIZE
                        | libc::EINTR
                )
            )
    };
    match sent {
        Err(source) if !lost(&source) => Err(PortError::Send { port, source }),
        _ => Ok(()),
    }
}
