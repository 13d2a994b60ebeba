//! A cluster on one machine: hosts as network namespaces on a flooding bridge, each with a simulated NIC, an agent and a
//! small server, and clients that talk to them over real TCP.
//!
//! [`run`] is `weir lab`: it brings the cluster up, loads it, kills a host, brings it back, and reports what the clients
//! saw. [`Lab`] is the stage alone, for tests with a plot of their own. [`serve`] is what the processes of a lab run.
//!
//! Nothing but Rust and the kernel is needed, unless a test wants frames lost or clocks apart: namespaces come by system calls, links by netlink, captures by packet
//! sockets. Everything has the lab's name and goes with it: when a lab is dropped, when it is interrupted, and, if it was
//! killed, when the next one of that name starts; its processes end with it in any case.

pub mod capture;
pub mod child;
pub mod client;
mod configuration;
mod host;
pub mod http;
mod lab;
pub mod links;
pub mod lock;
mod loss;
pub mod namespace;
mod options;
pub mod privilege;
mod progress;
pub mod raw;
mod report;
mod run;
pub mod serve;
mod sys;
pub mod topology;
pub mod traffic;

pub use host::{Host, HostError, Oddity};
pub use lab::{Lab, LabError, View, describe};
pub use loss::{Loss, LossError};
pub use options::{Engine, Mode, Options, OptionsError};
pub use report::{PerHost, Report};
pub use run::run;
