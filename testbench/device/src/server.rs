//! The vfio-user socket: one connection after another, for as long as the device lives.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use nix::sys::socket::{Shutdown, shutdown};
use vfio_user::Server;

use crate::complaints::Complaints;
use crate::function::Function;
use crate::irqs;

/// Why the registers are not served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another device serves there.
    #[error("socket {} is in use by a live device", path.display())]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// Something is there that no device left behind.
    #[error("{} exists and is not a socket", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// The kernel refused.
    #[error("failed to listen on socket {}", path.display())]
    Listen {
        /// The path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Where hosts come in, until it is closed from either side.
pub(crate) struct Door {
    listener: UnixListener,
    closed: AtomicBool,
}

impl Door {
    /// No more connections: whoever waits for one stops, whoever asks for one is refused. One that is open ends with
    /// its next message.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        // It can only be closed already.
        let _ = shutdown(self.listener.as_raw_fd(), Shutdown::Both);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// A socket that listens, and is removed with this value.
pub(crate) struct Socket {
    path: PathBuf,
    door: Arc<Door>,
}

impl Socket {
    /// Listens on `path`. A socket that a killed device left behind is replaced.
    pub(crate) fn listen(path: &Path) -> Result<Socket, ServerError> {
        let listen = |source| ServerError::Listen { path: path.to_path_buf(), source };
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(listen(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(ServerError::Occupied { path: path.to_path_buf() });
            }
            Ok(_) => match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path).map_err(listen)?;
                }
                Err(error) => return Err(listen(error)),
                Ok(_) => return Err(ServerError::Busy { path: path.to_path_buf() }),
            },
        }
        let listener = UnixListener::bind(path).map_err(listen)?;
        Ok(Socket { path: path.to_path_buf(), door: Arc::new(Door { listener, closed: AtomicBool::new(false) }) })
    }

    /// Serves `function` in a thread of its own, until this value is dropped. A connection cannot be taken back from
    /// the server: one that is open then ends with its next message.
    pub(crate) fn serve(&self, mut function: Function) -> Result<(), ServerError> {
        let failed = |source| ServerError::Listen { path: self.path.clone(), source };
        let listener = OwnedFd::from(self.door.listener.try_clone().map_err(failed)?);
        let server = Server::from_owned_fd(listener, true, irqs::infos(), function.regions());
        function.serve_behind(self.door.clone());
        let door = self.door.clone();
        let run = move || serve(&server, function, &door);
        thread::Builder::new().name("registers".into()).spawn(run).map_err(failed)?;
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // If somebody removed it before, it is gone as well.
        let _ = std::fs::remove_file(&self.path);
        self.door.close();
    }
}

fn serve(server: &Server, mut function: Function, door: &Door) {
    let mut complaints = Complaints::default();
    loop {
        // The crate panics on greetings that are not text; the function holds no half-done state outside its engine,
        // whose lock knows if it broke.
        let connection = catch_unwind(AssertUnwindSafe(|| server.run(&mut function)));
        function.detach();
        if door.is_closed() {
            return;
        }
        let complaint = match connection {
            Ok(Ok(())) => continue,
            Ok(Err(vfio_user::Error::SocketAccept(error))) => {
                tracing::error!("no more connections are taken: {error}");
                return;
            }
            Ok(Err(error)) => format!("a host's connection ended: {error}"),
            Err(_) => "a host's connection broke the protocol and was ended".to_owned(),
        };
        match complaints.tell(Instant::now()) {
            None => {}
            Some(0) => tracing::warn!("{complaint}"),
            Some(before) => tracing::warn!("{complaint}, and {before} more before it"),
        }
    }
}

#[cfg(test)]
mod tests;
