//! The steps of the pipeline, one circuit each; in `engine` those that walk through tables.

pub mod egress;
pub mod engine;
pub mod gate;
pub mod lookup;
pub mod verdict;
