//! Network namespaces with a name under /run/netns, where `ip netns` finds them.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::thread;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

use crate::topology;

const DIR: &str = "/run/netns";

/// Why a namespace could not be made or entered.
#[derive(Debug, thiserror::Error)]
#[error("failed to {step} network namespace {name}")]
pub struct NamespaceError {
    step: &'static str,
    name: String,
    source: io::Error,
}

/// A network namespace; its name goes when this is dropped, itself when its last process and interface are gone.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    path: PathBuf,
    handle: File,
}

impl Namespace {
    /// Makes an empty one, without IPv6: its neighbour discovery would only be noise in the captures.
    pub fn create(name: &str) -> Result<Namespace, NamespaceError> {
        let failed = |step| move |source| NamespaceError { step, name: name.to_string(), source };
        let path = Path::new(DIR).join(name);
        name_file(&path).map_err(failed("name"))?;
        let made = thread::scope(|scope| {
            let make = || {
                unshare(CloneFlags::CLONE_NEWNET)?;
                let none: Option<&str> = None;
                mount(Some("/proc/thread-self/ns/net"), &path, none, MsFlags::MS_BIND, none)?;
                disable_ipv6()
            };
            scope.spawn(make).join().expect("making a namespace does not panic")
        });
        let opened = made.and_then(|()| File::open(&path));
        match opened {
            Ok(handle) => Ok(Namespace { name: name.to_string(), path, handle }),
            Err(source) => {
                unname(&path);
                Err(failed("make")(source))
            }
        }
    }

    /// Runs `inside` on a thread that is in the namespace; threads started there are in it too.
    pub fn enter<T: Send>(&self, inside: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
        thread::scope(|scope| {
            let run = || setns(self.handle.as_fd(), CloneFlags::CLONE_NEWNET).map(|()| inside());
            match scope.spawn(run).join() {
                Ok(result) => result.map_err(|errno| NamespaceError {
                    step: "enter",
                    name: self.name.clone(),
                    source: errno.into(),
                }),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Where it is named.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        unname(&self.path);
    }
}

/// Sets values under /proc/sys/net of the namespace that this thread is in.
pub(crate) fn set(settings: &[(&str, &str)]) -> io::Result<()> {
    settings.iter().try_for_each(|(name, value)| fs::write(format!("/proc/sys/net/{name}"), value))
}

/// Removes the names that a lab of this name left behind; `true` if there were any.
pub fn remove_leftovers(lab: &str) -> bool {
    let Ok(entries) = fs::read_dir(DIR) else { return false };
    let mut found = false;
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| topology::belongs(lab, name)) {
            unname(&entry.path());
            found = true;
        }
    }
    found
}

/// Makes the empty file that a namespace is mounted on, and the folder too: the last lab to end has removed it.
fn name_file(path: &Path) -> io::Result<()> {
    loop {
        fs::create_dir_all(DIR)?;
        match File::options().write(true).create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other.map(drop),
        }
    }
}

/// Detached, because a process that is just dying may still be in there. The folder goes with the last name, unless it is
/// a mount of iproute2's.
fn unname(path: &Path) {
    while umount2(path, MntFlags::MNT_DETACH).is_ok() {}
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(DIR);
}

fn disable_ipv6() -> io::Result<()> {
    for scope in ["all", "default"] {
        match fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1") {
            // No IPv6 in this kernel, or a container's read-only /proc: quiet enough without.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem) => {}
            other => other?,
        }
    }
    Ok(())
}
