//! Time for a device without ports: somebody has to look at the clock when nothing else happens.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::core::Core;

/// How long a device sleeps when nothing happens: so much after its end a lease is seen to have ended, at the latest.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// A thread that lets time pass for as long as this value is there.
pub(crate) struct Ticker(#[expect(dead_code, reason = "dropping it ends the thread")] Sender<()>);

impl Ticker {
    pub(crate) fn start(core: Arc<Core>) -> io::Result<Ticker> {
        let (alive, ended) = mpsc::channel();
        thread::Builder::new().name("time".into()).spawn(move || {
            // An engine that fails says so at the next access as well.
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) && core.tick().is_ok() {}
        })?;
        Ok(Ticker(alive))
    }
}
