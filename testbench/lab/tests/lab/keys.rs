//! Heartbeat keys are changed in three steps under two hundred connections, some of which drain: none breaks, none is reset, and
//! new ones are accepted all the time.

use std::time::Duration;

use weir_agent::control::{Answer, Becomes, Request};
use weir_lab::Lab;
use weir_lab::client::Tuples;
use weir_lab::traffic::Stream;

use crate::stage::{PATIENCE, converged};
use crate::survive::{ONE_RETRY, all_answered, hold, lab};

const ALL: [u8; 4] = [1, 2, 3, 4];
const NEXT: &str = "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210";

/// The signing key of a file, as it stands there.
fn key_of(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("key = ")).expect("a key");
    line.split('"').nth(1).expect("in quotes").into()
}

fn old_key(id: u8, key: &str) -> String {
    format!("[[cluster.old_key]]\nid = {id}\nkey = \"{key}\"\n\n[host]")
}

/// The new key is accepted.
fn accept(text: String) -> String {
    text.replace("[host]", &old_key(2, NEXT))
}

/// It signs, and the one before is accepted.
fn sign(text: String) -> String {
    let before = key_of(&text);
    let text = text.replace(&old_key(2, NEXT), &old_key(1, &before));
    text.replacen(&format!("key = \"{before}\""), &format!("key_id = 2\nkey = \"{NEXT}\""), 1)
}

/// The one before is forgotten.
fn forget(text: String) -> String {
    let from = text.find("[[cluster.old_key]]").expect("an old key");
    let to = text.find("[host]").expect("a host");
    text[..from].to_string() + &text[to..]
}

fn reload(lab: &Lab, host: u8, change: fn(String) -> String) {
    lab.host(host).edit(change).expect("written");
    match lab.host(host).ask(Request::Reload { dry_run: false }).expect("an answer") {
        Answer::Reload(reload) => assert_eq!(reload.becomes, Becomes::AtOnce, "{reload:?}"),
        other => panic!("{other:?}"),
    }
}

fn draining(lab: &Lab) -> u32 {
    ALL.iter().map(|&host| lab.host(host).query().expect("on").expect("an answer").pins).sum()
}

#[test]
fn a_change_of_the_heartbeat_key_breaks_no_connection() {
    let mut lab = lab("t-keys");
    let first = converged(&mut lab, &[1, 2, 3]).epoch;
    let (clients, hosts) = (lab.capture_clients().expect("a capture"), lab.capture_hosts().expect("a capture"));
    let held = hold(&lab);
    let stream = Stream::start(lab.clients(), Tuples::new(8), Duration::from_millis(20)).expect("a stream");
    lab.boot(4).expect("a boot");
    let mut epoch = lab.converge(&ALL, &first, PATIENCE, &mut |_| {}).expect("host 4 joins").epoch;
    assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new());
    let before = draining(&lab);
    assert!(before > 20, "{before} connections go on beside their buckets");

    for (step, change) in [accept as fn(String) -> String, sign, forget].into_iter().enumerate() {
        for host in [3, 1, 4, 2] {
            reload(&lab, host, change);
            lab.wait(Duration::from_secs(1)).expect("all processes live");
            if step == 1 && host == 1 {
                // The default host signs with it: the flow key follows.
                epoch = lab.converge(&ALL, &epoch, PATIENCE, &mut |_| {}).expect("another flow key").epoch;
            }
        }
        assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new(), "after step {step}");
        let states = ALL.map(|host| {
            let query = lab.host(host).query().expect("on").expect("an answer");
            (query.state, query.epoch)
        });
        assert_eq!(states, ALL.map(|_| ("converged".to_string(), epoch.clone())), "after step {step}");
    }
    assert!(draining(&lab) > 20, "they do so still");

    let outcomes = stream.stop();
    let bad: Vec<_> = outcomes.iter().filter(|o| o.host.is_err() || o.took > ONE_RETRY).collect();
    assert!(bad.is_empty(), "{} of {}: {bad:?}", bad.len(), outcomes.len());
    assert!(outcomes.len() > 200, "{}", outcomes.len());
    let (clients, hosts) = (clients.stop(), hosts.stop());
    assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
    assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
}
