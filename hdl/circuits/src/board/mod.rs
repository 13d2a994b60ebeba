//! What an ECP5 board puts around the pipeline to be a bump in a 1 Gb/s wire: one cell a file.
//!
//! Receiving runs in the clock that comes with the octets, all else in the core clock of 125 MHz; [`async_fifo`] is the only
//! way between. A beat is 64 bits, first octet in bits 7:0, as in the rest of the circuits.

pub mod arrival;
pub mod async_fifo;
pub mod crc;
pub mod ddr;
pub mod frame_fifo;
pub mod grade;
pub mod mdio;
pub mod mirror;
pub mod outlet;
pub mod phy;
pub mod pump;
pub mod receive;
pub mod rgmii;
pub mod transmit;
pub mod way;

#[cfg(test)]
mod random;
