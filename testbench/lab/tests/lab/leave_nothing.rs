//! However a lab ends, nothing of it stays.

use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{leftovers, weir_lab};

fn start(name: &str) -> Child {
    let mut command = weir_lab(name, &["--hosts", "2", "--period-ms", "100", "--keep"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("weir runs")
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(60), "no {what} after a minute");
        sleep(Duration::from_millis(20));
    }
}

fn processes(name: &str) -> usize {
    leftovers(name).iter().filter(|line| line.starts_with("weir ")).count()
}

#[test]
fn a_signal_at_any_stage_leaves_nothing() {
    for (name, signal, stage) in
        [("t-int", Signal::SIGINT, 1), ("t-term", Signal::SIGTERM, 2), ("t-hup", Signal::SIGHUP, 4)]
    {
        let mut lab = start(name);
        wait_until("process of the lab", || processes(name) >= stage);
        kill(Pid::from_raw(lab.id() as i32), signal).expect("it runs");
        lab.wait().expect("it ends");
        assert_eq!(leftovers(name), Vec::<String>::new(), "{signal}");
    }
}

#[test]
fn a_killed_lab_leaves_no_process_and_the_next_one_removes_the_rest() {
    let name = "t-kill";
    let mut lab = start(name);
    wait_until("agent", || processes(name) >= 4);
    lab.kill().expect("it runs");
    lab.wait().expect("it ends");
    wait_until("end of its processes", || processes(name) == 0);
    assert!(!leftovers(name).is_empty(), "a killed lab cannot remove its namespaces");

    let next = weir_lab(name, &["--hosts", "1", "--requests", "40", "--period-ms", "50"]).output().expect("weir runs");
    assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stderr));
    assert_eq!(leftovers(name), Vec::<String>::new());
}
