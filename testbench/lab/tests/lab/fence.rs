//! A stalled agent: its NIC must be fenced before the others own its buckets, by the NICs' own time stamps.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;
use weir_agent::control::Query;
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

/// A moment in the traces of all NICs that are on, and what their hosts owned then.
pub(crate) struct Mark {
    seen: BTreeMap<u8, usize>,
    owned: BTreeMap<u8, u32>,
}

impl Mark {
    /// Now, with `agreed` in force.
    pub(crate) fn set(lab: &Lab, agreed: &Query) -> Mark {
        let on = lab.hosts().iter().filter(|host| host.is_on());
        Mark { seen: on.map(|host| (host.id(), trace(host).len())).collect(), owned: agreed.buckets.clone() }
    }

    fn since(&self, lab: &Lab, host: u8) -> impl Iterator<Item = (u64, serde_json::Value)> {
        trace(lab.host(host)).into_iter().skip(self.seen[&host])
    }

    /// Fences of a host's NIC since then.
    pub(crate) fn fences(&self, lab: &Lab, host: u8) -> usize {
        self.since(lab, host).filter(|(_, line)| line["event"] == "fenced").count()
    }

    /// Panics unless `victim`'s NIC was fenced since then, and before any other NIC owned more than it did.
    pub(crate) fn fenced_before_others_own(&self, lab: &Lab, victim: u8) {
        let fenced = self.since(lab, victim).find(|(_, line)| line["event"] == "fenced");
        let (fenced, _) = fenced.expect("the NIC of the lost host is fenced by now");
        for (&host, &owned) in self.owned.iter().filter(|(host, _)| **host != victim) {
            let owning = |line: &serde_json::Value| {
                line["event"] == "commit" && line["buckets"].as_u64().is_some_and(|buckets| buckets > u64::from(owned))
            };
            let taken = self.since(lab, host).find(|(_, line)| owning(line));
            let (taken, _) = taken.expect("a commit with more buckets");
            assert!(
                fenced <= taken,
                "host {victim} was fenced {} us after host {host} owned its buckets",
                fenced - taken
            );
        }
    }
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

    let mark = Mark::set(&lab, &first);
    lab.host(3).signal_agent(Signal::SIGSTOP).expect("host 3 is on").expect("stopped");
    let second = lab.converge(&[1, 2], &first.epoch, PATIENCE, &mut |_| {}).expect("the others go on");
    assert_eq!(second.buckets.values().sum::<u32>(), 4096);
    mark.fenced_before_others_own(&lab, 3);

    // Woken up, it finds itself excluded, joins anew, and at no time were there two answers.
    lab.host(3).signal_agent(Signal::SIGCONT).expect("host 3 is on").expect("continued");
    lab.converge(&[1, 2, 3], &second.epoch, PATIENCE, &mut |_| {}).expect("it joins again");
    lab.wait(Duration::from_millis(300)).expect("all processes live");
    assert!(stream.stop().len() > 50);
    let ledger = capture.stop();
    assert!(ledger.attempts() > 50);
    assert_eq!((ledger.duplicates(), ledger.lost()), (0, 0));
}
