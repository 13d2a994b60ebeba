//! The flash that the board is configured from, as its own circuits reach it: its key, the number of its start, and a window
//! for the host.
//!
//! [`BoardFlash`] is the whole of it. Opcodes are those of JESD216 parts with three address octets. Chip select, MOSI and MISO
//! are pins; the clock leaves by [`usrmclk`].

pub mod board_flash;
pub mod guard;
pub mod key_store;
pub mod spi;
pub mod transfer;
pub mod usrmclk;
pub mod window;

pub use board_flash::BoardFlash;
pub use weir_spec::board::FlashMap;

/// A flash for the benches.
#[cfg(test)]
mod model;
