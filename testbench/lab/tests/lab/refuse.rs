//! What cannot be done is refused in one line, with the right exit code, and leaves nothing half done.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{leftovers, only_line, weir_binary, weir_lab};

#[test]
fn a_busy_name_is_refused_and_the_lab_that_has_it_goes_on() {
    let name = "t-busy";
    let arguments = ["--hosts", "1", "--period-ms", "50", "--keep"];
    let mut first = weir_lab(name, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("weir runs");
    let since = Instant::now();
    while leftovers(name).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(30), "the first lab shows nothing");
        sleep(Duration::from_millis(20));
    }
    let second = weir_lab(name, &["--hosts", "1"]).output().expect("weir runs");
    assert!(only_line(&second).contains("lab t-busy is busy"), "{}", only_line(&second));
    assert_eq!(second.status.code(), Some(1));
    assert!(first.try_wait().expect("known").is_none(), "the first lab has ended");
    assert!(!leftovers(name).is_empty(), "the refused lab has removed what is not its own");
    kill(Pid::from_raw(first.id() as i32), Signal::SIGTERM).expect("it runs");
    first.wait().expect("it ends");
    assert_eq!(leftovers(name), Vec::<String>::new());
}

#[test]
fn an_ordinary_user_gets_a_lab_or_one_clear_line() {
    const NOBODY: u32 = 65_534;
    let dir = tempfile::tempdir().expect("a directory");
    let weir = dir.path().join("weir");
    fs::copy(weir_binary(), &weir).expect("copied to where everybody may read it");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("open to all");
    let arguments = ["lab", "--quiet", "--name", "t-nobody", "--hosts", "1", "--requests", "40", "--period-ms", "50"];
    let output = Command::new(&weir).args(arguments).uid(NOBODY).gid(NOBODY).output().expect("weir runs");
    match output.status.code() {
        Some(0) => assert!(String::from_utf8_lossy(&output.stdout).contains("Everything held.")),
        Some(1) => {
            let line = only_line(&output);
            assert!(line.contains("run as root"), "{line}");
        }
        other => panic!("exit code {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
    assert_eq!(leftovers("t-nobody"), Vec::<String>::new());
}

#[test]
fn a_nic_without_its_wire_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("nic.sock");
    let mut command = Command::new(weir_binary());
    command
        .args(["device", "--engine", "spec", "--wire", "weir-nowhere", "--tap", "weir-tap0", "--socket"])
        .arg(&socket);
    let output = command.output().expect("weir runs");
    assert!(only_line(&output).contains("weir-nowhere"), "{}", only_line(&output));
    assert_eq!(output.status.code(), Some(3));
    assert!(!socket.exists(), "its socket is left behind");
}

#[test]
fn impossible_options_are_wrong_usage() {
    for (arguments, wanted) in [(["--hosts", "33"], "1 to 32"), (["--tolerance", "4"], "5 to 100")] {
        let output = weir_lab("t-usage", &arguments).output().expect("weir runs");
        assert!(only_line(&output).contains(wanted), "{}", only_line(&output));
        assert_eq!(output.status.code(), Some(2));
    }
    assert_eq!(leftovers("t-usage"), Vec::<String>::new());
}

#[test]
fn a_nic_that_does_not_start_is_told_with_its_own_words() {
    let empty = tempfile::tempdir().expect("a directory");
    let mut command = weir_lab("t-nortl", &["--engine", "rtl", "--hosts", "1"]);
    command.env("WEIR_CACHE", empty.path()).env("PATH", "/nonexistent").env_remove("VERILATOR");
    let output = command.output().expect("weir runs");
    assert!(only_line(&output).contains("cargo xtask setup"), "{}", only_line(&output));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(leftovers("t-nortl"), Vec::<String>::new());
}
