//! A stalled agent: its NIC must be fenced before the others own its buckets, by the NICs' own time stamps.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use weir_lab::client::Tuples;
use weir_lab::traffic::Stream;
use weir_lab::{Engine, Host, Lab};

use crate::stage::{PATIENCE, converged, fast};

/// Lines of a NIC's trace, each with its time in microseconds since the machine started.
fn trace(host: &Host) -> Vec<(u64, serde_json::Value)> {
    let text = fs::read_to_string(host.trace()).expect("a device writes its trace");
    let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("lines of JSON");
    text.lines().map(line).map(|value| (value["us"].as_u64().expect("a time"), value)).collect()
}

fn events(lab: &Lab, host: u8) -> usize {
    trace(lab.host(host)).len()
}

#[test]
fn a_stopped_agents_nic_is_fenced_before_others_own_its_buckets() {
    stop_and_continue("t-fence", Engine::Spec);
}

#[test]
#[ignore = "needs Verilator: `cargo xtask setup`"]
fn a_stopped_agents_circuit_is_fenced_before_others_own_its_buckets() {
    stop_and_continue("t-fence-rtl", Engine::Rtl);
}

fn stop_and_continue(name: &str, engine: Engine) {
    let mut lab = fast(name, 3, engine);
    let first = converged(&mut lab, &[1, 2, 3]);
    let capture = lab.capture_clients().expect("a capture");
    let stream = Stream::start(lab.clients(), Tuples::new(3), Duration::from_millis(5)).expect("a stream");
    lab.wait(Duration::from_millis(500)).expect("all processes live");

    let seen: Vec<usize> = (1..=3).map(|host| events(&lab, host)).collect();
    lab.host(3).signal_agent(Signal::SIGSTOP).expect("host 3 is on").expect("stopped");
    let second = lab.converge(&[1, 2], &first.epoch, PATIENCE, &mut |_| {}).expect("the others go on");
    assert_eq!(second.buckets.values().sum::<u32>(), 4096);

    let fenced = trace(lab.host(3)).into_iter().skip(seen[2]).find(|(_, line)| line["event"] == "fenced");
    let (fenced, _) = fenced.expect("the NIC of the stopped agent is fenced by now");
    for host in [1, 2] {
        let owning = |line: &serde_json::Value| {
            let owned = u64::from(first.buckets[&host]);
            line["event"] == "commit" && line["buckets"].as_u64().is_some_and(|buckets| buckets > owned)
        };
        let commits = trace(lab.host(host)).into_iter().skip(seen[usize::from(host) - 1]);
        let (taken, _) = commits.into_iter().find(|(_, line)| owning(line)).expect("a commit with more buckets");
        assert!(fenced <= taken, "host 3 was fenced {} us after host {host} owned its buckets", fenced - taken);
    }

    // Woken up, it finds itself excluded, joins anew, and at no time were there two answers.
    lab.host(3).signal_agent(Signal::SIGCONT).expect("host 3 is on").expect("continued");
    lab.converge(&[1, 2, 3], &second.epoch, PATIENCE, &mut |_| {}).expect("it joins again");
    lab.wait(Duration::from_millis(300)).expect("all processes live");
    assert!(stream.stop().len() > 50);
    let ledger = capture.stop();
    assert!(ledger.attempts() > 50);
    assert_eq!((ledger.duplicates(), ledger.lost()), (0, 0));
}
