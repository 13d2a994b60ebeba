//! Emitted files into a folder: each is there whole, or as it was before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{EmitError, Options, Top};

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A circuit is wrong.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// The folder or a file in it cannot be written.
    #[error("failed to write {}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Emits `tops` with the same options into a folder, which is made if it is not there, and returns the paths in that
/// order. All are emitted before anything is written, and all are on the disk beside their places before the first takes
/// its place: an error leaves the files of an earlier time alone.
pub fn emit_to(folder: &Path, tops: &[Top], options: Options) -> Result<Vec<PathBuf>, WriteError> {
    let files = tops.iter().map(|top| top.file(options)).collect::<Result<Vec<_>, _>>()?;
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut writing = Vec::with_capacity(files.len());
    for file in &files {
        writing.push(Beside::write(folder.join(file.name), &file.text)?);
    }
    writing.into_iter().map(Beside::place).collect()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> WriteError + '_ {
    |source| WriteError::Io { path: path.to_path_buf(), source }
}

/// A whole file under another name in the folder where it belongs; without a place it goes away.
struct Beside {
    path: PathBuf,
    beside: PathBuf,
}

impl Beside {
    fn write(path: PathBuf, text: &str) -> Result<Beside, WriteError> {
        // A file can take the place of anything but a folder.
        if path.is_dir() {
            return Err(failed(&path)(io::ErrorKind::IsADirectory.into()));
        }
        let beside = path.with_extension(format!("{}.part", std::process::id()));
        let written = Beside { path, beside };
        fs::write(&written.beside, text).map_err(failed(&written.path))?;
        Ok(written)
    }

    fn place(self) -> Result<PathBuf, WriteError> {
        fs::rename(&self.beside, &self.path).map_err(failed(&self.path))?;
        Ok(self.path.clone())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It has its place by now, or never will.
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the folder is there");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).expect("ours are ASCII")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_takes_its_place_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("top.sv");
        fs::write(&path, "before").expect("a file");
        let written = Beside::write(path.clone(), "after").expect("the folder can be written");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "before", "until it is placed");
        assert_eq!(written.place().expect("a place"), path);
        assert_eq!(fs::read_to_string(&path).expect("a file"), "after");
        assert_eq!(names(folder.path()), ["top.sv"]);
    }

    #[test]
    fn what_cannot_be_placed_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Beside::write(folder.path().join("first.sv"), "text").expect("the folder can be written");
        fs::create_dir(folder.path().join("second.sv")).expect("a folder");
        let refused = Beside::write(folder.path().join("second.sv"), "text").err().expect("a folder is in its place");
        assert!(refused.to_string().ends_with("second.sv"), "{refused}");
        drop(first);
        assert_eq!(names(folder.path()), ["second.sv"]);
    }

    #[test]
    fn nothing_is_written_where_a_folder_cannot_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        let error = emit_to(&file.join("rtl"), &[], Options::default()).expect_err("a file is no folder");
        assert!(error.to_string().ends_with("file/rtl"), "{error}");
    }
}
