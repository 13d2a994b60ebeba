//! Programs of others in a namespace of the stage.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use weir_lab::namespace::Namespace;

use crate::PeerError;

/// A program that goes on until it is dropped, which kills it and all that it started.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    process: Child,
    lines: Receiver<(Instant, String)>,
}

impl Daemon {
    /// Starts `command` in `namespace`; it must stay in the foreground and tell what it does on its standard error.
    pub fn start(namespace: &Namespace, mut command: Command) -> Result<Daemon, PeerError> {
        let name = command.get_program().to_string_lossy().into_owned();
        // A group of its own, which is how all of it can be ended.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A process is in the namespace of the thread that starts it.
        let started = namespace.enter(|| command.spawn())?;
        let mut process = started.map_err(PeerError::io(format!("start {name}")))?;
        let (tell, lines) = mpsc::channel();
        if let Some(words) = process.stderr.take() {
            // Ends with the program, whose end of the pipe is closed then.
            thread::spawn(move || {
                for line in BufReader::new(words).lines().map_while(Result::ok) {
                    if tell.send((Instant::now(), line)).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Daemon { name, process, lines })
    }

    /// When it said a line that `is` one, within `patience`.
    pub fn says(&self, what: &str, patience: Duration, is: impl Fn(&str) -> bool) -> Result<Instant, PeerError> {
        let end = Instant::now() + patience;
        let mut last = String::new();
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((when, line)) if is(&line) => return Ok(when),
                Ok((_, line)) => last = line,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(PeerError::Late { what: format!("{}: {what}", self.name), waited: patience });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PeerError::Failed { program: self.name.clone(), words: last });
                }
            }
        }
    }

    /// Ends it as a power cut would: no last word on the wire.
    pub fn kill(&mut self) {
        // Fails only where nothing is left of it.
        let _ = killpg(Pid::from_raw(self.process.id() as i32), Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` in `namespace` to its end, with `input`.
pub fn run(namespace: &Namespace, mut command: Command, input: &str) -> Result<(), PeerError> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = namespace.enter(|| command.spawn())?;
    let mut process = started.map_err(PeerError::io(format!("start {name}")))?;
    if let Some(mut pipe) = process.stdin.take() {
        // One that reads nothing closes its end.
        let _ = pipe.write_all(input.as_bytes());
    }
    let ended = process.wait_with_output().map_err(PeerError::io(format!("wait for {name}")))?;
    if !ended.status.success() {
        let words = String::from_utf8_lossy(&ended.stderr);
        let words = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Err(PeerError::Failed { program: name, words: words.trim().to_owned() });
    }
    Ok(())
}
