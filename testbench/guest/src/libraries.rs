//! Which shared libraries a program needs, as this machine's loader finds them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why the libraries of a program are not known.
#[derive(Debug, thiserror::Error)]
pub enum LibrariesError {
    /// `ldd` does not run.
    #[error("failed to run ldd on {}", program.display())]
    Start {
        /// The program asked about.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It is no program, or not of this machine.
    #[error("ldd does not know {}: {said}", program.display())]
    Refused {
        /// The program asked about.
        program: PathBuf,
        /// What `ldd` said.
        said: String,
    },
    /// The program would not run on this machine either.
    #[error("{} needs {library}, which is not there", program.display())]
    Absent {
        /// The program asked about.
        program: PathBuf,
        /// The library's name.
        library: String,
    },
}

/// All files that `program` loads before it starts, its loader with them.
pub(crate) fn of(program: &Path) -> Result<BTreeSet<PathBuf>, LibrariesError> {
    let start = |source| LibrariesError::Start { program: program.to_path_buf(), source };
    let told = Command::new("ldd").arg(program).env("LC_ALL", "C").output().map_err(start)?;
    if !told.status.success() {
        let said = String::from_utf8_lossy(&told.stderr).trim().to_owned();
        return Err(LibrariesError::Refused { program: program.to_path_buf(), said });
    }
    let absent = |library| LibrariesError::Absent { program: program.to_path_buf(), library };
    files(&String::from_utf8_lossy(&told.stdout)).map_err(absent)
}

/// The paths in lines of `name => path (address)` and `path (address)`; or the name of what is missing. What has no
/// path is the kernel's own.
fn files(told: &str) -> Result<BTreeSet<PathBuf>, String> {
    let mut files = BTreeSet::new();
    for line in told.lines().map(str::trim) {
        let (name, place) = line.split_once(" => ").unwrap_or(("", line));
        if place == "not found" {
            return Err(name.to_owned());
        }
        let path = place.split_once(" (").map_or(place, |(path, _)| path);
        if path.starts_with('/') {
            files.insert(path.into());
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_and_the_kernels_own_is_not() {
        let told = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibc.so.6 => /lib/a/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let files = files(told).expect("all are there");
        assert_eq!(
            files.into_iter().collect::<Vec<_>>(),
            [PathBuf::from("/lib/a/libc.so.6"), PathBuf::from("/lib64/ld-linux-x86-64.so.2")]
        );
        assert_eq!(super::files("\tstatically linked\n"), Ok(BTreeSet::new()));
    }

    #[test]
    fn a_missing_one_is_named() {
        assert_eq!(files("\tlibz.so.9 => not found\n"), Err("libz.so.9".into()));
    }

    #[test]
    fn this_test_needs_a_loader_and_a_library_of_c() {
        let own = std::env::current_exe().expect("a path");
        let files = of(&own).expect("it runs");
        let has = |start: &str| {
            files.iter().filter_map(|file| file.file_name()).any(|name| name.to_string_lossy().starts_with(start))
        };
        assert!(has("libc.so") && has("ld-"), "{files:?}");
        assert!(files.iter().all(|file| file.is_file()));
        let refused = of(Path::new("/nonexistent")).expect_err("there is no such program");
        assert!(matches!(refused, LibrariesError::Refused { .. }), "{refused}");
    }
}
