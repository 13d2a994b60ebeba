//! The mapped window: the map slots and the rules as memory that a host maps, in place of registers that it writes one by one.
//!
//! The other registers stay trapped. What a host stored in the window reaches the engine when the host next accesses a
//! trapped register: the words that differ from what the engine holds, rising, one write each. That keeps a driver's
//! order, since it reads a CRC or rings a doorbell after it has stored; it is not what a card does in three ways:
//!
//! - Loads from the window never reach the engine. They give what was stored last, and after a refusal or a reset what
//!   the engine holds.
//! - Storing what is there already is not seen, so that it is missing from the slot's running CRC, which on a card
//!   covers every write. Nor is a value that another overwrote before the next trapped access.
//! - A store while a COMMIT is under way is refused when it is carried, not when it is made.
//!
//! A host shares this memory and is not trusted with it: its size is sealed, and it is read and written by calls, never
//! through a reference.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use weir_spec::regs::{self, Block, PORT_SIZE};

/// Bytes of a word.
const WORD: usize = size_of::<u32>();
/// Bytes of a page, the least that a host can map.
const PAGE: u32 = 4096;
/// Bytes of a part that is looked at word by word only when something in it has changed: a slot.
const PART: usize = 1024;

/// Where in BAR 0 the window is, rising: whole pages in which there is nothing that does more than hold a word.
pub(crate) const AREAS: [Range<u32>; 2] = [pages(&regs::RULE), pages(&regs::MAP)];

/// The pages with the registers of `block`.
const fn pages(block: &Block) -> Range<u32> {
    block.base..(block.base + block.count * block.stride).next_multiple_of(PAGE)
}

/// Whether the word at `offset` of BAR 0 is in the window.
pub(crate) fn contains(offset: u32) -> bool {
    AREAS.iter().any(|area| area.contains(&offset))
}

/// The memory, and what the engine holds.
pub(crate) struct Window {
    /// As large as BAR 0, since a mapping's place in the file is its place in the BAR. Only the window is ever touched.
    file: File,
    areas: [Area; AREAS.len()],
}

struct Area {
    start: u32,
    /// The words that the engine holds, as bytes.
    held: Vec<u8>,
    /// Room for a look at the memory.
    seen: Vec<u8>,
}

/// A word that a host stored: its byte offset in BAR 0, and its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stored {
    pub(crate) offset: u32,
    pub(crate) value: u32,
}

impl Window {
    /// A window of zeros, as an engine's maps are after power-on.
    pub(crate) fn new() -> io::Result<Window> {
        let file = File::from(memfd_create("weir-maps", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
        file.set_len(PORT_SIZE.into())?;
        let size = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(size))?;
        let areas = AREAS.map(|area| {
            let zeros = vec![0; area.len()];
            Area { start: area.start, held: zeros.clone(), seen: zeros }
        });
        Ok(Window { file, areas })
    }

    /// The memory, for hosts.
    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// What was stored since the last look, rising.
    pub(crate) fn stored(&mut self) -> io::Result<Vec<Stored>> {
        let mut stored = Vec::new();
        for Area { start, held, seen } in &mut self.areas {
            self.file.read_exact_at(seen, (*start).into())?;
            let parts = (*start..).step_by(PART).zip(seen.chunks_exact(PART).zip(held.chunks_exact(PART)));
            for (start, (seen, held)) in parts.filter(|(_, (seen, held))| seen != held) {
                let words = (start..).step_by(WORD).zip(seen.chunks_exact(WORD).zip(held.chunks_exact(WORD)));
                let changed = words.filter(|(_, (seen, held))| seen != held);
                stored.extend(changed.map(|(offset, (seen, _))| Stored { offset, value: word(seen) }));
            }
        }
        Ok(stored)
    }

    /// The engine took it.
    pub(crate) fn taken(&mut self, stored: Stored) {
        self.held(stored.offset).copy_from_slice(&stored.value.to_le_bytes());
    }

    /// The engine refused to take what was stored at `offset`: the host sees again what is in force.
    pub(crate) fn refused(&mut self, offset: u32) -> io::Result<()> {
        let held: [u8; WORD] = self.held(offset).try_into().expect("a word");
        self.file.write_all_at(&held, offset.into())
    }

    /// The engine holds `value` at `offset`, whatever was stored.
    pub(crate) fn follow(&mut self, offset: u32, value: u32) -> io::Result<()> {
        self.held(offset).copy_from_slice(&value.to_le_bytes());
        self.refused(offset)
    }

    /// The engine holds what `read` gives for each offset, whatever was stored.
    pub(crate) fn follow_all(&mut self, mut read: impl FnMut(u32) -> u32) -> io::Result<()> {
        for Area { start, held, .. } in &mut self.areas {
            for (offset, held) in (*start..).step_by(WORD).zip(held.chunks_exact_mut(WORD)) {
                held.copy_from_slice(&read(offset).to_le_bytes());
            }
            self.file.write_all_at(held, (*start).into())?;
        }
        Ok(())
    }

    /// The bytes of the word at `offset` of BAR 0. Panics outside the window: offsets are checked where they come in.
    fn held(&mut self, offset: u32) -> &mut [u8] {
        let area = self.areas.iter_mut().rfind(|area| area.start <= offset).expect("an offset in the window");
        let first = (offset - area.start) as usize;
        &mut area.held[first..first + WORD]
    }
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("chunks have this size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(window: &Window, offset: u32, value: u32) {
        window.file.write_all_at(&value.to_le_bytes(), offset.into()).expect("memory");
    }

    fn load(window: &Window, offset: u32) -> u32 {
        let mut bytes = [0; WORD];
        window.file.read_exact_at(&mut bytes, offset.into()).expect("memory");
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn the_window_is_whole_pages_inside_the_bar() {
        assert_eq!(AREAS, [0x1000..0x2000, 0x20000..0x30000]);
        assert!(AREAS.iter().all(|area| area.start.is_multiple_of(PAGE) && area.end.is_multiple_of(PAGE)));
        assert!(!contains(0x0ffc) && contains(0x1000) && contains(0x1ffc) && !contains(0x2000) && contains(0x2fffc));
    }

    #[test]
    fn changed_words_are_told_rising_until_they_are_taken() {
        let mut window = Window::new().expect("memory");
        assert_eq!(window.stored().expect("memory"), []);
        let (low, high) = (Stored { offset: 0x20004, value: 7 }, Stored { offset: 0x2fffc, value: 8 });
        store(&window, high.offset, high.value);
        store(&window, low.offset, low.value);
        store(&window, 0x20008, 0);
        store(&window, 0x10000, 9);
        let rule = Stored { offset: 0x1004, value: 3 };
        store(&window, rule.offset, rule.value);
        assert_eq!(window.stored().expect("memory"), [rule, low, high]);
        window.taken(rule);
        window.taken(low);
        assert_eq!(window.stored().expect("memory"), [high]);
        window.refused(high.offset).expect("memory");
        assert_eq!(window.stored().expect("memory"), []);
        assert_eq!((load(&window, low.offset), load(&window, high.offset)), (7, 0));
    }

    #[test]
    fn what_the_engine_holds_is_seen_by_hosts_and_not_carried_back() {
        let mut window = Window::new().expect("memory");
        window.follow(0x20010, 5).expect("memory");
        assert_eq!(load(&window, 0x20010), 5);
        assert_eq!(window.stored().expect("memory"), []);
        store(&window, 0x20010, 6);
        window.follow(0x20010, 5).expect("memory");
        assert_eq!(window.stored().expect("memory"), [], "the engine's word wins");
        store(&window, 0x20020, 6);
        window.follow_all(|offset| offset).expect("memory");
        assert_eq!((load(&window, 0x20020), load(&window, 0x2fffc)), (0x20020, 0x2fffc));
        assert_eq!(window.stored().expect("memory"), []);
    }

    #[test]
    fn a_host_cannot_change_its_size() {
        let window = Window::new().expect("memory");
        let host = window.file().try_clone_to_owned().map(File::from).expect("a descriptor");
        assert!(host.set_len(0).is_err());
        assert!(host.set_len(1 << 20).is_err());
    }
}
