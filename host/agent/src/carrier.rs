//! Whether the heartbeat interface can carry anything.
//!
//! A host that cannot send must not take the silence for being alone: the protocol is told when the interface goes down,
//! loses its carrier or vanishes, and when it, or another of its name, comes up.

use std::time::{Duration, Instant};

use nix::net::if_::if_nametoindex;
use weir_link::running;

/// Between two looks; far below any tolerance but the very fastest, whose silence timers decide sooner.
const EVERY: Duration = Duration::from_millis(100);

/// What became of the interface since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// It cannot carry any more.
    Down,
    /// It can again, perhaps as a new interface of the old name.
    Up,
}

/// The interface as last seen.
#[derive(Debug)]
pub(crate) struct Carrier {
    name: String,
    looked: Instant,
    running: Option<u32>,
}

impl Carrier {
    /// The interface `name`, taken as up until the first look.
    pub(crate) fn new(name: &str) -> Carrier {
        Carrier { name: name.into(), looked: Instant::now(), running: if_nametoindex(name).ok() }
    }

    /// Looks, if it is time to; tells what has changed. A new interface of the old name is a `Down` first.
    pub(crate) fn look(&mut self) -> Option<Change> {
        if self.looked.elapsed() < EVERY {
            return None;
        }
        self.looked = Instant::now();
        self.seen(running(&self.name))
    }

    /// The interface that just came up could not be used: it counts as down, and will be tried again.
    pub(crate) fn forget(&mut self) {
        self.running = None;
    }

    fn seen(&mut self, now: Option<u32>) -> Option<Change> {
        match (self.running, now) {
            (Some(before), Some(after)) if before == after => None,
            (None, None) => None,
            (Some(_), _) => {
                self.running = None;
                Some(Change::Down)
            }
            (None, Some(_)) => {
                self.running = now;
                Some(Change::Up)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_interface_of_the_old_name_is_down_before_it_is_up() {
        let mut carrier = Carrier { name: "eth0".into(), looked: Instant::now(), running: Some(4) };
        assert_eq!(carrier.seen(Some(4)), None);
        assert_eq!(carrier.seen(Some(5)), Some(Change::Down));
        assert_eq!(carrier.seen(Some(5)), Some(Change::Up));
        assert_eq!(carrier.seen(None), Some(Change::Down));
        assert_eq!(carrier.seen(None), None);
    }

    #[test]
    fn an_interface_that_is_not_there_does_not_run() {
        assert_eq!(running("weir-nowhere"), None);
    }
}
