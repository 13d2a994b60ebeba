//! From single probes to a verdict: a service falls after some failures in a row, and rises after some successes.

use crate::config::Check;

/// What is known of a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Nothing yet. Its host takes no connections on trust; the first probe decides.
    Unknown,
    /// It may serve.
    Fit,
    /// It may not.
    Unfit,
}

/// A service under watch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Judge {
    pub(super) state: State,
    /// Probes in a row that speak against the state.
    against: u32,
}

impl Judge {
    pub(super) fn new(state: State) -> Judge {
        Judge { state, against: 0 }
    }

    /// Hears of a probe; whether the state is another one now.
    pub(super) fn hear(&mut self, passed: bool, check: &Check) -> bool {
        let (wanted, needed) = if passed { (State::Fit, check.rise) } else { (State::Unfit, check.fall) };
        if self.state == wanted {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let turned = self.state == State::Unknown || self.against >= needed;
        if turned {
            *self = Judge::new(wanted);
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Probe;

    fn check(rise: u32, fall: u32) -> Check {
        let (interval, timeout) = (Duration::from_secs(2), Duration::from_secs(1));
        let probe = Probe::Command(vec!["/bin/true".into()]);
        Check { probe, netns: None, interval, timeout, rise, fall, last_resort: true }
    }

    /// The states after each of these probes, as a letter: f for fit, u for unfit.
    fn states(from: State, check: &Check, probes: &str) -> String {
        let mut judge = Judge::new(from);
        let after = |probe: char| {
            judge.hear(probe == '+', check);
            match judge.state {
                State::Unknown => '?',
                State::Fit => 'f',
                State::Unfit => 'u',
            }
        };
        probes.chars().map(after).collect()
    }

    #[test]
    fn it_falls_and_rises_by_probes_in_a_row_and_a_contrary_one_begins_the_count_anew() {
        assert_eq!(states(State::Fit, &check(2, 3), "--+---+-++"), "fffffuuuuf");
        assert_eq!(states(State::Fit, &check(1, 1), "-+-+"), "ufuf");
        assert_eq!(states(State::Unfit, &check(3, 2), "++-+++--"), "uuuuuffu");
    }

    #[test]
    fn of_a_service_that_is_not_known_the_first_probe_decides() {
        assert_eq!(states(State::Unknown, &check(5, 5), "+----"), "fffff");
        assert_eq!(states(State::Unknown, &check(5, 5), "-++++"), "uuuuu");
    }
}
