//! Claims about whole clusters, in virtual time.

mod convergence;
mod faults;
mod fixture;
mod frames;
mod handover;
mod random;
mod staged;
