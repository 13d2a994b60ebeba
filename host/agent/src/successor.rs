//! One process of an agent gives way to the next: for a new version, or a new configuration, without leaving the cluster.
//!
//! SIGUSR2 makes the process execute its program again, in its place: same arguments, same process id, so whoever watches over
//! it goes on watching. What the protocol knows is handed on in an anonymous file, since it holds secrets and must not be used
//! twice. Meanwhile the NIC goes on by its own lease; if the next process does not come in time, the NIC is fenced, as that of
//! any host that stands still.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// Names the file to the next process.
const VARIABLE: &str = "WEIR_AGENT_LEFT";

/// Becomes the next process. Returns only with an error.
pub(crate) fn start(left: &[u8]) -> io::Error {
    let file = match hand_on(left) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let program = match std::env::current_exe() {
        Ok(program) => replaced(program),
        Err(error) => return error,
    };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("weir"));
    Command::new(program).arg0(name).args(arguments).env(VARIABLE, file.as_raw_fd().to_string()).exec()
}

/// A file that is open in the next process, too.
fn hand_on(left: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("weir-agent", MFdFlags::empty())?);
    file.write_all(left)?;
    Ok(file)
}

/// Of a program that was replaced on disk the kernel says so behind its name.
fn replaced(program: PathBuf) -> PathBuf {
    let name = program.to_string_lossy();
    name.strip_suffix(" (deleted)").map_or_else(|| program.clone(), PathBuf::from)
}

/// What the process before has left, once.
pub(crate) fn left_by_the_one_before() -> Option<Vec<u8>> {
    let descriptor: RawFd = std::env::var(VARIABLE).ok()?.parse().ok()?;
    let path = format!("/proc/self/fd/{descriptor}");
    // The variable outlives the file where this process has read it before.
    let is_ours = std::fs::read_link(&path).is_ok_and(|to| to.to_string_lossy().contains("memfd:weir-agent"));
    let left = is_ours.then(|| std::fs::read(&path).ok())?;
    // Nobody reads it again.
    let _ = nix::unistd::close(descriptor);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_on_is_found_by_its_descriptor() {
        let file = hand_on(b"promises").expect("a file");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert!(std::fs::read_link(&path).expect("open").to_string_lossy().contains("memfd:weir-agent"));
        assert_eq!(std::fs::read(&path).expect("readable"), b"promises");
        let flags = nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_GETFD).expect("open");
        assert_eq!(flags & 1, 0, "stays open across exec");
    }

    #[test]
    fn a_program_that_was_replaced_is_found_under_its_name() {
        assert_eq!(replaced("/usr/bin/weir (deleted)".into()), PathBuf::from("/usr/bin/weir"));
        assert_eq!(replaced("/usr/bin/weir".into()), PathBuf::from("/usr/bin/weir"));
    }
}
