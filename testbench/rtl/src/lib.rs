//! The circuits themselves, run from Rust: the SystemVerilog that `weir-hdl` emits, compiled by Verilator.
//!
//! No build needs Verilator. [`Rtl::open`] emits the circuit (once a program: the text is kept in the cache), looks for its
//! compiled form in the cache, and only if it is not there runs Verilator and a C++ compiler, once for each version of
//! circuit, tools and machine. What is loaded then is a shared object with the clock loop inside, so that one call from Rust
//! runs many clocks.
//!
//! There is a circuit a [`Width`]; the bench is the same for all.
//!
//! The cache is `rtl/` in `$WEIR_CACHE`, else `$XDG_CACHE_HOME/weir`, else `~/.cache/weir`; it may be deleted at any time,
//! and keeps the twenty circuits, and as many texts, that were used last.
//! Verilator is `$VERILATOR`, else `tools/bin/verilator` in the cache (`cargo xtask setup` puts it there), else the one
//! on `PATH`. The compiler is `$CXX`, else `c++`.
//!
//! [`Rtl`] is the bench: two streams that may be driven with any gaps, the register bus, the clock of the shell.
//! [`Rtl::rx`] and [`Rtl::tx`] are the short way, one frame at a time, for a device model.

mod cache;
mod compile;
mod emitted;
mod model;
mod rtl;
mod single;
mod source;
mod stream;
mod width;

pub use compile::CompileError;
pub use model::OpenError;
pub use rtl::{Hung, Read, Rtl, Waveform, Write};
pub use single::Stuck;
pub use source::Source;
pub use stream::{Drained, Passed, Side, Word};
pub use weir_hdl::{DropStyle, Options};
pub use width::{UnknownWidth, Width};
