//! A Weir cluster on the same switch, with the same clients, looked at in the same way as the others.
//!
//! Its agents and simulated NICs are processes of the program that `WEIR_BIN` names. With heartbeats below 100 ms they run under
//! SCHED_FIFO: a card needs no processor, and an agent that waits for one longer than its lease is fenced, as it should be.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use weir_agent::control::{Query, Request, RuleName};
use weir_lab::client::{Tuple, Tuples};
use weir_lab::traffic::{self, Probes};
use weir_lab::{Lab, Options};

use crate::PeerError;
use crate::filter::{Toll, toll};
use crate::stage::{BEAT, CONNECT, PROBES, longest_gap};

/// Hosts of the cluster.
const HOSTS: u8 = 4;
const ALL: [u8; HOSTS as usize] = [1, 2, 3, 4];
const PATIENCE: Duration = Duration::from_secs(60);
/// At or above it no process needs a processor at once.
const UNHURRIED_MS: u64 = 100;

/// The only rule of a lab's cluster.
const RULE: RuleName = RuleName::of_port(80);

fn cluster(period_ms: u64) -> Result<(Lab, Query), PeerError> {
    let program = env::var_os("WEIR_BIN").map(PathBuf::from).ok_or(PeerError::NoWeir)?;
    let options = Options {
        hosts: HOSTS,
        name: "weir-itself".into(),
        period_ms,
        realtime: period_ms < UNHURRIED_MS,
        program: Some(program),
        ..Options::default()
    };
    let mut lab = Lab::build(&options, Default::default())?;
    for host in ALL {
        lab.boot(host)?;
    }
    let agreed = agree(&mut lab, &ALL, "")?;
    Ok((lab, agreed))
}

fn agree(lab: &mut Lab, members: &[u8], before: &str) -> Result<Query, PeerError> {
    Ok(lab.converge(members, before, PATIENCE, &mut |_| {})?)
}

fn ask(lab: &Lab, host: u8, request: Request) -> Result<(), PeerError> {
    lab.host(host).ask(request).map(drop).map_err(|source| PeerError::Ask { host, source })
}

/// From the power cut of a host to the first answer of another, as the clients of its buckets see it. Five missed heartbeats
/// of this period make a host dead.
pub fn gap_at_a_crash(period_ms: u64) -> Result<Duration, PeerError> {
    let (mut lab, _) = cluster(period_ms)?;
    let asked: Vec<Tuple> = Tuples::new(5).take(80).collect();
    let outcomes = traffic::wave(lab.clients(), &asked, &|| false)?;
    let its = outcomes.iter().filter(|outcome| matches!(outcome.host, Ok(by) if by == HOSTS));
    let tuples: Vec<Tuple> = its.map(|outcome| outcome.tuple).take(PROBES).collect();
    let probes = Probes::start(lab.clients(), &tuples, BEAT, CONNECT)?;
    lab.wait(Duration::from_millis(500))?;
    lab.crash(HOSTS)?;
    longest_gap(&probes, HOSTS, PATIENCE)
}

/// A planned change: host 4 is there without a bucket, and takes its quarter.
pub fn hand_back() -> Result<Toll, PeerError> {
    let (mut lab, first) = cluster(1000)?;
    ask(&lab, HOSTS, Request::Drain { rule: Some(RULE) })?;
    let drained = agree(&mut lab, &ALL, &first.epoch)?;
    toll(&mut lab, Lab::clients, &[], |lab| {
        ask(lab, HOSTS, Request::Enable { rule: Some(RULE) })?;
        agree(lab, &ALL, &drained.epoch).map(drop)
    })
}

/// Host 4 loses its power, and the others take its buckets.
pub fn crash() -> Result<Toll, PeerError> {
    let (mut lab, first) = cluster(1000)?;
    toll(&mut lab, Lab::clients, &[HOSTS], |lab| {
        lab.crash(HOSTS)?;
        agree(lab, &ALL[..3], &first.epoch).map(drop)
    })
}
