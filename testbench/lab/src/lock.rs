//! One lab of a name at a time: a lock file that dies with its process.
//!
//! The lock is `flock`, so a killed lab holds nothing; what it left behind is for the next one to remove.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Why the name could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A live lab has it.
    #[error("lab {name} is busy: another one is running; end it, or choose another --name")]
    Busy {
        /// The lab's name.
        name: String,
    },
    /// The lock file cannot be used.
    #[error("failed to lock {}", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A name that is ours until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _held: Flock<File>,
    // Held open, because a tmpfs of a rootless lab may come to hide the path.
    dir: File,
    file: String,
}

impl Lock {
    /// Takes the name, or says that it is busy.
    pub fn take(dir: &Path, name: &str) -> Result<Lock, LockError> {
        let file = format!("weir-lab-{name}.lock");
        let path = dir.join(&file);
        let failed = |source: io::Error| LockError::File { path: path.clone(), source };
        let dir = File::open(dir).map_err(failed)?;
        loop {
            let handle = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(nix::libc::O_NOFOLLOW)
                .open(&path)
                .map_err(failed)?;
            let held = Flock::lock(handle, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
                Errno::EWOULDBLOCK => LockError::Busy { name: name.to_string() },
                other => failed(other.into()),
            })?;
            // Between open and lock the last holder may have removed the file: then what is locked has no name any more.
            let ours = held.metadata().map_err(failed)?.ino();
            if fs::metadata(&path).is_ok_and(|named| named.ino() == ours) {
                return Ok(Lock { _held: held, dir, file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Still locked here, so nobody else's file can be the one that is removed.
        let _ = unlinkat(self.dir.as_fd(), self.file.as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_busy_until_it_is_dropped_and_leaves_no_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let lock = Lock::take(dir.path(), "x").expect("free");
        let busy = Lock::take(dir.path(), "x").expect_err("busy").to_string();
        assert!(busy.starts_with("lab x is busy"), "{busy}");
        let other = Lock::take(dir.path(), "y").expect("another name is free");
        drop((lock, other));
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
        Lock::take(dir.path(), "x").expect("free again");
    }
}
