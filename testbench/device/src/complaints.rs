//! Complaints about hosts that do wrong again and again: one, and then how many there were.

use std::time::{Duration, Instant};

/// Between two lines of the log.
const PAUSE: Duration = Duration::from_secs(10);

/// Which complaints are worth a line.
#[derive(Default)]
pub(crate) struct Complaints {
    /// When the last line was.
    told: Option<Instant>,
    /// Complaints since then.
    untold: u64,
}

impl Complaints {
    /// Something went wrong at `now`. If it is to be told: how many before it were not.
    pub(crate) fn tell(&mut self, now: Instant) -> Option<u64> {
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < PAUSE) {
            self.untold += 1;
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_at_once_and_the_rest_as_a_count_after_a_pause() {
        let mut complaints = Complaints::default();
        let begin = Instant::now();
        assert_eq!(complaints.tell(begin), Some(0));
        for second in 1..10 {
            assert_eq!(complaints.tell(begin + Duration::from_secs(second)), None);
        }
        assert_eq!(complaints.tell(begin + PAUSE), Some(9));
        assert_eq!(complaints.tell(begin + PAUSE + Duration::from_millis(1)), None);
        assert_eq!(complaints.tell(begin + 3 * PAUSE), Some(1));
    }
}
