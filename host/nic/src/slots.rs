//! What the map slots of a NIC hold, as far as the driver knows, and which of them a new map goes to.

use weir_spec::map::{Map, SLOTS, WORDS, crc_step};

use crate::program::SlotSet;

/// Words of a slot and its running CRC, both as the NIC must hold them.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) words: Box<[u32; WORDS]>,
    pub(crate) crc: u32,
}

impl Content {
    /// The words that differ from `map`, in runs of neighbours: index of the first, and how many.
    pub(crate) fn differences(&self, map: &Map) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (index, (have, want)) in self.words.iter().zip(map.words()).enumerate() {
            if have == want {
                continue;
            }
            match runs.last_mut() {
                Some((first, length)) if *first + *length == index => *length += 1,
                _ => runs.push((index, 1)),
            }
        }
        runs
    }

    /// Notes that `words` were written from `first` on.
    pub(crate) fn written(&mut self, first: usize, words: &[u32]) {
        for (index, word) in (first..).zip(words) {
            self.words[index] = *word;
            self.crc = crc_step(self.crc, index as u16, *word);
        }
    }

    /// How many words differ from `map`, of every so many.
    fn cost(&self, map: &Map, every: usize) -> usize {
        self.words
            .iter()
            .step_by(every)
            .zip(map.words().iter().step_by(every))
            .filter(|(have, want)| have != want)
            .count()
    }
}

/// One word of so many tells how far two maps differ, where they differ much. All words of all slots for all maps of a
/// large program are a quarter of a million comparisons.
const SAMPLE: usize = 8;

/// The pool: `None` is a slot whose words are not known, which has to be written whole.
#[derive(Clone)]
pub(crate) struct Slots(Vec<Option<Content>>);

impl Slots {
    pub(crate) fn unknown() -> Slots {
        Slots(vec![None; SLOTS])
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Content> {
        self.0[slot].as_ref()
    }

    pub(crate) fn set(&mut self, slot: usize, content: Content) {
        self.0[slot] = Some(content);
    }

    /// Takes what is known of a slot, which is unknown until it is put back: so a write that fails half-way leaves no
    /// wrong belief behind.
    pub(crate) fn take(&mut self, slot: usize) -> Option<Content> {
        self.0[slot].take()
    }

    /// A slot for each of `maps`, no two different maps in one. A slot that holds the map already is taken as it is, in
    /// use or not; else one outside `in_use` that needs few words: of those that differ least in a sample, the one that
    /// differs least. `None` when they do not fit.
    pub(crate) fn place(&self, maps: &[&Map], in_use: &SlotSet) -> Option<Vec<usize>> {
        let mut taken = SlotSet::ZERO;
        let mut places: Vec<Option<usize>> = maps
            .iter()
            .map(|map| {
                let holds = |slot: &usize| self.get(*slot).is_some_and(|content| *content.words == *map.words());
                let slot = (0..SLOTS).find(holds)?;
                taken.set(slot, true);
                Some(slot)
            })
            .collect();
        for index in 0..maps.len() {
            if places[index].is_some() {
                continue;
            }
            // An equal map earlier in the list has its slot by now.
            let twin = (0..index).find(|&earlier| maps[earlier] == maps[index]);
            if let Some(slot) = twin.and_then(|earlier| places[earlier]) {
                places[index] = Some(slot);
                continue;
            }
            let cost =
                |slot: usize, every| self.get(slot).map_or(WORDS + 1, |content| content.cost(maps[index], every));
            let free = taken | *in_use;
            let sampled: Vec<(usize, usize)> = free.iter_zeros().map(|slot| (cost(slot, SAMPLE), slot)).collect();
            let (least, _) = *sampled.iter().min()?;
            let nearest = sampled.iter().filter(|(sample, _)| *sample == least).map(|(_, slot)| *slot);
            let slot = nearest.min_by_key(|slot| cost(*slot, 1))?;
            taken.set(slot, true);
            places[index] = Some(slot);
        }
        places.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_spec::map::{BucketState, CRC_START};

    fn owning(buckets: std::ops::Range<usize>) -> Map {
        let mut map = Map::default();
        buckets.for_each(|bucket| map.set(bucket, BucketState::Own));
        map
    }

    fn holding(slots: &mut Slots, slot: usize, map: &Map) {
        slots.set(slot, Content { words: Box::new(*map.words()), crc: CRC_START });
    }

    #[test]
    fn a_map_that_a_slot_holds_stays_there_even_if_the_slot_is_in_use() {
        let (mut slots, mut in_use) = (Slots::unknown(), SlotSet::ZERO);
        holding(&mut slots, 9, &owning(0..10));
        in_use.set(9, true);
        let (old, new) = (owning(0..10), owning(0..11));
        assert_eq!(slots.place(&[&old, &new, &old, &new], &in_use), Some(vec![9, 0, 9, 0]));
    }

    #[test]
    fn the_free_slot_that_needs_the_fewest_words_is_taken() {
        let (mut slots, mut in_use) = (Slots::unknown(), SlotSet::ZERO);
        holding(&mut slots, 3, &owning(0..64));
        holding(&mut slots, 7, &owning(0..4000));
        holding(&mut slots, 8, &owning(0..4080));
        in_use.set(8, true);
        assert_eq!(slots.place(&[&owning(0..4096)], &in_use), Some(vec![7]));
        // In the sample neither differs; of all words, one and five.
        let mut near = owning(0..4016);
        (4016..4096).for_each(|bucket| near.set(bucket, BucketState::Release));
        holding(&mut slots, 5, &near);
        assert_eq!(slots.place(&[&owning(0..4016)], &in_use), Some(vec![7]));
    }

    #[test]
    fn maps_that_do_not_fit_beside_those_in_use_are_refused() {
        let slots = Slots::unknown();
        let maps: Vec<Map> = (1..=33).map(|end| owning(0..end)).collect();
        let maps: Vec<&Map> = maps.iter().collect();
        let mut in_use = SlotSet::ZERO;
        in_use[..31].fill(true);
        let places = slots.place(&maps, &in_use).expect("33 of 33");
        assert!(places.iter().all(|&slot| !in_use[slot]));
        in_use.set(31, true);
        assert_eq!(slots.place(&maps, &in_use), None);
    }

    #[test]
    fn differences_come_in_runs() {
        let content = Content { words: Box::new(*Map::default().words()), crc: CRC_START };
        let mut map = owning(16..48);
        map.set(4095, BucketState::Release);
        assert_eq!(content.differences(&map), [(1, 2), (255, 1)]);
        assert_eq!(content.differences(&Map::default()), []);
    }
}
