//! Runs openFPGALoader: its words, its progress, its end.

use super::super::AccessError;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// Enough of its words for anybody, however long it talks.
const MOST_WORDS: usize = 64 << 10;

/// The program and the options that choose its cable.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    cable: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// With 0.
    pub(super) success: bool,
    /// What it said, on both ways, without its progress bars.
    pub(super) words: String,
}

impl Ended {
    /// Its last words, as an error.
    pub(super) fn failed(&self, what: &'static str) -> AccessError {
        let last: Vec<&str> = self.words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let words = last[last.len().saturating_sub(3)..].join("; ");
        AccessError::Program { program: "openFPGALoader", what, words }
    }
}

impl Program {
    pub(super) fn new(path: PathBuf, cable: Vec<String>) -> Program {
        Program { path, cable }
    }

    /// Runs it to its end, or ends it when `patience` is over. `progress` is told stages and how much of them is done.
    pub(super) fn run(
        &self,
        arguments: &[&str],
        patience: Duration,
        progress: &mut dyn FnMut(&'static str, f64),
    ) -> Result<Ended, AccessError> {
        let failed = |source| AccessError::Run { program: self.path.clone(), source };
        let mut command = Command::new(&self.path);
        command.args(&self.cable).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let said = listen(&mut child);
        let begun = Instant::now();
        let mut words = Words::default();
        loop {
            match said.recv_timeout(patience.saturating_sub(begun.elapsed())) {
                Ok(octets) => words.hear(&octets, progress),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let words = format!("ended after {} s without an end of its own", patience.as_secs());
                    return Err(AccessError::Program { program: "openFPGALoader", what: "end", words });
                }
            }
        }
        let success = child.wait().map_err(failed)?.success();
        Ok(Ended { success, words: words.end() })
    }
}

/// What it says on both ways, until both are closed.
fn listen(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let (sender, said) = mpsc::channel();
    let forward = |mut from: Box<dyn Read + Send>, to: Sender<Vec<u8>>| {
        thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut octets) {
                if to.send(octets[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
    };
    forward(Box::new(child.stdout.take().expect("it was piped")), sender.clone());
    forward(Box::new(child.stderr.take().expect("it was piped")), sender);
    said
}

/// Its words as they come: lines end with a line feed, bars are rewritten with a carriage return.
#[derive(Default)]
struct Words {
    kept: String,
    line: Vec<u8>,
}

impl Words {
    fn hear(&mut self, octets: &[u8], progress: &mut dyn FnMut(&'static str, f64)) {
        for octet in octets {
            match octet {
                b'\n' => self.finish(),
                b'\r' => self.line.clear(),
                _ => self.line.push(*octet),
            }
            if *octet == b'%' {
                let line = String::from_utf8_lossy(&self.line);
                if let Some((stage, part)) = bar(&line) {
                    progress(stage, part);
                }
            }
        }
    }

    fn finish(&mut self) {
        let line = std::mem::take(&mut self.line);
        if self.kept.len() + line.len() < MOST_WORDS {
            self.kept.push_str(&String::from_utf8_lossy(&line));
            self.kept.push('\n');
        }
    }

    fn end(mut self) -> String {
        self.finish();
        self.kept
    }
}

/// A bar: `Writing: [=====     ] 37.50%`, with colours before it.
fn bar(line: &str) -> Option<(&'static str, f64)> {
    const STAGES: &[(&str, &str)] =
        &[("Erasing", "erase"), ("Writing", "write"), ("Read flash", "verify"), ("Reading", "read")];
    let (_, stage) = STAGES.iter().find(|(word, _)| line.contains(word))?;
    let percent = line.rsplit(']').next()?.trim().strip_suffix('%')?;
    Some((stage, percent.trim().parse::<f64>().ok()? / 100.0))
}

/// A folder for one run's files, which goes away with it.
pub(super) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(super) fn new(folder: Option<&Path>) -> Result<Scratch, AccessError> {
        let made = match folder {
            Some(folder) => tempfile::tempdir_in(folder),
            None => tempfile::tempdir(),
        };
        made.map(Scratch).map_err(|source| AccessError::File { what: "make a temporary folder", source })
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_string_lossy().into_owned()
    }

    pub(super) fn write(&self, name: &str, octets: &[u8]) -> Result<String, AccessError> {
        let path = self.path(name);
        let written = fs::write(&path, octets);
        written.map(|()| path).map_err(|source| AccessError::File { what: "write a temporary file", source })
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, AccessError> {
        fs::read(self.path(name)).map_err(|source| AccessError::File { what: "read a temporary file", source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> (Result<Ended, AccessError>, Vec<(&'static str, f64)>) {
        let program = Program::new("/bin/sh".into(), vec!["-c".into()]);
        let mut seen = Vec::new();
        let ended = program.run(&[script], patience, &mut |stage, part| seen.push((stage, part)));
        (ended, seen)
    }

    #[test]
    fn bars_become_progress_and_lines_words() {
        let script = r"printf 'Open file DONE\n\rErasing: [==   ] 12.50%%\rErasing: [=====] 100.00%%\nDone\n'; echo oops >&2; exit 1";
        let (ended, seen) = shell(script, Duration::from_secs(60));
        let ended = ended.expect("it ran");
        assert_eq!(seen, [("erase", 0.125), ("erase", 1.0)]);
        assert!(!ended.success && ended.words.contains("Open file DONE") && ended.words.contains("oops"));
        assert!(ended.failed("write the flash").to_string().starts_with("openFPGALoader failed to write the flash: "));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let begun = Instant::now();
        let (ended, _) = shell("exec sleep 600", Duration::from_millis(200));
        let words = ended.expect_err("it is ended").to_string();
        assert!(words.contains("without an end of its own") && begun.elapsed() < Duration::from_secs(300), "{words}");
    }

    #[test]
    fn words_without_end_are_not_kept() {
        let (ended, _) = shell("head -c 1000000 /dev/zero | tr '\\0' 'x' | fold -w 100", Duration::from_secs(60));
        assert!(ended.expect("it ran").words.len() <= MOST_WORDS + 1);
    }
}
