//! The engines that work on a header in steps: a few lanes walk a table, all entries a header in `STEPS` clocks.
//!
//! At 64 bit headers come eight clocks apart and lanes are few; at 512 bit one comes each clock, a step does it all, and
//! each entry has its lane. The same source serves both: const generics give lanes and steps.
//!
//! Every table is distributed RAM in two banks. The load bus fills the bank that is not in force; a header brings the
//! bank it is judged by, so a change of bank falls between two headers and never into one. An engine takes `s_valid` no
//! less than `STEPS` clocks apart, latches its operands in that clock, and gives its result a fixed latency later,
//! where it stands until the next.

pub mod bucket;
pub mod flows;
pub mod hash;
pub mod key_bits;
pub mod octet;
pub mod operand;
pub mod ports;
pub mod scope;
pub mod signature;
pub mod steps;
pub mod vips;

#[cfg(test)]
mod bench;
