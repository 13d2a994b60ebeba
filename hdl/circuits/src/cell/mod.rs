//! The leaves: the only circuits written as Verilog text, each with a RustHDL simulation model beside it.

pub mod address;
pub mod beat;
pub mod block_ram;
pub mod crossing;
pub mod delay;
pub mod ebr;
pub mod fifo;
pub mod host_ram;
pub mod lut_ram;
pub mod pool;
pub mod register;
pub mod remask;
pub mod replica;
pub mod rom;
pub mod stage;
pub mod tallies;
pub mod twin_ram;
pub mod wait;
