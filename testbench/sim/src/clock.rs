//! Clocks that run a little fast or slow, from an unknown start.

use weir_cluster::Micros;

use crate::dice::Dice;

/// One clock, as a function of the time that nobody knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Micros,
    ppm: i64,
}

impl Clock {
    /// A clock within the bound that the lease is computed with.
    pub(crate) fn any(dice: &mut Dice) -> Clock {
        let bound = weir_cluster::lease::DRIFT_PPM;
        Clock { start: dice.below(1 << 40), ppm: dice.below(2 * bound + 1) as i64 - bound as i64 }
    }

    /// What it shows.
    pub(crate) fn reads(&self, at: Micros) -> Micros {
        let run = i128::from(at) + i128::from(at) * i128::from(self.ppm) / 1_000_000;
        run as Micros + self.start
    }

    /// The first moment, not before `earliest`, at which it shows `reading`.
    pub(crate) fn shows(&self, reading: Micros, earliest: Micros) -> Micros {
        let run = i128::from(reading.saturating_sub(self.start));
        let mut at = (run * 1_000_000 / i128::from(1_000_000 + self.ppm)) as Micros;
        while self.reads(at) < reading {
            at += 1;
        }
        at.max(earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_awaited_to_the_microsecond() {
        let mut dice = Dice::new(1);
        for _ in 0..200 {
            let clock = Clock::any(&mut dice);
            let reading = clock.reads(0) + dice.below(1 << 32);
            let at = clock.shows(reading, 0);
            assert!(clock.reads(at) >= reading && (at == 0 || clock.reads(at - 1) < reading), "{clock:?}");
        }
    }
}
