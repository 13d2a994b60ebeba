//! One circuit a width, of one text: what differs is in `parts`, what follows from it in `schedule`.

pub mod weir512;
pub mod weir64;
