//! A board's key in a file: 32 hexadecimal digits, for its owner's eyes.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use weir_spec::control::Key;

/// Why a file is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("failed to read key {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be made.
    #[error("failed to make key {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("key {} has mode {mode:03o}, should be 600 or 400: whoever reads it drives the board", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Something else is in it. What, is not said: it may be a key with one digit too few.
    #[error("key {} should be 32 hexadecimal digits in one line, and not all zero", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a key.
///
/// # Errors
///
/// [`KeyError`].
pub fn read_key(path: &Path) -> Result<Key, KeyError> {
    let failed = |source| KeyError::Read { path: path.into(), source };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { path: path.into(), mode });
    }
    let octets = fs::read(path).map_err(failed)?;
    parse(&octets).ok_or_else(|| KeyError::Syntax { path: path.into() })
}

/// Makes a key of the system's random numbers, in a file that is not there yet; it is on the disk when this is over.
///
/// # Errors
///
/// [`KeyError::Write`], and no file is left half written.
pub fn make_key(path: &Path) -> Result<Key, KeyError> {
    let failed = |source| KeyError::Write { path: path.into(), source };
    let mut key = Key::NONE;
    while key == Key::NONE {
        getrandom::fill(&mut key.0).map_err(|error| failed(error.into()))?;
    }
    let digits: String = key.0.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = file.write_all(format!("{digits}\n").as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // What is there is no key.
        let _ = fs::remove_file(path);
        return Err(failed(error));
    }
    Ok(key)
}

fn parse(octets: &[u8]) -> Option<Key> {
    let line = octets.trim_ascii_end();
    let digits: Option<Vec<u8>> =
        line.iter().map(|digit| char::from(*digit).to_digit(16).map(|digit| digit as u8)).collect();
    let digits: [u8; 32] = digits?.try_into().ok()?;
    let key = Key(std::array::from_fn(|at| digits[2 * at] << 4 | digits[2 * at + 1]));
    (key != Key::NONE).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_thirty_two_digits_and_not_all_zero() {
        assert_eq!(parse(b"000102030405060708090a0b0c0D0E0F\n"), Some(Key(std::array::from_fn(|at| at as u8))));
        for text in
            ["", "00", "0".repeat(32).as_str(), &"1".repeat(31), &"1".repeat(33), &"g".repeat(32), &"é".repeat(16)]
        {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_key_that_is_made_is_read_again_and_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one.key"), folder.path().join("other.key"));
        let key = make_key(&one).expect("room");
        assert_eq!(read_key(&one).expect("mode 600"), key);
        assert_ne!(make_key(&other).expect("room"), key);
        assert!(matches!(make_key(&one), Err(KeyError::Write { .. })));
        assert_eq!(read_key(&one).expect("as it was"), key);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("board.key");
        fs::write(&path, "11".repeat(16)).expect("room");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("our own file");
        let error = read_key(&path).expect_err("open to a group").to_string();
        assert!(error.contains("has mode 640, should be 600 or 400"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("our own file");
        assert_eq!(read_key(&path).expect("a key"), Key([0x11; 16]));
        fs::write(&path, "secret").expect("room");
        let error = read_key(&path).expect_err("no key").to_string();
        assert!(error.contains("should be 32 hexadecimal digits") && !error.contains("secret"), "{error}");
    }
}
