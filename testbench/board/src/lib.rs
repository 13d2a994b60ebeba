//! An ECP5 board without silicon: what flashing tools meet at the end of a JTAG cable.
//!
//! [`xvc`] serves a virtual cable (Xilinx XVC 1.0) that openFPGALoader connects to unmodified. Behind it are a TAP
//! ([`tap`], IEEE 1149.1), the configuration engine of the part ([`Fpga`]) and a serial flash ([`Nor`]). The engine reads
//! streams with the reader that packages are checked with, so every CRC is held; the flash writes as silicon does: it only
//! clears bits, wraps in pages, wants to be enabled and waited for, wears, and can lose its power in the middle of an operation.
//!
//! **It is a model**, written from the sources of the tools it is tested with, Project Trellis and Lattice FPGA-TN-02039. It shows
//! that images and tools agree with that reading. It cannot show what silicon does: whether the jump block is followed from a
//! cold start, analogue faults, or a second TAP in the chain.
#![forbid(unsafe_code)]

mod bus;
mod fpga;
mod nor;
pub mod stream;
pub mod tap;
pub mod xvc;

pub use fpga::{Fpga, Running, status};
pub use nor::{BadCell, Faults, Nor, Statistics, protection};
