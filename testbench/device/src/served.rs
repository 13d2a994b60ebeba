//! A NIC without wire and TAP: its registers are served, its frames are handed over one by one. For tests of what
//! drives a NIC.

use std::path::Path;
use std::sync::Arc;

use weir_spec::frame::MIN_FRAME;
use weir_spec::nic::MAX_FRAME;

use crate::core::Core;
use crate::engine::{EngineError, EngineKind};
use crate::fault::Fault;
use crate::function::Function;
use crate::run::DeviceError;
use crate::server::Socket;
use crate::ticker::Ticker;
use crate::trace::Trace;

/// How a NIC is served: every register trapped and nothing wrong, unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Serving {
    /// The map slots are memory that a host maps, in place of registers.
    pub mapped_window: bool,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// A served NIC, for any number of threads. When the last clone is dropped nobody is served any more and the socket is
/// removed; a connection that is open then ends with its next message.
#[derive(Clone)]
pub struct Served(Arc<Parts>);

struct Parts {
    core: Arc<Core>,
    // Both end something when they are dropped.
    _socket: Socket,
    _ticker: Ticker,
}

impl Served {
    /// Serves a NIC on `socket`, in threads of its own. Its link is up.
    pub fn start(socket: &Path, engine: EngineKind, serving: Serving) -> Result<Served, DeviceError> {
        Served::traced(socket, engine, serving, Trace::none())
    }

    pub(crate) fn traced(
        socket: &Path,
        engine: EngineKind,
        serving: Serving,
        trace: Trace,
    ) -> Result<Served, DeviceError> {
        let core = Arc::new(Core::new(engine.open()?, trace, serving.mapped_window)?);
        let function = Function::new(core.clone(), serving.fault)?;
        let socket = Socket::listen(socket)?;
        socket.serve(function)?;
        let ticker = Ticker::start(core.clone())
            .map_err(|source| DeviceError::Process { step: "start the thread of the clock", source })?;
        Ok(Served(Arc::new(Parts { core, _socket: socket, _ticker: ticker })))
    }

    /// How often BAR 0 was accessed other than by aligned words.
    pub fn bad_accesses(&self) -> Result<u64, EngineError> {
        self.0.core.bad_accesses()
    }

    /// How many words of the mapped window the NIC refused, a COMMIT being under way.
    pub fn refused_words(&self) -> Result<u64, EngineError> {
        self.0.core.refused_words()
    }

    /// A frame comes from the wire; what the host gets of it, if it gets it. A short one is filled up as on a wire, and
    /// one that is longer than any NIC takes is dropped.
    pub fn inject_rx(&self, frame: Vec<u8>) -> Result<Option<Vec<u8>>, EngineError> {
        inject(frame, |frame| self.0.core.rx(frame))
    }

    /// A frame comes from the host; what leaves on the wire, if it leaves.
    pub fn inject_tx(&self, frame: Vec<u8>) -> Result<Option<Vec<u8>>, EngineError> {
        inject(frame, |frame| self.0.core.tx(frame))
    }

    /// Low word of the epoch in force.
    pub fn epoch(&self) -> Result<u32, EngineError> {
        self.0.core.epoch()
    }

    /// Pulls the wire, or plugs it in again.
    pub fn set_link(&self, up: bool) -> Result<(), EngineError> {
        self.0.core.set_link(up)
    }
}

fn inject(
    mut frame: Vec<u8>,
    pass: impl FnOnce(&mut Vec<u8>) -> Result<bool, EngineError>,
) -> Result<Option<Vec<u8>>, EngineError> {
    if frame.len() > MAX_FRAME {
        return Ok(None);
    }
    frame.resize(frame.len().max(MIN_FRAME), 0);
    Ok(pass(&mut frame)?.then_some(frame))
}

#[cfg(test)]
mod tests;
