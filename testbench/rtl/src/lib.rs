//! The Verilated pipeline as a crate.
