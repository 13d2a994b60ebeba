//! How the host's port controls the board: control frames, as `weir_spec::control` has them.

pub mod siphash;
