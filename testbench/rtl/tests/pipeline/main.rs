//! RTL against spec: the circuit and `weir_spec::nic::Nic` get the same register accesses and the same frames, and must
//! say and do the same, frame by frame, byte by byte, counter by counter.
//!
//! Everything random comes from one seed: `WEIR_SEED=<n>` replays what a failure prints. `WEIR_LONG=1` runs twenty times
//! as many rounds.

mod captures;
mod commits;
mod configs;
mod counters;
mod coverage;
mod flows;
mod frames;
mod judge;
mod lease;
mod marks;
mod mutation;
mod registers;
mod report;
mod rig;
mod seed;
mod shot;
mod storm;
mod stream;
mod width;
