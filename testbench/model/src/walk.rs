//! Random walks through a scenario that is too large to search.

use stateright::Chooser;

use crate::scenario::{Act, Search};
use crate::world::World;

/// Lets time go on more often than not, and tries what may happen alike. The same seed walks the same way for ever.
#[derive(Clone)]
pub struct Stroller {
    /// Of a thousand decisions so many are faults.
    pub faults: u64,
}

impl Chooser<Search> for Stroller {
    type State = u64;

    fn new_state(&self, seed: u64) -> u64 {
        seed
    }

    fn choose_initial_state(&self, state: &mut u64, worlds: &[World]) -> usize {
        (roll(state) % worlds.len() as u64) as usize
    }

    fn choose_action(&self, state: &mut u64, _: &World, acts: &[Act]) -> usize {
        if acts.len() == 1 || roll(state) % 1000 >= self.faults {
            return 0;
        }
        1 + (roll(state) % (acts.len() as u64 - 1)) as usize
    }
}

/// splitmix64.
fn roll(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
