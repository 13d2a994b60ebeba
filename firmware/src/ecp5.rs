//! ECP5 configuration streams: what a `.bit` file, a flash or JTAG hands to the FPGA.
//!
//! A stream is a comment, a preamble, and commands of an opcode and three octets each, some with data behind them. CRCs
//! stand where a command's flags ask for them: behind every frame, behind the USERCODE, behind each block RAM. Command
//! codes, frame counts and the compression code are those of Project Trellis (`libtrellis/src/Bitstream.cpp`, `devices.json`)
//! and of Lattice FPGA-TN-02039. [`Bitstream::read`] is total: any octets are either a whole image or an error with its place.

mod crc;
mod error;
mod frames;
mod jump;
mod part;
mod reader;

pub use error::{BootError, StreamError};
pub use jump::{JUMP_BYTES, jump_block};
pub use part::Part;
pub use reader::{Bitstream, Stream};
