//! Whole clusters in network namespaces, run by the `weir` binary that `WEIR_BIN` names or that lies beside these tests.
//!
//! They build nothing: `cargo xtask test lab` builds the binary first. They need root; each lab has a name of its own.

mod absence;
mod come_and_go;
mod faults;
mod fence;
mod flashed;
mod flashing;
mod frames;
mod health;
mod keys;
mod leave_nothing;
mod modes;
mod refuse;
mod replaced;
mod room;
mod stage;
mod staged;
mod survive;
mod tuples;
mod whole;
