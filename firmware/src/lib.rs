//! Boards as data: what a bitstream is built for.
//!
//! A board is one folder below `constraints/`: `board.toml` says what it is, `pins.lpf` where its wires end.
//! [`Board::load`] takes a folder whole or says what is wrong with it; [`Board::all`] takes every folder and sees to it
//! that no two boards share the number by which a NIC names its board.
//!
//! [`ecp5`] reads configuration streams and holds every CRC; [`image`] makes, reads, signs and checks packages of them;
//! [`flash`] brings them onto a board and proves that they run.
#![forbid(unsafe_code)]

mod board;
pub mod build;
pub mod ecp5;
mod error;
mod facts;
pub mod flash;
pub mod image;
mod keyword;
mod lpf;
mod package;

pub use board::Board;
pub use error::{BoardError, Wrong};
pub use facts::{Button, Clock, Device, Faces, Facts, Flash, Interface, Level, Lights, Port, Region, TxClock};
pub use lpf::{Lpf, LpfError, Pin};
pub use package::Package;
