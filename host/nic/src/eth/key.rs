//! A board's key in a file: 32 hexadecimal digits, for its owner's eyes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
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
