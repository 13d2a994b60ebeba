//! What a host talks to.

pub mod axil;
pub mod commit;
pub mod counters;
pub mod crc;
pub mod lease;
pub mod registers;
