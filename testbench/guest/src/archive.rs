//! cpio in the format `newc`, which the kernel unpacks into its first file system
//! (`Documentation/driver-api/early-userspace/buffer-format.rst` of Linux).
//!
//! Written here because a device node needs no privilege in an archive, and because the program `cpio` may not be
//! there. Owner, time and links stay zero: the same files give the same bytes.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Bytes of the fixed part before a name: a magic number of 6 and 13 fields of 8 hexadecimal digits.
const HEADER: u64 = 6 + 13 * 8;
/// Names and contents begin at multiples of this.
const ALIGNMENT: u64 = 4;
/// The name of the entry after the last.
const TRAILER: &str = "TRAILER!!!";

const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const CHARACTERS: u32 = 0o020_000;

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It names no place below the root.
    #[error("`{}` names no file of an archive", path.display())]
    Name {
        /// The path.
        path: PathBuf,
    },
    /// The format counts bytes in 32 bits.
    #[error("{} has {size} bytes; the archive has room for {} in one file", path.display(), u32::MAX)]
    Size {
        /// The path.
        path: PathBuf,
        /// Its bytes.
        size: u64,
    },
    /// The content ended before the size that was told, or not at all.
    #[error("{} changed while it was read: {found} bytes where {size} were promised", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
        /// Bytes that its header promises.
        size: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The kernel refused.
    #[error("failed to write the archive")]
    Write(#[from] io::Error),
}

/// An archive that grows by entries; folders come before what is in them by themselves.
pub struct Archive<W> {
    out: W,
    written: u64,
    entries: u32,
    folders: BTreeSet<PathBuf>,
}

impl<W: Write> Archive<W> {
    /// An archive without entries.
    pub fn new(out: W) -> Archive<W> {
        Archive { out, written: 0, entries: 0, folders: BTreeSet::new() }
    }

    /// A folder, with those above it. A leading `/` of any path is passed over.
    pub fn folder(&mut self, path: impl AsRef<Path>) -> Result<(), ArchiveError> {
        let path = inside(path.as_ref())?;
        self.folders_above(&path)?;
        self.folder_once(path)
    }

    /// A file with the `size` bytes that `content` gives.
    pub fn file(
        &mut self,
        path: impl AsRef<Path>,
        permissions: u32,
        size: u64,
        content: impl Read,
    ) -> Result<(), ArchiveError> {
        let path = inside(path.as_ref())?;
        let length = u32::try_from(size).map_err(|_| ArchiveError::Size { path: path.clone(), size })?;
        self.folders_above(&path)?;
        self.header(&path, FILE | permissions, length, (0, 0))?;
        // One more than promised would show that the file has grown.
        let found = io::copy(&mut content.take(size + 1), &mut self.out)?;
        if found != size {
            return Err(ArchiveError::Changed { path, size, found });
        }
        self.written += size;
        self.pad()
    }

    /// A file with these bytes.
    pub fn bytes(&mut self, path: impl AsRef<Path>, permissions: u32, content: &[u8]) -> Result<(), ArchiveError> {
        self.file(path, permissions, content.len() as u64, content)
    }

    /// A character device that root alone may use.
    pub fn device(&mut self, path: impl AsRef<Path>, major: u32, minor: u32) -> Result<(), ArchiveError> {
        let path = inside(path.as_ref())?;
        self.folders_above(&path)?;
        self.header(&path, CHARACTERS | 0o600, 0, (major, minor))
    }

    /// Writes the end, and gives back where everything was written to.
    pub fn finish(mut self) -> Result<W, ArchiveError> {
        self.header(Path::new(TRAILER), 0, 0, (0, 0))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn folders_above(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let above: Vec<_> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
        above.into_iter().rev().try_for_each(|folder| self.folder_once(folder.to_path_buf()))
    }

    fn folder_once(&mut self, path: PathBuf) -> Result<(), ArchiveError> {
        if self.folders.contains(&path) {
            return Ok(());
        }
        self.header(&path, FOLDER | 0o755, 0, (0, 0))?;
        self.folders.insert(path);
        Ok(())
    }

    fn header(&mut self, path: &Path, mode: u32, size: u32, device: (u32, u32)) -> Result<(), ArchiveError> {
        self.entries += 1;
        let name = path.as_os_str().as_bytes();
        let with_zero = u32::try_from(name.len() + 1).map_err(|_| ArchiveError::Name { path: path.to_path_buf() })?;
        // Inode, mode, owner, group, links, time, size, device of the file (2), device that it is (2), name, checksum.
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, with_zero, 0];
        let mut header = b"070701".to_vec();
        for field in fields {
            header.extend_from_slice(format!("{field:08X}").as_bytes());
        }
        header.extend_from_slice(name);
        header.push(0);
        debug_assert_eq!(header.len() as u64, HEADER + u64::from(with_zero));
        self.out.write_all(&header)?;
        self.written += header.len() as u64;
        self.pad()
    }

    fn pad(&mut self) -> Result<(), ArchiveError> {
        let missing = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.out.write_all(&[0; ALIGNMENT as usize][..missing as usize])?;
        self.written += missing;
        Ok(())
    }
}

/// The path from the root of the archive.
fn inside(path: &Path) -> Result<PathBuf, ArchiveError> {
    let wrong = || ArchiveError::Name { path: path.to_path_buf() };
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::RootDir => {}
            Component::Normal(name) if !name.as_bytes().contains(&0) => inside.push(name),
            _ => return Err(wrong()),
        }
    }
    // The name of the end would end the archive.
    if inside.as_os_str().is_empty() || inside == Path::new(TRAILER) { Err(wrong()) } else { Ok(inside) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An entry as the kernel reads it.
    #[derive(PartialEq, Eq, Debug, Clone)]
    struct Entry {
        name: String,
        mode: u32,
        device: (u32, u32),
        content: Vec<u8>,
    }

    /// Reads as `init/initramfs.c` does: header, name and content, each from a multiple of four.
    fn read(archive: &[u8]) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut at = 0;
        loop {
            let header = &archive[at..at + 110];
            assert_eq!(&header[..6], b"070701", "the magic number at {at}");
            let field = |index: usize| {
                let digits = std::str::from_utf8(&header[6 + 8 * index..14 + 8 * index]).expect("digits");
                u32::from_str_radix(digits, 16).expect("a number")
            };
            let (mode, size, length) = (field(1), field(6) as usize, field(11) as usize);
            assert_eq!(field(0) as usize, entries.len() + 1, "entries are told apart by their inode");
            assert_eq!(archive[at + 110 + length - 1], 0, "a name ends with a zero");
            let name = String::from_utf8(archive[at + 110..at + 110 + length - 1].to_vec()).expect("a name");
            let content_at = (at + 110 + length).next_multiple_of(4);
            assert!(archive[at + 110 + length..content_at].iter().all(|byte| *byte == 0), "padding is zero");
            if name == "TRAILER!!!" {
                assert_eq!(content_at, archive.len(), "nothing follows the end");
                return entries;
            }
            let content = archive[content_at..content_at + size].to_vec();
            entries.push(Entry { name, mode, device: (field(9), field(10)), content });
            at = (content_at + size).next_multiple_of(4);
        }
    }

    fn folder(name: &str) -> Entry {
        Entry { name: name.into(), mode: 0o040_755, device: (0, 0), content: Vec::new() }
    }

    #[test]
    fn folders_come_once_and_before_what_is_in_them() {
        let mut archive = Archive::new(Vec::new());
        archive.device("/dev/console", 5, 1).expect("an entry");
        archive.folder("dev").expect("it is there");
        archive.bytes("/lib/x/libc.so.6", 0o755, b"abc").expect("an entry");
        archive.folder("lib/modules").expect("an entry");
        let console = Entry { name: "dev/console".into(), mode: 0o020_600, device: (5, 1), content: Vec::new() };
        let library =
            Entry { name: "lib/x/libc.so.6".into(), mode: 0o100_755, device: (0, 0), content: b"abc".to_vec() };
        assert_eq!(
            read(&archive.finish().expect("an end")),
            [folder("dev"), console, folder("lib"), folder("lib/x"), library, folder("lib/modules")]
        );
    }

    #[test]
    fn an_archive_without_entries_is_the_end_alone() {
        let archive = Archive::new(Vec::new()).finish().expect("an end");
        // A header of 110 bytes, the name and its zero, up to a multiple of four.
        assert_eq!(archive.len(), 124);
        assert_eq!(read(&archive), []);
    }

    #[test]
    fn every_size_of_name_and_content_up_to_two_alignments_is_read_back() {
        for name in 1..=9 {
            for size in 0..=9 {
                let (name, content) = ("n".repeat(name), vec![0xa5; size]);
                let mut archive = Archive::new(Vec::new());
                archive.bytes(&name, 0o644, &content).expect("an entry");
                archive.bytes("after", 0o644, b"x").expect("an entry");
                let found = read(&archive.finish().expect("an end"));
                assert_eq!((&found[0].name, &found[0].content), (&name, &content));
                assert_eq!(found.len(), 2);
            }
        }
    }

    #[test]
    fn what_names_nothing_below_the_root_is_refused() {
        for path in ["", "/", ".", "..", "a/../b", "a\0b", "TRAILER!!!", "/TRAILER!!!"] {
            let refused = Archive::new(Vec::new()).bytes(path, 0o644, b"");
            assert!(matches!(refused, Err(ArchiveError::Name { .. })), "{path:?}");
        }
    }

    #[test]
    fn a_content_of_another_size_than_promised_is_told() {
        for promised in [2, 4] {
            let refused = Archive::new(Vec::new()).file("f", 0o644, promised, &b"abc"[..]);
            let Err(ArchiveError::Changed { size, found, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!((size, found), (promised, 3));
        }
        let large = u64::from(u32::MAX) + 1;
        let refused = Archive::new(Vec::new()).file("f", 0o644, large, io::repeat(0));
        assert!(matches!(refused, Err(ArchiveError::Size { size, .. }) if size == large));
    }

    proptest! {
        #[test]
        fn any_files_are_read_back(
            files in prop::collection::btree_map("[a-z]{1,12}", prop::collection::vec(any::<u8>(), 0..300), 0..12)
        ) {
            let mut archive = Archive::new(Vec::new());
            for (name, content) in &files {
                archive.bytes(format!("d/{name}"), 0o755, content).expect("an entry");
            }
            let bytes = archive.finish().expect("an end");
            prop_assert_eq!(bytes.len() % 4, 0);
            let found: Vec<_> = read(&bytes).into_iter().filter(|entry| entry.mode & FILE != 0).collect();
            prop_assert_eq!(found.len(), files.len());
            for (entry, (name, content)) in found.iter().zip(&files) {
                prop_assert_eq!(&entry.name, &format!("d/{name}"));
                prop_assert_eq!(&entry.content, content);
            }
        }
    }
}
