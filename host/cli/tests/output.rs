//! Standard output that cannot be written to.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

fn weir(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments);
    command
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    for arguments in [&["nic", "regs", "sim"][..], &["completions", "bash"]] {
        let ended = weir(arguments).stdout(gone()).stderr(Stdio::piped()).output().expect("weir runs");
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_told_and_fails() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let ended = weir(&["nic", "regs", "sim"]).stdout(full).stderr(Stdio::piped()).output().expect("weir runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.starts_with("weir: failed to write to standard output: No space left on device"), "{said}");
}

/// A pipe whose reader is gone.
fn gone() -> std::io::PipeWriter {
    std::io::pipe().expect("a pipe").1
}

#[test]
fn a_command_that_does_something_has_its_own_exit_code_without_a_reader() {
    let arguments = ["flash", "--board", "ecp5-versa-5g", "--device", "jtag:x", "--key", "no.pub", "--json", "no.pldm"];
    let ended = weir(&arguments).stdout(gone()).stderr(Stdio::piped()).output().expect("weir runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("failed to read no.pub"), "{said}");
    // Nobody reads what is said of it either.
    let ended = weir(&arguments).stdout(gone()).stderr(gone()).status().expect("weir runs");
    assert_eq!(ended.code(), Some(3));
}

#[test]
fn work_goes_on_to_its_end_without_a_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = folder.path().join("tool");
    let text = "#!/bin/sh\ntest \"$1\" = --version && { echo tool 1.0; exit; }\ntouch ran\nexit 1\n";
    fs::write(&tool, text).expect("room");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("our own file");
    let mut build = weir(&["image", "build", "--board", "ecp5-versa-5g", "--source", "0123456789abcdef", "--json"]);
    build.envs(["WEIR_YOSYS", "WEIR_NEXTPNR", "WEIR_ECPPACK"].map(|name| (name, &tool)));
    build.current_dir(folder.path()).args(["--out", "build"]);
    // The first line comes before any program runs.
    let ended = build.stdout(gone()).stderr(Stdio::piped()).output().expect("weir runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(folder.path().join("build/ran").exists(), "{said}");
}

#[test]
fn a_full_disk_is_told_once_and_ends_no_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let mut keygen = weir(&["image", "keygen", "--unencrypted", "--out", "release"]);
    let ended = keygen.current_dir(folder.path()).stdout(full).stderr(Stdio::piped()).output().expect("weir runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert_eq!(said.matches("failed to write to standard output").count(), 1, "{said}");
    assert!(folder.path().join("release.pub").exists());
}
