//! The right to make namespaces: root has it, others get it from a user namespace of their own.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::PathBuf;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

/// Why a lab cannot be built by this user on this machine.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The simulated NICs need TAP interfaces.
    #[error("failed to open /dev/net/tun; the lab's NICs need it: run as root, or let this user read and write it")]
    Tun {
        /// What the kernel said.
        source: io::Error,
    },
    /// Not root, and user namespaces are refused.
    #[error("failed to {step}; run as root, or allow unprivileged user namespaces on this machine")]
    UserNamespace {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Where locks lie: for root, beside the namespaces they guard; for others, where they may write.
pub fn lock_dir() -> PathBuf {
    if geteuid().is_root() { PathBuf::from("/run") } else { std::env::temp_dir() }
}

/// Gets the right to make network namespaces and mounts, and checks that TAPs can be made.
///
/// Where this user lacks it, the process moves into a user, mount and network namespace of its own with a fresh /run, in
/// which it is root; that needs a process that still has one thread.
pub fn acquire() -> Result<(), PrivilegeError> {
    OpenOptions::new().read(true).write(true).open("/dev/net/tun").map_err(|source| PrivilegeError::Tun { source })?;
    if may_make_namespaces() { Ok(()) } else { become_root_of_own_namespaces() }
}

/// Tried in a thread of its own, so that the process stays where it is.
fn may_make_namespaces() -> bool {
    geteuid().is_root()
        && std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).is_ok())
            .join()
            .unwrap_or(false)
}

fn become_root_of_own_namespaces() -> Result<(), PrivilegeError> {
    let failed = |step| move |source: io::Error| PrivilegeError::UserNamespace { step, source };
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)
        .map_err(|errno| failed("make a user namespace")(errno.into()))?;
    // A group map may be written by the unprivileged only where setgroups is given up (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny").map_err(failed("give up setgroups"))?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1")).map_err(failed("map the user"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1")).map_err(failed("map the group"))?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(|errno| failed("make mounts private")(errno.into()))?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0755"))
        .map_err(|errno| failed("mount a fresh /run")(errno.into()))?;
    Ok(())
}
