//! The steps of the pipeline, one circuit each.
