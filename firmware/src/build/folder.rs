//! The folder of a build: one build at a time is at work in it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// A folder that no other build gets until this is dropped, or its process has ended.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The kernel takes the lock away with it.
    _lock: File,
}

/// Why a folder cannot be built in. Causes are in the words: a folder that cannot be made is no file that is missing.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there and cannot be made, or is no folder, or nothing can be written there.
    #[error("failed to {what} {}: {words}", path.display())]
    Failed {
        /// Make, lock.
        what: &'static str,
        /// The folder.
        path: PathBuf,
        /// What the kernel said.
        words: String,
    },
    /// Another build is at work.
    #[error("build folder {} is in use by another build, should be free: wait for its end, or name another --out", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
}

impl Folder {
    /// Makes it, if it is not there, and takes it.
    ///
    /// # Errors
    ///
    /// [`FolderError::Busy`] at once while another build has it.
    pub fn take(path: &Path) -> Result<Folder, FolderError> {
        let failed = |what| {
            let path = path.to_path_buf();
            move |error: std::io::Error| FolderError::Failed { what, path, words: error.to_string() }
        };
        fs::create_dir_all(path).map_err(failed("make build folder"))?;
        let lock = File::options().write(true).create(true).truncate(false).open(path.join(".lock"));
        let lock = lock.map_err(failed("lock build folder"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_path_buf(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Busy { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(failed("lock build folder")(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_build_at_a_time_has_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("build");
        let first = Folder::take(&path).unwrap();
        let told = Folder::take(&path).unwrap_err().to_string();
        assert!(told.ends_with("is in use by another build, should be free: wait for its end, or name another --out"));
        drop(first);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn what_can_be_no_folder_is_told_with_the_kernels_words() {
        for path in ["/proc/x", "/dev/null"] {
            let told = Folder::take(Path::new(path)).unwrap_err();
            assert!(matches!(&told, FolderError::Failed { what: "make build folder", .. }), "{told}");
            assert!(std::error::Error::source(&told).is_none() && told.to_string().contains("os error"), "{told}");
        }
    }
}
