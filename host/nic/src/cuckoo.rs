//! Where in the flow table a new entry goes, and what has to move for it.
//!
//! Each flow has one place a way. When all four are taken, one of the entries there may have another place that is free,
//! or one that becomes free when the entry there moves on, and so forth. The search goes breadth first through every place
//! that can be reached so: it finds the fewest moves, looks at no place twice, and when it finds nothing, no arrangement of
//! the entries leaves room.

use weir_spec::flow::FlowTable;
use weir_spec::flow::table::{ENTRIES, WAYS, index};

/// A way, and an index in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub(crate) way: usize,
    pub(crate) index: usize,
}

impl Place {
    fn number(self) -> usize {
        self.way * ENTRIES + self.index
    }

    fn numbered(number: usize) -> Place {
        Place { way: number / ENTRIES, index: number % ENTRIES }
    }
}

/// The places where `signature` is found.
pub(crate) fn places(signature: u64) -> [Place; WAYS] {
    std::array::from_fn(|way| Place { way, index: index(way, signature) })
}

/// The way to a free place: the first is where `signature` goes, the last is free, and the entry at each of the others
/// moves to the next one. `None` when there is no room. Every entry of `table` is at a place of its own.
pub(crate) fn path(table: &FlowTable, signature: u64) -> Option<Vec<Place>> {
    /// How the search came to a place.
    #[derive(Clone, Copy, PartialEq)]
    enum From {
        Nowhere,
        Start,
        Place(u16),
    }
    let mut from = [From::Nowhere; WAYS * ENTRIES];
    let mut queue = Vec::new();
    for place in places(signature) {
        from[place.number()] = From::Start;
        queue.push(place);
    }
    let mut next = 0;
    while let Some(&place) = queue.get(next) {
        next += 1;
        let Some(entry) = table.get(place.way, place.index) else {
            let mut path = vec![place];
            let mut number = place.number();
            while let From::Place(earlier) = from[number] {
                number = usize::from(earlier);
                path.push(Place::numbered(number));
            }
            path.reverse();
            return Some(path);
        };
        for other in places(entry.signature) {
            if from[other.number()] == From::Nowhere {
                from[other.number()] = From::Place(place.number() as u16);
                queue.push(other);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_spec::flow::{Entry, FlowKind};

    use super::*;

    /// Entries that meet at few places: each index is one of three.
    fn crowded(seed: u64) -> Entry {
        let signature = (0..WAYS)
            .fold(seed & !((1 << 40) - 1), |signature, way| signature | ((seed >> (2 * way) & 3) % 3) << (10 * way));
        Entry { signature, vip: 0, kind: FlowKind::Pin }
    }

    /// Whether each of `entries` can have a place of its own: bipartite matching by depth-first search.
    fn fit(entries: &[Entry]) -> bool {
        fn seat(entries: &[Entry], who: usize, seats: &mut [Option<usize>], seen: &mut [bool]) -> bool {
            places(entries[who].signature).into_iter().map(Place::number).any(|place| {
                if std::mem::replace(&mut seen[place], true) {
                    return false;
                }
                let free = seats[place].is_none_or(|sitting| seat(entries, sitting, seats, seen));
                if free {
                    seats[place] = Some(who);
                }
                free
            })
        }
        let mut seats = vec![None; WAYS * ENTRIES];
        (0..entries.len()).all(|who| seat(entries, who, &mut seats, &mut vec![false; WAYS * ENTRIES]))
    }

    proptest! {
        #[test]
        fn a_path_is_found_exactly_when_some_arrangement_has_room(seeds in proptest::collection::vec(any::<u64>(), 1..20)) {
            let mut table = FlowTable::new();
            let mut entries: Vec<Entry> = Vec::new();
            for entry in seeds.into_iter().map(crowded) {
                entries.push(entry);
                let Some(path) = path(&table, entry.signature) else {
                    prop_assert!(!fit(&entries), "there is room for {entry:?}");
                    entries.pop();
                    continue;
                };
                prop_assert!(fit(&entries));
                let (free, taken) = path.split_last().expect("a path has a place");
                prop_assert_eq!(table.get(free.way, free.index), None);
                prop_assert!(places(entry.signature).contains(&path[0]));
                for (place, next) in taken.iter().zip(&path[1..]).rev() {
                    let moved = table.get(place.way, place.index).expect("all but the last are taken");
                    prop_assert!(places(moved.signature).contains(next));
                    table.set(next.way, next.index, Some(moved));
                }
                table.set(path[0].way, path[0].index, Some(entry));
                prop_assert_eq!(table.count(), entries.len());
                prop_assert!(entries.iter().all(|e| table.contains(e.signature, e.vip, e.kind)));
            }
        }
    }
}
