//! How the host's port controls the board: control frames, as `weir_spec::control` has them.
//!
//! [`ControlPort`] is the whole of it: [`intake`] takes a frame in, [`digest`] makes its tag by [`siphash`], [`master`] does the
//! words, [`heading`] and [`sender`] say the answer, [`sessions`] knows of what session a frame is. Spec twin: `weir_spec::control::Port`.

pub mod digest;
pub mod heading;
pub mod intake;
pub mod master;
pub mod port;
pub mod sender;
pub mod sessions;
pub mod siphash;

pub use port::ControlPort;
