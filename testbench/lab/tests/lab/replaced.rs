//! An agent that is to be replaced at a bad moment, or by one that could not start.

use std::time::Duration;

use nix::sys::signal::Signal;
use weir_agent::control::{Answer, Request};
use weir_lab::{Engine, Lab};

use crate::stage::{converged, fast};

fn signal(lab: &Lab, host: u8, signal: Signal) {
    lab.host(host).signal_agent(signal).expect("on").expect("sent");
}

/// All agents live, in the epoch that they had.
fn go_on(lab: &mut Lab, epoch: &str) {
    lab.wait(Duration::from_millis(500)).expect("all processes live");
    let views = lab.views(&[1, 2]);
    let epochs: Vec<&str> = views.iter().filter_map(|view| Some(&*view.query.as_ref()?.epoch)).collect();
    assert_eq!(epochs, [epoch, epoch], "{views:?}");
}

#[test]
fn a_signal_that_follows_at_once_does_not_end_an_agent_that_is_replaced() {
    let mut lab = fast("t-twice-usr2", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    for (number, pause) in [0, 2, 4, 7, 11, 16, 25, 40].into_iter().enumerate() {
        signal(&lab, 2, Signal::SIGUSR2);
        std::thread::sleep(Duration::from_millis(pause));
        signal(&lab, 2, if number % 2 == 0 { Signal::SIGHUP } else { Signal::SIGUSR2 });
        go_on(&mut lab, &epoch);
    }
}

#[test]
fn a_file_that_cannot_be_used_replaces_no_agent() {
    let mut lab = fast("t-bad-usr2", 2, Engine::Spec);
    let epoch = converged(&mut lab, &[1, 2]).epoch;
    for (from, to) in [
        ("priority", "BADpriority"),
        ("[handover]", "[handover]\nnetns = [\"/run/netns/BADnowhere\"]"),
        ("interface = \"", "interface = \"BAD"),
    ] {
        lab.host(2).edit(|text| text.replacen(from, to, 1)).expect("edited");
        signal(&lab, 2, Signal::SIGUSR2);
        go_on(&mut lab, &epoch);
        let refused = lab.host(2).ask(Request::Restart { absence: None }).expect("an answer");
        assert!(matches!(&refused, Answer::Refused { message } if message.contains("BAD")), "{refused:?}");
        go_on(&mut lab, &epoch);
        lab.host(2).edit(|text| text.replacen(to, from, 1)).expect("edited");
    }
    signal(&lab, 2, Signal::SIGUSR2);
    go_on(&mut lab, &epoch);
}

#[test]
fn an_agent_does_not_start_on_an_interface_with_the_mac_of_another_cluster() {
    let mut lab = fast("t-other-mac", 2, Engine::Spec);
    converged(&mut lab, &[1, 2]);
    lab.host_mut(2).kill_agent();
    lab.host(2).edit(|text| text.replace("10.99.0.100", "10.99.0.101")).expect("edited");
    lab.host_mut(2).restart_agent().expect("a process");
    let error = lab.wait(crate::stage::PATIENCE).expect_err("it ends");
    let mut told = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        told += &format!(": {cause}");
        source = cause.source();
    }
    assert!(told.contains("02-bf-0a-63-00-64, that of another cluster"), "{told}");
}
