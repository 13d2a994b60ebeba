//! Child processes: live output, the same output kept for counting, and a time limit that leaves no descendants.

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What became of a child.
#[derive(Debug)]
pub(crate) struct Ended {
    /// It exited with 0 and in time.
    pub(crate) success: bool,
    /// It was stopped because its time was up.
    pub(crate) timed_out: bool,
    /// What it printed, both streams in order of arrival, one line each.
    pub(crate) lines: Vec<String>,
}

/// How much of a child's output the user sees while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// Every line as it comes.
    Live,
    /// Nothing, unless it fails.
    OnFailure,
    /// Nothing: the caller says what it means.
    Nothing,
}

/// Runs `command` to its end, at most `limit` long, with no standard input.
pub(crate) fn run(command: &mut Command, limit: Duration, show: Show) -> Result<Ended> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {name}"))?;
    let (sender, receiver) = mpsc::channel();
    let outputs: [Box<dyn Read + Send>; 2] = [
        Box::new(child.stdout.take().expect("stdout was asked for as a pipe")),
        Box::new(child.stderr.take().expect("stderr was asked for as a pipe")),
    ];
    for output in outputs {
        let sender = sender.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);

    let end = Instant::now() + limit;
    let mut ended = Ended { success: false, timed_out: false, lines: Vec::new() };
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if show == Show::Live {
                    println!("{line}");
                }
                ended.lines.push(line);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                ended.timed_out = true;
                stop_tree(child.id());
                println!("stopped {name}: it ran longer than {} s", limit.as_secs());
                break;
            }
        }
    }
    let status = child.wait().with_context(|| format!("failed to wait for {name}"))?;
    ended.success = status.success() && !ended.timed_out;
    if show == Show::OnFailure && !ended.success {
        for line in &ended.lines {
            println!("{line}");
        }
    }
    Ok(ended)
}

/// Runs `command` silently and returns its standard output; any failure is an error that quotes its last words.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&finish(command)?.stdout).into_owned())
}

/// What a program that succeeds prints on both its outputs: some tell their version on standard error.
pub(crate) fn told(command: &mut Command) -> Result<String> {
    let out = finish(command)?;
    Ok([out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
}

fn finish(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("failed to start {name}"))?;
    if !out.status.success() {
        let words = String::from_utf8_lossy(&out.stderr);
        let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it printed nothing");
        bail!("{name} failed ({}): {}", out.status, last.trim());
    }
    Ok(out)
}

/// Ends a process and all its descendants: first asked, two seconds later forced.
fn stop_tree(pid: u32) {
    for signal in ["-TERM", "-KILL"] {
        let tree = descendants(pid);
        if tree.is_empty() {
            return;
        }
        // A process that is gone already makes `kill` complain; that is the aim.
        let _ = Command::new("kill").arg(signal).args(tree).stderr(Stdio::null()).status();
        thread::sleep(Duration::from_secs(2));
    }
}

fn descendants(pid: u32) -> Vec<String> {
    let mut tree = vec![pid.to_string()];
    let mut next = 0;
    while let Some(parent) = tree.get(next) {
        let children: Vec<String> = fs::read_dir(format!("/proc/{parent}/task"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
            .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        tree.extend(children);
        next += 1;
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_and_the_exit_code_arrive() {
        let ended =
            run(&mut shell("echo one; echo two >&2; exit 3"), Duration::from_secs(10), Show::OnFailure).unwrap();
        assert!(!ended.success && !ended.timed_out);
        let mut lines = ended.lines;
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_late_child_is_stopped_with_its_children() {
        let began = Instant::now();
        let ended = run(&mut shell("sleep 61 & echo $!; wait"), Duration::from_millis(300), Show::OnFailure).unwrap();
        assert!(ended.timed_out && !ended.success);
        assert!(began.elapsed() < Duration::from_secs(20));
        let grandchild = &ended.lines[0];
        let state = fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "process {grandchild} still runs: {state}");
    }

    #[test]
    fn a_version_on_standard_error_is_told_too() {
        assert_eq!(told(&mut shell("echo one; echo v2.2.7 >&2")).unwrap(), "one\nv2.2.7\n");
        assert_eq!(output(&mut shell("echo one; echo v2.2.7 >&2")).unwrap(), "one\n");
    }

    #[test]
    fn a_failing_command_is_quoted_by_its_last_words() {
        let error = output(&mut shell("echo first >&2; echo 'no such thing' >&2; exit 1")).unwrap_err();
        assert!(error.to_string().ends_with("no such thing"), "{error}");
    }
}
