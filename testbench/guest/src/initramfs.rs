//! The guest's first and only file system: the first process, `weir` as it was built, their libraries, modules, the
//! plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::archive::{Archive, ArchiveError};
use crate::libraries::{self, LibrariesError};
use crate::plan::{MODULES, PLAN, Plan, Step, WEIR};

/// Where the kernel's modules lie in its folder, and which file says in what order they are loaded.
const ORDER: &str = "modules/order";

/// Why there is no initramfs.
#[derive(Debug, thiserror::Error)]
pub enum InitramfsError {
    /// A file that belongs into it.
    #[error("failed to read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Where it was to be written.
    #[error("failed to create {}", path.display())]
    Create {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A program's libraries.
    #[error(transparent)]
    Libraries(#[from] LibrariesError),
}

/// What a guest is made of, and what is to happen in it.
pub(crate) struct Contents<'a> {
    pub(crate) init: &'a Path,
    pub(crate) weir: &'a Path,
    /// Folder of kernel and modules.
    pub(crate) kernel: &'a Path,
    pub(crate) steps: &'a [Step],
    /// Files for the steps, by their paths in the guest.
    pub(crate) files: &'a BTreeMap<String, Vec<u8>>,
}

/// Writes `to`; returns its bytes.
pub(crate) fn write(to: &Path, contents: &Contents<'_>) -> Result<u64, InitramfsError> {
    let Contents { init, weir, kernel, steps, files } = *contents;
    let create = |source| InitramfsError::Create { path: to.to_path_buf(), source };
    let mut archive = Archive::new(BufWriter::with_capacity(1 << 20, File::create(to).map_err(create)?));
    for folder in ["proc", "sys", "dev", "run", "tmp"] {
        archive.folder(folder)?;
    }
    // The kernel opens it for the first process, before anything is mounted.
    archive.device("dev/console", 5, 1)?;
    add(&mut archive, init, Path::new("init"))?;
    add(&mut archive, weir, Path::new(WEIR))?;
    let mut needed = BTreeSet::new();
    for program in [init, weir] {
        needed.extend(libraries::of(program)?);
    }
    for library in &needed {
        // Where this machine's loader looks for it, the same loader does in the guest.
        add(&mut archive, library, library)?;
    }
    let modules = order(kernel)?;
    for module in &modules {
        add(&mut archive, &kernel.join("modules").join(module), &Path::new(MODULES).join(module))?;
    }
    for (path, content) in files {
        archive.bytes(path, 0o644, content)?;
    }
    let plan = Plan { modules, steps: steps.to_vec() };
    archive.bytes(PLAN, 0o644, &serde_json::to_vec(&plan).expect("texts and numbers are JSON"))?;
    let file = archive.finish()?.into_inner().map_err(|error| create(error.into_error()))?;
    Ok(file.metadata().map_err(create)?.len())
}

fn order(kernel: &Path) -> Result<Vec<String>, InitramfsError> {
    let path = kernel.join(ORDER);
    let text = fs::read_to_string(&path).map_err(|source| InitramfsError::Read { path, source })?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn add(archive: &mut Archive<BufWriter<File>>, from: &Path, to: &Path) -> Result<(), InitramfsError> {
    let read = |source| InitramfsError::Read { path: from.to_path_buf(), source };
    let file = File::open(from).map_err(read)?;
    let size = file.metadata().map_err(read)?.len();
    Ok(archive.file(to, 0o755, size, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("modules")).expect("a folder");
        fs::write(dir.path().join(ORDER), "a.ko\nb.ko\n").expect("a file");
        fs::write(dir.path().join("modules/a.ko"), "module a").expect("a file");
        dir
    }

    #[test]
    fn everything_a_guest_needs_is_in_it() {
        let kernel = kernel();
        fs::write(kernel.path().join("modules/b.ko"), "module b").expect("a file");
        let to = kernel.path().join("initramfs");
        let own = std::env::current_exe().expect("a path");
        let steps = [Step::weir("nic list", 0)];
        let files = BTreeMap::from([("/program.json".to_owned(), b"a program".to_vec())]);
        let contents = Contents { init: &own, weir: &own, kernel: kernel.path(), steps: &steps, files: &files };
        let size = write(&to, &contents).expect("an archive");
        let bytes = fs::read(&to).expect("it is there");
        assert_eq!(bytes.len() as u64, size);
        let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for name in ["dev/console\0", "init\0", "bin/weir\0", "modules/a.ko\0", "plan.json\0", "libc.so.6\0"] {
            assert!(has(name), "{name:?}");
        }
        assert!(has("program.json\0") && has("a program"));
        assert!(has("module b") && has(r#"{"modules":["a.ko","b.ko"],"steps":[{"argv":["/bin/weir","nic","list"]"#));
    }

    #[test]
    fn what_is_missing_is_named() {
        let kernel = kernel();
        let to = kernel.path().join("initramfs");
        let own = std::env::current_exe().expect("a path");
        let none = BTreeMap::new();
        let contents = Contents { init: &own, weir: &own, kernel: kernel.path(), steps: &[], files: &none };
        let error = write(&to, &contents).expect_err("b.ko is missing").to_string();
        assert!(error.contains("b.ko"), "{error}");
        let init = Path::new("/nowhere/init");
        let error = write(&to, &Contents { init, ..contents }).expect_err("no init").to_string();
        assert!(error.contains("/nowhere/init"), "{error}");
    }
}
