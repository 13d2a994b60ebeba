//! One step: a process that ends by itself or at its limit, and what it printed.

use std::io::{self, ErrorKind, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use weir_guest::plan::{Ended, MOST_OUTPUT, Ran, Step};

use crate::micros;

/// How long a stream is read after its process ended. It stays open only where a descendant left the group of its
/// parents.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs it to its end.
pub(crate) fn run(step: &Step) -> Ran {
    let began = Instant::now();
    let outcome = start(step).and_then(|mut child| {
        let (closed, ends) = mpsc::channel();
        let stdout = keep(child.stdout.take(), closed.clone())?;
        let stderr = keep(child.stderr.take(), closed)?;
        let ended = wait(child, Duration::from_millis(step.limit_ms))?;
        let micros = micros(began);
        let last = Instant::now() + LAST_WORDS;
        // Nothing is sent: the channel ends with the second stream.
        while let Ok(()) = ends.recv_timeout(last.saturating_duration_since(Instant::now())) {}
        let (stdout, more) = stdout.text();
        let (stderr, more_errors) = stderr.text();
        Ok(Ran { argv: step.argv.clone(), ended, stdout, stderr, cut: more || more_errors, micros })
    });
    outcome.unwrap_or_else(|error| Ran {
        argv: step.argv.clone(),
        ended: Ended::NotStarted(error.to_string()),
        stdout: String::new(),
        stderr: String::new(),
        cut: false,
        micros: micros(began),
    })
}

/// Takes note of descendants that were left to the first process and have ended, so that they are no more.
pub(crate) fn bury_orphans() {
    while let Ok(ended) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if ended == WaitStatus::StillAlive {
            break;
        }
    }
}

fn start(step: &Step) -> io::Result<Child> {
    let (program, arguments) =
        step.argv.split_first().ok_or(io::Error::new(ErrorKind::InvalidInput, "an empty step"))?;
    Command::new(program)
        .args(arguments)
        // A group of its own, so that its descendants can be ended with it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Waits for the end, which it brings about at the limit.
fn wait(mut child: Child, limit: Duration) -> io::Result<Ended> {
    let group = Pid::from_raw(child.id().cast_signed());
    let (say, said) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        // Heard at once, or after the group was killed.
        let _heard = say.send(child.wait());
    })?;
    let gone = || io::Error::other("the thread that waits is gone");
    let (status, in_time) = match said.recv_timeout(limit) {
        Ok(status) => (status?, true),
        Err(RecvTimeoutError::Disconnected) => return Err(gone()),
        Err(RecvTimeoutError::Timeout) => {
            let _gone = killpg(group, Signal::SIGKILL);
            (said.recv().map_err(|_| gone())??, false)
        }
    };
    // What it left running ends with it.
    let _gone = killpg(group, Signal::SIGKILL);
    Ok(match (in_time, status.code(), status.signal()) {
        (false, ..) => Ended::TimedOut,
        (true, Some(code), _) => Ended::Exit(code),
        (true, None, signal) => Ended::Signal(signal.unwrap_or(0)),
    })
}

/// What came of a stream so far.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    more: bool,
}

struct Stream(Arc<Mutex<Kept>>);

impl Stream {
    fn text(&self) -> (String, bool) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (String::from_utf8_lossy(&kept.bytes).into_owned(), kept.more)
    }
}

/// Reads a stream to its end, and keeps its beginning.
fn keep(stream: Option<impl Read + Send + 'static>, closed: Sender<()>) -> io::Result<Stream> {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let ours = Stream(kept.clone());
    if let Some(mut stream) = stream {
        thread::Builder::new().spawn(move || {
            let _open = closed;
            let mut buffer = [0; 4096];
            loop {
                let read = match stream.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Ok(0) | Err(_) => return,
                    Ok(read) => read,
                };
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = MOST_OUTPUT - kept.bytes.len();
                kept.bytes.extend_from_slice(&buffer[..read.min(room)]);
                kept.more |= read > room;
            }
        })?;
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Step {
        Step { argv: vec!["/bin/sh".into(), "-c".into(), script.into()], expect: 0, limit_ms: 10_000 }
    }

    #[test]
    fn code_and_both_streams_are_told() {
        let ran = run(&shell("echo out; echo err >&2; exit 3"));
        assert_eq!((ran.ended, ran.stdout.as_str(), ran.stderr.as_str()), (Ended::Exit(3), "out\n", "err\n"));
        assert!(!ran.cut && ran.micros > 0);
        assert_eq!(run(&shell("kill -9 $$")).ended, Ended::Signal(9));
    }

    #[test]
    fn what_does_not_start_says_why() {
        let step = |argv: &[&str]| Step { argv: argv.iter().map(|word| (*word).to_owned()).collect(), ..shell("") };
        for (argv, words) in [(&["/nonexistent"][..], "No such file"), (&[], "an empty step")] {
            match run(&step(argv)).ended {
                Ended::NotStarted(why) => assert!(why.contains(words), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_step_ends_at_its_limit_with_its_children() {
        let began = Instant::now();
        let ran = run(&shell("sleep 61 & echo started; wait").within(Duration::from_millis(300)));
        assert_eq!((ran.ended, ran.stdout.as_str()), (Ended::TimedOut, "started\n"));
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_child_that_is_left_behind_holds_nobody_up() {
        let began = Instant::now();
        let ran = run(&shell("sleep 61 & echo $!"));
        assert_eq!(ran.ended, Ended::Exit(0));
        // One that left the group as well: its streams are given up.
        let ran = run(&shell("setsid sleep 2 & echo gone"));
        assert_eq!((ran.ended, ran.stdout.as_str()), (Ended::Exit(0), "gone\n"));
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn the_beginning_of_a_long_output_is_kept() {
        let ran = run(&shell("yes | head -c 1000000"));
        assert_eq!((ran.ended, ran.stdout.len(), ran.cut), (Ended::Exit(0), MOST_OUTPUT, true));
        let ran = run(&shell(&format!("yes | head -c {MOST_OUTPUT}")));
        assert_eq!((ran.stdout.len(), ran.cut), (MOST_OUTPUT, false));
    }
}
