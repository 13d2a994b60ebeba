//! Images into a board's flash: what is checked before, in which order it is written, and how it is proven that it runs.
//!
//! [`Update`] decides; it reaches a flash through [`Access`], of which there are three: [`jtag`], where openFPGALoader does the
//! work, [`spi`], a driver of our own above anything that carries SPI transactions, and [`page`], the same through the registers of
//! a board that runs.
//!
//! Whatever happens on the way, the board boots: the old image, the new one or the golden one. So the golden image is
//! written only when that is asked for twice; an image that is written is first made unbootable, its first block (with the
//! preamble) erased first and written last; and what is written is read back before that.

mod access;
pub mod jtag;
pub mod page;
pub mod spi;
mod update;

pub use access::{Access, AccessError, Progress, Proof};
pub use update::{Options, Outcome, Plan, Step, Update, UpdateError, installed};
