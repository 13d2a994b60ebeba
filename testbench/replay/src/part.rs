//! Files that appear under their names when they are whole.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};

/// A file that is being written. It has a name of its own beside the one it is to have, so that two runs never share it, and
/// is removed unless it is finished.
pub(crate) struct Part {
    target: PathBuf,
    part: TempPath,
}

impl Part {
    /// An empty file in the folder of `target`; what a link points to is replaced, not the link.
    pub(crate) fn create(target: &Path) -> io::Result<(Part, File)> {
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut builder = Builder::new();
        // As any other new file: what the user's mask leaves.
        builder.permissions(fs::Permissions::from_mode(0o666));
        let (file, part) = builder.prefix(&format!(".{name}.")).suffix(".part").tempfile_in(folder)?.into_parts();
        Ok((Part { target, part }, file))
    }

    /// Where it is until it is finished.
    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    /// Gives it its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.part.persist(&self.target).map_err(|error| error.error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn two_writers_of_one_file_do_not_meet_and_the_last_one_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out.pcap");
        let ((one, mut first), (two, mut second)) =
            (Part::create(&target).expect("one"), Part::create(&target).expect("two"));
        first.write_all(b"first").expect("room");
        second.write_all(b"second").expect("room");
        one.finish().expect("its name");
        assert_eq!(fs::read(&target).expect("it is there"), b"first");
        two.finish().expect("its name");
        assert_eq!(fs::read(&target).expect("it is there"), b"second");
        assert_eq!(names(folder.path()), ["out.pcap"]);
    }

    #[test]
    fn what_is_not_finished_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("out.vcd");
        fs::write(&target, b"old").expect("room");
        let (part, mut file) = Part::create(&target).expect("a file");
        file.write_all(b"half").expect("room");
        drop((part, file));
        assert_eq!(fs::read(&target).expect("it is there"), b"old");
        assert_eq!(names(folder.path()), ["out.vcd"]);
    }

    #[test]
    fn what_a_link_points_to_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&target, b"old").expect("room");
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        Part::create(&link).expect("a file").0.finish().expect("its name");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read(&target).expect("it is there"), b"");
    }
}
