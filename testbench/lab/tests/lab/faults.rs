//! One thing is broken in each: a process, one direction of a cable, one direction of heartbeats, a priority, a clock. Nobody is
//! answered twice by it, the others go on, and the host is taken in again when it is repaired.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use weir_agent::control::Query;
use weir_lab::client::{Tuple, Tuples};
use weir_lab::traffic::HeldConnections;
use weir_lab::{Engine, Lab, Loss, Oddity, Options};

use crate::fence::Mark;
use crate::stage::{PATIENCE, Watch, converged, fast, prompt, weir_binary};

const A_DAY: Duration = Duration::from_secs(86_400);

fn agree(lab: &mut Lab, members: &[u8], before: &Query, what: &str) -> Query {
    lab.converge(members, &before.epoch, PATIENCE, &mut |_| {}).expect(what)
}

/// What an agent says, however busy the machine is.
fn query(lab: &mut Lab, host: u8) -> Query {
    until(lab, host, |_| true)
}

/// Waits until `host` says something that `is` so.
fn until(lab: &mut Lab, host: u8, is: impl Fn(&Query) -> bool) -> Query {
    let since = Instant::now();
    loop {
        // An agent that has just been started says nothing yet.
        let said = lab.host(host).query().expect("the host is on");
        match said {
            Ok(said) if is(&said) => return said,
            _ => assert!(since.elapsed() < PATIENCE, "{said:?}"),
        }
        lab.wait(Duration::from_millis(20)).expect("all processes live");
    }
}

#[test]
fn a_killed_agents_nic_forwards_until_its_lease_ends_and_the_next_agent_joins_anew() {
    // A lease that lasts while somebody looks at it.
    let program = Some(weir_binary());
    let options =
        Options { hosts: 3, name: "t-agent".into(), period_ms: 300, realtime: true, program, ..Options::default() };
    let mut lab = Lab::build(&options, Default::default()).expect("this scenario needs root");
    let first = converged(&mut lab, &[1, 2, 3]);
    let watch = Watch::start(&lab, 31);
    let tuples: Vec<Tuple> = Tuples::new(32).take(60).collect();
    let held = HeldConnections::open(lab.clients(), &tuples, Duration::from_millis(30)).expect("connections");

    let mark = Mark::set(&lab, &first);
    let killed = Instant::now();
    lab.host_mut(3).kill_agent();
    let second = agree(&mut lab, &[1, 2], &first, "the others go on");
    mark.fenced_before_others_own(&lab, 3);
    let its: Vec<_> = held.look().into_iter().filter(|held| held.host == 3).collect();
    let longest = its.iter().map(|held| held.last.saturating_duration_since(killed)).max().expect("a third are its");
    assert!(longest > Duration::from_millis(300), "the NIC forwarded for {longest:?} only without its agent");
    let others = held.look().into_iter().filter(|held| held.host != 3 && held.end.is_some()).count();
    assert_eq!(others, 0, "connections of the survivors");

    lab.host_mut(3).restart_agent().expect("an agent");
    let third = agree(&mut lab, &[1, 2, 3], &second, "the next agent joins");
    // This one is started again while its NIC forwards what the one before had programmed.
    let mark = Mark::set(&lab, &third);
    lab.host_mut(2).kill_agent();
    lab.host_mut(2).restart_agent().expect("an agent");
    agree(&mut lab, &[1, 2, 3], &third, "the next agent joins");
    assert!(mark.fences(&lab, 1) + mark.fences(&lab, 3) == 0, "the others served all along");
    watch.stop();
}

#[test]
fn a_host_whose_frames_are_lost_is_fenced_before_others_own_its_buckets_and_returns() {
    let mut lab = fast("t-mute", 3, Engine::Spec);
    let first = converged(&mut lab, &[1, 2, 3]);
    let watch = Watch::start(&lab, 33);
    let mark = Mark::set(&lab, &first);
    lab.lose(&[Loss::From(3)]).expect("the switch loses them");
    let second = agree(&mut lab, &[1, 2], &first, "the others go on");
    mark.fenced_before_others_own(&lab, 3);
    assert!(query(&mut lab, 3).fenced, "it hears everybody, and nobody hears it");
    lab.lose(&[]).expect("the switch loses nothing");
    agree(&mut lab, &[1, 2, 3], &second, "it joins again");
    watch.stop();
}

#[test]
fn a_host_that_frames_do_not_reach_is_left_out_and_returns() {
    let mut lab = fast("t-deaf", 3, Engine::Spec);
    let first = converged(&mut lab, &[1, 2, 3]);
    let watch = Watch::start(&lab, 34);
    lab.lose(&[Loss::To(3)]).expect("the switch loses them");
    let second = agree(&mut lab, &[1, 2], &first, "the others go on");
    let outcomes = watch.stop();
    assert!(outcomes.iter().any(|outcome| matches!(outcome.host, Ok(1 | 2))));
    // In mode availability it serves alone by now, nobody; that ends with the first heartbeat that it hears. Clients that
    // reach both sides in that moment could be answered by both, so there are none.
    lab.lose(&[]).expect("the switch loses nothing");
    let third = agree(&mut lab, &[1, 2, 3], &second, "it joins again");
    assert_eq!(third.buckets.values().sum::<u32>(), 4096);
    let watch = Watch::start(&lab, 35);
    lab.wait(Duration::from_secs(1)).expect("all processes live");
    assert!(watch.stop().iter().all(|outcome| outcome.host.is_ok()));
}

#[test]
fn heartbeats_lost_in_one_direction_between_two_hosts_exclude_one_and_the_others_serve() {
    let mut lab = fast("t-one-way", 4, Engine::Spec);
    let first = converged(&mut lab, &[1, 2, 3, 4]);
    let watch = Watch::start(&lab, 36);
    let mark = Mark::set(&lab, &first);
    lab.lose(&[Loss::Heartbeats { from: 2, to: 3 }]).expect("the switch loses them");
    // Both have one link less than the others; the higher number gives way.
    let second = agree(&mut lab, &[1, 2, 4], &first, "the others go on");
    mark.fenced_before_others_own(&lab, 3);
    let left_out = until(&mut lab, 3, |said| said.cause.as_deref().is_some_and(|cause| cause.contains("one-way link")));
    assert!(left_out.fenced && left_out.state == "converging", "{left_out:?}");
    lab.wait(Duration::from_secs(1)).expect("all processes live");
    assert_eq!(query(&mut lab, 1).epoch, second.epoch, "the view has settled");
    lab.lose(&[]).expect("the switch loses nothing");
    agree(&mut lab, &[1, 2, 3, 4], &second, "it joins again");
    watch.stop();
}

#[test]
fn a_second_host_of_one_priority_stays_out_and_says_why() {
    let mut lab = prompt("t-twice", 4, 100);
    let first = converged(&mut lab, &[1, 2, 3]);
    let watch = Watch::start(&lab, 37);
    let mark = Mark::set(&lab, &first);
    lab.host_mut(4).make_odd(Oddity { priority: Some(3), ..Oddity::default() });
    lab.boot(4).expect("a boot");
    let duplicate = |said: &Query| said.cause.as_deref().is_some_and(|cause| cause.contains("duplicate host priority"));
    let said = until(&mut lab, 4, duplicate);
    assert!(said.state != "converged" && said.fenced, "{said:?}");
    lab.wait(Duration::from_secs(2)).expect("all processes live");
    for host in [1, 2, 3] {
        let said = query(&mut lab, host);
        assert_eq!((said.epoch.as_str(), said.state.as_str()), (first.epoch.as_str(), "converged"), "host {host}");
        assert_eq!(mark.fences(&lab, host), 0, "host {host}");
    }
    assert!(watch.stop().iter().all(|outcome| outcome.host.is_ok()), "converged hosts serve on");
}

/// No clock is compared with another machine's, or with the wall clock: monotonic clocks that are a day and a month apart change
/// nothing, before and after a pause, a crash and a return.
#[test]
fn clocks_of_hosts_may_be_months_apart() {
    let mut lab = fast("t-clocks", 3, Engine::Spec);
    lab.host_mut(1).make_odd(Oddity { clock_ahead: A_DAY, ..Oddity::default() });
    lab.host_mut(3).make_odd(Oddity { clock_ahead: 30 * A_DAY, ..Oddity::default() });
    let first = converged(&mut lab, &[1, 2, 3]);
    let watch = Watch::start(&lab, 38);
    let mark = Mark::set(&lab, &first);
    lab.host(3).signal_agent(Signal::SIGSTOP).expect("on").expect("stopped");
    let second = agree(&mut lab, &[1, 2], &first, "the others go on");
    mark.fenced_before_others_own(&lab, 3);
    lab.host(3).signal_agent(Signal::SIGCONT).expect("on").expect("continued");
    let third = agree(&mut lab, &[1, 2, 3], &second, "it joins again");
    lab.crash(1).expect("a crash");
    let fourth = agree(&mut lab, &[2, 3], &third, "the others go on");
    // Back, with a clock that has gone back by a day.
    lab.host_mut(1).make_odd(Oddity::default());
    lab.boot(1).expect("a boot");
    agree(&mut lab, &[1, 2, 3], &fourth, "it joins again");
    watch.stop();
}
