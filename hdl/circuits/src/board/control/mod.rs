//! How the host's port controls the board: control frames, as `weir_spec::control` has them.
//!
//! [`ControlPort`] is the whole of it: [`intake`] takes a frame in, [`digest`] makes its tag by [`siphash`], [`master`] does the
//! words, [`sender`] says the answer. Spec twin: `weir_spec::control::Port`.

pub mod digest;
pub mod intake;
pub mod master;
pub mod port;
pub mod sender;
pub mod siphash;

pub use port::ControlPort;
