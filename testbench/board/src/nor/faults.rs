//! What can go wrong with a flash.

/// Faults that are planned.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The operation (erase or program, counted from 1 since it was made) in whose middle the power goes.
    pub power_loss: Option<u64>,
    /// Octets that hold one value whatever is written.
    pub bad_cells: Vec<BadCell>,
    random: Random,
}

/// An octet that holds one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCell {
    /// Its address.
    pub at: usize,
    /// What is read there.
    pub stuck: u8,
}

/// The same bits survive a loss of power whenever it is played again.
#[derive(Clone, Debug)]
struct Random(fastrand::Rng);

impl Default for Random {
    fn default() -> Random {
        Random(fastrand::Rng::with_seed(0))
    }
}

impl Faults {
    /// Power goes in the middle of this operation; `seed` says which bits are done by then.
    pub fn power_loss(operation: u64, seed: u64) -> Faults {
        let random = Random(fastrand::Rng::with_seed(seed));
        Faults { power_loss: Some(operation), bad_cells: Vec::new(), random }
    }

    /// This octet always reads so.
    pub fn bad_cell(at: usize, stuck: u8) -> Faults {
        Faults { bad_cells: vec![BadCell { at, stuck }], ..Faults::default() }
    }

    pub(super) fn loses_power(&self, operation: u64) -> bool {
        self.power_loss.is_some_and(|planned| operation >= planned)
    }

    pub(super) fn any_octet(&mut self) -> u8 {
        self.random.0.u8(..)
    }
}
