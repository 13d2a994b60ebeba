//! What an ECP5 board puts around the pipeline to be a bump in a 1 Gb/s wire: one cell a file.
//!
//! Receiving runs in the clock that comes with the octets, all else in the core clock of 125 MHz; [`async_fifo`] is the only
//! way between. A beat is 64 bits, first octet in bits 7:0, as in the rest of the circuits.

pub mod arrival;
pub mod async_fifo;
pub mod beat_queue;
pub mod bump;
pub mod control;
pub mod crc;
pub mod ddr;
pub mod events;
pub mod flash;
pub mod frame_fifo;
pub mod glow;
pub mod grade;
pub mod keep;
pub mod mdio;
pub mod merge;
pub mod mirror;
pub mod outlet;
pub mod page;
pub mod phy;
pub mod pll;
pub mod port;
pub mod pump;
pub mod receive;
pub mod rgmii;
pub mod ring;
pub mod route;
pub mod split;
pub mod start;
pub mod ticker;
pub mod transmit;
pub mod turns;
pub mod way;

use crate::{emit, on_large_stack, EmitError};

pub use bump::{PortSettings, Settings};
pub use flash::FlashMap;
pub use pll::Pll;
pub use ring::{Lights, PortPads, Ring, TOP};

/// Emits the whole of a board: module [`TOP`] has its pads.
pub fn board(ring: &Ring, settings: Settings) -> Result<String, EmitError> {
    Ok(format!("{}\n{}", on_large_stack(move || emit(&mut bump::Board::new(settings), "bump"))?, ring.text()))
}

/// Emits what is inside the pads, module `bump`, with waits so short that a bench can wait for them.
pub fn bench(settings: Settings) -> Result<String, EmitError> {
    // A tenth of a thousandth of the starts that a board can count: it reads them all when it starts.
    let flash = FlashMap { marks: 8, ..settings.flash };
    on_large_stack(move || emit(&mut bump::Bench::new(Settings { flash, ..settings }), "bump"))
}

#[cfg(test)]
mod random;
