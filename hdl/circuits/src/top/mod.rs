//! One circuit a width.

pub mod pipeline64;
