//! 64 bits a clock: 10 Gb/s at 156.25 MHz.
#![allow(clippy::duplicate_mod)] // the same text for each width is the point

#[path = "datapath.rs"]
pub mod datapath;
#[path = "parts64.rs"]
pub mod parts;
#[path = "pipeline.rs"]
pub mod pipeline;
#[path = "schedule.rs"]
pub mod schedule;

pub use datapath::Datapath;
pub use pipeline::Pipeline;

pub use schedule::LATENCY;

const _: () = assert!(LATENCY <= 48);
