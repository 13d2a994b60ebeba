//! One process of an agent gives way to the next: for a new version, or a new configuration, without leaving the cluster.
//!
//! SIGUSR2 makes the process execute its program again, in its place: same arguments, same process id, so whoever watches over
//! it goes on watching. What the protocol knows is handed on in an anonymous file, since it holds secrets and must not be used
//! twice. Meanwhile the NIC goes on by its own lease; if the next process does not come in time, the NIC is fenced, as that of
//! any host that stands still.
//!
//! Where the process itself has to end, it leaves the same in a file: see [`on_disk`].

pub(crate) mod on_disk;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigSet, Signal};
use tracing::{info, warn};

/// Names the file to the next process.
const VARIABLE: &str = "WEIR_AGENT_LEFT";
/// Names what stays open until the next process has its own.
const KEPT: &str = "WEIR_AGENT_KEPT";
/// What no other program should see of it.
pub(crate) const VARIABLES: [&str; 2] = [VARIABLE, KEPT];

/// What one process leaves to the next.
pub(crate) struct Left {
    /// What the protocol knows.
    pub(crate) state: Vec<u8>,
    /// Sockets whose end would be noticed outside: memberships in multicast groups, above all.
    pub(crate) kept: Vec<OwnedFd>,
    /// Where to, if this process ends and another one is started; `None`: it becomes the next one.
    pub(crate) file: Option<PathBuf>,
    /// For so long the next process may go on with it: then this host is lost to the others.
    pub(crate) longest: Duration,
}

/// Leaves it to the next process: in a file, so that this one may end; or becomes the next one itself, also where the file
/// cannot be written.
pub(crate) fn hand_over(left: Left) -> io::Result<()> {
    match &left.file {
        None => Err(start(left)),
        Some(path) => match on_disk::leave(path, &left.state, left.longest) {
            Ok(()) => {
                info!(
                    "left to the next agent, which is to be started within {:.1} s: {}",
                    left.longest.as_secs_f32(),
                    path.display()
                );
                Ok(())
            }
            Err(error) => {
                warn!("failed to write {}: {error}; the next agent takes the place of this process", path.display());
                Err(start(left))
            }
        },
    }
}

/// Signals that the next process is to have, if they come before it can take any: by default they would end it.
fn signals() -> SigSet {
    [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGTERM, Signal::SIGINT].into_iter().collect()
}

/// From here on they wait.
pub(crate) fn hold_signals() {
    if let Err(errno) = signals().thread_block() {
        warn!("failed to hold signals while the agent is replaced: {errno}");
    }
}

/// They are waited for again.
pub(crate) fn take_signals() {
    if let Err(errno) = signals().thread_unblock() {
        warn!("failed to take signals that came while the agent was replaced: {errno}");
    }
}

/// Becomes the next process. Returns only with an error.
fn start(left: Left) -> io::Error {
    let file = match hand_on(&left.state) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let open =
        |socket: &OwnedFd| fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty())).map(|_| socket.as_raw_fd().to_string());
    let kept = match left.kept.iter().map(open).collect::<Result<Vec<_>, _>>() {
        Ok(kept) => kept.join(","),
        Err(errno) => return errno.into(),
    };
    let program = match std::env::current_exe() {
        Ok(program) => replaced(program),
        Err(error) => return error,
    };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("weir"));
    Command::new(program).arg0(name).args(arguments).env(VARIABLE, file.as_raw_fd().to_string()).env(KEPT, kept).exec()
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

/// The file that the process before has left, if it was not read yet.
fn descriptor_left() -> Option<RawFd> {
    let descriptor: RawFd = std::env::var(VARIABLE).ok()?.parse().ok()?;
    // The variable outlives the file where this process has read it before.
    let to = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    to.to_string_lossy().contains("memfd:weir-agent").then_some(descriptor)
}

/// What the process before has left, once.
pub(crate) fn left_by_the_one_before() -> Option<Vec<u8>> {
    let descriptor = descriptor_left()?;
    let left = std::fs::read(format!("/proc/self/fd/{descriptor}")).ok();
    // Nobody reads it again.
    let _ = nix::unistd::close(descriptor);
    left
}

/// Closes what the process before has kept open, once.
pub(crate) fn close_kept() {
    let Ok(kept) = std::env::var(KEPT) else { return };
    // The variable outlives the sockets: the file that is handed on with them tells whether this is the first look.
    if descriptor_left().is_none() {
        return;
    }
    for descriptor in kept.split(',').filter_map(|number| number.parse::<RawFd>().ok()) {
        let link = std::fs::read_link(format!("/proc/self/fd/{descriptor}"));
        if link.is_ok_and(|to| to.to_string_lossy().starts_with("socket:")) {
            let _ = nix::unistd::close(descriptor);
        }
    }
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
