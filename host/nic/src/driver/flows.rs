//! The flow table: which connections are listed.
//!
//! The driver keeps a copy of the table, plans every move on it, and reads back each entry it writes. A NIC it takes from a
//! predecessor is read once, when it is first asked about flows; entries that the predecessor left twice, because it ended
//! in the middle of a move, or where nothing finds them, are removed then.

use weir_spec::config::VIPS;
use weir_spec::flow::table::{ENTRIES, WAYS};
use weir_spec::flow::{Entry, FlowTable};

use super::Nic;
use super::mailbox::Mailbox;
use crate::cuckoo::{Place, path, places};
use crate::registers::PATIENCE;
use crate::{AccessError, Bar};

/// Why the flow table is not as asked. Unless it says otherwise, what the table holds is read anew at the next operation.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The NIC cannot be accessed.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// No arrangement of the entries leaves a place for one more like this. Nothing has changed.
    #[error("flow table is full: its {count} entries leave no place for signature {signature:#018x}")]
    Full {
        /// The new entry's signature.
        signature: u64,
        /// Entries in use.
        count: usize,
    },
    /// An entry names a virtual IP beyond the last. Nothing has changed.
    #[error("flow entry names virtual IP {vip}; there are {VIPS}, from 0")]
    NoSuchVip {
        /// The index it names.
        vip: u8,
    },
    /// The mailbox stays busy.
    #[error("the flow mailbox has been busy for {} ms", PATIENCE.as_millis())]
    Stuck,
    /// The NIC was reset, or another driver wrote its flow table.
    #[error("entry {index} of way {way} of the flow table was not what this driver had put there")]
    NotOurs {
        /// Which way.
        way: usize,
        /// Which entry of it.
        index: usize,
    },
    /// An entry does not hold what was written.
    #[error("entry {index} of way {way} of the flow table holds {found:x?}, not {expected:x?}")]
    Differs {
        /// Which way.
        way: usize,
        /// Which entry of it.
        index: usize,
        /// What was written.
        expected: Option<Entry>,
        /// What it reads.
        found: Option<Entry>,
    },
    /// A write was lost, the NIC was reset, or another driver wrote its flow table.
    #[error("the flow table has {found} entries in use, not {expected}")]
    CountDiffers {
        /// What this driver believes.
        expected: usize,
        /// What COUNT reads.
        found: usize,
    },
}

/// What an insertion came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Insertion {
    /// The entry is listed; so many others had to move.
    Listed {
        /// Entries that have a new place.
        moved: usize,
    },
    /// It was listed already.
    Already,
}

impl FlowError {
    /// What the table holds is known as before.
    fn harmless(&self) -> bool {
        matches!(self, FlowError::Full { .. } | FlowError::NoSuchVip { .. })
    }
}

/// The flow table of a NIC. What an operation did is in force when it returns.
pub struct Flows<'a, B> {
    mailbox: Mailbox<'a, B>,
    /// What the NIC holds; `None`: not known.
    known: &'a mut Option<FlowTable>,
}

impl<B: Bar> Nic<B> {
    /// The flow table.
    pub fn flows(&mut self) -> Flows<'_, B> {
        Flows { mailbox: Mailbox::new(&mut self.registers), known: &mut self.flows }
    }
}

impl<B: Bar> Flows<'_, B> {
    /// Lists `entry`. Where it needs room, other entries move: each is written to its new place before the old one is
    /// overwritten, so that none is missing at any time.
    pub fn insert(&mut self, entry: Entry) -> Result<Insertion, FlowError> {
        if usize::from(entry.vip) >= VIPS {
            return Err(FlowError::NoSuchVip { vip: entry.vip });
        }
        self.operate(|mailbox, table| {
            if place_of(table, &entry).is_some() {
                return Ok(Insertion::Already);
            }
            let full = FlowError::Full { signature: entry.signature, count: table.count() };
            let path = path(table, entry.signature).ok_or(full)?;
            for (place, next) in path.iter().zip(&path[1..]).rev() {
                let moving = get(table, *place).expect("every place of a path but the last is taken");
                put(mailbox, table, *next, moving)?;
            }
            put(mailbox, table, path[0], entry)?;
            check_count(mailbox, table)?;
            Ok(Insertion::Listed { moved: path.len() - 1 })
        })
    }

    /// Removes `entry`; `false` when it was not listed.
    pub fn remove(&mut self, entry: &Entry) -> Result<bool, FlowError> {
        self.operate(|mailbox, table| {
            let Some(place) = place_of(table, entry) else { return Ok(false) };
            free(mailbox, table, place)?;
            check_count(mailbox, table)?;
            Ok(true)
        })
    }

    /// Removes every entry.
    pub fn clear(&mut self) -> Result<(), FlowError> {
        // What the NIC holds need not be known for this.
        *self.known = None;
        self.mailbox.clear()?;
        let table = FlowTable::new();
        check_count(&mut self.mailbox, &table)?;
        *self.known = Some(table);
        Ok(())
    }

    /// Whether `entry` is listed, by what the driver knows.
    pub fn contains(&mut self, entry: &Entry) -> Result<bool, FlowError> {
        self.operate(|_, table| Ok(place_of(table, entry).is_some()))
    }

    /// Entries in use, as the NIC counts them.
    pub fn count(&mut self) -> Result<usize, FlowError> {
        self.operate(|mailbox, table| {
            check_count(mailbox, table)?;
            Ok(table.count())
        })
    }

    /// All entries, read back from the NIC, in the order of their places.
    pub fn list(&mut self) -> Result<Vec<Entry>, FlowError> {
        self.operate(|mailbox, table| {
            check_count(mailbox, table)?;
            let found = read(mailbox)?;
            for place in all_places() {
                let (expected, found) = (get(table, place), get(&found, place));
                if found != expected {
                    return Err(FlowError::Differs { way: place.way, index: place.index, expected, found });
                }
            }
            Ok(table.iter().map(|(_, entry)| entry).collect())
        })
    }

    /// Runs `operation` on what the NIC holds, which is not known afterwards if it went wrong.
    fn operate<T>(
        &mut self,
        operation: impl FnOnce(&mut Mailbox<'_, B>, &mut FlowTable) -> Result<T, FlowError>,
    ) -> Result<T, FlowError> {
        let mut table = match self.known.take() {
            Some(table) => table,
            None => read_and_repair(&mut self.mailbox)?,
        };
        let done = operation(&mut self.mailbox, &mut table);
        if done.as_ref().err().is_none_or(FlowError::harmless) {
            *self.known = Some(table);
        }
        done
    }
}

fn get(table: &FlowTable, place: Place) -> Option<Entry> {
    table.get(place.way, place.index)
}

/// Where `entry` is listed.
fn place_of(table: &FlowTable, entry: &Entry) -> Option<Place> {
    places(entry.signature).into_iter().find(|place| get(table, *place) == Some(*entry))
}

fn all_places() -> impl Iterator<Item = Place> {
    (0..ENTRIES).flat_map(|index| (0..WAYS).map(move |way| Place { way, index }))
}

/// Writes `entry` to `place`, in the NIC and in the copy.
fn put<B: Bar>(
    mailbox: &mut Mailbox<'_, B>,
    table: &mut FlowTable,
    place: Place,
    entry: Entry,
) -> Result<(), FlowError> {
    mailbox.write(place, get(table, place), entry)?;
    table.set(place.way, place.index, Some(entry));
    Ok(())
}

/// Frees `place`, in the NIC and in the copy.
fn free<B: Bar>(mailbox: &mut Mailbox<'_, B>, table: &mut FlowTable, place: Place) -> Result<(), FlowError> {
    mailbox.remove(place, get(table, place))?;
    table.set(place.way, place.index, None);
    Ok(())
}

fn check_count<B: Bar>(mailbox: &mut Mailbox<'_, B>, table: &FlowTable) -> Result<(), FlowError> {
    let (expected, found) = (table.count(), mailbox.count()?);
    if found == expected { Ok(()) } else { Err(FlowError::CountDiffers { expected, found }) }
}

/// Reads places until as many entries were found as the NIC counts.
fn read<B: Bar>(mailbox: &mut Mailbox<'_, B>) -> Result<FlowTable, FlowError> {
    let mut table = FlowTable::new();
    let count = mailbox.count()?;
    for index in 0..ENTRIES {
        if table.count() >= count {
            break;
        }
        for (way, entry) in mailbox.read(index)?.into_iter().enumerate() {
            table.set(way, index, entry);
        }
    }
    if table.count() == count {
        Ok(table)
    } else {
        Err(FlowError::CountDiffers { expected: table.count(), found: count })
    }
}

/// Reads the table, and removes what a predecessor left at a second place or at a place where nothing finds it.
fn read_and_repair<B: Bar>(mailbox: &mut Mailbox<'_, B>) -> Result<FlowTable, FlowError> {
    let mut table = read(mailbox)?;
    for place in all_places() {
        let left_over = get(&table, place).is_some_and(|entry| place_of(&table, &entry) != Some(place));
        if left_over {
            free(mailbox, &mut table, place)?;
        }
    }
    check_count(mailbox, &table)?;
    Ok(table)
}
