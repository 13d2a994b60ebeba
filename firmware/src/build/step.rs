//! One program of a build: it runs in the folder, on files by their bare names, and not at all if nothing changed.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Event, Stage, Stop, Tool};
use crate::image::Digest;

/// A program and what it turns into what.
pub(super) struct Step<'a> {
    pub(super) stage: Stage,
    pub(super) tool: &'a Tool,
    pub(super) arguments: Vec<String>,
    /// Files in the folder that it depends on.
    pub(super) reads: &'a [&'a str],
    /// Files in the folder that it makes.
    pub(super) writes: &'a [&'a str],
    /// Which lines of what it says are worth telling.
    pub(super) of_interest: fn(&str) -> bool,
}

/// Why a stage did not end well.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A file or the folder.
    #[error("failed to {what} {}", path.display())]
    File {
        /// Read, write, remove.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program could not be run.
    #[error("failed to run {}", program.display())]
    Run {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("{} failed: {last}; all that it said is in {}", program.display(), log.display())]
    Failed {
        /// Which.
        program: PathBuf,
        /// The last line that it said.
        last: String,
        /// Where the rest is.
        log: PathBuf,
    },
    /// The build was told to end.
    #[error("interrupted during stage {stage}: the same command goes on from there")]
    Stopped {
        /// Which.
        stage: &'static str,
    },
    /// It ended well and made nothing.
    #[error("{} ended without an error and without {missing}", program.display())]
    Nothing {
        /// Which.
        program: PathBuf,
        /// The file.
        missing: String,
    },
}

impl Step<'_> {
    /// Runs it, if anything that it depends on is not as it was, or anything that it made is not as it left it.
    pub(super) fn run(&self, folder: &Path, stop: &Stop, tell: &mut dyn FnMut(Event)) -> Result<(), StepError> {
        let stage = self.stage;
        tell(Event::Begun(stage));
        let stamp = format!("{}.made", self.writes[0]);
        let inputs = self.inputs(folder)?;
        let kept = fs::read_to_string(folder.join(&stamp)).is_ok_and(|told| match self.outputs(folder) {
            Ok(outputs) => told == format!("{inputs}\n{outputs}\n"),
            Err(_) => false,
        });
        if !kept {
            self.make(folder, stop, tell)?;
            let made = format!("{inputs}\n{}\n", self.outputs(folder)?);
            write(folder, &stamp, made.as_bytes())?;
        }
        tell(Event::Done { stage, kept });
        Ok(())
    }

    fn inputs(&self, folder: &Path) -> Result<Digest, StepError> {
        let mut text = format!("{}\n{:?}\n", self.tool.version, self.arguments);
        text += &hashes(folder, self.reads)?;
        Ok(Digest::of(text.as_bytes()))
    }

    fn outputs(&self, folder: &Path) -> Result<Digest, StepError> {
        Ok(Digest::of(hashes(folder, self.writes)?.as_bytes()))
    }

    fn make(&self, folder: &Path, stop: &Stop, tell: &mut dyn FnMut(Event)) -> Result<(), StepError> {
        for file in self.writes {
            let path = folder.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &path)(error)),
                _ => {}
            }
        }
        let program = &self.tool.program;
        let not_run = |source| StepError::Run { program: program.clone(), source };
        let log = folder.join(format!("{}.log", self.stage.name()));
        let mut logged = fs::File::create(&log).map_err(failed("write", &log))?;
        // Both to one pipe: what a program says is told in order, and none of it blocks.
        let (heard, said) = io::pipe().map_err(not_run)?;
        let mut command = Command::new(program);
        command.args(&self.arguments).current_dir(folder).stdin(Stdio::null());
        command.stdout(said.try_clone().map_err(not_run)?).stderr(said);
        let stopped = StepError::Stopped { stage: self.stage.name() };
        let Some(mut child) = stop.start(&mut command).map_err(not_run)? else {
            return Err(stopped);
        };
        // The command holds the pipe's other end open.
        drop(command);
        let mut last = String::from("it said nothing");
        for line in BufReader::new(heard).split(b'\n') {
            let line = line.map_err(not_run)?;
            let line = String::from_utf8_lossy(&line);
            writeln!(logged, "{line}").map_err(failed("write", &log))?;
            if (self.of_interest)(&line) {
                tell(Event::Said(self.stage, line.trim().to_string()));
            }
            if !line.trim().is_empty() {
                last = line.trim().to_string();
            }
        }
        let ended = stop.wait(&mut child).map_err(not_run)?;
        if stop.asked() {
            return Err(stopped);
        }
        if !ended.success() {
            return Err(StepError::Failed { program: program.clone(), last, log });
        }
        match self.writes.iter().find(|file| !folder.join(file).is_file()) {
            Some(missing) => Err(StepError::Nothing { program: program.clone(), missing: missing.to_string() }),
            None => Ok(()),
        }
    }
}

fn hashes(folder: &Path, files: &[&str]) -> Result<String, StepError> {
    let hash = |file: &&str| Ok(format!("{file} {}\n", Digest::of(&read(folder, file)?)));
    files.iter().map(hash).collect()
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StepError + 'a {
    move |source| StepError::File { what, path: path.to_path_buf(), source }
}

pub(super) fn read(folder: &Path, file: &str) -> Result<Vec<u8>, StepError> {
    let path = folder.join(file);
    fs::read(&path).map_err(failed("read", &path))
}

pub(super) fn text(folder: &Path, file: &str) -> Result<String, StepError> {
    read(folder, file).map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

/// Writes a file, whole; whether it was there with the same contents.
pub(super) fn write(folder: &Path, file: &str, octets: &[u8]) -> Result<bool, StepError> {
    let path = folder.join(file);
    if fs::read(&path).is_ok_and(|there| there == octets) {
        return Ok(true);
    }
    fs::create_dir_all(folder).map_err(failed("make", folder))?;
    let mut builder = tempfile::Builder::new();
    let builder = builder.permissions(fs::Permissions::from_mode(0o644));
    let mut beside = builder.tempfile_in(folder).map_err(failed("write", &path))?;
    beside.write_all(octets).map_err(failed("write", &path))?;
    beside.persist(&path).map_err(|error| failed("write", &path)(error.error))?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn tool(script: &str) -> (Tool, Vec<String>) {
        let arguments = vec!["-c".to_string(), script.to_string()];
        (Tool { program: "/bin/sh".into(), version: "1".into() }, arguments)
    }

    fn run(folder: &Path, script: &str) -> (Result<(), StepError>, Vec<Event>) {
        let (tool, arguments) = tool(script);
        let of_interest = |line: &str| line.starts_with("now");
        let stage = Stage::Synthesise;
        let step = Step { stage, tool: &tool, arguments, reads: &["in"], writes: &["out"], of_interest };
        let mut events = Vec::new();
        let ended = step.run(folder, &Stop::default(), &mut |event| events.push(event));
        (ended, events)
    }

    const COPY: &str = "echo now; echo then >&2; cp in out; echo x >> count";

    #[test]
    fn a_step_runs_anew_only_if_what_it_reads_or_made_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let runs = || fs::read_to_string(folder.path().join("count")).map_or(0, |text| text.lines().count());
        fs::write(folder.path().join("in"), "one").unwrap();
        let (ended, events) = run(folder.path(), COPY);
        ended.unwrap();
        let stage = Stage::Synthesise;
        let expected = [Event::Begun(stage), Event::Said(stage, "now".to_string()), Event::Done { stage, kept: false }];
        assert_eq!(events, expected);
        assert_eq!(fs::read_to_string(folder.path().join("synthesise.log")).unwrap(), "now\nthen\n");
        let (ended, events) = run(folder.path(), COPY);
        ended.unwrap();
        assert_eq!((events, runs()), (vec![Event::Begun(stage), Event::Done { stage, kept: true }], 1));
        fs::write(folder.path().join("out"), "spoilt").unwrap();
        run(folder.path(), COPY).0.unwrap();
        assert_eq!((runs(), fs::read_to_string(folder.path().join("out")).unwrap().as_str()), (2, "one"));
        fs::write(folder.path().join("in"), "two").unwrap();
        run(folder.path(), COPY).0.unwrap();
        assert_eq!((runs(), fs::read_to_string(folder.path().join("out")).unwrap().as_str()), (3, "two"));
        fs::remove_file(folder.path().join("out")).unwrap();
        run(folder.path(), COPY).0.unwrap();
        assert_eq!(runs(), 4);
    }

    #[test]
    fn a_step_that_is_stopped_takes_its_program_and_all_that_it_started_along() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in"), "one").unwrap();
        let (tool, arguments) = tool("sleep 1000 & echo $! > pid; echo now; wait");
        let (stage, of_interest) = (Stage::Synthesise, |line: &str| line == "now");
        let step = Step { stage, tool: &tool, arguments, reads: &["in"], writes: &["out"], of_interest };
        let stop = Stop::default();
        let ended = step.run(folder.path(), &stop, &mut |event| {
            if matches!(event, Event::Said(..)) {
                stop.ask();
            }
        });
        let told = ended.unwrap_err().to_string();
        assert_eq!(told, "interrupted during stage synthesise: the same command goes on from there");
        let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
        // Killed, and perhaps not yet waited for by whoever inherits it.
        let since = Instant::now();
        let lives = || fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z"));
        while lives() {
            assert!(since.elapsed() < Duration::from_secs(60), "process {pid} goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
        let again = step.run(folder.path(), &stop, &mut |_| {});
        assert!(matches!(again, Err(StepError::Stopped { .. })), "nothing begins any more");
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_that_is_taken_for_made() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in"), "one").unwrap();
        let error = run(folder.path(), "echo half > out; echo it broke; exit 3").0.unwrap_err().to_string();
        assert!(error.starts_with("/bin/sh failed: it broke; all that it said is in "), "{error}");
        let error = run(folder.path(), "echo fine").0.unwrap_err().to_string();
        assert_eq!(error, "/bin/sh ended without an error and without out");
        run(folder.path(), COPY).0.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "one");
    }
}
