//! The thread of one check: it looks, tells, and waits for the next time.
//!
//! A thread each, since everything a check does may hang: a name service, a program on a file system that does not answer, a
//! namespace to be entered. The thread of the heartbeats never waits for it.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::probe::{self, Failure};
use crate::config::Check;

/// How long an agent that ends waits for a check to see it.
const LEAVE: Duration = Duration::from_millis(50);

/// A check under way; dropping it ends the check, and kills its command.
pub(super) struct Worker {
    stop: Sender<Infallible>,
    thread: JoinHandle<()>,
}

/// Tells a check to end.
pub(super) struct Stop(Receiver<Infallible>);

impl Stop {
    pub(super) fn new(stopped: Receiver<Infallible>) -> Stop {
        Stop(stopped)
    }

    /// Waits; whether the check is to end.
    pub(super) fn comes_within(&self, span: Duration) -> bool {
        matches!(self.0.recv_timeout(span), Err(RecvTimeoutError::Disconnected))
    }
}

impl Worker {
    /// Looks at once, and then every interval. `tell` hears of each look.
    pub(super) fn start(check: Check, tell: impl Fn(Result<(), Failure>) + Send + 'static) -> io::Result<Worker> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("weir-check".into()).stack_size(256 * 1024).spawn(move || {
            step_back();
            let stopped = Stop::new(stopped);
            loop {
                let since = Instant::now();
                match probe::look(&check, &stopped) {
                    Err(Failure::Stopped) => return,
                    looked => tell(looked),
                }
                if stopped.comes_within(check.interval.saturating_sub(since.elapsed())) {
                    return;
                }
            }
        })?;
        Ok(Worker { stop, thread })
    }

    /// Ends it, and waits a moment until its command is killed: this process is about to become another one, or to end.
    pub(super) fn end(self) {
        drop(self.stop);
        let until = Instant::now() + LEAVE;
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// An agent may run before all other processes of the machine. Its checks, and what they run, must not.
#[allow(unsafe_code)]
fn step_back() {
    use nix::libc::{SCHED_OTHER, sched_param, sched_setscheduler};
    // SAFETY: plain numbers, of which zeros are valid.
    let parameters: sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: 0 names this thread, and the parameters are read during the call alone.
    let _ = unsafe { sched_setscheduler(0, SCHED_OTHER, &parameters) };
}
