//! The wire between the hosts' heartbeats: what it does to frames, link by link.

use std::collections::{BTreeMap, BTreeSet};

use weir_cluster::Micros;

use crate::dice::Dice;

/// The shortest way of a frame through the switch.
const SHORTEST: Micros = 20;

/// What the wire does.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Frames of a thousand that are lost.
    pub loss: u64,
    /// Frames of a thousand that come twice.
    pub doubling: u64,
    /// The longest way of a frame.
    pub delay: Micros,
    /// Whether frames of one link may overtake each other.
    pub reorder: bool,
    /// Links that are down, sender first.
    down: BTreeSet<(usize, usize)>,
    /// When the last frame of a link arrives.
    arrivals: BTreeMap<(usize, usize), Micros>,
}

impl Wire {
    pub(crate) fn new() -> Wire {
        Wire { loss: 0, doubling: 0, delay: 100, reorder: false, down: BTreeSet::new(), arrivals: BTreeMap::new() }
    }

    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.down.insert((from, to));
    }

    pub(crate) fn heal(&mut self) {
        self.down.clear();
    }

    /// When the copies of a frame arrive that is sent now.
    pub(crate) fn carry(&mut self, at: Micros, from: usize, to: usize, dice: &mut Dice) -> Vec<Micros> {
        if self.down.contains(&(from, to)) || dice.chance(self.loss) {
            return Vec::new();
        }
        let copies = 1 + usize::from(dice.chance(self.doubling));
        let mut carried = Vec::with_capacity(copies);
        for _ in 0..copies {
            let mut arrival = at + SHORTEST + dice.below(self.delay.max(1));
            if !self.reorder {
                let last = self.arrivals.entry((from, to)).or_default();
                arrival = arrival.max(*last);
                *last = arrival;
            }
            carried.push(arrival);
        }
        carried
    }
}
