//! One file a command.

pub(crate) mod agent;
pub(crate) mod completions;
pub(crate) mod control;
pub(crate) mod device;
pub(crate) mod flash;
pub(crate) mod hdl;
pub(crate) mod image;
pub(crate) mod lab;
pub(crate) mod man;
pub(crate) mod nic;
pub(crate) mod reload;
