//! Claims about whole clusters, in virtual time.

mod absence;
mod contested;
mod convergence;
mod cookies;
mod faults;
mod fitness;
mod fixture;
mod frames;
mod handover;
mod keys;
mod promises;
mod random;
mod staged;
