//! The fronts: beats of a width to one header record a frame, twins of `weir_spec::frame::parse`.
//!
//! A front fires when the header window of a frame is over: with its last beat, with the beat that fills
//! `weir_spec::frame::WINDOW` bytes, or a fixed number of clocks after its first beat, whichever comes first. Firing needs
//! no judgement: addresses go out at once (`a_`), what they are worth follows (`k_`).

#[cfg(test)]
mod frames;
pub mod kind;
pub mod narrow;
pub mod wide;
