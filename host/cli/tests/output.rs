//! Standard output that cannot be written to.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

fn weir(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments);
    command
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = weir(&["nic", "regs", "sim"]).stdout(writer).stderr(Stdio::piped()).output().expect("weir runs");
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_full_disk_is_told_and_fails() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let ended = weir(&["nic", "regs", "sim"]).stdout(full).stderr(Stdio::piped()).output().expect("weir runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.starts_with("weir: failed to write to standard output: No space left on device"), "{said}");
}
