//! Putting a NIC together, and its life.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};
use weir_firmware::image::Role;
use weir_link::{Ethertype, LinkError, PacketSocket};

use crate::board::{Board, BoardError};
use crate::clock;
use crate::core::Core;
use crate::engine::{EngineError, EngineKind, OnBoard};
use crate::flash::{BoardFlash, Booted, FlashError, FlashFile};
use crate::function::Function;
use crate::ports::{PortError, Ports};
use crate::server::{ServerError, Socket};
use crate::tap::{Tap, TapError};
use crate::trace::{Event, Trace};

/// What a simulated NIC is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Where the registers are served.
    pub socket: PathBuf,
    /// What decides on frames.
    pub engine: EngineKind,
    /// Interface towards the switch; it must exist.
    pub wire: String,
    /// Interface towards the host; it must not exist.
    pub tap: String,
    /// The map slots are memory that a host maps; else they are registers like the others.
    pub mapped_window: bool,
    /// The NIC is a board that hears control frames from its host, with the key of this file, or without one if there is none.
    pub board_key: Option<PathBuf>,
    /// It is this board, boots from its flash and has its page of registers.
    pub flash: Option<BoardFlash>,
    /// File for the trace; replaced if it exists.
    pub trace: Option<PathBuf>,
}

/// Why there is no NIC, or why it ended.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No wire.
    #[error(transparent)]
    Wire(#[from] LinkError),
    /// No TAP.
    #[error(transparent)]
    Tap(#[from] TapError),
    /// No registers.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// No board.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// Nothing to boot.
    #[error(transparent)]
    Flash(#[from] FlashError),
    /// No trace.
    #[error("failed to create trace file {}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Frames do not flow any more.
    #[error("{what}")]
    Ports {
        /// What failed.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The end could not be waited for, or the beginning not be told.
    #[error("failed to {step}")]
    Process {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl From<PortError> for DeviceError {
    fn from(error: PortError) -> DeviceError {
        let what = error.to_string();
        match error {
            PortError::Engine(error) => error.into(),
            PortError::Board(error) => error.into(),
            PortError::Poll(source) | PortError::Receive { source, .. } | PortError::Send { source, .. } => {
                DeviceError::Ports { what, source }
            }
        }
    }
}

/// A simulated NIC whose registers are served and whose interfaces are there. Dropping it removes socket and TAP.
pub struct Device {
    core: Arc<Core>,
    ports: Ports,
    _socket: Socket,
}

impl Device {
    /// Makes the NIC; what can fail without leaving anything behind comes first.
    pub fn start(options: &Options) -> Result<Device, DeviceError> {
        let wire = PacketSocket::open(&options.wire, Ethertype::All)?;
        let mut engine = options.engine.open()?;
        let mut trace = match &options.trace {
            None => Trace::none(),
            Some(path) => Trace::create(path).map_err(|source| DeviceError::Trace { path: path.clone(), source })?,
        };
        if let Some(flash) = &options.flash {
            let flash = FlashFile::boot(flash)?;
            let Booted { role, usercode, .. } = flash.booted();
            tracing::info!("the {role} image runs, USERCODE {usercode:#010x}");
            trace.record(clock::now(), Event::Boot { golden: role == Role::Golden, usercode });
            engine = Box::new(OnBoard::new(engine, flash));
        }
        let board = options.board_key.as_deref().map(Board::start).transpose()?.map(Mutex::new);
        let tap = Tap::create(&options.tap)?;
        let socket = Socket::listen(&options.socket)?;
        let core = Arc::new(Core::new(engine, trace, options.mapped_window)?);
        socket.serve(Function::new(core.clone(), None)?)?;
        Ok(Device { core, ports: Ports { wire, name: options.wire.clone(), tap, board }, _socket: socket })
    }

    /// Carries frames until something can be read from `stop`.
    pub fn carry(&self, stop: &UnixStream) -> Result<(), DeviceError> {
        Ok(self.ports.carry(&self.core, stop.as_fd())?)
    }

    /// How often BAR 0 was accessed other than by aligned words.
    pub fn bad_accesses(&self) -> Result<u64, DeviceError> {
        Ok(self.core.bad_accesses()?)
    }
}

/// Makes the NIC, says `ready` on standard output, and carries frames until SIGTERM or SIGINT.
pub fn run(options: Options) -> Result<(), DeviceError> {
    let process = |step| move |source| DeviceError::Process { step, source };
    let (stop, signalled) = UnixStream::pair().map_err(process("make a pipe for signals"))?;
    let mut registered = Vec::new();
    for signal in [SIGTERM, SIGINT] {
        let end = signalled.try_clone().map_err(process("make a pipe for signals"))?;
        registered.push(pipe::register(signal, end).map_err(process("listen to signals"))?);
    }
    let device = Device::start(&options)?;
    let mut out = io::stdout().lock();
    writeln!(out, "ready").and_then(|()| out.flush()).map_err(process("say ready on standard output"))?;
    drop(out);
    let carried = device.carry(&stop);
    registered.into_iter().for_each(|signal| {
        unregister(signal);
    });
    carried
}
