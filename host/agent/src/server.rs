//! The agent's end of the control socket.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::unistd::Uid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::control::{Answer, Request};

/// Longer than any request.
const LONGEST_REQUEST: u64 = 4096;

/// Why the control socket could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody listens there.
    #[error("control socket {} is busy: an agent runs there; stop it, or choose another host.control", path.display())]
    Busy {
        /// The socket.
        path: PathBuf,
    },
    /// Something else lies there.
    #[error("{} exists and is not a socket; choose another host.control, or remove it", path.display())]
    NotASocket {
        /// What lies there.
        path: PathBuf,
    },
    /// The socket could not be made.
    #[error("failed to listen on control socket {}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// One request, and where its answer goes.
pub(crate) struct Asked {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// A listening control socket; its file goes with it.
pub(crate) struct Server {
    path: PathBuf,
    requests: mpsc::Receiver<Asked>,
    answering: Arc<AtomicUsize>,
}

/// A request whose answer is not written yet.
struct Answering(Arc<AtomicUsize>);

impl Answering {
    fn begin(answering: &Arc<AtomicUsize>) -> Answering {
        answering.fetch_add(1, Ordering::Relaxed);
        Answering(answering.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Listens on `path`, in place of a dead agent's socket if there is one. Needs a tokio runtime.
    pub(crate) fn listen(path: &Path) -> Result<Server, ServeError> {
        let failed = |source| ServeError::Listen { path: path.to_path_buf(), source };
        if StdUnixStream::connect(path).is_ok() {
            return Err(ServeError::Busy { path: path.to_path_buf() });
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path).map_err(failed)?,
            Ok(_) => return Err(ServeError::NotASocket { path: path.to_path_buf() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        // Who connects is told by the kernel, and only root and our own user may change anything.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).map_err(failed)?;
        let (sender, requests) = mpsc::channel(16);
        let answering = Arc::new(AtomicUsize::new(0));
        let answers = answering.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, sender.clone(), answers.clone()));
            }
        });
        Ok(Server { path: path.to_path_buf(), requests, answering })
    }

    /// Whether answers that were given are still to be written.
    pub(crate) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Option<Asked> {
        self.requests.recv().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a socket file that somebody else has removed.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, requests: mpsc::Sender<Asked>, answering: Arc<AtomicUsize>) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let trusted = peer == 0 || peer == Uid::effective().as_raw();
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader.take(LONGEST_REQUEST)).lines();
    while let Some(line) = lines.next_line().await? {
        let _answering = Answering::begin(&answering);
        let answer = match serde_json::from_str::<Request>(&line) {
            Err(error) => Answer::Refused { message: format!("not a request this version knows: {error}") },
            Ok(request) if !trusted && !matches!(request, Request::Query | Request::Display) => {
                Answer::Refused { message: format!("user {peer} may only ask; root and the agent's user may change") }
            }
            Ok(request) => {
                let (reply, answer) = oneshot::channel();
                let gone = || io::Error::other("the agent is ending");
                requests.send(Asked { request, reply }).await.map_err(|_| gone())?;
                answer.await.map_err(|_| gone())?
            }
        };
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        writer.write_all(&text).await?;
    }
    Ok(())
}
