//! What a host talks to.

pub mod axil;
pub mod bridge;
pub mod deadline;
pub mod epoch;
pub mod family;
pub mod file;
pub mod heat;
pub mod layout;
pub mod mailbox;
pub mod plane;
pub mod store;
pub mod totals;
pub mod warning;
