//! The leaves: the only circuits written as Verilog text, each with a RustHDL simulation model beside it.

pub mod block_ram;
pub mod decoder;
pub mod delay;
pub mod fifo;
pub mod host_ram;
pub mod register;
pub mod shadow;
pub mod tally;
