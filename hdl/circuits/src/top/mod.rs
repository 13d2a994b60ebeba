//! One circuit a width.
