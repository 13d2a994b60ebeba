//! Waiting for frames on a packet socket, and for interrupts. The one place of this crate that needs unsafe calls.
#![allow(unsafe_code)]

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::Poll;
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

/// The interrupts of a NIC.
#[derive(Default)]
pub(crate) struct Vectors {
    files: Vec<AsyncFd<OwnedFd>>,
}

impl Vectors {
    /// Hands `interrupts` to the runtime; it must be called inside one, unless there are none.
    pub(crate) fn new(interrupts: &[impl AsFd]) -> io::Result<Vectors> {
        let watch = |interrupt: &dyn AsFd| {
            let file = interrupt.as_fd().try_clone_to_owned()?;
            // SAFETY: an OwnedFd owns one descriptor to its end and always names the same.
            Ok(unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) }?)
        };
        Ok(Vectors { files: interrupts.iter().map(|interrupt| watch(interrupt)).collect::<io::Result<_>>()? })
    }

    /// Returns when a vector was sent; never, if there are none.
    pub(crate) async fn any(&self) {
        poll_fn(|context| {
            for file in &self.files {
                while let Poll::Ready(Ok(mut ready)) = file.poll_read_ready(context) {
                    // An event file gives its count and is empty then.
                    if nix::unistd::read(file.get_ref(), &mut [0; 8]).is_ok() {
                        return Poll::Ready(());
                    }
                    ready.clear_ready();
                }
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::eventfd::{EfdFlags, EventFd};

    use super::*;

    /// Whether a vector is told of within a moment.
    async fn told(vectors: &Vectors) -> bool {
        tokio::time::timeout(Duration::from_millis(50), vectors.any()).await.is_ok()
    }

    #[tokio::test]
    async fn each_vector_wakes_once_and_without_any_there_is_only_waiting() {
        let event = || EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).expect("an event file");
        let events = [event(), event()];
        let vectors = Vectors::new(&events).expect("a runtime");
        assert!(!told(&vectors).await, "nothing was sent");
        for event in &events {
            event.write(1).expect("room");
            event.write(1).expect("room");
            assert!(told(&vectors).await);
            assert!(!told(&vectors).await, "two at once are one");
        }
        assert!(!told(&Vectors::default()).await);
    }
}
