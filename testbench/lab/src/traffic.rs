//! Traffic of many clients: waves of requests, an unending stream, connections that are held, and probes.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::client::{self, Failure, Outcome, Patience, Tuple, Tuples};
use crate::http;
use crate::namespace::{Namespace, NamespaceError};

/// Requests under way at once in a wave.
const WORKERS: usize = 8;

/// Sends one request from each of `tuples`, a few at once, and waits for all; `stop` ends it early.
pub fn wave(
    clients: &Namespace,
    tuples: &[Tuple],
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Outcome>, NamespaceError> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(tuples.len())));
    let work = || {
        while let Some(tuple) = tuples.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop() {
                break;
            }
            let outcome = client::request(*tuple, Patience::ORDINARY);
            locked(&outcomes).push(outcome);
        }
    };
    clients.enter(|| {
        thread::scope(|scope| {
            for _ in 0..WORKERS.min(tuples.len()) {
                scope.spawn(work);
            }
        });
    })?;
    Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Requests without end, one after the other on two threads, each from a tuple of its own.
#[derive(Debug)]
pub struct Stream {
    crew: Crew,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
}

impl Stream {
    /// Starts it; a request follows the last one of its thread after `pause`.
    pub fn start(clients: &Namespace, tuples: Tuples, pause: Duration) -> Result<Stream, NamespaceError> {
        let (outcomes, tuples) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(tuples)));
        let crew = Crew::start(clients, 2, |_, stop| {
            let (outcomes, tuples) = (outcomes.clone(), tuples.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(tuple) = locked(&tuples).next() else { break };
                    let outcome = client::request(tuple, Patience::ORDINARY);
                    locked(&outcomes).push(outcome);
                    sleep(pause);
                }
            }
        })?;
        Ok(Stream { crew, outcomes })
    }

    /// Ends it and returns what became of every request.
    pub fn stop(mut self) -> Vec<Outcome> {
        self.crew.halt();
        std::mem::take(&mut *locked(&self.outcomes))
    }
}

/// How a held connection fares.
#[derive(Clone, Debug)]
pub struct Held {
    /// Where it comes from.
    pub tuple: Tuple,
    /// Who answered its first request.
    pub host: u8,
    /// Requests answered by that host.
    pub answers: u64,
    /// When the last answered request was sent.
    pub last: Instant,
    /// Why it is at an end: it broke, or another host answered.
    pub end: Option<String>,
}

/// Connections that are kept open and used all the time.
#[derive(Debug)]
pub struct HeldConnections {
    crew: Crew,
    held: Vec<Arc<Mutex<Held>>>,
    streams: Vec<TcpStream>,
}

impl HeldConnections {
    /// Opens one connection a tuple and asks each for its host; then each asks again every `pause`.
    pub fn open(clients: &Namespace, tuples: &[Tuple], pause: Duration) -> Result<HeldConnections, OpenError> {
        let opened = clients.enter(|| {
            let open = |tuple: &Tuple| {
                let mut stream = client::connect(*tuple, Patience::ORDINARY)?;
                let asked = Instant::now();
                let host = http::ask(&mut stream, true).map_err(Failure::Cut)?;
                // From here on TCP decides how long it tries: only an end of the connection is an end.
                stream.set_read_timeout(None).map_err(Failure::Cut)?;
                let twin = stream.try_clone().map_err(Failure::Cut)?;
                Ok((Held { tuple: *tuple, host, answers: 1, last: asked, end: None }, stream, twin))
            };
            tuples.iter().map(open).collect::<Result<Vec<_>, Failure>>()
        })?;
        let (mut held, mut streams, mut twins) = (Vec::new(), Vec::new(), Vec::new());
        for (state, stream, twin) in opened.map_err(OpenError::Failed)? {
            held.push(Arc::new(Mutex::new(state)));
            streams.push(Some(stream));
            twins.push(twin);
        }
        let crew = Crew::start(clients, held.len(), |index, stop| {
            let (state, stream) = (held[index].clone(), streams[index].take());
            move || {
                if let Some(stream) = stream {
                    hold(stream, &state, &stop, pause);
                }
            }
        })?;
        Ok(HeldConnections { crew, held, streams: twins })
    }

    /// How each fares now.
    pub fn look(&self) -> Vec<Held> {
        self.held.iter().map(|held| locked(held).clone()).collect()
    }
}

impl Drop for HeldConnections {
    /// Closes them: their threads wait for answers that may never come.
    fn drop(&mut self) {
        self.crew.stop.store(true, Ordering::Relaxed);
        for stream in &self.streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.crew.halt();
    }
}

/// Why connections could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The clients' namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A connection.
    #[error("failed to open a connection: {0:?}")]
    Failed(Failure),
}

fn hold(mut stream: TcpStream, state: &Mutex<Held>, stop: &AtomicBool, pause: Duration) {
    while !stop.load(Ordering::Relaxed) {
        sleep(pause);
        let asked = Instant::now();
        let answer = http::ask(&mut stream, true);
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let mut held = locked(state);
        match answer {
            Ok(host) if host == held.host => {
                held.answers += 1;
                held.last = asked;
            }
            Ok(host) => held.end = Some(format!("answered by host {host}")),
            Err(error) => held.end = Some(error.to_string()),
        }
        if held.end.is_some() {
            return;
        }
    }
}

/// Answers that one tuple got: when, and from whom.
pub type Answers = Vec<(Instant, u8)>;

/// The same few tuples, asked over and over in a short rhythm.
#[derive(Debug)]
pub struct Probes {
    crew: Crew,
    answers: Vec<Arc<Mutex<Answers>>>,
}

impl Probes {
    /// Asks from each of `tuples` once a `beat`. An attempt is given up when its connection or its answer took `give_up`,
    /// long before TCP would repeat its SYN or its request: so the figures are those of the cluster, and not of TCP's
    /// retransmission timers, the shortest of which is 200 ms.
    pub fn start(
        clients: &Namespace,
        tuples: &[Tuple],
        beat: Duration,
        give_up: Duration,
    ) -> Result<Probes, NamespaceError> {
        let answers: Vec<Arc<Mutex<Answers>>> = tuples.iter().map(|_| Arc::default()).collect();
        let patience = Patience { connect: give_up, answer: give_up };
        let crew = Crew::start(clients, tuples.len(), |index, stop| {
            let (tuple, answers) = (tuples[index], answers[index].clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let since = Instant::now();
                    if let Ok(host) = client::probe(tuple, patience) {
                        locked(&answers).push((Instant::now(), host));
                    }
                    sleep(beat.saturating_sub(since.elapsed()));
                }
            }
        })?;
        Ok(Probes { crew, answers })
    }

    /// Answers so far, by tuple.
    pub fn look(&self) -> Vec<Answers> {
        self.answers.iter().map(|answers| locked(answers).clone()).collect()
    }

    /// Ends them and returns all answers, by tuple.
    pub fn stop(mut self) -> Vec<Answers> {
        self.crew.halt();
        self.look()
    }
}

/// For how long one tuple went without an answer because of what happened at `event`: from its last answer by `host` up
/// to its first answer by another. `None` if either is missing.
pub fn gap(answers: &Answers, host: u8) -> Option<Duration> {
    let after = answers.iter().position(|(_, by)| *by != host)?;
    let before = after.checked_sub(1)?;
    Some(answers[after].0 - answers[before].0)
}

/// Threads in the clients' namespace with one stop flag; they are waited for when this is dropped.
#[derive(Debug)]
struct Crew {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    fn start<Work: FnOnce() + Send + 'static>(
        namespace: &Namespace,
        count: usize,
        mut work: impl FnMut(usize, Arc<AtomicBool>) -> Work + Send,
    ) -> Result<Crew, NamespaceError> {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = namespace.enter(|| (0..count).map(|index| thread::spawn(work(index, stop.clone()))).collect())?;
        Ok(Crew { stop, threads })
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.halt();
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_from_the_last_answer_of_the_old_host_to_the_first_of_a_new_one() {
        let start = Instant::now();
        let at = |ms: u64, host| (start + Duration::from_millis(ms), host);
        let answers = vec![at(0, 4), at(20, 4), at(40, 4), at(540, 2), at(560, 2)];
        assert_eq!(gap(&answers, 4), Some(Duration::from_millis(500)));
        assert_eq!(gap(&answers[..3].to_vec(), 4), None, "nobody took over");
        assert_eq!(gap(&answers[3..].to_vec(), 4), None, "the old host never answered");
    }
}
