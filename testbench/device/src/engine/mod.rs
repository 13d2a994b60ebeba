//! What decides on frames.

mod on_board;
mod rtl;
mod spec;

use std::fmt;
use std::io;
use std::str::FromStr;

use weir_spec::Micros;
use weir_spec::interrupt::{Conditions, Interrupt};
use weir_spec::nic::Refused;

pub(crate) use on_board::OnBoard;

/// A whole NIC, registers and frames.
pub(crate) trait Engine: Send {
    /// The time is `now`, microseconds; never earlier than before.
    fn set_time(&mut self, now: Micros);

    /// Reads the register at `offset`, aligned and inside the port.
    fn read(&mut self, offset: u32) -> Result<u32, Refused>;

    /// Writes it.
    fn write(&mut self, offset: u32, value: u32) -> Result<(), Refused>;

    /// A frame of at least 60 bytes from the wire: whether it passes, and what comes out in its place.
    fn rx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError>;

    /// The same for a frame from the host.
    fn tx(&mut self, frame: &mut Vec<u8>) -> Result<bool, EngineError>;

    /// What the NIC tells its host by interrupts.
    fn conditions(&self) -> Conditions;

    /// Rules accept nothing.
    fn fenced(&self) -> bool {
        self.conditions().has(Interrupt::Fenced)
    }

    /// The port has no link, or has one again.
    fn set_link_down(&mut self, down: bool);

    /// Starts again, fenced, with the same time.
    fn reset(&mut self);
}

/// The engines there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EngineKind {
    /// The specification, in plain Rust.
    #[default]
    Spec,
    /// The circuits, Verilated. Needs Verilator and a C++ compiler the first time.
    Rtl,
}

/// Why an engine is not there, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The circuits could not be brought to run.
    #[error("failed to open engine rtl")]
    Open(#[source] weir_rtl::OpenError),
    /// The circuits broke their contract.
    #[error(transparent)]
    Stuck(weir_rtl::Stuck),
    /// The engine panicked under another thread, which said why.
    #[error("the engine failed")]
    Failed,
    /// The memory of the mapped window cannot be had, or not be reached.
    #[error("failed to access the memory of the mapped window")]
    Window(#[source] io::Error),
}

/// A name that no engine has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("engine `{0}` is neither `spec` nor `rtl`")]
pub struct UnknownEngine(String);

impl EngineKind {
    pub(crate) fn open(self) -> Result<Box<dyn Engine>, EngineError> {
        Ok(match self {
            EngineKind::Spec => Box::new(spec::Spec::new()),
            EngineKind::Rtl => Box::new(rtl::Rtl::open()?),
        })
    }
}

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<EngineKind, UnknownEngine> {
        match name {
            "spec" => Ok(EngineKind::Spec),
            "rtl" => Ok(EngineKind::Rtl),
            other => Err(UnknownEngine(other.to_string())),
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineKind::Spec => "spec",
            EngineKind::Rtl => "rtl",
        })
    }
}
