//! An edited rule under two hundred connections: none breaks, none is reset, and new ones are accepted all the time.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use weir_agent::control::{Answer, Becomes, Request};
use weir_lab::Lab;
use weir_lab::client::Tuples;
use weir_lab::traffic::Stream;

use crate::stage::{PATIENCE, converged};
use crate::survive::{ONE_RETRY, all_answered, hold, lab};

/// Affinity and port range of the only rule.
fn edit(text: String) -> String {
    let edited =
        text.replace("ports = 80\n", "ports = \"80-81\"\n").replace("affinity = \"none\"", "affinity = \"single\"");
    assert_ne!(edited, text);
    edited
}

fn configuration(lab: &Lab, host: u8) -> String {
    lab.host(host).query().expect("on").expect("an answer").configuration
}

#[test]
fn an_edited_rule_breaks_no_connection() {
    let mut lab = lab("t-staged");
    let epoch = converged(&mut lab, &[1, 2, 3, 4]).epoch;
    let (clients, hosts) = (lab.capture_clients().expect("a capture"), lab.capture_hosts().expect("a capture"));
    let held = hold(&lab);
    let stream = Stream::start(lab.clients(), Tuples::new(8), Duration::from_millis(20)).expect("a stream");
    let before = configuration(&lab, 1);

    for host in [3, 1, 4, 2] {
        let views = lab.views(&[1, 2, 3, 4]);
        assert!(views.iter().all(|view| view.query.as_ref().is_some_and(|query| query.configuration == before)));
        lab.host(host).edit(edit).expect("written");
        if host == 4 {
            // SIGHUP does the same, and an agent that is replaced with something staged stages it again.
            lab.host(4).signal_agent(Signal::SIGHUP).expect("on").expect("sent");
            lab.host(3).signal_agent(Signal::SIGUSR2).expect("on").expect("sent");
            lab.wait(Duration::from_secs(3)).expect("all processes live");
            let query = lab.host(3).query().expect("on").expect("an answer");
            assert_eq!((query.staged.len(), query.waits_for.as_slice()), (3, &[2][..]), "{query:?}");
            continue;
        }
        match lab.host(host).ask(Request::Reload { dry_run: false }).expect("an answer") {
            Answer::Reload(reload) => assert_eq!(reload.becomes, Becomes::Staged, "{reload:?}"),
            other => panic!("{other:?}"),
        }
        if host != 2 {
            lab.wait(Duration::from_secs(2)).expect("all processes live");
        }
    }
    let agreed = lab.converge(&[1, 2, 3, 4], &epoch, PATIENCE, &mut |_| {}).expect("it comes into force");
    assert_ne!(agreed.configuration, before);
    assert_eq!(all_answered(&mut lab, &held, |_| true), Vec::<String>::new());
    let elsewhere: u32 = (1..=4).map(|host| lab.host(host).query().expect("on").expect("an answer").pins).sum();
    assert!(elsewhere > 100, "{elsewhere} connections go on beside their new buckets");

    // Taken back before all have it: nothing changes.
    let text = |text: String| text.replace("affinity = \"single\"", "affinity = \"network\"");
    lab.host(2).edit(text).expect("written");
    assert!(matches!(lab.host(2).ask(Request::Reload { dry_run: false }).expect("an answer"), Answer::Reload(_)));
    assert_eq!(lab.host(2).ask(Request::Withdraw).expect("an answer"), Answer::Done);
    assert_eq!(configuration(&lab, 2), agreed.configuration);
    // What cannot change is refused by name.
    lab.host(2).edit(|text| text.replace("tolerance = 5", "tolerance = 6")).expect("written");
    match lab.host(2).ask(Request::Reload { dry_run: true }).expect("an answer") {
        Answer::Refused { message } => assert!(message.contains("cluster.tolerance"), "{message}"),
        other => panic!("{other:?}"),
    }

    let since = Instant::now();
    let outcomes = stream.stop();
    let bad: Vec<_> = outcomes.iter().filter(|o| o.host.is_err() || o.took > ONE_RETRY).collect();
    assert!(bad.is_empty(), "{} of {}: {bad:?}", bad.len(), outcomes.len());
    assert!(outcomes.len() > 200, "{} in {:?}", outcomes.len(), since.elapsed());
    let (clients, hosts) = (clients.stop(), hosts.stop());
    assert_eq!((clients.duplicates(), clients.lost()), (0, 0));
    assert_eq!((hosts.leaks(), hosts.lost()), (0, 0));
}
