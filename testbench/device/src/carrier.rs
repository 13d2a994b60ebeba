//! Whether the wire has a link, as the kernel has it of the interface.

use std::time::{Duration, Instant};

use weir_link::running;

/// How often to ask, at most.
const PAUSE: Duration = Duration::from_millis(10);

/// The link of one interface, looked at now and then.
pub(crate) struct Carrier<'a> {
    name: &'a str,
    looked: Option<Instant>,
}

impl<'a> Carrier<'a> {
    /// The interface `name` of the network namespace of this thread.
    pub(crate) fn new(name: &'a str) -> Carrier<'a> {
        Carrier { name, looked: None }
    }

    /// Whether there is a link; `None` if that was asked a moment ago. An interface that is gone has none.
    pub(crate) fn look(&mut self) -> Option<bool> {
        if self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
            return None;
        }
        self.looked = Some(Instant::now());
        Some(running(self.name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_interface_has_no_link_and_is_not_asked_about_all_the_time() {
        let mut carrier = Carrier::new("weir-nowhere");
        assert_eq!(carrier.look(), Some(false));
        assert_eq!(carrier.look(), None);
        assert_eq!(Carrier::new("lo").look(), Some(true));
    }
}
