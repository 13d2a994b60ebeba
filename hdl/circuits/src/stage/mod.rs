//! The steps of the pipeline, one circuit each.

pub mod collect;
pub mod egress;
pub mod first_match;
pub mod gate;
pub mod lookup;
pub mod parse;
pub mod toeplitz;
pub mod verdict;
pub mod vips;
