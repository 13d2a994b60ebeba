//! The text of the circuit, emitted once a program.
//!
//! Emitting takes seconds, and a lab is a process a NIC. The text depends on the program alone, so it is kept in the cache
//! under what tells the program's file from every other: where it lies, its size and its times. A program that was built
//! anew is another file, and emits anew.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use weir_hdl::EmitError;

use crate::width::Width;

/// How many texts stay: both widths of the program, of some test programs, and of the version before. One is below 1 MB.
const KEPT: usize = 20;

/// The text of the circuit of `width`.
pub(crate) fn text(width: Width) -> Result<String, EmitError> {
    let emit = || Ok(width.emitted().file(weir_hdl::Options::default())?.text);
    match (weir_tools::cache(), program()) {
        (Some(cache), Some(program)) => kept(&cache.join("rtl"), &format!("{program}.{}", width.top()), emit),
        _ => emit(),
    }
}

/// What no other file has in common with that of this program.
fn program() -> Option<String> {
    let file = fs::metadata("/proc/self/exe").ok()?;
    let mut hash = Sha256::new();
    for number in [file.dev(), file.ino(), file.size()] {
        hash.update(number.to_le_bytes());
    }
    for time in [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()] {
        hash.update(time.to_le_bytes());
    }
    Some(hash.finalize()[..12].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The text kept as `name`, else what `emit` gives, kept from now on. A cache that cannot be written costs time alone.
fn kept(folder: &Path, name: &str, emit: impl FnOnce() -> Result<String, EmitError>) -> Result<String, EmitError> {
    let place = folder.join(format!("{name}.sv"));
    if let Ok(text) = fs::read_to_string(&place) {
        let _ = File::open(&place).and_then(|file| file.set_modified(SystemTime::now()));
        return Ok(text);
    }
    let text = emit()?;
    // By one rename, so that a reader never meets half of it; several processes may be here, with the same text.
    let work = folder.join(format!("{name}.sv{}", std::process::id()));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&work, &text));
    if written.and_then(|()| fs::rename(&work, &place)).is_err() {
        let _ = fs::remove_file(&work);
    }
    prune(folder);
    Ok(text)
}

/// Removes the texts used longest ago, and what a process left that died while it wrote one.
fn prune(folder: &Path) {
    let Ok(listed) = fs::read_dir(folder) else { return };
    let mut texts = Vec::new();
    for path in listed.flatten().map(|entry| entry.path()) {
        let ours = path.extension().is_some_and(|extension| extension.to_string_lossy().starts_with("sv"));
        if let (true, Ok(time)) = (ours, fs::metadata(&path).and_then(|metadata| metadata.modified())) {
            texts.push((time, path));
        }
    }
    texts.sort();
    let old = texts.len().saturating_sub(KEPT);
    for (_, path) in &texts[..old] {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn never() -> Result<String, EmitError> {
        panic!("emitted once more")
    }

    #[test]
    fn a_program_emits_once_and_another_program_for_itself() {
        let cache = tempfile::tempdir().expect("a folder");
        let folder = cache.path().join("rtl");
        assert_eq!(kept(&folder, "one.weir64", || Ok("module one".into())).expect("text"), "module one");
        assert_eq!(kept(&folder, "one.weir64", never).expect("text"), "module one");
        assert_eq!(kept(&folder, "two.weir64", || Ok("module two".into())).expect("text"), "module two");
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2, "nothing unfinished stays");
    }

    #[test]
    fn without_a_cache_to_write_the_text_is_emitted() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = kept(&file.path().join("rtl"), "one.weir64", || Ok("module one".into()));
        assert_eq!(text.expect("text"), "module one");
    }

    #[test]
    fn the_texts_used_last_stay_and_compiled_circuits_are_left_alone() {
        let cache = tempfile::tempdir().expect("a folder");
        let folder = cache.path();
        fs::create_dir(folder.join("0123456789ab")).expect("a folder");
        fs::write(folder.join("lock"), "").expect("a file");
        for number in 0..KEPT + 3 {
            let path = folder.join(format!("{number:02}.weir64.sv"));
            fs::write(&path, "module").expect("a file");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + number as u64);
            File::open(&path).and_then(|file| file.set_modified(time)).expect("it is ours");
        }
        kept(folder, "00.weir64", never).expect("used now");
        kept(folder, "new.weir64", || Ok("module".into())).expect("emitted now");
        let there = |name: &str| folder.join(format!("{name}.weir64.sv")).exists();
        assert!(there("00") && there("new") && there(&format!("{:02}", KEPT + 2)));
        assert!(!there("01") && !there("02") && !there("03") && !there("04") && there("05"));
        assert!(folder.join("lock").exists() && folder.join("0123456789ab").exists());
    }
}
