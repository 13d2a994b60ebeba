//! The pipeline as RustHDL circuits, and the Verilog emitter with its lint.
//!
//! `cell` holds the leaves, `stage` one circuit a step of the pipeline, `control` what a host talks to, `top` one circuit
//! a width. [`files`] emits them.

pub mod cell;
pub mod control;
pub mod emit;
pub mod lint;
pub mod stage;
pub mod top;

#[cfg(test)]
mod bench;

use std::path::{Path, PathBuf};

pub use emit::{emit, EmitError};

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

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A circuit is wrong.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The folder or a file in it cannot be written.
    #[error("failed to write {path}")]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Emits every top: one file a width, the same bytes each time.
pub fn files() -> Result<Vec<File>, EmitError> {
    let text = emit(&mut top::pipeline64::Pipeline64::default(), "weir64")?;
    Ok(vec![File { name: "weir64.sv", top: "weir64", text }])
}

/// Writes [`files`] into a folder, which is made if it is not there, and returns their paths.
pub fn emit_to(folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| WriteError::Io { path, source }
    };
    let files = files()?;
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut paths = Vec::with_capacity(files.len());
    for file in files {
        let path = folder.join(file.name);
        std::fs::write(&path, file.text).map_err(failed(&path))?;
        paths.push(path);
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tops_emit_clean_and_the_same_each_time() {
        let files = files().expect("the tops are clean");
        assert_eq!(files, super::files().expect("the tops are clean"));
        for file in files {
            assert!(file.text.contains(&format!("module {}(", file.top)) && !file.text.contains('$'), "{}", file.name);
        }
    }
}
