//! The pipeline as RustHDL circuits, and the Verilog emitter with its lint.
//!
//! `cell` holds the leaves, `front` reads headers, `stage` one circuit a step of the pipeline, `control` what a host talks to, `top` one circuit
//! a width, `board` what surrounds it where no shell does. [`files`] emits them, [`emit_to`] writes them.

pub mod board;
pub mod cell;
pub mod control;
pub mod emit;
pub mod front;
pub mod lint;
pub mod stage;
pub mod top;
pub mod write;

#[cfg(test)]
mod bench;

use weir_spec::nic::Identity;

pub use emit::{emit, EmitError};
pub use stage::gate::{DropStyle, UnknownStyle};
pub use write::{emit_to, WriteError};

/// One emitted file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Name, without a folder.
    pub name: &'static str,
    /// Name of the top module.
    pub top: &'static str,
    /// SystemVerilog.
    pub text: String,
}

/// What is fixed when a circuit is emitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// What its id block says; the bytes a beat follow from the width, whatever stands here.
    pub identity: Identity,
    /// How received frames are dropped.
    pub drop_style: DropStyle,
}

/// The tops there are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Top {
    /// 64 bits a clock.
    Weir64,
    /// 512 bits a clock.
    Weir512,
}

impl Top {
    /// All of them.
    pub const ALL: [Top; 2] = [Top::Weir64, Top::Weir512];

    /// Name of the module.
    pub fn name(self) -> &'static str {
        match self {
            Top::Weir64 => "weir64",
            Top::Weir512 => "weir512",
        }
    }

    /// Emits it.
    pub fn file(self, options: Options) -> Result<File, EmitError> {
        on_large_stack(move || self.emit(options))
    }

    fn emit(self, options: Options) -> Result<File, EmitError> {
        let Options { identity, drop_style } = options;
        let (name, text) = match self {
            Top::Weir64 => {
                let identity = Identity { width_bytes: 8, ..identity };
                ("weir64.sv", emit(&mut top::weir64::Pipeline::new(identity, drop_style), self.name())?)
            }
            Top::Weir512 => {
                let identity = Identity { width_bytes: 64, ..identity };
                ("weir512.sv", emit(&mut top::weir512::Pipeline::new(identity, drop_style), self.name())?)
            }
        };
        Ok(File { name, top: self.name(), text })
    }
}

/// Bytes of stack for a circuit.
const STACK: usize = 256 << 20;

/// A circuit is one value of some megabytes, and unoptimised code moves it about on the stack.
fn on_large_stack<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> T {
    let maker = std::thread::Builder::new().stack_size(STACK).spawn(make);
    maker.expect("a thread starts").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Emits every top: one file a width, the same bytes each time.
pub fn files(options: Options) -> Result<Vec<File>, EmitError> {
    Top::ALL.into_iter().map(|top| top.file(options)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tops_emit_clean_and_the_same_each_time() {
        let files = files(Options::default()).expect("the tops are clean");
        assert_eq!(files, super::files(Options::default()).expect("the tops are clean"));
        for file in files {
            assert!(file.text.contains(&format!("module {}(", file.top)) && !file.text.contains('$'), "{}", file.name);
            assert!(!file.text.contains("_dff_"), "{}: every register is a clocked process", file.name);
        }
    }
}
