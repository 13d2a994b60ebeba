//! Waiting for frames on a packet socket. The one place of this crate that needs an unsafe call.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use weir_link::PacketSocket;

/// A packet socket that the runtime watches.
pub(crate) struct Watched {
    inner: AsyncFd<PacketSocket>,
}

impl Watched {
    /// Hands `socket` to the runtime; it must be called inside one.
    pub(crate) fn new(socket: PacketSocket) -> io::Result<Watched> {
        // SAFETY: a PacketSocket owns one descriptor from its making to its end and always names the same.
        let inner = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Watched { inner })
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &PacketSocket {
        self.inner.get_ref()
    }

    /// Returns when a frame waits, or `left` has passed; `None`: only when a frame waits.
    pub(crate) async fn frame_or_timer(&self, left: Option<Duration>) {
        let timer = async {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ready = self.inner.readable() => {
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
            }
            () = timer => {}
        }
    }
}
