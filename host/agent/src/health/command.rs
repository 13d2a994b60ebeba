//! A check that is a program: it is fit if the program ends with 0 in time.
//!
//! The program leads a process group of its own, which is killed when it has ended or its time has: what it has started in the
//! background does not outlive it, unless it has left the group. It gets no input, and its output is not looked at.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::probe::Failure;
use super::worker::Stop;
use crate::successor;

/// The longest pause between two looks at a program that runs.
const LOOK: Duration = Duration::from_millis(20);

/// Runs `words` until it ends, or `deadline` has come, or nobody waits for it any more.
pub(super) fn run(words: &[String], deadline: Instant, stop: &Stop) -> Result<(), Failure> {
    let (program, arguments) = words.split_first().ok_or(Failure::Start(io::ErrorKind::InvalidInput.into()))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    successor::VARIABLES.iter().for_each(|variable| {
        command.env_remove(variable);
    });
    let mut child = command.spawn().map_err(Failure::Start)?;
    let ended = wait(&child, deadline, stop);
    let status = end(&mut child).map_err(Failure::Wait)?;
    ended?;
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(Failure::Exit(code)),
        (None, signal) => Err(Failure::Killed(signal.unwrap_or_default())),
    }
}

/// Waits until it has ended, and leaves its process id taken.
fn wait(child: &Child, deadline: Instant, stop: &Stop) -> Result<(), Failure> {
    let mut pause = Duration::from_millis(1);
    loop {
        match waitid(Id::Pid(id(child)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(Failure::Wait(errno.into())),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::TimedOut);
        }
        if stop.comes_within(pause.min(left)) {
            return Err(Failure::Stopped);
        }
        pause = (pause * 2).min(LOOK);
    }
}

/// Kills what is left of its group. Only then is it waited for: until that nobody else can have got its number.
fn end(child: &mut Child) -> io::Result<ExitStatus> {
    let _ = killpg(id(child), Signal::SIGKILL);
    child.wait()
}

fn id(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32)
}
