//! MSI-X (PCI Express base specification, 6.1.4 and 7.7.2): the table and the pending bits of BAR 4, and the messages.
//!
//! A vector is sent once when its condition begins, if MSI-X is on. One that is masked then, by its entry or with all
//! others, becomes pending and is sent when it is unmasked. While MSI-X is off, or the function no bus master, nothing
//! is sent and nothing kept: a host that switches it on looks at STATUS.
//!
//! A message on PCIe is a write to the address in the entry. Over vfio-user it is a write to the eventfd that the host
//! connected to the vector; addresses and data are kept and read back, and mean nothing. Connecting one unmasks its
//! entry, since that is what VFIO does with the entry of a card; a host that keeps a table of its own, as QEMU does,
//! never writes this one. For the same reason a reset masks only the entries to which nothing is connected.

use weir_spec::interrupt::INTERRUPTS;

use crate::eventfd::EventFile;

/// How many vectors there are.
pub(crate) const VECTORS: usize = INTERRUPTS.len();
/// Bytes of BAR 4.
pub(crate) const BAR_SIZE: u32 = 0x1000;
/// Where in it the table is.
pub(crate) const TABLE: u32 = 0;
/// Where in it the pending bits are: eight bytes, for up to 64 vectors.
pub(crate) const PENDING: u32 = 0x800;

/// Words of an entry: address, its upper half, data, control.
const WORDS: u32 = 4;
const CONTROL: usize = 3;
/// The only bit of the control word.
const MASKED: u32 = 1;
/// The bits of each word that hold what is written.
const WRITABLE: [u32; WORDS as usize] = [!3, !0, !0, MASKED];

/// All vectors, and what the capability says of them.
#[derive(Default)]
pub(crate) struct Msix {
    entries: [Entry; VECTORS],
    enabled: bool,
    all_masked: bool,
}

struct Entry {
    words: [u32; WORDS as usize],
    pending: bool,
    event: Option<EventFile>,
}

impl Default for Entry {
    fn default() -> Entry {
        Entry { words: [0, 0, 0, MASKED], pending: false, event: None }
    }
}

impl Entry {
    /// As after reset, but for what is connected.
    fn reset(&mut self) {
        let event = self.event.take();
        *self = Entry::default();
        self.connect(event);
    }

    fn connect(&mut self, event: Option<EventFile>) {
        self.words[CONTROL] = if event.is_some() { 0 } else { MASKED };
        self.event = event;
    }

    fn send(&mut self) {
        self.pending = false;
        if let Some(event) = &self.event {
            event.signal();
        }
    }
}

/// What lies at an offset of BAR 4.
enum Place {
    Word(usize, usize),
    Pending,
    Nothing,
}

fn place(offset: u32) -> Place {
    let word = offset.wrapping_sub(TABLE) / 4;
    if word < WORDS * VECTORS as u32 {
        Place::Word((word / WORDS) as usize, (word % WORDS) as usize)
    } else if offset & !3 == PENDING {
        Place::Pending
    } else {
        Place::Nothing
    }
}

impl Msix {
    /// What the configuration space allows: MSI-X can send, and all vectors are masked.
    pub(crate) fn control(&mut self, enabled: bool, all_masked: bool) {
        if !enabled {
            self.entries.iter_mut().for_each(|entry| entry.pending = false);
        }
        self.enabled = enabled;
        self.all_masked = all_masked;
        self.deliver();
    }

    /// From now on `vector` goes to `event`; to nobody without one. A vector that does not exist does not change.
    pub(crate) fn connect(&mut self, vector: usize, event: Option<EventFile>) {
        if let Some(entry) = self.entries.get_mut(vector) {
            entry.connect(event);
        }
        self.deliver();
    }

    /// The host is gone, or wants no more interrupts.
    pub(crate) fn disconnect(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.connect(None));
    }

    /// The condition of `vector` begins.
    pub(crate) fn raise(&mut self, vector: usize) {
        if let Some(entry) = self.entries.get_mut(vector).filter(|_| self.enabled) {
            entry.pending = true;
        }
        self.deliver();
    }

    /// Sends `vector` as if its condition began, whatever masks it: how VFIO lets a host try its own end.
    pub(crate) fn send(&mut self, vector: usize) {
        if let Some(entry) = self.entries.get_mut(vector) {
            entry.send();
        }
    }

    /// Reads the word at `offset` of BAR 4.
    pub(crate) fn read(&self, offset: u32) -> u32 {
        match place(offset) {
            Place::Word(vector, word) => self.entries[vector].words[word],
            Place::Pending => (0..).zip(&self.entries).map(|(bit, entry)| u32::from(entry.pending) << bit).sum(),
            Place::Nothing => 0,
        }
    }

    /// Writes it. Pending bits are not for writing.
    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        if let Place::Word(vector, word) = place(offset) {
            self.entries[vector].words[word] = value & WRITABLE[word];
        }
        self.deliver();
    }

    /// Function-level reset: off, and nothing pending.
    pub(crate) fn reset(&mut self) {
        (self.enabled, self.all_masked) = (false, false);
        self.entries.iter_mut().for_each(Entry::reset);
    }

    fn deliver(&mut self) {
        if self.enabled && !self.all_masked {
            let ready = |entry: &&mut Entry| entry.pending && entry.words[CONTROL] & MASKED == 0;
            self.entries.iter_mut().filter(ready).for_each(Entry::send);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use nix::sys::eventfd::{EfdFlags, EventFd};

    use super::*;

    fn event() -> EventFd {
        EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).expect("an eventfd")
    }

    fn copy(event: &EventFd) -> Option<EventFile> {
        let file = event.as_fd().try_clone_to_owned().expect("a descriptor").into();
        Some(EventFile::new(file).expect("it is one"))
    }

    /// Vector 1 connected, MSI-X on.
    fn connected() -> (Msix, EventFd) {
        let (mut msix, event) = (Msix::default(), event());
        msix.control(true, false);
        msix.connect(1, copy(&event));
        (msix, event)
    }

    const MASK_OF_1: u32 = TABLE + 16 + 12;

    #[test]
    fn a_vector_goes_to_its_own_event_file_once() {
        let (mut msix, event) = connected();
        msix.raise(0);
        msix.raise(2);
        assert!(event.read().is_err(), "others are not mixed up with it");
        msix.raise(1);
        assert_eq!(event.read(), Ok(1));
        assert_eq!(msix.read(PENDING), 0b101, "those that nobody is connected to are masked, and wait");
        msix.connect(1, None);
        msix.raise(1);
        assert!(event.read().is_err());
    }

    #[test]
    fn masked_by_its_entry_or_with_all_others_it_waits_and_is_sent_once() {
        let (mut msix, event) = connected();
        msix.write(MASK_OF_1, 1);
        msix.raise(1);
        msix.raise(1);
        assert!(event.read().is_err());
        assert_eq!(msix.read(PENDING), 0b10);
        msix.control(true, true);
        msix.write(MASK_OF_1, 0);
        assert!(event.read().is_err(), "all are masked");
        msix.control(true, false);
        assert_eq!(event.read(), Ok(1));
        assert_eq!(msix.read(PENDING), 0);
    }

    #[test]
    fn while_off_nothing_is_sent_and_nothing_kept() {
        let (mut msix, event) = connected();
        msix.write(MASK_OF_1, 1);
        msix.raise(1);
        msix.control(false, false);
        msix.raise(1);
        msix.write(MASK_OF_1, 0);
        msix.control(true, false);
        assert!(event.read().is_err());
        assert_eq!(msix.read(PENDING), 0);
    }

    #[test]
    fn after_a_reset_it_is_off_and_goes_on_where_it_was_connected_once_it_is_on() {
        let (mut msix, event) = connected();
        msix.reset();
        msix.raise(1);
        assert!(event.read().is_err());
        msix.control(true, false);
        msix.raise(1);
        assert_eq!(event.read(), Ok(1));
        assert_eq!((msix.read(TABLE + 12), msix.read(MASK_OF_1)), (1, 0));
    }

    #[test]
    fn the_table_holds_what_is_written_and_the_rest_reads_zero() {
        let mut msix = Msix::default();
        for offset in (0..BAR_SIZE).step_by(4) {
            msix.write(offset, u32::MAX);
        }
        for vector in 0..VECTORS as u32 {
            let words = [0, 4, 8, 12].map(|word| msix.read(TABLE + 16 * vector + word));
            assert_eq!(words, [0xffff_fffc, u32::MAX, u32::MAX, 1]);
        }
        assert!((TABLE + 16 * VECTORS as u32..BAR_SIZE).step_by(4).all(|offset| msix.read(offset) == 0));
        msix.reset();
        assert_eq!([0, 4, 8, 12].map(|word| msix.read(word)), [0, 0, 0, 1]);
    }
}
