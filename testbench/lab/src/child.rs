//! A process of the lab: in a namespace, with a log, and gone when the lab is.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::namespace::Namespace;

/// Why a process of the lab does not run.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("failed to start the {what}")]
    Start {
        /// Which process.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It has ended by itself.
    #[error("the {what} has ended ({status}): {last_words}")]
    Ended {
        /// Which process.
        what: String,
        /// How it ended.
        status: String,
        /// The last line of its log.
        last_words: String,
    },
    /// It could not be sent a signal.
    #[error("failed to send {signal} to the {what}")]
    Signal {
        /// Which signal.
        signal: Signal,
        /// Which process.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A running process; killed when this is dropped.
#[derive(Debug)]
pub struct Child {
    what: String,
    process: Process,
    log: PathBuf,
}

/// What processes are started from, and where they log.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    /// The `weir` binary.
    pub(crate) program: PathBuf,
    /// Folder of the logs.
    pub(crate) logs: PathBuf,
}

impl Launcher {
    /// Starts `weir ARGUMENTS` in `namespace`. Call it from the thread that will outlive the process: the kernel ends the
    /// process with the thread that started it. It is started by the words of `through`, if there are any.
    pub(crate) fn start(
        &self,
        what: &str,
        namespace: &Namespace,
        through: &[String],
        arguments: Vec<OsString>,
    ) -> Result<Child, ChildError> {
        let failed = |source| ChildError::Start { what: what.to_string(), source };
        let log = self.logs.join(format!("{}.log", what.replace(' ', "-")));
        let file = File::options().create(true).append(true).open(&log).map_err(failed)?;
        // They become the program, so that the process stays the one that was started.
        let mut words = through.iter().map(String::as_str).map(OsStr::new).chain([self.program.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        if through.is_empty() {
            command.arg0("weir");
        }
        let process = command
            .args(["lab-serve", "enter", "--netns"])
            .arg(namespace.path())
            .args(["--parent", &std::process::id().to_string(), "--"])
            .args(arguments)
            // A group of its own: Ctrl-C is for the lab, which then ends its processes in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            .spawn()
            .map_err(failed)?;
        Ok(Child { what: what.to_string(), process, log })
    }
}

impl Child {
    /// An error with its last words if it has ended.
    pub fn check(&mut self) -> Result<(), ChildError> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status.to_string())),
            Err(error) => Err(self.ended(error.to_string())),
        }
    }

    /// Waits until it has ended by itself, for as long as `patience`; whether it has, and without a fault.
    pub fn has_ended_well(&mut self, patience: Duration) -> bool {
        let since = Instant::now();
        loop {
            match self.process.try_wait() {
                Ok(None) if since.elapsed() < patience => sleep(Duration::from_millis(5)),
                Ok(status) => return status.is_some_and(|status| status.success()),
                Err(_) => return false,
            }
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), ChildError> {
        let failed =
            |errno: nix::errno::Errno| ChildError::Signal { signal, what: self.what.clone(), source: errno.into() };
        kill(Pid::from_raw(self.process.id() as i32), signal).map_err(failed)
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&mut self) {
        // Fails only for a process that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn ended(&self, status: String) -> ChildError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word");
        ChildError::Ended { what: self.what.clone(), status, last_words: last.trim().to_string() }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
