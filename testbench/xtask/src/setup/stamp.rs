//! The mark that says: this tool was installed whole, from exactly these pins.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// The digest of everything an installation depends on.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// The SHA-256 of a file.
pub(super) fn of_file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// Whether `home` was completed from the pins with this digest.
pub(super) fn holds(home: &Path, digest: &str) -> bool {
    fs::read_to_string(home.join("stamp")).is_ok_and(|text| text.trim() == digest)
}

/// Marks `home` as complete.
pub(super) fn set(home: &Path, digest: &str) -> Result<()> {
    let path = home.join("stamp");
    fs::write(&path, format!("{digest}\n")).with_context(|| format!("failed to write {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_text_from_one_part_to_the_next_changes_the_digest() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn hex_is_two_lower_case_digits_a_byte() {
        assert_eq!(hex(&[0, 0xa5, 0xff]), "00a5ff");
    }
}
