//! What the processes of a lab run: the hidden `weir lab-serve` commands.
//!
//! `lab-serve enter --netns PATH --parent PID -- ARGS...` moves into a namespace and becomes `weir ARGS...`;
//! `lab-serve http --host K --port P` is a host's server. No `ip netns exec` is needed, and none of them outlives its lab.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

pub use crate::http::serve as http;

/// Why a process of the lab did not come to run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The namespace is not there or not ours.
    #[error("failed to enter {}", path.display())]
    Enter {
        /// The namespace.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel does not promise to end this process with its lab.
    #[error("failed to tie this process to its lab")]
    Tie {
        /// What the kernel said.
        source: io::Error,
    },
    /// The lab ended while this process started.
    #[error("lab process {parent} has ended")]
    Orphan {
        /// Process id of the lab.
        parent: i32,
    },
    /// This very program cannot be started again.
    #[error("failed to start {}", command.to_string_lossy())]
    Exec {
        /// The sub-command.
        command: OsString,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Moves this process into the namespace at `netns`, ties it to the lab `parent` and becomes `weir` with `arguments`.
/// Returns only with an error.
pub fn enter(netns: &Path, parent: i32, arguments: &[OsString]) -> Result<Infallible, ServeError> {
    set_pdeathsig(Signal::SIGKILL).map_err(|errno| ServeError::Tie { source: errno.into() })?;
    // Had the parent died before the tie, no signal would come any more.
    if getppid().as_raw() != parent {
        return Err(ServeError::Orphan { parent });
    }
    let failed = |source| ServeError::Enter { path: netns.to_path_buf(), source };
    let namespace = File::open(netns).map_err(failed)?;
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|errno| failed(errno.into()))?;
    let source = Command::new("/proc/self/exe").arg0("weir").args(arguments).exec();
    Err(ServeError::Exec { command: arguments.first().cloned().unwrap_or_default(), source })
}
