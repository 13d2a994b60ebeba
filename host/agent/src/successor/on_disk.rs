//! What an agent leaves when its process ends, and another one is started in its stead.
//!
//! A file beside the control socket, for its owner's eyes alone, since it holds secrets. Whoever takes it removes it first: two
//! processes that both went on as one incarnation would break each other's promises. It is of one boot, and of one lease; later
//! there is nothing to go on with, and the next process starts as after a crash.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::Uid;
use tracing::warn;

use crate::clock;

/// Begins the file; another layout has another number.
const MAGIC: &[u8; 8] = b"weir le3";

/// Where the agent with this control socket leaves what it knows.
pub(crate) fn beside(control: &Path) -> PathBuf {
    with_ending(control, ".left")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// Writes it, whole or not at all. It is good for `longest`.
pub(crate) fn leave(path: &Path, state: &[u8], longest: Duration) -> io::Result<()> {
    let unfinished = with_ending(path, ".new");
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(MAGIC)?;
    file.write_all(&boot()?)?;
    file.write_all(&clock::now().0.to_le_bytes())?;
    file.write_all(&(longest.as_micros() as u64).to_le_bytes())?;
    file.write_all(state)?;
    fs::rename(&unfinished, path)
}

/// Takes what lies there, so that nobody takes it again; `None` if nothing does that can be gone on with.
pub(crate) fn take(path: &Path) -> Option<Vec<u8>> {
    // One process alone comes by it.
    let taken = with_ending(path, &format!(".taken-{}", std::process::id()));
    fs::rename(path, &taken).ok()?;
    let octets = read(&taken);
    let removed = fs::remove_file(&taken);
    let told = match (octets, removed) {
        (Ok(octets), Ok(())) => match opened(&octets, &boot().unwrap_or([0; 36]), clock::now().0) {
            Ok(state) => return Some(state.to_vec()),
            Err(why) => why.to_string(),
        },
        (Err(error), _) | (_, Err(error)) => error.to_string(),
    };
    warn!("{} is not gone on with: {told}", path.display());
    None
}

/// Only what this user has written, and nobody else could read.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.uid() != Uid::effective().as_raw() || about.mode() & 0o077 != 0 {
        return Err(io::Error::other("it is not a file of this user that others cannot read"));
    }
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    Ok(octets)
}

/// Names this run of the kernel, whose clocks the file is by.
pub(crate) fn boot() -> io::Result<[u8; 36]> {
    let text = fs::read("/proc/sys/kernel/random/boot_id")?;
    text.first_chunk().copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// The state in a file's octets, if it is of this boot and not too old.
fn opened<'a>(octets: &'a [u8], boot: &[u8; 36], now: u64) -> Result<&'a [u8], &'static str> {
    let rest = octets.strip_prefix(MAGIC).ok_or("it was left by another version")?;
    let (of, rest) = rest.split_first_chunk::<36>().ok_or("it is cut short")?;
    let (at, rest) = rest.split_first_chunk::<8>().ok_or("it is cut short")?;
    let (longest, state) = rest.split_first_chunk::<8>().ok_or("it is cut short")?;
    let age = now.checked_sub(u64::from_le_bytes(*at));
    match age {
        _ if of != boot => Err("it was left before the machine was started"),
        None => Err("it was left by another clock"),
        Some(age) if age > u64::from_le_bytes(*longest) => Err("it is too old: the lease has ended since"),
        Some(_) => Ok(state),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn what_is_left_is_taken_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = beside(&dir.path().join("agent.sock"));
        assert_eq!(take(&path), None);
        leave(&path, b"an older one", LONG).expect("written");
        leave(&path, b"promises", LONG).expect("written over it");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(take(&path).as_deref(), Some(&b"promises"[..]));
        assert_eq!(take(&path), None);
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0, "nothing lies about");
    }

    #[test]
    fn what_others_could_read_or_have_laid_there_is_not_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("agent.sock.left");
        leave(&path, b"promises", LONG).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("own file");
        assert_eq!(take(&path), None);
        let elsewhere = dir.path().join("elsewhere");
        leave(&elsewhere, b"promises", LONG).expect("written");
        std::os::unix::fs::symlink(&elsewhere, &path).expect("a link");
        assert_eq!(take(&path), None);
        assert!(elsewhere.exists() && !path.exists());
        assert!(leave(&dir.path().join("nowhere/left"), b"", LONG).is_err());
    }

    #[test]
    fn of_another_boot_another_version_or_too_long_ago_it_says_nothing() {
        let file = |at: u64| {
            let longest = (LONG.as_micros() as u64).to_le_bytes();
            [&MAGIC[..], &[b'a'; 36], &at.to_le_bytes(), &longest, b"state"].concat()
        };
        let open = |octets: &[u8], boot: u8, now| opened(octets, &[boot; 36], now).map(<[u8]>::to_vec);
        assert_eq!(open(&file(7), b'a', 600_000_007), Ok(b"state".to_vec()));
        assert_eq!(open(&file(7), b'a', 600_000_008), Err("it is too old: the lease has ended since"));
        assert_eq!(open(&file(7), b'a', 6), Err("it was left by another clock"));
        assert_eq!(open(&file(7), b'b', 8), Err("it was left before the machine was started"));
        assert_eq!(open(b"weir le0", b'a', 8), Err("it was left by another version"));
        for end in MAGIC.len()..MAGIC.len() + 52 {
            assert_eq!(open(&file(7)[..end], b'a', 8), Err("it is cut short"), "{end}");
        }
    }
}
