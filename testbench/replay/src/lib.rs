//! Captures through the circuit, as one host of a cluster or as all of them: what `weir hdl sim` does.
//!
//! [`run`] reads a pcap or pcapng file, gives its frames to Verilated NICs that hold equal shares of the buckets, back to
//! back as a full wire would, and writes what each NIC accepted. Beside every NIC stands the specification with the same
//! registers; each verdict and each byte that comes out is compared. With several hosts, each frame that goes to a rule
//! must be accepted by exactly one of them.
//!
//! | module | what |
//! |---|---|
//! | `capture`, `blocks`, `damage` | frames out of pcap and pcapng files, as far as they go, and whether that is their end |
//! | `output`, `part` | accepted frames, with the nanoseconds of the capture, under their name when they are whole |
//! | `share` | what host k of N is told |
//! | `nic` | circuit and specification side by side |
//! | `report` | what was counted, for people and programs |
//! | `progress` | a bar on a terminal |
#![forbid(unsafe_code)]

mod blocks;
mod capture;
mod damage;
mod error;
mod nic;
mod output;
mod part;
mod progress;
mod report;
mod run;
mod share;

pub use error::ReplayError;
pub use report::{HostReport, Mismatch, Report, Verdicts, WrongCount};
pub use run::{Engine, Options, Trace, UnknownEngine, run};
pub use weir_rtl::{Source, UnknownWidth, Width};
