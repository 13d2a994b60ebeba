//! One look at a service. It blocks, and ends at its deadline.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

use super::answer::{self, Answer};
use super::command;
use super::worker::Stop;
use crate::config::{Check, Probe};

/// Of an answer whose status is known so much is read, and for so long, that its server sees an orderly end.
const BODY: u64 = 64 * 1024;
const BODY_TIME: Duration = Duration::from_millis(50);

/// Why a service is not fit.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("failed to enter network namespace {}: {source}", path.display())]
    Enter { path: PathBuf, source: io::Error },
    #[error("failed to connect to {to}: {source}")]
    Connect { to: SocketAddr, source: io::Error },
    #[error("nobody listens at {0}")]
    Nobody(SocketAddr),
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection broke before there was an answer: {0}")]
    Broken(io::Error),
    #[error("the connection was closed before there was an answer")]
    Closed,
    #[error("what came is no HTTP answer")]
    NotHttp,
    #[error("HTTP status {status}, wanted {first} to {last}")]
    Status { status: u16, first: u16, last: u16 },
    #[error("failed to start the command: {0}")]
    Start(io::Error),
    #[error("failed to wait for the command: {0}")]
    Wait(io::Error),
    #[error("the command ended with {0}")]
    Exit(i32),
    #[error("the command was killed by signal {0}")]
    Killed(i32),
    #[error("nobody waits for it any more")]
    Stopped,
}

/// Looks once; `stop` says that nobody wants to know any more.
pub(super) fn look(check: &Check, stop: &Stop) -> Result<(), Failure> {
    let deadline = Instant::now() + check.timeout;
    if let Some(path) = &check.netns {
        enter(path).map_err(|source| Failure::Enter { path: path.clone(), source })?;
    }
    match &check.probe {
        Probe::Tcp(to) => connect(*to, deadline).map(drop),
        Probe::Http { to, path, host, status: (first, last) } => match ask(*to, path, host, deadline)? {
            status if (*first..=*last).contains(&status) => Ok(()),
            status => Err(Failure::Status { status, first: *first, last: *last }),
        },
        Probe::Command(words) => command::run(words, deadline, stop),
    }
}

/// This thread alone. Every time, since what stands at the path may be another namespace by now.
fn enter(path: &Path) -> io::Result<()> {
    Ok(setns(File::open(path)?, CloneFlags::CLONE_NEWNET)?)
}

fn left(deadline: Instant) -> Result<Duration, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Failure::TimedOut) } else { Ok(left) }
}

fn connect(to: SocketAddr, deadline: Instant) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect_timeout(&to, left(deadline)?).map_err(|source| match source.kind() {
        io::ErrorKind::TimedOut => Failure::TimedOut,
        io::ErrorKind::ConnectionRefused => Failure::Nobody(to),
        _ => Failure::Connect { to, source },
    })?;
    if is_with_itself(&stream) { Err(Failure::Nobody(to)) } else { Ok(stream) }
}

/// Where nobody listens on a port that is ephemeral as well, the kernel may give that very port to who connects to it, and
/// connects the socket with itself.
fn is_with_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(local), Ok(peer)) if local == peer)
}

fn ask(to: SocketAddr, path: &str, host: &str, deadline: Instant) -> Result<u16, Failure> {
    let mut stream = connect(to, deadline)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: weir-check\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.set_write_timeout(Some(left(deadline)?)).map_err(Failure::Broken)?;
    stream.write_all(request.as_bytes()).map_err(broken)?;
    let mut octets = Vec::new();
    let mut some = [0; 1024];
    loop {
        stream.set_read_timeout(Some(left(deadline)?)).map_err(Failure::Broken)?;
        match stream.read(&mut some) {
            Ok(0) => return Err(Failure::Closed),
            Ok(length) => octets.extend_from_slice(&some[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(error)),
        }
        match answer::read(&octets) {
            Answer::Partial => {}
            Answer::NotHttp => return Err(Failure::NotHttp),
            Answer::Status(status) => {
                take_leave(stream);
                return Ok(status);
            }
        }
    }
}

fn broken(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::TimedOut,
        _ => Failure::Broken(error),
    }
}

/// Who closes with octets unread resets the connection, which a server may log. The answer is known; nothing here is a fault.
fn take_leave(stream: TcpStream) {
    let until = Instant::now() + BODY_TIME;
    let _ = stream.shutdown(Shutdown::Write);
    let mut rest = stream.take(BODY);
    let mut some = [0; 4096];
    while let Ok(time) = left(until) {
        let patient = rest.get_ref().set_read_timeout(Some(time)).is_ok();
        if !patient || !matches!(rest.read(&mut some), Ok(1..)) {
            break;
        }
    }
}

#[cfg(test)]
mod tests;
