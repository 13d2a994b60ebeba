//! A build that is told to end, and takes the program that it runs along.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How often a program that said its last word is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Ends a build from another thread: a program runs in a process group of its own, all of which is killed then.
#[derive(Debug, Default)]
pub struct Stop(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    asked: bool,
    /// The program that runs. Not yet waited for: its number is nobody else's.
    group: Option<Pid>,
}

impl Stop {
    /// Ends the program that runs, with all that it started, and lets no other begin.
    pub fn ask(&self) {
        let mut state = self.state();
        state.asked = true;
        if let Some(group) = state.group {
            // It fails only where all of the group have ended.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    /// Whether that was asked for.
    pub fn asked(&self) -> bool {
        self.state().asked
    }

    /// Starts a program; nothing, if it was asked to end.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Option<Child>> {
        let mut state = self.state();
        if state.asked {
            return Ok(None);
        }
        let child = command.process_group(0).spawn()?;
        state.group = Some(Pid::from_raw(child.id() as i32));
        Ok(Some(child))
    }

    /// Waits for its end.
    pub(super) fn wait(&self, child: &mut Child) -> io::Result<ExitStatus> {
        loop {
            let mut state = self.state();
            if let Some(status) = child.try_wait()? {
                state.group = None;
                return Ok(status);
            }
            drop(state);
            sleep(PAUSE);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Both fields are whole whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
